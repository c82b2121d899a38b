"""Plain nodes in place of the PROTOs that simple worlds use; they look approximately like those of Webots.

Any other PROTO becomes a labelled box, or a plain appearance where an appearance is wanted.
"""

import math
from collections.abc import Callable

from webots_cloud.standin import fields
from webots_cloud.standin.geometry import Ground, Vector
from webots_cloud.standin.wbt import Node, Value, parse_nodes

_STANDARD_NAMES = """
Accelerometer Altimeter Appearance Background BallJoint BallJointParameters Billboard Box Brake CadShape
Camera Capsule Charger Color Compass Cone Connector ContactProperties Coordinate Cylinder Damping
DifferentialWheels DirectionalLight Display DistanceSensor ElevationGrid Emitter Fluid Focus Fog GPS Group
Gyro HingeJoint HingeJointParameters Hinge2Joint ImageTexture ImmersionProperties IndexedFaceSet
IndexedLineSet InertialUnit JointParameters Joystick LED Lens LensFlare Lidar LightSensor LinearMotor
Material Mesh Microphone Motor Mouse Muscle Normal PBRAppearance Pen Physics Plane PointLight PointSet Pose
PositionSensor Propeller Radar Radio RangeFinder Receiver Recognition Robot RotationalMotor Shape Skin
SliderJoint Slot Solid SolidReference Speaker Sphere SpotLight Supervisor Surface TextureCoordinate
TextureTransform TouchSensor Track TrackWheel Transform VacuumGripper Viewpoint WorldInfo Zoom
"""
STANDARD = frozenset(_STANDARD_NAMES.split())

_MOST_TILES = 40
_FLOOR_COLORS = ("0.86 0.80 0.68", "0.70 0.60 0.46")


def replace(nodes: list[Value], ground: Ground, report: Callable[[str], None]) -> list[Value]:
    """Put plain nodes in place of all PROTOs of a tree.

    @param nodes: nodes of the top level; fields of nodes below are changed in place.
    @param report: called with a sentence for each PROTO name that is not known, once.
    @return: the nodes of the top level to use instead.
    """
    return _Replacement(ground, report).children(nodes)


class _Replacement:
    def __init__(self, ground: Ground, report: Callable[[str], None]) -> None:
        self._ground = ground
        self._report = report
        self._told: set[str] = set()
        self._done: set[int] = set()
        self._known = {
            "Floor": _floor,
            "RectangleArena": _rectangle_arena,
            "CircleArena": _circle_arena,
            "WoodenBox": _wooden_box,
            "TexturedBackground": _background,
            "TexturedBackgroundLight": _background_light,
        }

    def children(self, values: list[Value]) -> list[Value]:
        """Replace where solids, shapes and lights stand."""
        return self._each(values, lambda node: self._known.get(node.kind, _labelled_box)(node, self._ground))

    def _each(self, values: list[Value], substitute: Callable[[Node], list[Node]]) -> list[Value]:
        result: list[Value] = []
        for value in values:
            if isinstance(value, Node) and value.kind not in STANDARD:
                self._tell(value.kind)
                result += self._renamed(value, substitute(value))
            else:
                if isinstance(value, Node):
                    self._inside(value)
                result.append(value)
        return result

    def _renamed(self, proto: Node, plain: list[Node]) -> list[Node]:
        """Turn the PROTO's own node into the first plain one, so that uses of it see that too."""
        if not plain:
            return []
        proto.kind, proto.fields = plain[0].kind, plain[0].fields
        return [proto, *plain[1:]]

    def _tell(self, kind: str) -> None:
        if kind not in self._known and kind not in self._told:
            self._told.add(kind)
            self._report(f"PROTO {kind[:60]} is not known to the stand-in: shown as a plain box or a plain colour")

    def _inside(self, node: Node) -> None:
        for name, values in node.fields.items():
            match name:
                case "children" | "endPoint" | "device" | "device2":
                    node.fields[name] = self.children(values)
                case "appearance":
                    node.fields[name] = self._each(values, _plain_appearance)
                case _:
                    node.fields[name] = self._each(values, _nothing)


