"""When an authority is asked: how failures slow this down, and when a certificate is replaced."""

from __future__ import annotations

import datetime

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from webots_cloud.tls.certificate import Certificate
from webots_cloud.tls.pace import (
    FIRST_WAIT,
    JITTER,
    LONGEST_WAIT,
    TRIES_PER_HOUR,
    Pace,
    ends_soon,
    renewal_time,
)

BEGIN = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)


def certificate(days: float) -> Certificate:
    key = ec.generate_private_key(ec.SECP256R1())
    return Certificate((), key, ("a.example.org",), BEGIN, BEGIN + datetime.timedelta(days=days))


def least(low: float, high: float) -> float:
    return low


def most(low: float, high: float) -> float:
    return high


def test_the_first_try_is_at_once() -> None:
    assert Pace(least).next_try() == 0


def test_waits_double_up_to_the_longest() -> None:
    pace, waits = Pace(least), []
    for _ in range(12):
        pace.failed(0, None)
        waits.append(pace.next_try())

    assert waits[:4] == [FIRST_WAIT, 2 * FIRST_WAIT, 4 * FIRST_WAIT, 8 * FIRST_WAIT]
    assert waits[-1] == LONGEST_WAIT


def test_chance_makes_waits_longer_only() -> None:
    pace = Pace(most)
    pace.failed(1000, None)

    assert pace.next_try() == 1000 + FIRST_WAIT * (1 + JITTER)


@pytest.mark.parametrize("impatient", [False, True])
def test_what_the_authority_asks_for_is_waited(impatient: bool) -> None:
    pace = Pace(least)
    pace.failed(1000, 10 * FIRST_WAIT)

    assert pace.next_try(impatient=impatient) == 1000 + 10 * FIRST_WAIT


def test_somebody_impatient_need_not_wait_after_a_failure() -> None:
    pace = Pace(least)
    pace.failed(1000, None)

    assert pace.next_try(impatient=True) <= 1000


def test_tries_of_before_count() -> None:
    pace = Pace(least, [100.0, 200.0, 300.0, 400.0, 500.0])

    assert pace.next_try(impatient=True) == 200 + 3600
    pace.tried(4000)
    assert pace.tries == (300.0, 400.0, 500.0, 4000)


def test_a_success_forgets_failures() -> None:
    pace = Pace(least)
    pace.failed(0, None)
    pace.failed(0, 50_000)
    pace.succeeded()
    assert pace.next_try() == 0

    pace.failed(0, None)
    assert pace.next_try() == FIRST_WAIT


def test_what_went_wrong_elsewhere_is_waited_for_here() -> None:
    failed, other = Pace(least), Pace(least)
    failed.failed(1000, 2000)

    other.postpone(failed)

    assert other.next_try() == 3000
    assert other.next_try(impatient=True) == 3000


@given(st.lists(st.tuples(st.floats(0, 2000), st.booleans(), st.booleans()), max_size=50))
def test_there_are_only_a_few_tries_within_an_hour(steps: list[tuple[float, bool, bool]]) -> None:
    pace, now, tries = Pace(least), 1e6, []
    for passed, impatient, works in steps:
        now += passed
        if pace.next_try(impatient=impatient) > now:
            continue
        pace.tried(now)
        tries.append(now)
        if works:
            pace.succeeded()
        else:
            pace.failed(now, None)

    for start in tries:
        assert sum(start <= other < start + 3600 for other in tries) <= TRIES_PER_HOUR


@pytest.mark.parametrize(
    ("days", "before", "after_days"),
    [(90, 30, 60), (365, 30, 335), (45, 30, 30), (6, 30, 4), (90, 10, 80)],
)
def test_a_certificate_is_replaced_before_its_end_but_not_from_its_beginning(
    days: int, before: int, after_days: float
) -> None:
    assert renewal_time(certificate(days), before) == (BEGIN + datetime.timedelta(days=after_days)).timestamp()


@pytest.mark.parametrize(("days", "left", "soon"), [(90, 15, False), (90, 13, True), (6, 2, False), (6, 1, True)])
def test_an_end_that_comes_though_it_should_not_is_told(days: int, left: int, soon: bool) -> None:
    now = BEGIN + datetime.timedelta(days=days - left)

    assert ends_soon(certificate(days), now) is soon
