from math import cos, sin

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webots_cloud.standin.wheels import Wheel, twist

RADIUS = 0.025
LEFT = Wheel(0.0, 0.05, 1.0, 0.0, RADIUS)
RIGHT = Wheel(0.0, -0.05, 1.0, 0.0, RADIUS)
speeds = st.floats(-50, 50)


@given(speeds, speeds)
def test_two_wheels_drive_as_the_textbook_says(left: float, right: float) -> None:
    forth, aside, turn = twist([(LEFT, left), (RIGHT, right)])
    assert forth == pytest.approx(RADIUS * (left + right) / 2, abs=1e-6)
    assert aside == pytest.approx(0, abs=1e-6)
    assert turn == pytest.approx(RADIUS * (right - left) / 0.1, abs=1e-4)


def four(left: float, right: float) -> tuple[float, float, float]:
    return twist(
        [(Wheel(x, y, 1.0, 0.0, 0.04), left if y > 0 else right) for x in (0.05, -0.05) for y in (0.06, -0.06)]
    )


def test_four_wheels_drive_straight_on() -> None:
    assert four(2.0, 2.0) == pytest.approx((0.08, 0.0, 0.0), abs=1e-6)


def test_four_wheels_turn_on_the_spot_but_slower_than_two_as_they_slip() -> None:
    forth, aside, turn = four(-2.0, 2.0)
    assert (forth, aside) == pytest.approx((0.0, 0.0), abs=1e-6)
    assert 0.3 * 0.08 / 0.06 < turn < 0.08 / 0.06


def test_three_wheels_around_a_body_turn_it_on_the_spot() -> None:
    wheels = [Wheel(0.1 * cos(a), 0.1 * sin(a), -sin(a), cos(a), 0.02) for a in (0.0, 2.0944, 4.18879)]
    assert twist([(wheel, 5.0) for wheel in wheels]) == pytest.approx((0.0, 0.0, 1.0), abs=1e-4)


def test_a_free_wheel_rolls_along() -> None:
    free = Wheel(-0.1, 0.0, 1.0, 0.0, 0.02)
    assert twist([(LEFT, 4.0), (RIGHT, 4.0), (free, None)]) == pytest.approx((0.1, 0.0, 0.0), abs=1e-6)


def test_no_wheels_no_motion() -> None:
    assert twist([]) == (0.0, 0.0, 0.0)


numbers = st.floats(-1e9, 1e9)


@given(st.lists(st.tuples(st.builds(Wheel, numbers, numbers, st.floats(-1, 1), st.floats(-1, 1), numbers), numbers)))
def test_wheels_of_absurd_sizes_raise_nothing(turning: list[tuple[Wheel, float]]) -> None:
    assert len(twist(list(turning))) == 3
