"""Which share of the processors something has, by the processor time that it has used so far; no I/O."""

from __future__ import annotations

LEAST_SECONDS = 4.0
"""Over how long the share is measured at least."""


class ProcessorShare:
    """The share, as it was last.

    @ivar percent: of one processor, so that it may be more than 100; C{None} before it is known.
    """

    def __init__(self) -> None:
        """Begin with nothing known."""
        self.percent: float | None = None
        self._from: tuple[float, float] | None = None

    def add(self, time: float, used: float) -> None:
        """Take in how much was used.

        @param time: when, in seconds.
        @param used: processor time in seconds, from the beginning on.
        """
        if self._from is None:
            self._from = time, used
            return
        then, used_then = self._from
        if time - then >= LEAST_SECONDS:
            self.percent = max(0.0, 100.0 * (used - used_then) / (time - then))
            self._from = time, used
