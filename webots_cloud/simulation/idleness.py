"""Finds out that a simulation is paused and nobody does anything with it; the instance's runner keeps one."""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.interfaces import IDelayedCall, IReactorTime

_PRECISION_SECONDS = 0.01


class Idleness:
    """Looks, while it watches, only when the time may have come, however often something happens in between."""

    def __init__(
        self, clock: IReactorTime, limit: float, since: Callable[[], float | None], expire: Callable[[], None]
    ) -> None:
        """Prepare to watch.

        @param limit: how many seconds it may be idle.
        @param since: tells since when it is, in the clock's seconds; C{None} if it is not.
        @param expire: called when it was idle for too long.
        """
        self._clock = clock
        self._limit = limit
        self._since = since
        self._expire = expire
        self._timer: IDelayedCall | None = None

    def watch(self) -> None:
        """Begin."""
        self._look_in(self._limit)

    def stop(self) -> None:
        """Watch no more."""
        timer, self._timer = self._timer, None
        if timer is not None and timer.active():
            timer.cancel()

    def _look_in(self, seconds: float) -> None:
        self._timer = self._clock.callLater(seconds, self._look)

    def _look(self) -> None:
        now, since = self._clock.seconds(), self._since()
        left = self._limit - (now - since if since is not None else 0)
        if left < _PRECISION_SECONDS:
            self._expire()
        else:
            self._look_in(left)
