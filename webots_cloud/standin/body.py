"""A robot as the simulation moves it: its place on the plan, its joints and wheels, its sensors; no processes here."""

import math
from collections.abc import Callable

import attrs

from webots_cloud.standin import fields
from webots_cloud.standin.geometry import Ground, Pose, Vector, about, cross, dot, multiply, rotate
from webots_cloud.standin.joint import Joint
from webots_cloud.standin.led import Led
from webots_cloud.standin.rays import LookupTable
from webots_cloud.standin.solids import Prism, bounding_points, placed, prism, radius_below, shape_points
from webots_cloud.standin.wbt import Node
from webots_cloud.standin.wheels import Wheel, twist

ROBOT_KINDS = ("Robot", "Supervisor")
_JOINT_KINDS = ("HingeJoint", "SliderJoint")
_FRAMES = ("Pose", "Transform", "Solid", "Group")
_MOST_RAYS = 64
_MOST_LETTERS = 100
_LONGEST_LETTERS = 64 * 1024


@attrs.frozen
class Eye:
    """One distance sensor.

    @ivar chain: what it stands in, from the robot outwards, itself last; each gives its pose at this moment.
    @ivar rays: unit directions in the sensor's own frame.
    """

    name: str
    chain: tuple[Callable[[], Pose], ...]
    rays: tuple[Vector, ...]
    table: LookupTable
    nearest: bool

    def pose(self) -> Pose:
        """Pose of the sensor in the robot's frame."""
        whole = Pose()
        for link in self.chain:
            whole = whole.then(link())
        return whole

    def value(self, distances: list[float]) -> float:
        """The sensor's value for the distance that each of its rays has found."""
        reach = self.table.reach
        seen = [min(distance, reach) for distance in distances]
        return self.table.value(min(seen) if self.nearest else sum(seen) / len(seen))


