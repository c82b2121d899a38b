"""Vectors, rotations and poses as plain tuples of floats; no units are assumed, angles are radians."""

import math

import attrs

Vector = tuple[float, float, float]
Quaternion = tuple[float, float, float, float]

ORIGIN: Vector = (0.0, 0.0, 0.0)
IDENTITY: Quaternion = (1.0, 0.0, 0.0, 0.0)


def add(a: Vector, b: Vector) -> Vector:
    """Sum of two vectors."""
    return (a[0] + b[0], a[1] + b[1], a[2] + b[2])


def subtract(a: Vector, b: Vector) -> Vector:
    """First vector less the second."""
    return (a[0] - b[0], a[1] - b[1], a[2] - b[2])


def scale(a: Vector, factor: float) -> Vector:
    """Vector times a number."""
    return (a[0] * factor, a[1] * factor, a[2] * factor)


def dot(a: Vector, b: Vector) -> float:
    """Scalar product."""
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


def cross(a: Vector, b: Vector) -> Vector:
    """Vector product."""
    return (a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0])


def unit(a: Vector, default: Vector) -> Vector:
    """Vector of length 1 in the direction of ``a``; ``default`` where ``a`` has no direction."""
    length = math.hypot(*a)
    return scale(a, 1 / length) if length > 1e-12 else default


def about(axis: Vector, angle: float) -> Quaternion:
    """Rotation by ``angle`` about ``axis``; none where the axis has no direction."""
    x, y, z = unit(axis, ORIGIN)
    sine = math.sin(angle / 2)
    return (math.cos(angle / 2), x * sine, y * sine, z * sine) if (x or y or z) else IDENTITY


def multiply(p: Quaternion, q: Quaternion) -> Quaternion:
    """Rotation that does ``q`` first and then ``p``."""
    return (
        p[0] * q[0] - p[1] * q[1] - p[2] * q[2] - p[3] * q[3],
        p[0] * q[1] + p[1] * q[0] + p[2] * q[3] - p[3] * q[2],
        p[0] * q[2] - p[1] * q[3] + p[2] * q[0] + p[3] * q[1],
        p[0] * q[3] + p[1] * q[2] - p[2] * q[1] + p[3] * q[0],
    )


def conjugate(q: Quaternion) -> Quaternion:
    """The rotation back."""
    return (q[0], -q[1], -q[2], -q[3])


def rotate(q: Quaternion, v: Vector) -> Vector:
    """Vector turned by a rotation."""
    w = q[0]
    axis = (q[1], q[2], q[3])
    twice = scale(cross(axis, v), 2)
    return add(add(v, scale(twice, w)), cross(axis, twice))


def axis_angle(q: Quaternion) -> tuple[float, float, float, float]:
    """Rotation as axis (length 1) and angle, as world files and pose messages give it."""
    sine = math.hypot(q[1], q[2], q[3])
    if sine < 1e-12:
        return (0.0, 0.0, 1.0, 0.0)
    angle = 2 * math.atan2(sine, q[0])
    return (q[1] / sine, q[2] / sine, q[3] / sine, angle)


@attrs.frozen
class Pose:
    """A place and a direction: rotation first, then translation."""

    translation: Vector = ORIGIN
    rotation: Quaternion = IDENTITY

    def apply(self, point: Vector) -> Vector:
        """Point of this pose's own frame, in the frame around it."""
        return add(self.translation, rotate(self.rotation, point))

    def then(self, inner: "Pose") -> "Pose":
        """Pose of what stands at ``inner`` inside this one, in the frame around this one."""
        return Pose(self.apply(inner.translation), multiply(self.rotation, inner.rotation))

    def inverse(self) -> "Pose":
        """Pose that undoes this one."""
        back = conjugate(self.rotation)
        return Pose(scale(rotate(back, self.translation), -1), back)


@attrs.frozen
class Ground:
    """Which way is up: maps the world's axes to a plan (first, second) and a height, right-handed.

    @ivar is_enu: z up, else y up (docs/protocol.md, section 5).
    """

    is_enu: bool = True

    @property
    def up(self) -> Vector:
        """Unit vector away from the floor."""
        return (0.0, 0.0, 1.0) if self.is_enu else (0.0, 1.0, 0.0)

    def plan(self, v: Vector) -> Vector:
        """World vector as (plan first, plan second, height)."""
        return v if self.is_enu else (v[2], v[0], v[1])

    def world(self, v: Vector) -> Vector:
        """What ``plan`` was given."""
        return v if self.is_enu else (v[1], v[2], v[0])
