"""Webots, or the stand-in, as a process: its command line, and its standard output as events."""

from __future__ import annotations

import os
import re
import shutil
import signal
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

import attrs
from twisted.internet.defer import Deferred
from twisted.internet.error import ProcessDone, ProcessTerminated
from twisted.internet.interfaces import IDelayedCall
from twisted.internet.protocol import ProcessProtocol
from twisted.logger import Logger
from twisted.python.failure import Failure

from webots_cloud.errors import WebotsNotFound, quoted

MAX_LINE_BYTES = 4096
"""Longer lines of output are cut; no word of docs/protocol.md section 3 is nearly as long."""
LOGGED_LINES = 200
"""How many lines of one Webots go to the log, so that a flood from a project cannot fill the disk."""
LOGGED_CHARACTERS = 500
LAST_WORDS_SECONDS = 1.0
"""How long the output of a Webots that has ended is still read."""
_INHERITED = ("PATH", "LANG", "LC_ALL", "DISPLAY", "XAUTHORITY")


@attrs.frozen
class Simulator:
    """The program that is run for each client.

    @ivar command: the program and its first arguments.
    @ivar home: C{WEBOTS_HOME}; C{None} for the stand-in.
    @ivar version: for instance C{R2022b}; empty where it is not known.
    """

    command: tuple[str, ...]
    home: Path | None
    version: str

    @property
    def name(self) -> str:
        """What pages and logs call it; a stand-in is never called Webots."""
        return f"Webots {self.version}".strip() if self.home else "stand-in (no Webots is installed)"

    def check(self) -> None:
        """Look whether it can be executed.

        @raise WebotsNotFound: if it cannot; its detail tells the operator why.
        """
        program = Path(self.command[0])
        if not program.is_file():
            raise WebotsNotFound(detail=f"there is no file {program}; correct webotsHome")
        if not os.access(program, os.X_OK):
            raise WebotsNotFound(detail=f"{program} may not be executed; give it execute permission")

    def arguments(self, port: int, world: Path, may_edit: bool) -> list[str]:
        """Give the command line (docs/protocol.md section 3).

        @param port: where it is to listen.
        @param may_edit: whether controllers may be edited; only generation A is told.
        """
        generation = _generation_b if self.version >= "R2022" else _generation_a
        return [*self.command, "--batch", "--mode=pause", *generation(port, may_edit), str(world)]

    def environment(self, home: Path, environ: Mapping[str, str]) -> dict[str, str]:
        """Give the environment, made from nothing but what Webots needs.

        @param home: what it takes for its user's home and for temporary files.
        @param environ: this process's environment.
        """
        inherited = {name: environ[name] for name in _INHERITED if name in environ}
        own = {"WEBOTS_HOME": str(self.home)} if self.home else {}
        return {**inherited, **own, "HOME": str(home), "TMPDIR": str(home), "XDG_RUNTIME_DIR": str(home)}


def _generation_a(port: int, may_edit: bool) -> list[str]:
    edit = ";controllerEdit" if may_edit else ""
    return ["--minimize", f"--stream=port={port};monitorActivity{edit}"]


def _generation_b(port: int, may_edit: bool) -> list[str]:
    return ["--minimize", "--no-rendering", f"--port={port}", "--heartbeat=5000", "--stream"]


def find_simulator(webots_home: Path | None) -> Simulator:
    """Choose the Webots in a folder, or the stand-in where there is none."""
    if webots_home is None:
        # Without -P, modules in the project would take the place of its own.
        return Simulator((sys.executable, "-P", "-m", "webots_cloud.standin"), None, "")
    return Simulator((str(webots_home / "webots"),), webots_home, _version(webots_home))


def _version(webots_home: Path) -> str:
    try:
        found = re.search(r"R20[0-9]{2}[a-z]?", (webots_home / "resources" / "version.txt").read_text("utf-8"))
    except (OSError, UnicodeDecodeError):
        return ""
    return found.group() if found else ""


class WebotsEvents(Protocol):
    """Whom a Webots tells what it does: an L{Instance<webots_cloud.simulation.instance.Instance>}."""

    def opened(self) -> None:
        """The world is loaded."""

    def sign_of_life(self) -> None:
        """It is alive."""

    def paused(self) -> None:
        """The simulation is paused."""

    def resumed(self) -> None:
        """The simulation runs."""

    def exited(self, how: str) -> None:
        """It has ended."""