def _nothing(_: Node) -> list[Node]:
    return []


def _plain_appearance(_: Node) -> list[Node]:
    return parse_nodes("PBRAppearance { baseColor 0.7 0.7 0.7 roughness 0.8 metalness 0 }")


def _text(*values: float) -> str:
    return " ".join(f"{value:.9g}" for value in values)


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _place(node: Node, translation: Vector = (0.0, 0.0, 0.0)) -> str:
    """The fields of a solid that every PROTO hands on: where it is and what it is called."""
    turn = fields.numbers(node, "rotation")
    rotation = _text(*turn) if len(turn) == 4 else "0 0 1 0"
    name = _quoted(fields.string(node, "name", node.kind))
    return f"translation {_text(*fields.vector(node, 'translation', translation))} rotation {rotation} name {name}"


def _appearance(color: str, roughness: float = 0.8) -> str:
    return f"appearance PBRAppearance {{ baseColor {color} roughness {roughness} metalness 0 }}"


def _labelled_box(node: Node, ground: Ground) -> list[Node]:
    above = _text(*ground.world((0.0, 0.0, 0.12)))
    return parse_nodes(
        f"""Solid {{ {_place(node)} children [
          Shape {{ {_appearance("0.95 0.75 0.1")} geometry Box {{ size 0.1 0.1 0.1 }} }}
          Pose {{ translation {above} children [
            Shape {{ {_appearance("0.1 0.1 0.1")}
              geometry Text {{ string {_quoted(node.kind)} size 0.05 }} }} ] }} ] }}"""
    )


def _background(node: Node, ground: Ground) -> list[Node]:
    return parse_nodes("Background { skyColor [ 0.62 0.78 0.94 ] luminosity 1 }")


def _background_light(node: Node, ground: Ground) -> list[Node]:
    direction = _text(*ground.world((0.55, 0.35, -1.0)))
    fill = _text(*ground.world((-0.6, -0.4, -0.5)))
    return parse_nodes(
        f"""DirectionalLight {{ direction {direction} intensity 2 ambientIntensity 1 castShadows TRUE }}
        DirectionalLight {{ direction {fill} intensity 0.6 }}"""
    )


def _floor(node: Node, ground: Ground) -> list[Node]:
    width, depth = fields.pair(node, "size", (10.0, 10.0))
    tiles = fields.pair(node, "tileSize", (0.5, 0.5))
    shapes = _tiled(lambda x, y: 0 <= x <= 1 and 0 <= y <= 1, abs(width), abs(depth), tiles, ground)
    return parse_nodes(f"Solid {{ {_place(node)} children [ {shapes} ] boundingObject Plane {{ }} }}")


def _rectangle_arena(node: Node, ground: Ground) -> list[Node]:
    # The floor's first size is along x; on the plan that is the first axis where z is up, the second where y is.
    size = fields.pair(node, "floorSize", (1.0, 1.0))
    along, across = (abs(v) for v in (size if ground.is_enu else size[::-1]))
    thick = fields.size(node, "wallThickness", 0.01)
    high = fields.size(node, "wallHeight", 0.1)
    floor = _tiled(
        lambda x, y: 0 <= x <= 1 and 0 <= y <= 1,
        size[0],
        size[1],
        fields.pair(node, "floorTileSize", (0.5, 0.5)),
        ground,
    )
    walls = "".join(
        _block(ground, (x, y, high / 2), (dx, dy, high), 0.0, "0.55 0.40 0.26")
        for x, y, dx, dy in (
            ((along + thick) / 2, 0.0, thick, across + 2 * thick),
            (-(along + thick) / 2, 0.0, thick, across + 2 * thick),
            (0.0, (across + thick) / 2, along, thick),
            (0.0, -(across + thick) / 2, along, thick),
        )
    )
    return _arena(node, floor, walls)


