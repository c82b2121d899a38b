"""When an instance has to end at the latest, and the warnings before; its runner keeps one."""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.interfaces import IDelayedCall, IReactorTime

from webots_cloud.errors import ClientError

WARNING_SECONDS = 300
"""How long before the end the client is told once more."""


class Deadline:
    """The deadline; at first there is none."""

    def __init__(self, clock: IReactorTime, warn: Callable[[int], None], expire: Callable[[ClientError], None]) -> None:
        """Begin without one.

        @param warn: told how many seconds are left, when a deadline is set and L{WARNING_SECONDS} before it.
        @param expire: told at the deadline why it was set.
        """
        self._clock = clock
        self._warn = warn
        self._expire = expire
        self._end: float | None = None
        self._timers: list[IDelayedCall] = []

    def set(self, seconds: float, error: ClientError) -> None:
        """Set it, unless there is an earlier one.

        @param seconds: from now.
        @param error: why there is one.
        """
        end = self._clock.seconds() + seconds
        if self._end is not None and self._end <= end:
            return
        self.stop()
        self._end = end
        self._timers.append(self._clock.callLater(seconds, self._expire, error))
        if seconds > WARNING_SECONDS:
            self._timers.append(self._clock.callLater(seconds - WARNING_SECONDS, self._warn, WARNING_SECONDS))
        self._warn(round(seconds))

    def extend(self, seconds: float, error: ClientError) -> None:
        """Move it.

        @param seconds: by which it comes later.
        @param error: why there is one then.
        """
        if self._end is not None:
            left = self._end - self._clock.seconds() + seconds
            self.stop()
            self.set(left, error)

    def tell(self) -> None:
        """Say once more how many seconds are left."""
        if self._end is not None:
            self._warn(round(self._end - self._clock.seconds()))

    def stop(self) -> None:
        """Have none any more."""
        timers, self._timers, self._end = self._timers, [], None
        for timer in timers:
            if timer.active():
                timer.cancel()