class Body:
    """One robot.

    @ivar x: place of its origin on the plan, metres.
    @ivar y: the same.
    @ivar height: of its origin.
    @ivar yaw: angle in radians turned since the world was loaded.
    @ivar is_supervisor: whether its controller may put labels over the picture.
    @ivar shape: its outline around its own origin at yaw 0, or ``None`` where it has no solid part.
    """

    def __init__(self, node: Node, parent: Pose, ground: Ground) -> None:
        self.node = node
        self.name = fields.string(node, "name", "robot")
        self.controller = fields.string(node, "controller", "<generic>")
        self.arguments = fields.strings(node, "controllerArgs")
        self.custom_data = fields.string(node, "customData", "")
        self.synchronous = fields.boolean(node, "synchronization", True)
        self.falls = fields.child(node, "physics") is not None
        self.is_supervisor = node.kind == "Supervisor" or fields.boolean(node, "supervisor", False)
        self.joints: list[Joint] = []
        self.leds: dict[str, Led] = {}
        self.eyes: dict[str, Eye] = {}
        self._ground = ground
        self._parent = parent
        self._start = parent.then(fields.pose(node))
        self._wheels: list[tuple[Joint, Wheel]] = []
        self._collect(node, (), on_robot=True)
        self.shape = self._outline()
        self.reset()

    def reset(self) -> None:
        """Go back to where the world file has it."""
        self.x, self.y, self.height = self._ground.plan(self._start.translation)
        self.yaw = 0.0
        self._letters: list[str] = []
        for joint in self.joints:
            joint.reset()
        for led in self.leds.values():
            led.value = 0

    @property
    def can_drive(self) -> bool:
        """Whether it has a wheel with a motor."""
        return any(joint.motors for joint, _ in self._wheels)

    def motors(self) -> dict[str, Joint]:
        """Its motors' joints by name."""
        return {name: joint for joint in self.joints for name in joint.motors}

    def position_sensors(self) -> dict[str, Joint]:
        """Its position sensors' joints by name."""
        return {name: joint for joint in self.joints for name in joint.sensors}

    def post(self, text: str) -> None:
        """Keep a message from a robot window until its controller takes it; what is too much is dropped."""
        if len(self._letters) < _MOST_LETTERS and len(text) + sum(map(len, self._letters)) <= _LONGEST_LETTERS:
            self._letters.append(text)

    def take_letters(self) -> list[str]:
        """Give away the messages from robot windows."""
        letters, self._letters = self._letters, []
        return letters

    def advance(self, seconds: float) -> tuple[float, float, float]:
        """Turn the joints for one time step and say how the wheels want to move the robot.

        @return: velocity on the plan, m/s, and yaw rate, rad/s.
        """
        for joint in self.joints:
            if joint.motors:
                joint.advance(seconds)
        if not self.can_drive:
            return (0.0, 0.0, 0.0)
        forth, aside, turn = twist([(wheel, joint.speed if joint.motors else None) for joint, wheel in self._wheels])
        cosine, sine = math.cos(self.yaw), math.sin(self.yaw)
        return (cosine * forth - sine * aside, sine * forth + cosine * aside, turn)

    def outline(self) -> Prism | None:
        """Its outline where it stands now."""
        return None if self.shape is None else self.shape.moved(self.x, self.y, self.yaw, self.height)

    def pose(self) -> Pose:
        """Where it is in the world."""
        place = self._ground.world((self.x, self.y, self.height))
        return Pose(place, multiply(about(self._ground.up, self.yaw), self._start.rotation))

    def poses(self) -> list[tuple[Node, Pose]]:
        """Everything of it that can move, each with its pose in its parent's frame."""
        own = self._parent.inverse().then(self.pose())
        return [(self.node, own), *((joint.end, joint.pose()) for joint in self.joints)]

    def _collect(self, node: Node, chain: tuple[Callable[[], Pose], ...], on_robot: bool) -> None:
        for child in fields.nodes(node, "children"):
            if child.kind in _JOINT_KINDS:
                self._add_joint(child, chain, on_robot)
            elif child.kind == "DistanceSensor":
                self._add_eye(child, chain)
            elif child.kind == "LED":
                led = Led(child)
                self.leds[led.name] = led
            elif child.kind in _FRAMES:
                self._collect(child, (*chain, _still(child)), on_robot=on_robot and child.kind == "Group")

    def _add_joint(self, node: Node, chain: tuple[Callable[[], Pose], ...], on_robot: bool) -> None:
        end = fields.child(node, "endPoint")
        if end is None or end.kind not in _FRAMES:
            return
        joint = Joint(node, end)
        self.joints.append(joint)
        wheel = self._wheel(joint) if on_robot and not joint.slides else None
        if wheel is not None:
            self._wheels.append((joint, wheel))
        self._collect(end, (*chain, joint.pose), on_robot=False)

    def _wheel(self, joint: Joint) -> Wheel | None:
        """The joint as a wheel on the floor, where its axis is level and its end point is round."""
        radius = radius_below(joint.end)
        axis = rotate(self._start.rotation, joint.axis)
        if radius <= 0 or abs(dot(axis, self._ground.up)) > 0.3:
            return None
        roll = self._ground.plan(cross(axis, self._ground.up))
        length = math.hypot(roll[0], roll[1])
        place = self._ground.plan(rotate(self._start.rotation, joint.anchor))
        return Wheel(place[0], place[1], roll[0] / length, roll[1] / length, radius)

    def _add_eye(self, node: Node, chain: tuple[Callable[[], Pose], ...]) -> None:
        name = fields.string(node, "name", "distance sensor")
        count = int(min(max(fields.number(node, "numberOfRays", 1.0), 1.0), _MOST_RAYS))
        aperture = fields.number(node, "aperture", 1.5708)
        angles = [0.0] if count == 1 else [aperture * (i / (count - 1) - 0.5) for i in range(count)]
        rays = tuple(rotate(about(self._ground.up, angle), (1.0, 0.0, 0.0)) for angle in angles)
        table = LookupTable(fields.numbers(node, "lookupTable"))
        nearest = fields.string(node, "type", "generic") == "sonar"
        self.eyes[name] = Eye(name, (*chain, _still(node)), rays, table, nearest)

    def _outline(self) -> Prism | None:
        clouds = _solid_points(self.node, self._ground.is_enu) or [
            points
            for child in fields.nodes(self.node, "children")
            for points in shape_points(child, self._ground.is_enu)
        ]
        turned = [rotate(self._start.rotation, point) for points in clouds for point in points]
        return prism([self._ground.plan(point) for point in turned])


def _still(node: Node) -> Callable[[], Pose]:
    pose = fields.pose(node)
    return lambda: pose


def _solid_points(node: Node, is_enu: bool) -> list[list[Vector]]:
    """Points of the bounding objects of a solid and of all solids below it, in the solid's own frame."""
    clouds = bounding_points(node, is_enu) if node.kind in ("Solid", *ROBOT_KINDS) else []
    for child in fields.nodes(node, "children"):
        below = fields.child(child, "endPoint") if child.kind in _JOINT_KINDS else child
        if below is not None and below.kind in _FRAMES:
            clouds += [placed(below, points) for points in _solid_points(below, is_enu)]
    return clouds
