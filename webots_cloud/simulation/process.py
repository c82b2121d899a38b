"""Webots as a process in its sandbox: started, listened to, and ended with all that belongs to it."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.error import ProcessDone, ProcessTerminated
from twisted.internet.interfaces import IDelayedCall
from twisted.internet.protocol import ProcessProtocol
from twisted.logger import Logger
from twisted.python.failure import Failure

from webots_cloud.errors import quoted
from webots_cloud.simulation.channel import Channel, Use, channel_pair
from webots_cloud.simulation.inside.processes import signal_name
from webots_cloud.simulation.webots import WebotsEvents, WebotsOutput

LOGGED_LINES = 200
"""How many lines of one Webots go to the log, so that a flood from a project cannot fill the disk."""
LOGGED_CHARACTERS = 500
LAST_WORDS_SECONDS = 1.0
"""How long the output of a Webots that has ended is still read."""
LONGEST_SILENCE_SECONDS = 30.0
"""A launcher that has not told for so long what its instance uses has been stopped by one of its programs."""


class WebotsProcess(ProcessProtocol):
    """A running Webots: the process is that of its sandbox, leader of a process group of its own.

    @ivar pid: its process id, also that of the group; C{None} when it is not running.
    """

    def __init__(
        self,
        reactor: Any,
        name: str,
        events: WebotsEvents,
        used: Callable[[Use], None],
        exits: Callable[[], None] = lambda: None,
        log: Logger | None = None,
    ) -> None:
        """Prepare to run.

        @param name: the instance's name in the log.
        @param events: told of what Webots does.
        @param used: told of what the instance uses.
        @param exits: called before the events are told that it has ended, by whoever may know better why.
        @param log: takes its lines; C{None}: as those of no session.
        """
        self._log = log or Logger(f"{__name__}.{type(self).__name__}")
        self._reactor = reactor
        self._name = name
        self._events = events
        self._used = used
        self._exits = exits
        self._output = WebotsOutput(events, self._log_line)
        self._errors = WebotsOutput(_NoEvents(), self._log_line)
        self._lines_left = LOGGED_LINES
        self._last_line = b""
        self._how = ""
        self._channel: Channel | None = None
        self._silence: IDelayedCall | None = None
        self._last_words: IDelayedCall | None = None
        self._gone: Deferred[None] | None = None
        self.pid: int | None = None

    def run(self, command: Callable[[int], Sequence[str]], environment: dict[str, str], folder: Path) -> None:
        """Start it; what happens then goes to the events.

        @param command: gives the command line; called with the descriptor that the launcher in it has to inherit.
        @param folder: its current folder.
        @raise OSError: if no process can be made.
        """
        ours, theirs = channel_pair()
        with theirs:
            arguments = command(theirs.fileno())
            descriptors = {0: "w", 1: "r", 2: "r", theirs.fileno(): theirs.fileno()}
            try:
                process = self._reactor.spawnProcess(
                    self, arguments[0], arguments, environment, str(folder), childFDs=descriptors
                )
            except OSError:
                ours.close()
                raise
        self._channel = Channel(self._reactor, ours, self)
        self.pid = process.pid
        if self.pid is not None:
            # It has not ended already.
            self._silence = self._reactor.callLater(LONGEST_SILENCE_SECONDS, self._end_silence)
        self._gone = Deferred()

    def dial(self) -> Deferred[Any]:
        """Connect to Webots' port; fires with a socket, or fails with C{OSError} (see L{Channel.dial})."""
        if self._channel is None:
            raise ConnectionRefusedError("Webots is not running")
        return self._channel.dial()

    def connectionMade(self) -> None:
        """Give it no input."""
        if self.transport is not None:
            self.transport.closeStdin()

    def outReceived(self, data: bytes) -> None:
        """Read what it says."""
        self._output.received(data)

    def errReceived(self, data: bytes) -> None:
        """Log what it complains of."""
        self._errors.received(data)

    def used(self, use: Use) -> None:
        """Pass on what the launcher has measured."""
        if self._silence is not None and self._silence.active():
            self._silence.reset(LONGEST_SILENCE_SECONDS)
        self._used(use)

    def ended(self, how: str) -> None:
        """Remember how Webots itself has ended; its sandbox ends after it."""
        self._how = self._how or how

    def failed(self, reason: str) -> None:
        """Remember why Webots has been ended."""
        self._how = self._how or f"as {reason}"

    def processExited(self, reason: Failure) -> None:
        """End what it started, and read its last words, but wait for them no longer than a moment.

        Without a sandbox, what it started may have left its process group, and hold its pipes open for ever.
        """
        if self.pid is not None:
            _signal_group(self.pid, signal.SIGKILL)
        self.pid = None
        if self._silence is not None and self._silence.active():
            self._silence.cancel()
        if self.transport is not None:
            self._last_words = self._reactor.callLater(LAST_WORDS_SECONDS, self.transport.loseConnection)

    def processEnded(self, reason: Failure) -> None:
        """Tell how it ended; all of its output has been read."""
        if self._last_words is not None and self._last_words.active():
            self._last_words.cancel()
        if self._channel is not None:
            # What the launcher said last may not have been read yet.
            self._channel.doRead()
            self._channel.close()
        self._output.ended()
        self._errors.ended()
        how = self._how or _how_it_ended(reason.value)
        self._log.debug("{name}: ended {how}, saying {line}", name=self._name, how=how, line=_shown(self._last_line))
        self._is_gone()
        self._exits()
        self._events.exited(how)

    async def end(self, patience: float) -> None:
        """End it with all that it started: SIGTERM, then SIGKILL; returns when it is gone.

        @param patience: seconds that Webots may take after SIGTERM, and its sandbox after that.
        """
        if self._gone is None or self._channel is None:
            return
        gone = self._gone
        self._channel.end()
        kill = self._reactor.callLater(patience + LAST_WORDS_SECONDS, self._kill)
        give_up = self._reactor.callLater(longest_end(patience), self._give_up)
        await gone
        for call in (kill, give_up):
            if call.active():
                call.cancel()

    def _end_silence(self) -> None:
        self._how = self._how or "as one of its programs has stopped its launcher"
        self._kill()

    def _give_up(self) -> None:
        self._log.error("{name}: process {pid} does not end even after SIGKILL", name=self._name, pid=self.pid)
        self._is_gone()

    def _is_gone(self) -> None:
        gone, self._gone = self._gone, None
        if gone is not None:
            gone.callback(None)

    def _kill(self) -> None:
        if self.pid is not None and not _signal_group(self.pid, signal.SIGKILL):
            # It was started a moment ago and does not lead a group yet.
            os.kill(self.pid, signal.SIGKILL)

    def _log_line(self, line: bytes) -> None:
        self._last_line = line
        if self._lines_left > 0:
            self._lines_left -= 1
            self._log.info("{name}: {line}", name=self._name, line=_shown(line))


def longest_end(patience: float) -> float:
    """Give how many seconds L{WebotsProcess.end} takes at most."""
    return 2 * patience + 2 * LAST_WORDS_SECONDS


class _NoEvents:
    """Standard error has no words; it is only logged."""

    def opened(self) -> None: ...

    def sign_of_life(self) -> None: ...

    def paused(self) -> None: ...

    def resumed(self) -> None: ...

    def exited(self, how: str) -> None: ...


def _signal_group(leader: int, number: signal.Signals) -> bool:
    """Send a signal to a process group; tell whether there is one."""
    try:
        os.killpg(leader, number)
    except ProcessLookupError:
        return False
    return True


def _shown(line: bytes) -> str:
    return quoted(line.decode("utf-8", "replace"), LOGGED_CHARACTERS)


def _how_it_ended(reason: BaseException | None) -> str:
    if isinstance(reason, ProcessDone):
        return "by itself"
    if isinstance(reason, ProcessTerminated) and reason.signal is not None:
        return f"by signal {signal_name(reason.signal)}"
    if isinstance(reason, ProcessTerminated):
        return f"with exit code {reason.exitCode}"
    return f"in an unknown way ({reason})"
