"""When the next step is due: paused, one step, in real time or as fast as possible; never blocks the reactor."""

from collections.abc import Callable
from typing import Protocol

from twisted.internet.interfaces import IDelayedCall

PAUSE, STEP, REAL_TIME, RUN, FAST = "pause", "step", "real-time", "run", "fast"

_SLICE = 0.004
_MOST_LAG = 0.1


class Timer(Protocol):
    """What is needed of a reactor to do something later."""

    def seconds(self) -> float:
        """The time now."""

    def callLater(self, delay: float, call: Callable[..., object], /, *args: object) -> IDelayedCall:
        """Call something after a number of seconds."""


class Pace:
    """Calls for one step after the other.

    @ivar mode: ``pause``, ``step``, ``real-time``, ``run`` or ``fast``.
    """

    def __init__(
        self, clock: Timer, duration: Callable[[], float], ready: Callable[[], bool], step: Callable[[], None]
    ) -> None:
        """Begin paused.

        @param duration: seconds of simulated time in one step.
        @param ready: whether the next step may be made; where not, ``poke`` is called once it may.
        @param step: makes one step; it may change the mode.
        """
        self.mode = PAUSE
        self._clock = clock
        self._duration = duration
        self._ready = ready
        self._step = step
        self._call: IDelayedCall | None = None
        self._due = 0.0

    def change(self, mode: str) -> None:
        """Go on in another mode."""
        self.mode = mode
        self._due = self._clock.seconds()
        self._cancel()
        if mode != PAUSE:
            self._call = self._clock.callLater(0, self._go_on)

    def poke(self) -> None:
        """Look again whether the next step may be made."""
        if self.mode != PAUSE and self._call is None:
            self._go_on()

    def _cancel(self) -> None:
        if self._call is not None and self._call.active():
            self._call.cancel()
        self._call = None

    def _go_on(self) -> None:
        self._cancel()
        begin = self._clock.seconds()
        while self.mode != PAUSE and self._call is None and self._ready():
            now = self._clock.seconds()
            if self.mode == REAL_TIME and now < self._due:
                self._call = self._clock.callLater(self._due - now, self._go_on)
            elif now - begin > _SLICE:
                self._call = self._clock.callLater(0, self._go_on)
            else:
                # What was lost to a slow controller or a busy machine is not caught up in a rush.
                self._due = max(self._due, now - _MOST_LAG) + self._duration()
                self._step()
