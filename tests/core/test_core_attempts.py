"""How often something may be tried."""

from __future__ import annotations

from twisted.internet.task import Clock

from webots_cloud.attempts import BUCKETS, Attempts

LIMIT, SPAN = 3, 60.0


def test_there_may_be_so_many_in_a_span_of_time() -> None:
    clock = Clock()
    attempts = Attempts(clock.seconds, LIMIT, SPAN)
    clock.advance(10)
    for _ in range(LIMIT):
        assert attempts.wait_seconds("ada") == 0
        attempts.add("ada")
    assert attempts.wait_seconds("ada") == SPAN - 10
    assert attempts.wait_seconds("bob") == 0
    clock.advance(SPAN - 10)
    assert attempts.wait_seconds("ada") == 0
    assert len(attempts) == 0


def test_the_first_span_begins_when_counting_does() -> None:
    clock = Clock()
    clock.advance(1.5 * SPAN)
    attempts = Attempts(clock.seconds, LIMIT, SPAN)
    for _ in range(LIMIT):
        attempts.add("ada")
        clock.advance(SPAN / 4)
    assert attempts.wait_seconds("ada") == SPAN / 4


def test_one_that_does_not_count_is_taken_back() -> None:
    attempts = Attempts(Clock().seconds, LIMIT, SPAN)
    for _ in range(10 * LIMIT):
        attempts.add("ada")
        attempts.take_back("ada")
    assert attempts.wait_seconds("ada") == 0
    assert len(attempts) == 0
    attempts.take_back("ada")
    for _ in range(LIMIT):
        attempts.add("ada")
    assert attempts.wait_seconds("ada") > 0


def test_one_of_an_earlier_span_cannot_be_taken_back_from_this_one() -> None:
    clock = Clock()
    attempts = Attempts(clock.seconds, LIMIT, SPAN)
    attempts.add("ada")
    clock.advance(SPAN)
    for _ in range(LIMIT):
        attempts.add("bob")
    attempts.take_back("ada")
    assert attempts.wait_seconds("bob") > 0


def test_many_names_take_bounded_memory() -> None:
    attempts = Attempts(Clock().seconds, LIMIT, SPAN)
    for number in range(2 * BUCKETS):
        attempts.add(f"name {number} \ud800")
    assert len(attempts) <= BUCKETS