class WebotsOutput:
    """Turns standard output into events (docs/protocol.md section 3).

    Generation A says C{open} when the world is loaded, generation B says its first C{.}; what is no word of the
    protocol goes to the log.
    """

    def __init__(self, events: WebotsEvents, log: Callable[[bytes], None]) -> None:
        self._log = log
        self._line = b""
        self._open = False
        self._events = events
        self._words: dict[bytes, Callable[[], None]] = {
            b"open": self._opened,
            b".": self._sign_of_life,
            b"pause": events.paused,
            **dict.fromkeys((b"real-time", b"run", b"fast", b"step"), events.resumed),
            b"reset": lambda: None,
        }

    def received(self, data: bytes) -> None:
        """Take any piece of output."""
        *lines, self._line = (self._line + data).split(b"\n")
        self._line = self._line[: MAX_LINE_BYTES + 1]
        for line in lines:
            self._received_line(line)

    def ended(self) -> None:
        """Take what was said last, though no line end followed."""
        line, self._line = self._line, b""
        self._received_line(line)

    def _received_line(self, line: bytes) -> None:
        text = line.strip()
        word = self._words.get(text) if len(line) <= MAX_LINE_BYTES else None
        if word:
            word()
        elif text:
            self._log(text[:MAX_LINE_BYTES])

    def _opened(self) -> None:
        if not self._open:
            self._open = True
            self._events.opened()

    def _sign_of_life(self) -> None:
        self._opened()
        self._events.sign_of_life()


class WebotsProcess(ProcessProtocol):
    """A running Webots, leader of a process group of its own.

    @ivar pid: its process id, also that of the group; C{None} when it is not running.
    """

    _log = Logger()

    def __init__(self, reactor: Any, name: str, events: WebotsEvents) -> None:
        """Prepare to run.

        @param name: the instance's name in the log.
        @param events: told of everything.
        """
        self._reactor = reactor
        self._name = name
        self._events = events
        self._output = WebotsOutput(events, self._log_line)
        self._errors = WebotsOutput(_NoEvents(), self._log_line)
        self._lines_left = LOGGED_LINES
        self._last_line = b""
        self._last_words: IDelayedCall | None = None
        self._gone: Deferred[None] | None = None
        self.pid: int | None = None

    def run(self, arguments: list[str], environment: dict[str, str], folder: Path) -> None:
        """Start it; what happens then goes to the events.

        @param folder: its current folder.
        @raise OSError: if no process can be made.
        """
        setsid = shutil.which("setsid") or "/usr/bin/setsid"
        process = self._reactor.spawnProcess(self, setsid, [setsid, *arguments], environment, str(folder))
        self.pid = process.pid
        self._gone = Deferred()

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

    def processExited(self, reason: Failure) -> None:
        """End what it started, and read its last words, but wait for them no longer than a moment.

        What it started may have left its process group, and hold its pipes open for ever.
        """
        if self.pid is not None:
            _signal_group(self.pid, signal.SIGKILL)
        self.pid = None
        if self.transport is not None:
            self._last_words = self._reactor.callLater(LAST_WORDS_SECONDS, self.transport.loseConnection)

    def processEnded(self, reason: Failure) -> None:
        """Tell how it ended; all of its output has been read."""
        if self._last_words is not None and self._last_words.active():
            self._last_words.cancel()
        self._output.ended()
        self._errors.ended()
        how = _how_it_ended(reason.value)
        self._log.debug("{name}: ended {how}, saying {line}", name=self._name, how=how, line=_shown(self._last_line))
        self._is_gone()
        self._events.exited(how)

    async def end(self, patience: float) -> None:
        """End it with all that it started: SIGTERM, then SIGKILL; returns when it is gone.

        @param patience: seconds to wait after SIGTERM, and once more after SIGKILL.
        """
        if self._gone is None:
            return
        gone = self._gone
        self._signal(signal.SIGTERM)
        kill = self._reactor.callLater(patience, self._signal, signal.SIGKILL)
        give_up = self._reactor.callLater(2 * patience, self._give_up)
        await gone
        for call in (kill, give_up):
            if call.active():
                call.cancel()

    def _give_up(self) -> None:
        self._log.error("{name}: process {pid} does not end even after SIGKILL", name=self._name, pid=self.pid)
        self._is_gone()

    def _is_gone(self) -> None:
        gone, self._gone = self._gone, None
        if gone is not None:
            gone.callback(None)

    def _signal(self, number: signal.Signals) -> None:
        if self.pid is not None and not _signal_group(self.pid, number):
            # It was started a moment ago and does not lead a group yet.
            os.kill(self.pid, number)

    def _log_line(self, line: bytes) -> None:
        self._last_line = line
        if self._lines_left > 0:
            self._lines_left -= 1
            self._log.info("{name}: {line}", name=self._name, line=_shown(line))


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
        return f"by signal {signal.Signals(reason.signal).name}"
    if isinstance(reason, ProcessTerminated):
        return f"with exit code {reason.exitCode}"
    return f"in an unknown way ({reason})"
