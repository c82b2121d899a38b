"""How late a server does what it wanted to do by then: all of it waits for whatever takes long in the reactor."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from twisted.application.service import Service
from twisted.internet.interfaces import IDelayedCall

from webots_cloud.durations import Durations

SECONDS = 0.25
"""How often the time is looked at."""

_BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)


class ReactorLag(Service):
    """Looks at the time while it runs.

    @ivar durations: how late it came to that.
    """

    def __init__(self, reactor: Any, seconds: Callable[[], float] = time.monotonic) -> None:
        """Prepare.

        @param seconds: a clock that nobody sets.
        """
        self.durations = Durations(_BOUNDS)
        self._reactor = reactor
        self._seconds = seconds
        self._due = 0.0
        self._next: IDelayedCall | None = None

    def startService(self) -> None:
        """Begin."""
        Service.startService(self)
        self._wait()

    def stopService(self) -> None:
        """End."""
        Service.stopService(self)
        if self._next is not None:
            self._next.cancel()
            self._next = None

    def _wait(self) -> None:
        self._due = self._seconds() + SECONDS
        self._next = self._reactor.callLater(SECONDS, self._look)

    def _look(self) -> None:
        self.durations.add(self._seconds() - self._due)
        self._wait()
