"""What was of a simulation server: its load of the last ten minutes, and its states of the last day; no I/O."""

from __future__ import annotations

from collections import deque

from webots_cloud.session.fleet import State

STEP_SECONDS = 10
"""Of each such step the highest load is kept: a peak is what an operator looks for."""

STEPS = 60

DAY_SECONDS = 86400.0

MOST_CHANGES = 50
"""How many changes are kept of a server whose state flaps; a day with more of them begins later."""


class LoadCurve:
    """Loads, the newest last.

    @ivar end: when the last step began, in seconds since the epoch.
    @ivar loads: the highest load of each step, in percent; C{None} where none was told.
    """

    def __init__(self) -> None:
        """Begin with none."""
        self.end = 0
        self.loads: deque[int | None] = deque(maxlen=STEPS)

    def add(self, time: float, load: float) -> None:
        """Take in a load.

        @param time: when it was told, in seconds since the epoch; not before the one before.
        """
        step = int(time // STEP_SECONDS) * STEP_SECONDS
        if not self.loads:
            self.end = step - STEP_SECONDS
        for _ in range(min((step - self.end) // STEP_SECONDS, STEPS)):
            self.loads.append(None)
        self.end = max(self.end, step)
        self.loads[-1] = max(self.loads[-1] or 0, round(load))


class Changes:
    """The states that a server was in, the newest last.

    @ivar states: each with the time when it began, in seconds since the epoch.
    """

    def __init__(self, time: float, state: State) -> None:
        """Begin with a state."""
        self.states: deque[tuple[float, State]] = deque([(time, state)], maxlen=MOST_CHANGES)

    def add(self, time: float, state: State) -> None:
        """Take in a change; what was over before yesterday is forgotten."""
        self.states.append((time, state))
        while self.states[1][0] <= time - DAY_SECONDS:
            self.states.popleft()
