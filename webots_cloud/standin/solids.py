"""Solid things as upright prisms on a plan: how bounding objects become such prisms, and how far two overlap.

A prism is exact for upright boxes and close for cylinders, spheres and capsules; a tilted thing is as large as its
shadow. Coordinates are those of ``Ground.plan``: first and second on the floor, height above it.
"""

import math

import attrs

from webots_cloud.standin import fields
from webots_cloud.standin.geometry import Pose, Vector
from webots_cloud.standin.wbt import Node

Point = tuple[float, float]

_SIDES = 16
_MOST_POINTS = 4000
_SOLID_KINDS = ("Solid", "Robot", "Supervisor")


@attrs.frozen
class Prism:
    """A convex polygon, counter-clockwise, between two heights."""

    corners: tuple[Point, ...]
    low: float
    high: float

    @property
    def radius(self) -> float:
        """Distance of the farthest corner from the origin."""
        return max(math.hypot(*corner) for corner in self.corners)

    def moved(self, x: float, y: float, yaw: float, height: float = 0.0) -> "Prism":
        """The same prism turned by ``yaw`` about the origin and then shifted."""
        cosine, sine = math.cos(yaw), math.sin(yaw)
        corners = tuple((x + cosine * a - sine * b, y + sine * a + cosine * b) for a, b in self.corners)
        return Prism(corners, self.low + height, self.high + height)


def prism(points: list[Vector]) -> Prism | None:
    """Smallest prism around points of the plan; ``None`` where they span no area."""
    corners = hull([(p[0], p[1]) for p in points])
    if len(corners) < 3:
        return None
    heights = [p[2] for p in points]
    return Prism(tuple(corners), min(heights), max(heights))


def hull(points: list[Point]) -> list[Point]:
    """Convex hull, counter-clockwise, without points in the middle of a side."""
    ordered = sorted({(round(x, 9), round(y, 9)) for x, y in points})
    if len(ordered) < 3:
        return ordered

    def half(some: list[Point]) -> list[Point]:
        chain: list[Point] = []
        for p in some:
            while len(chain) > 1 and _turn(chain[-2], chain[-1], p) <= 1e-12:
                chain.pop()
            chain.append(p)
        return chain[:-1]

    return half(ordered) + half(ordered[::-1])


def _turn(a: Point, b: Point, c: Point) -> float:
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])


def way_out(a: Prism, b: Prism) -> Point | None:
    """Shortest shift that takes ``a`` out of ``b``, or ``None`` where they do not overlap."""
    if a.low >= b.high or b.low >= a.high:
        return None
    best: Point | None = None
    least = math.inf
    for nx, ny in (*_normals(a), *_normals(b)):
        along_a = [nx * x + ny * y for x, y in a.corners]
        along_b = [nx * x + ny * y for x, y in b.corners]
        forth, back = max(along_b) - min(along_a), max(along_a) - min(along_b)
        if forth <= 0 or back <= 0:
            return None
        depth = min(forth, back)
        if depth < least:
            sign = 1 if forth < back else -1
            least, best = depth, (sign * nx * depth, sign * ny * depth)
    return best


def _normals(p: Prism) -> list[Point]:
    result = []
    for i, (x, y) in enumerate(p.corners):
        dx, dy = x - p.corners[i - 1][0], y - p.corners[i - 1][1]
        length = math.hypot(dx, dy)
        # Far from the origin two corners may come to be the same number.
        if length > 0:
            result.append((dy / length, -dx / length))
    return result


def bounding_points(node: Node, is_enu: bool) -> list[list[Vector]]:
    """Points of each primitive of a solid's own bounding object, in the frame of that solid."""
    bounding = fields.child(node, "boundingObject")
    return [] if bounding is None else shape_points(bounding, is_enu)


def shape_points(node: Node, is_enu: bool) -> list[list[Vector]]:
    """Points on each primitive below a node (Group, Pose, Shape or the geometry itself), in the frame around it.

    @param is_enu: z up; axes of cylinders, cones and capsules follow (docs/protocol.md, section 5).
    """
    if node.kind == "Shape":
        geometry = fields.child(node, "geometry")
        return [] if geometry is None else shape_points(geometry, is_enu)
    if node.kind in ("Group", "Pose", "Transform", *_SOLID_KINDS):
        inner = [points for child in fields.nodes(node, "children") for points in shape_points(child, is_enu)]
        return inner if node.kind == "Group" else [placed(node, points) for points in inner]
    points = _geometry_points(node, is_enu)
    return [points] if points else []


def placed(node: Node, points: list[Vector]) -> list[Vector]:
    """Points of a node's own frame in the frame around it: scaled, turned, shifted."""
    pose: Pose = fields.pose(node)
    sx, sy, sz = fields.vector(node, "scale", (1.0, 1.0, 1.0))
    return [pose.apply((sx * x, sy * y, sz * z)) for x, y, z in points]


def radius_below(node: Node) -> float:
    """Radius of the first cylinder, sphere or capsule of a wheel's bounding object, else of its shapes; 0 for none."""
    for name in ("boundingObject", "children", "geometry"):
        for below in fields.nodes(node, name):
            if below.kind in ("Cylinder", "Sphere", "Capsule"):
                return fields.size(below, "radius", 0.1)
            found = radius_below(below)
            if found > 0:
                return found
    return 0.0


def _geometry_points(node: Node, is_enu: bool) -> list[Vector]:
    match node.kind:
        case "Box":
            x, y, z = (abs(v) / 2 for v in fields.vector(node, "size", (0.1, 0.1, 0.1)))
            return [(i * x, j * y, k * z) for i in (-1, 1) for j in (-1, 1) for k in (-1, 1)]
        case "Sphere":
            radius = fields.size(node, "radius", 0.1)
            return _rounded(radius, radius)
        case "Cylinder" | "Cone":
            radius = fields.size(node, "bottomRadius" if node.kind == "Cone" else "radius", 0.1)
            half = fields.size(node, "height", 0.2) / 2
            return _upright([(x, y, h) for x, y in _ring(radius) for h in (-half, half)], is_enu)
        case "Capsule":
            radius = fields.size(node, "radius", 0.1)
            half = fields.size(node, "height", 0.2) / 2
            ends = _rounded(radius, radius)
            return _upright([(x, y, z + h) for x, y, z in ends for h in (-half, half)], is_enu)
        case "IndexedFaceSet":
            coordinates = fields.child(node, "coord")
            values = fields.numbers(coordinates, "point") if coordinates is not None else []
            triples = zip(values[0::3], values[1::3], values[2::3], strict=False)
            return list(triples)[:_MOST_POINTS]
    return []


def _ring(radius: float) -> list[Point]:
    """Corners of a polygon around a circle, so that nothing gets nearer than the circle itself."""
    outer = radius / math.cos(math.pi / _SIDES)
    angles = [2 * math.pi * (side + 0.5) / _SIDES for side in range(_SIDES)]
    return [(outer * math.cos(angle), outer * math.sin(angle)) for angle in angles]


def _rounded(radius: float, half: float) -> list[Vector]:
    """Points around a sphere: its equator and its two poles are enough for a prism seen from any side."""
    ring = _ring(radius)
    flat: list[Vector] = [(x, y, 0.0) for x, y in ring]
    return [
        *flat,
        *((x, 0.0, y) for x, y in ring),
        *((0.0, x, y) for x, y in ring),
        (0.0, 0.0, half),
        (0.0, 0.0, -half),
    ]


def _upright(points: list[Vector], is_enu: bool) -> list[Vector]:
    return points if is_enu else [(y, z, x) for x, y, z in points]
