"""How long things take: counted by bounds, as Prometheus wants it; no I/O."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence


class Durations:
    """How long something took, many times.

    @ivar bounds: in seconds, rising.
    @ivar counts: how many times it took at most as long as each bound, but longer than the one before; and, last,
        longer than all.
    @ivar seconds: how long it took in all.
    """

    def __init__(self, bounds: Sequence[float]) -> None:
        """Begin with none."""
        self.bounds = tuple(bounds)
        self.counts = [0] * (len(self.bounds) + 1)
        self.seconds = 0.0

    def __len__(self) -> int:
        return sum(self.counts)

    def add(self, seconds: float) -> None:
        """Count one more; it has taken no time where the clock was set back meanwhile."""
        seconds = max(0.0, seconds)
        self.counts[bisect_left(self.bounds, seconds)] += 1
        self.seconds += seconds
