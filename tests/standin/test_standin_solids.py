from math import hypot, inf, isclose, pi

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webots_cloud.standin.rays import LookupTable, floor_hit, hit
from webots_cloud.standin.solids import Prism, hull, prism, radius_below, shape_points, way_out
from webots_cloud.standin.wbt import parse_nodes

lengths = st.floats(-10, 10)
points = st.lists(st.tuples(lengths, lengths), min_size=3, max_size=20)


def square(x: float, y: float, half: float = 0.5, low: float = 0.0, high: float = 1.0) -> Prism:
    return Prism(((-half, -half), (half, -half), (half, half), (-half, half)), low, high).moved(x, y, 0.0)


def shape(text: str, is_enu: bool = True) -> Prism:
    [node] = parse_nodes(text)
    found = prism([point for points in shape_points(node, is_enu) for point in points])
    assert found is not None
    return found


@given(points)
def test_a_hull_has_all_points_on_its_inner_side(some: list[tuple[float, float]]) -> None:
    corners = hull(some)
    for i, (x, y) in enumerate(corners if len(corners) > 2 else []):
        before = corners[i - 1]
        for px, py in some:
            assert (x - before[0]) * (py - before[1]) - (y - before[1]) * (px - before[0]) > -1e-6


def test_points_on_a_line_make_no_prism() -> None:
    assert prism([(0, 0, 0), (1, 1, 0), (2, 2, 1)]) is None


def test_the_way_out_is_the_shortest_one() -> None:
    assert way_out(square(0.9, 0), square(0, 0)) == pytest.approx((0.1, 0.0))
    assert way_out(square(0, -0.8), square(0, 0)) == pytest.approx((0.0, -0.2))


def test_things_beside_or_above_each_other_do_not_overlap() -> None:
    assert way_out(square(1.01, 0), square(0, 0)) is None
    assert way_out(square(0, 0, low=1.0, high=2.0), square(0, 0)) is None


@given(lengths, lengths, st.floats(-3, 3))
def test_after_the_way_out_nothing_overlaps_any_more(x: float, y: float, yaw: float) -> None:
    fixed, moving = square(0, 0, 2.0), square(0, 0, 0.5).moved(x / 4, y / 4, yaw)
    way = way_out(moving, fixed)
    if way is not None:
        rest = way_out(moving.moved(*way, 0.0), fixed)
        assert rest is None or hypot(*rest) < 1e-9


def test_primitives_have_their_size() -> None:
    box = shape("Shape { geometry Box { size 2 4 6 } }")
    assert sorted(box.corners) == [(-1, -2), (-1, 2), (1, -2), (1, 2)]
    assert (box.low, box.high) == (-3, 3)
    ball = shape("Sphere { radius 2 }")
    assert (ball.low, ball.high) == pytest.approx((-2, 2), rel=0.03)
    assert 2 <= ball.radius < 2.2
    capsule = shape("Capsule { radius 1 height 4 }")
    assert (capsule.low, capsule.high) == pytest.approx((-3, 3), rel=0.03)


def test_a_cylinder_stands_along_the_axis_that_is_up() -> None:
    up = shape("Cylinder { radius 1 height 6 }")
    assert (up.low, up.high) == (-3, 3)
    nue = shape("Cylinder { radius 1 height 6 }", is_enu=False)
    assert max(y for _, y in nue.corners) == pytest.approx(3)


def test_poses_and_groups_place_what_is_in_them() -> None:
    turned = shape(
        "Group { children [ Transform { translation 5 0 1 rotation 0 0 1 1.5707963 scale 2 1 1 children "
        "[ Box { size 1 1 1 } ] } ] }"
    )
    assert min(x for x, _ in turned.corners) == pytest.approx(4.5)
    assert max(y for _, y in turned.corners) == pytest.approx(1.0)
    assert (turned.low, turned.high) == (0.5, 1.5)


def test_faces_are_taken_by_their_points() -> None:
    faces = shape("IndexedFaceSet { coord Coordinate { point [ 0 0 0, 1 0 0, 0 1 2 ] } coordIndex [ 0 1 2 -1 ] }")
    assert len(faces.corners) == 3
    assert faces.high == 2


def test_a_wheel_is_as_large_as_its_cylinder() -> None:
    [solid] = parse_nodes("Solid { children [ Pose { children [ Shape { geometry Cylinder { radius 0.3 } } ] } ] }")
    assert radius_below(solid) == 0.3
    [none] = parse_nodes("Solid { children [ Shape { geometry Box { } } ] }")
    assert radius_below(none) == 0


def test_a_ray_finds_the_near_side() -> None:
    assert hit((-2, 0, 0.5), (1, 0, 0), square(0, 0)) == pytest.approx(1.5)
    assert hit((-2, 0, 2.0), (1, 0, 0), square(0, 0)) == inf
    assert hit((-2, 0, 0.5), (-1, 0, 0), square(0, 0)) == inf
    assert hit((0, 0, 0.5), (1, 0, 0), square(0, 0)) == 0
    assert hit((0, 0, 3), (0, 0, -1), square(0, 0)) == pytest.approx(2)


@given(st.floats(0, 2 * pi), st.floats(0.2, 5))
def test_a_ray_at_a_round_thing_finds_it_at_its_radius(angle: float, radius: float) -> None:
    ring = shape(f"Cylinder {{ radius {radius} height 1 }}").moved(0, 0, angle)
    assert isclose(hit((-10, 0, 0), (1, 0, 0), ring), 10 - radius, rel_tol=0.02 * radius)


def test_a_ray_finds_the_floor_below_it_only() -> None:
    assert floor_hit((0, 0, 1), (0, 0, -1), 0.25) == 0.75
    assert floor_hit((0, 0, 1), (1, 0, 0), 0.25) == inf
    assert floor_hit((0, 0, 0), (0, 0, -1), 0.25) == inf


def test_a_lookup_table_is_linear_between_its_rows_and_flat_outside() -> None:
    table = LookupTable([0.1, 1000, 0, 0.2, 500, 0, 0.4, 0, 0.1])
    assert [table.value(d) for d in (0, 0.1, 0.15, 0.3, 0.4, inf)] == pytest.approx([1000, 1000, 750, 250, 0, 0])
    assert table.reach == 0.4


def test_a_table_that_is_none_is_that_of_webots() -> None:
    assert LookupTable([]).value(0.05) == LookupTable([1, 2]).value(0.05) == 500
