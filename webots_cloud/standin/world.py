"""A loaded world: the numbered scene, the robots in it and what stands in their way; stepped, reset and read by others.

No clock and no sockets: whoever drives it calls ``step`` once for each basic time step.
"""

import math
from collections.abc import Callable, Iterator

import attrs

from webots_cloud.standin import fields, protos, x3d
from webots_cloud.standin.body import ROBOT_KINDS, Body
from webots_cloud.standin.geometry import Ground, Pose, axis_angle
from webots_cloud.standin.label import MOST_LABELS, Label
from webots_cloud.standin.rays import floor_hit, hit
from webots_cloud.standin.solids import Prism, bounding_points, placed, prism, way_out
from webots_cloud.standin.wbt import Document, Node, Use, Value

_GRAVITY = 9.81
_LONGEST_MOVE = 0.004
_MOST_MOVES = 64
_ROOM = 1e-4
_FRAMES = ("Group", "Pose", "Transform", "Solid")


@attrs.frozen
class Obstacle:
    """Something that robots cannot pass, with a circle around it for a first, quick look."""

    prism: Prism
    x: float
    y: float
    radius: float

    @classmethod
    def around(cls, solid: Prism) -> "Obstacle":
        """The obstacle that a prism is."""
        x = sum(corner[0] for corner in solid.corners) / len(solid.corners)
        y = sum(corner[1] for corner in solid.corners) / len(solid.corners)
        return cls(solid, x, y, max(math.hypot(a - x, b - y) for a, b in solid.corners))


