from math import cos, hypot, isclose, pi, sin

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webots_cloud.standin.geometry import (
    IDENTITY,
    Ground,
    Pose,
    Vector,
    about,
    axis_angle,
    cross,
    multiply,
    rotate,
    unit,
)

lengths = st.floats(-100, 100)
vectors = st.tuples(lengths, lengths, lengths)
rotations = st.builds(about, vectors.filter(lambda v: hypot(*v) > 0.01), st.floats(-10, 10))
poses = st.builds(Pose, vectors, rotations)


def close(a: Vector, b: Vector) -> bool:
    return all(isclose(x, y, abs_tol=1e-6) for x, y in zip(a, b, strict=True))


def test_a_quarter_turn_about_z_takes_x_to_y() -> None:
    assert close(rotate(about((0, 0, 2), pi / 2), (1, 0, 0)), (0, 1, 0))


def test_an_axis_without_direction_turns_nothing() -> None:
    assert about((0, 0, 0), 1) == IDENTITY
    assert unit((0, 0, 0), (0, 1, 0)) == (0, 1, 0)


@given(rotations, vectors)
def test_axis_and_angle_say_the_same_as_the_rotation(rotation: tuple[float, float, float, float], v: Vector) -> None:
    x, y, z, angle = axis_angle(rotation)
    assert close(rotate(about((x, y, z), angle), v), rotate(rotation, v))


@given(rotations, rotations, vectors)
def test_a_product_does_the_second_first(
    p: tuple[float, float, float, float], q: tuple[float, float, float, float], v: Vector
) -> None:
    assert close(rotate(multiply(p, q), v), rotate(p, rotate(q, v)))


@given(poses, poses, vectors)
def test_poses_chain_and_have_an_inverse(outer: Pose, inner: Pose, v: Vector) -> None:
    assert close(outer.then(inner).apply(v), outer.apply(inner.apply(v)))
    assert close(outer.inverse().apply(outer.apply(v)), v)


@pytest.mark.parametrize("is_enu", [True, False])
def test_the_plan_is_right_handed_with_the_height_last(is_enu: bool) -> None:
    ground = Ground(is_enu)
    first, second = ground.world((1, 0, 0)), ground.world((0, 1, 0))
    assert cross(first, second) == ground.up
    assert ground.plan(ground.up) == (0, 0, 1)
    turned = rotate(about(ground.up, 0.5), first)
    assert close(ground.plan(turned), (cos(0.5), sin(0.5), 0))
