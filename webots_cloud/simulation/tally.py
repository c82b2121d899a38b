"""What a simulation server has done since it began: whom it took, how that ended, how long each phase took; no I/O.

Runners tell it; the monitor page and the metrics read it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from webots_cloud import errors
from webots_cloud.durations import Durations
from webots_cloud.errors import ClientError
from webots_cloud.simulation.instance import Phase

CLIENT_LEFT = "ClientLeft"
"""The reason of an end that is no failure; all others are the names of classes in webots_cloud.errors."""

FAILURES = tuple(
    sorted(name for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, ClientError))
)
"""All reasons of failures that there may be."""

_START_BOUNDS = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0)
_RUN_BOUNDS = (10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1200.0, 1800.0, 3600.0, 7200.0, 14400.0)

PHASES: Mapping[Phase, Sequence[float]] = {
    Phase.WAITING: _START_BOUNDS,
    Phase.FETCHING: _START_BOUNDS,
    Phase.STARTING: _START_BOUNDS,
    Phase.RUNNING: _RUN_BOUNDS,
    Phase.STOPPING: _START_BOUNDS,
}
"""The phases that have a duration, each with the bounds in seconds by which it is sorted."""

_BEFORE_RUNNING = (Phase.WAITING, Phase.FETCHING, Phase.STARTING)


class Tally:
    """What has happened since the server began; every number only rises.

    @ivar refused: how many requests were refused before there was an instance, by the name of their error's class.
    @ivar asked: how many instances there were, with those that had to wait first.
    @ivar started: how many of them came to run.
    @ivar failed: how many of them failed before they ran, by the name of their error's class.
    @ivar ended: how many of them ended, whether they had run or not, by the name of their error's class, or
        L{CLIENT_LEFT}.
    @ivar phases: how long each phase took, whatever ended it. One that did not have to wait has waited for no time.
    """

    def __init__(self, seconds: Callable[[], float]) -> None:
        """Begin with nothing.

        @param seconds: the time.
        """
        self.refused: Counter[str] = Counter()
        self.asked = 0
        self.started = 0
        self.failed: Counter[str] = Counter()
        self.ended: Counter[str] = Counter()
        self.phases = {phase: Durations(bounds) for phase, bounds in PHASES.items()}
        self.seconds = seconds

    def refuse(self, error: ClientError) -> None:
        """Count a request that was refused."""
        self.refused[type(error).__name__] += 1

    def begin(self) -> Passage:
        """Count an instance, which is waiting; it tells what becomes of it."""
        self.asked += 1
        return Passage(self)


class Passage:
    """One instance's way through its phases."""

    def __init__(self, tally: Tally) -> None:
        """Begin, waiting."""
        self._tally = tally
        self._phase = Phase.WAITING
        self._since = tally.seconds()

    def enter(self, phase: Phase) -> None:
        """Count that the phase it was in is over.

        @param phase: what comes after it.
        """
        now = self._tally.seconds()
        self._tally.phases[self._phase].add(now - self._since)
        self._phase, self._since = phase, now
        if phase is Phase.RUNNING:
            self._tally.started += 1

    def stop(self, failure: ClientError | None) -> None:
        """Count that it ends, and is being freed.

        @param failure: what ended it; C{None}: its client left.
        """
        reason = CLIENT_LEFT if failure is None else type(failure).__name__
        self._tally.ended[reason] += 1
        if failure is not None and self._phase in _BEFORE_RUNNING:
            self._tally.failed[reason] += 1
        self.enter(Phase.STOPPING)
