"""Webots, or the stand-in: its command line, and its standard output as events."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import attrs

from webots_cloud.errors import WebotsNotFound

MAX_LINE_BYTES = 4096
"""Longer lines of output are cut; no word of docs/protocol.md section 3 is nearly as long."""


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

    @property
    def needs_display(self) -> bool:
        """Whether it draws on an X display."""
        return self.home is not None

    @property
    def folders(self) -> tuple[Path, ...]:
        """The folders that it has to read, beside those of the system."""
        if self.home is not None:
            return (self.home,)
        return Path(sys.prefix), Path(sys.base_prefix), Path(__file__).resolve().parents[1]

    def environment(self, home: Path) -> dict[str, str]:
        """Give the environment, made from nothing.

        @param home: what it takes for its user's home and for temporary files.
        """
        own = {"WEBOTS_HOME": str(self.home)} if self.home else {}
        folders = {name: str(home) for name in ("HOME", "TMPDIR", "XDG_RUNTIME_DIR")}
        return {"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8", **own, **folders}


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
