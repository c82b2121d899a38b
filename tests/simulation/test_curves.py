"""The curves of a simulation server, and shares of processors, with values."""

from __future__ import annotations

from webots_cloud.simulation.curves import MINUTES_KEPT, NAMES, SECONDS_KEPT, Counted, Curves
from webots_cloud.simulation.machine import Snapshot
from webots_cloud.simulation.processor_share import LEAST_SECONDS, ProcessorShare

NOTHING = Counted(0, 0, 0, 0, 0)


def snapshot(time: float, **measures: float) -> Snapshot:
    usual = dict.fromkeys(("cpu", "memory", "gpu_compute", "gpu_memory", "network"), 0.0)
    return Snapshot(time=time, **(usual | measures))


def named(point: tuple[float, ...]) -> dict[str, float]:
    return dict(zip(NAMES, point, strict=True))


def test_a_point_has_what_was_measured_and_counted() -> None:
    curves = Curves()
    curves.add(snapshot(60, cpu=12.34, swap=5, received=1000.04), 55.55, Counted(2, 1, 3, 0, 0))
    point = named(curves.seconds[0])
    assert (point["time"], point["cpu"], point["swap"], point["received"]) == (60, 12.3, 5, 1000.0)
    assert (point["load"], point["busy"], point["idle"], point["waiting"]) == (55.5, 2, 1, 3)


def test_starts_and_failures_are_those_since_the_point_before() -> None:
    curves = Curves()
    for second, (starts, failures) in enumerate([(10, 4), (12, 4), (12, 5), (12, 5)]):
        curves.add(snapshot(second), 0, Counted(0, 0, 0, starts, failures))
    assert [named(point)["starts"] for point in curves.seconds] == [0, 2, 0, 0]
    assert [named(point)["failures"] for point in curves.seconds] == [0, 0, 1, 0]


def test_a_minute_has_means_and_sums_once_it_is_over() -> None:
    curves = Curves()
    for second in range(120, 180):
        curves.add(snapshot(second, cpu=second - 120), 10, Counted(1, 0, 0, second, 0))
    assert list(curves.minutes) == []
    curves.add(snapshot(180), 10, NOTHING)
    point = named(curves.minutes[0])
    assert (point["time"], point["cpu"], point["load"], point["busy"]) == (120, 29.5, 10, 1)
    assert point["starts"] == 59


def test_what_is_kept_is_bounded() -> None:
    curves = Curves()
    for second in range(3 * SECONDS_KEPT):
        curves.add(snapshot(second), 0, NOTHING)
    for minute in range(2 * MINUTES_KEPT):
        curves.add(snapshot(10**6 + 60 * minute), 0, NOTHING)
    for _ in range(1000):
        # The machine's clock stands still.
        curves.add(snapshot(10**9), 0, NOTHING)
    assert (len(curves.seconds), len(curves.minutes)) == (SECONDS_KEPT, MINUTES_KEPT)
    assert len(curves._minute) < SECONDS_KEPT


def test_a_share_of_the_processors_is_measured_over_some_seconds() -> None:
    share = ProcessorShare()
    share.add(100, 5)
    assert share.percent is None
    share.add(100 + LEAST_SECONDS / 2, 8)
    assert share.percent is None
    share.add(100 + LEAST_SECONDS, 5 + LEAST_SECONDS / 2)
    assert share.percent == 50
    share.add(100 + 2 * LEAST_SECONDS, 5 + LEAST_SECONDS / 2 + 2 * LEAST_SECONDS)
    assert share.percent == 200
    share.add(100 + 3 * LEAST_SECONDS, 0)
    assert share.percent == 0
