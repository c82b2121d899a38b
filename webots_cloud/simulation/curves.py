"""What was of the machine and its instances: each second of ten minutes, and each minute of a day; no I/O."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

import attrs

from webots_cloud.simulation.machine import Snapshot

SECONDS_KEPT = 600
MINUTES_KEPT = 1440
MINUTE_SECONDS = 60

MEASURES = (
    "cpu",
    "memory",
    "swap",
    "gpu_compute",
    "gpu_memory",
    "received",
    "sent",
    "disk",
    "disk_read",
    "disk_written",
)
"""What there is a curve of, as L{Snapshot} calls it."""

NAMES = ("time", "load", *MEASURES, "busy", "idle", "waiting", "starts", "failures")
"""What each point has, in this order. C{starts} and C{failures} are those since the point before; others are means."""

_SUMS = len(NAMES) - 2

Point = tuple[float, ...]


@attrs.frozen
class Counted:
    """What is counted at a moment.

    @ivar busy: instances whose simulation runs, or that are about to.
    @ivar idle: instances that are paused.
    @ivar starts: how many have started since the server began.
    @ivar failures: how many have failed since then.
    """

    busy: int
    idle: int
    waiting: int
    starts: int
    failures: int


class Curves:
    """Points, the newest last; how many are kept is bounded, and so is the memory they take.

    @ivar seconds: one a second.
    @ivar minutes: one a minute, at the time when it began.
    """

    def __init__(self) -> None:
        """Begin with none."""
        self.seconds: deque[Point] = deque(maxlen=SECONDS_KEPT)
        self.minutes: deque[Point] = deque(maxlen=MINUTES_KEPT)
        self._minute: list[Point] = []
        self._counted: Counted | None = None

    def add(self, snapshot: Snapshot, load: float, counted: Counted) -> None:
        """Take in what was measured and counted.

        @param load: what the server says its load is, in percent.
        """
        before, self._counted = self._counted or counted, counted
        measured = (round(float(getattr(snapshot, name)), 1) for name in MEASURES)
        point: Point = (
            round(snapshot.time, 1),
            round(load, 1),
            *measured,
            counted.busy,
            counted.idle,
            counted.waiting,
            max(0, counted.starts - before.starts),
            max(0, counted.failures - before.failures),
        )
        if self._minute and _minute_of(self._minute[0]) != _minute_of(point):
            self.minutes.append(_together(self._minute))
            self._minute = []
        # The machine's clock may stand still, or have been set back: a minute has no more than this all the same.
        if len(self._minute) < 2 * MINUTE_SECONDS:
            self._minute.append(point)
        self.seconds.append(point)


def _minute_of(point: Point) -> int:
    return int(point[0] // MINUTE_SECONDS)


def _together(points: Sequence[Point]) -> Point:
    """Make one point of those of a minute."""
    columns = list(zip(*points, strict=True))
    means = (round(sum(column) / len(points), 1) for column in columns[1:_SUMS])
    return (_minute_of(points[0]) * MINUTE_SECONDS, *means, *map(sum, columns[_SUMS:]))
