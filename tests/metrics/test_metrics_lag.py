"""How late the reactor is, with a given reactor and a given clock."""

from __future__ import annotations

from twisted.internet.task import Clock

from webots_cloud.metrics.lag import SECONDS, ReactorLag


def test_it_is_what_has_passed_beyond_the_time_that_was_asked_for() -> None:
    clock, now = Clock(), [100.0]
    lag = ReactorLag(clock, lambda: now[0])
    lag.startService()
    for late in (0.0, 0.75, 0.0):
        now[0] += SECONDS + late
        clock.advance(SECONDS)
    assert len(lag.durations) == 3
    assert lag.durations.seconds == 0.75


def test_nothing_is_left_of_one_that_is_stopped() -> None:
    clock = Clock()
    lag = ReactorLag(clock)
    lag.startService()
    lag.stopService()
    assert clock.getDelayedCalls() == []