def _circle_arena(node: Node, ground: Ground) -> list[Node]:
    radius = fields.size(node, "radius", 1.0)
    thick = fields.size(node, "wallThickness", 0.01)
    high = fields.size(node, "wallHeight", 0.1)
    tiles = fields.pair(node, "floorTileSize", (0.5, 0.5))
    sides = int(min(max(fields.number(node, "subdivision", 48.0), 8), 64))
    floor = _tiled(lambda x, y: math.hypot(x - 0.5, y - 0.5) <= 0.5, 2 * radius, 2 * radius, tiles, ground)
    centre = radius + thick / 2
    length = 2 * (radius + thick) * math.tan(math.pi / sides)
    walls = "".join(
        _block(
            ground,
            (centre * math.cos(angle), centre * math.sin(angle), high / 2),
            (thick, length, high),
            angle,
            "0.55 0.40 0.26",
        )
        for angle in (2 * math.pi * side / sides for side in range(sides))
    )
    return _arena(node, floor, walls)


def _arena(node: Node, floor: str, walls: str) -> list[Node]:
    return parse_nodes(
        f"""Solid {{ {_place(node)} children [ {floor} DEF WALLS Group {{ children [ {walls} ] }} ]
        boundingObject USE WALLS }}"""
    )


def _block(ground: Ground, centre: Vector, size: Vector, yaw: float, color: str) -> str:
    turn = _text(*ground.up, yaw)
    return f"""Pose {{ translation {_text(*ground.world(centre))} rotation {turn} children [
      Shape {{ {_appearance(color)} geometry Box {{ size {_text(*ground.world(size))} }} }} ] }}"""


def _wooden_box(node: Node, ground: Ground) -> list[Node]:
    size = _text(*fields.vector(node, "size", (0.6, 0.6, 0.6)))
    place = _place(node, ground.world((0.0, 0.0, 0.3)))
    return parse_nodes(
        f"""Solid {{ {place} children [
          DEF BOX Shape {{ {_appearance("0.76 0.58 0.36")} geometry Box {{ size {size} }} }} ]
        boundingObject USE BOX }}"""
    )


def _tiled(
    inside: Callable[[float, float], bool], width: float, depth: float, tile: tuple[float, float], ground: Ground
) -> str:
    """A floor of tiles in two colours, around the origin.

    @param inside: whether a point, 0 to 1 along the width and the depth, belongs to the floor; tiles are cut to it
        roughly, by leaving out small squares.
    """
    columns = _count(width, tile[0])
    rows = _count(depth, tile[1])
    # Every tile is drawn as a few squares, so that a round floor has a smooth enough edge.
    parts = 4 if not inside(0, 0) else 1
    squares: tuple[list[tuple[int, int]], list[tuple[int, int]]] = ([], [])
    for i in range(columns * parts):
        for j in range(rows * parts):
            if inside((i + 0.5) / (columns * parts), (j + 0.5) / (rows * parts)):
                squares[(i // parts + j // parts) % 2].append((i, j))
    step = (width / (columns * parts), depth / (rows * parts))
    start = (-width / 2, -depth / 2)
    return "".join(
        _faces(some, start, step, color, ground) for some, color in zip(squares, _FLOOR_COLORS, strict=True) if some
    )


def _count(length: float, tile: float) -> int:
    return max(1, min(_MOST_TILES, math.ceil(length / tile - 1e-6))) if tile > 0 else 1


def _faces(
    squares: list[tuple[int, int]],
    start: tuple[float, float],
    step: tuple[float, float],
    color: str,
    ground: Ground,
) -> str:
    points = []
    for i, j in squares:
        for di, dj in ((0, 0), (1, 0), (1, 1), (0, 1)):
            x, y = start[0] + (i + di) * step[0], start[1] + (j + dj) * step[1]
            # Where y is up the floor lies in x and z; z runs the other way so that the faces still look up.
            points.append(_text(x, y, 0.0) if ground.is_enu else _text(x, 0.0, -y))
    index = " ".join(f"{n} {n + 1} {n + 2} {n + 3} -1" for n in range(0, 4 * len(squares), 4))
    return f"""Shape {{ {_appearance(color, 0.9)} castShadows FALSE geometry IndexedFaceSet {{
      coord Coordinate {{ point [ {", ".join(points)} ] }} coordIndex [ {index} ] }} }}"""
