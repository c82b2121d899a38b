"""One joint of a robot with its motor: where its end point is, and how far it turns or slides in a time step."""

import math

from webots_cloud.standin import fields
from webots_cloud.standin.geometry import Pose, about, add, multiply, rotate, scale, subtract, unit
from webots_cloud.standin.wbt import Node


class Joint:
    """A HingeJoint or SliderJoint; positions in radians or metres, speeds per second.

    @ivar end: the solid that moves.
    @ivar position: where it is now.
    @ivar speed: how fast it moved in the last step.
    @ivar motors: names of its motors; a joint without one moves freely, that is, not by itself.
    @ivar sensors: names of its position sensors.
    """

    def __init__(self, node: Node, end: Node) -> None:
        parameters = fields.child(node, "jointParameters") or Node("JointParameters")
        devices = fields.nodes(node, "device")
        motor = next((d for d in devices if d.kind in ("RotationalMotor", "LinearMotor")), None)
        self.end = end
        self.slides = node.kind == "SliderJoint"
        self.axis = unit(fields.vector(parameters, "axis", (1.0, 0.0, 0.0)), (1.0, 0.0, 0.0))
        self.anchor = fields.vector(parameters, "anchor", (0.0, 0.0, 0.0))
        self.motors = [fields.string(d, "name", _default_name(d.kind)) for d in devices if d is motor]
        self.sensors = [fields.string(d, "name", "position sensor") for d in devices if d.kind == "PositionSensor"]
        self.fastest = fields.size(motor, "maxVelocity", 10.0) if motor else 0.0
        self._acceleration = fields.number(motor, "acceleration", -1.0) if motor else -1.0
        low, high = (fields.number(motor, name, 0.0) if motor else 0.0 for name in ("minPosition", "maxPosition"))
        self._range = (low, high) if low < high else (-math.inf, math.inf)
        self._pose = fields.pose(end)
        self._start = fields.number(parameters, "position", 0.0)
        self.reset()

    def reset(self) -> None:
        """Go back to where the world file has it, with the motor at rest."""
        self.position = self._start
        self.speed = 0.0
        self._target = self._start
        self._velocity = self.fastest

    def command(self, position: float | None, velocity: float | None) -> None:
        """Take a motor's orders.

        @param position: where to go; infinite: turn for ever at the velocity; ``None``: as before.
        @param velocity: how fast; ``None``: as before. Held to the motor's ``maxVelocity``.
        """
        if position is not None and not math.isnan(position):
            self._target = position
        if velocity is not None and not math.isnan(velocity):
            self._velocity = max(-self.fastest, min(self.fastest, velocity))

    def advance(self, seconds: float) -> None:
        """Move for one time step."""
        if math.isinf(self._target):
            wanted = math.copysign(1.0, self._target) * self._velocity
        else:
            most = abs(self._velocity)
            wanted = max(-most, min(most, (self._target - self.position) / seconds))
        if self._acceleration > 0:
            change = self._acceleration * seconds
            wanted = max(self.speed - change, min(self.speed + change, wanted))
        before = self.position
        self.position = max(self._range[0], min(self._range[1], before + wanted * seconds))
        self.speed = (self.position - before) / seconds

    def pose(self) -> Pose:
        """Pose of the end point in the frame of the joint's parent."""
        moved = self.position - self._start
        if self.slides:
            return Pose(add(self._pose.translation, scale(self.axis, moved)), self._pose.rotation)
        turn = about(self.axis, moved)
        arm = subtract(self._pose.translation, self.anchor)
        return Pose(add(self.anchor, rotate(turn, arm)), multiply(turn, self._pose.rotation))


def _default_name(kind: str) -> str:
    return "linear motor" if kind == "LinearMotor" else "rotational motor"
