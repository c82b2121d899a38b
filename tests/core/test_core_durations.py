"""How durations are counted."""

from __future__ import annotations

import pytest

from webots_cloud.durations import Durations


class TestDurations:
    @pytest.mark.parametrize(("seconds", "place"), [(0, 0), (1, 0), (1.01, 1), (5, 1), (6, 2)])
    def test_are_sorted_by_the_least_bound_that_they_do_not_pass(self, seconds: float, place: int) -> None:
        durations = Durations([1, 5])
        durations.add(seconds)
        assert durations.counts == [int(place == index) for index in range(3)]

    def test_are_never_less_than_nothing(self) -> None:
        durations = Durations([1])
        durations.add(-5)
        assert (durations.counts, durations.seconds) == ([1, 0], 0)

    def test_have_a_number_and_a_sum(self) -> None:
        durations = Durations([1])
        for seconds in (0.5, 2, 4):
            durations.add(seconds)
        assert (len(durations), durations.seconds) == (3, 6.5)