class World:
    """One world.

    @ivar time: simulated time, ms.
    @ivar basic_step: simulated time of one step, ms.
    @ivar frames: most states a second that viewers are to be sent (``WorldInfo.FPS``).
    @ivar labels: over the picture, by their ids; those that were taken away have no text.
    @ivar bodies: the robots, in the order of the file.
    @ivar obstacles: solids that do not move.
    """

    def __init__(self, document: Document, report: Callable[[str], None]) -> None:
        """Build a world.

        @param document: the file as it was read; it belongs to this world from now on.
        @param report: called with a sentence for whatever cannot be shown as the author wants it.
        """
        plain = next((v for v in document.nodes if isinstance(v, Node) and v.kind == "WorldInfo"), Node("WorldInfo"))
        system = fields.string(plain, "coordinateSystem", "ENU" if document.is_enu else "NUE")
        self.ground = Ground(system == "ENU")
        self.nodes = protos.replace(document.nodes, self.ground, report)
        _number(self.nodes)
        self.title = fields.string(plain, "title", "")
        self.basic_step = min(max(fields.number(plain, "basicTimeStep", 32.0), 1.0), 60_000.0)
        self.frames = min(max(fields.number(plain, "FPS", 60.0), 1.0), 120.0)
        self.time = 0.0
        self.labels: dict[int, Label] = {}
        self.bodies: list[Body] = []
        self.obstacles: list[Obstacle] = []
        self.floor = 0.0
        for value in self.nodes:
            self._survey(fields.target(value), [], Pose())
        self._passable = {id(body): self._underfoot(body) for body in self.bodies}
        self._falling: dict[int, float] = {}
        self.reset()

    def reset(self) -> None:
        """Put everything back as the file has it; the numbers of the nodes stay."""
        self.time = 0.0
        self.labels = {number: Label(number) for number in self.labels}
        for body in self.bodies:
            body.reset()
        self._falling = {id(body): 0.0 for body in self.bodies if body.falls and body.shape is not None}

    def step(self) -> None:
        """Simulate one basic time step."""
        seconds = self.basic_step / 1000
        for body in self.bodies:
            self._fall(body, seconds)
            vx, vy, turn = body.advance(seconds)
            if vx or vy or turn:
                self._drive(body, vx * seconds, vy * seconds, turn * seconds)
        self.time += self.basic_step

    def x3d(self, texture: Callable[[str], str | None]) -> str:
        """The scene as the file has it, in the dialect of docs/protocol.md, section 5.

        @param texture: see ``x3d.Setting``.
        """
        return x3d.write(self.nodes, x3d.Setting(self.ground.is_enu, texture, self._followed()))

    def poses(self) -> dict[int, tuple[str, str]]:
        """Translation and rotation, as text, of all that can move, by the number of its node."""
        return {
            node.id: (_text(pose.translation), _text(axis_angle(pose.rotation)))
            for body in self.bodies
            for node, pose in body.poses()
        }

    def state(self) -> dict[int, dict[str, str]]:
        """The fields, as text, of all that can change, by the number of its node."""
        state = {number: {"translation": t, "rotation": r} for number, (t, r) in self.poses().items()}
        for body in self.bodies:
            for led in body.leds.values():
                for material, color in led.colors():
                    state[material.id] = {"emissiveColor": _text(color)}
        return state

    def put_label(self, label: Label) -> None:
        """Put a label over the picture, in place of the one of the same id; what is too much is dropped."""
        if label.id in self.labels or len(self.labels) < MOST_LABELS:
            self.labels[label.id] = label

    def distance_value(self, body: Body, name: str) -> float:
        """What a distance sensor of a robot shows now."""
        eye = body.eyes[name]
        pose = body.pose().then(eye.pose())
        start = self.ground.plan(pose.translation)
        reach = eye.table.reach
        near = [
            o.prism
            for o in self._in_the_way(body)
            if math.hypot(o.x - start[0], o.y - start[1]) <= o.radius + reach and o.prism.high > o.prism.low
        ]
        distances = []
        for ray in eye.rays:
            end = self.ground.plan(pose.then(Pose(ray)).translation)
            direction = (end[0] - start[0], end[1] - start[1], end[2] - start[2])
            found = [hit(start, direction, solid) for solid in near]
            distances.append(min([*found, floor_hit(start, direction, self.floor)]))
        return eye.value(distances)

    def _survey(self, node: Node | None, above: list[Node], frame: Pose) -> None:
        """Find the robots and obstacles below a node that stands in ``above`` (outermost first), at ``frame``."""
        if node is None:
            return
        if node.kind in ROBOT_KINDS:
            self.bodies.append(Body(node, frame, self.ground))
            return
        if node.kind not in _FRAMES:
            return
        if node.kind == "Solid":
            self._add_obstacles(node, above)
        inner = frame if node.kind == "Group" else frame.then(fields.pose(node))
        for child in fields.nodes(node, "children"):
            self._survey(child, [*above, node], inner)

    def _add_obstacles(self, node: Node, above: list[Node]) -> None:
        for points in bounding_points(node, self.ground.is_enu):
            for frame in (node, *reversed(above)):
                points = placed(frame, points)
            solid = prism([self.ground.plan(point) for point in points])
            if solid is not None:
                self.obstacles.append(Obstacle.around(solid))
        bounding = fields.child(node, "boundingObject")
        if bounding is not None and bounding.kind == "Plane" and not above:
            self.floor = self.ground.plan(fields.pose(node).translation)[2]

    def _underfoot(self, body: Body) -> set[int]:
        """Obstacles that a robot stands on or in at the start: floors and ramps, which must not push it away."""
        outline = body.outline()
        if outline is None:
            return set()
        knee = outline.low + 0.3 * (outline.high - outline.low)
        return {id(o) for o in self.obstacles if o.prism.high < knee and way_out(outline, o.prism)}

    def _in_the_way(self, body: Body) -> Iterator[Obstacle]:
        yield from self.obstacles
        for other in self.bodies:
            outline = None if other is body else other.outline()
            if outline is not None:
                yield Obstacle.around(outline)

    def _fall(self, body: Body, seconds: float) -> None:
        """Let a robot that the file has in the air come down on what is below it, once."""
        speed = self._falling.get(id(body))
        outline = body.outline()
        if speed is None or outline is None:
            return
        below = [
            o.prism.high
            for o in self._in_the_way(body)
            if o.prism.high <= outline.low + _ROOM and _above(outline, o.prism)
        ]
        support = max([self.floor, *below])
        speed += _GRAVITY * seconds
        drop = min(speed * seconds, outline.low - support)
        if drop <= 0:
            del self._falling[id(body)]
            return
        body.height -= drop
        self._falling[id(body)] = speed

    def _drive(self, body: Body, dx: float, dy: float, turn: float) -> None:
        """Move a robot as far as its way is free; along a wall it slides."""
        if body.shape is None:
            body.x, body.y, body.yaw = body.x + dx, body.y + dy, body.yaw + turn
            return
        way = math.hypot(dx, dy) + abs(turn) * body.shape.radius
        moves = max(1, math.ceil(min(_MOST_MOVES, way / _LONGEST_MOVE)))
        # Faster than that a robot could jump over a thin wall: it is slowed down instead.
        share = min(1 / moves, _LONGEST_MOVE / max(way, _LONGEST_MOVE))
        passable = self._passable[id(body)]
        near = [
            o
            for o in self._in_the_way(body)
            if id(o) not in passable
            and math.hypot(o.x - body.x, o.y - body.y) <= o.radius + body.shape.radius + way + _LONGEST_MOVE
        ]
        for _ in range(moves):
            self._move(body, dx * share, dy * share, turn * share, near)

    def _move(self, body: Body, dx: float, dy: float, turn: float, near: list[Obstacle]) -> None:
        before = (body.x, body.y, body.yaw)
        deep = _overlap(body, near)
        body.x, body.y, body.yaw = body.x + dx, body.y + dy, body.yaw + turn
        for _ in range(4):
            if not _push_out(body, near):
                return
        if _overlap(body, near) > deep + _ROOM:
            body.x, body.y, body.yaw = before

    def _followed(self) -> int:
        view = next((v for v in self.nodes if isinstance(v, Node) and v.kind == "Viewpoint"), None)
        name = fields.string(view, "follow", "") if view is not None else ""
        return next((body.node.id for body in self.bodies if name and body.name == name), 0)


def _push_out(body: Body, near: list[Obstacle]) -> bool:
    """Shift a robot out of what it overlaps; whether there was anything."""
    moved = False
    for obstacle in near:
        outline = body.outline()
        way = way_out(outline, obstacle.prism) if outline is not None else None
        if way is not None:
            body.x += way[0]
            body.y += way[1]
            moved = True
    return moved


def _overlap(body: Body, near: list[Obstacle]) -> float:
    """How deep, in metres, a robot is in anything."""
    outline = body.outline()
    ways = [way_out(outline, o.prism) for o in near] if outline is not None else []
    return max((math.hypot(*way) for way in ways if way is not None), default=0.0)


def _above(a: Prism, b: Prism) -> bool:
    """Whether one stands over the other on the plan."""
    return way_out(attrs.evolve(a, low=0.0, high=1.0), attrs.evolve(b, low=0.0, high=1.0)) is not None


def _number(nodes: list[Value]) -> None:
    """Give every node and every use its number, in the order of the file, from 1."""
    count = 0

    def visit(values: list[Value]) -> None:
        nonlocal count
        for value in values:
            if isinstance(value, Node | Use):
                count += 1
                value.id = count
            if isinstance(value, Node):
                for below in value.fields.values():
                    visit(below)

    visit(nodes)


def _text(values: tuple[float, ...]) -> str:
    return " ".join(f"{value:.6g}" for value in values)
