"""Reads what a viewer sends (docs/protocol.md, section 4) and hands it to the simulator; knows no sockets."""

import json

from webots_cloud.standin import pace
from webots_cloud.standin.project import ProjectError
from webots_cloud.standin.simulator import Simulator, Viewer, send_controller, write_controller

_SCENE = ("x3d", "w3d")
_TO_ROBOT = "robot:"
_LONGEST_DURATION = 1e12


class Stream:
    """What one viewer may say.

    @param simulator: what it drives.
    @param viewer: where answers go.
    """

    def __init__(self, simulator: Simulator, viewer: Viewer) -> None:
        self._simulator = simulator
        self._viewer = viewer
        self._watches = False
        self._drives = False
        self._is_window = False

    def said(self, text: str) -> None:
        """Take one message; what makes no sense is ignored, as Webots ignores it."""
        if self._is_window:
            self._speak(text)
        elif not self._watches:
            self._begin(text)
        elif self._drives:
            self._order(text)

    def gone(self) -> None:
        """The viewer has left."""
        self._simulator.leave(self._viewer)

    def _begin(self, text: str) -> None:
        kind, _, options = text.partition(";")
        if kind in _SCENE:
            self._watches = True
            self._drives = "broadcast" not in options.split(";")
            self._simulator.join(self._viewer)
        elif kind.startswith("mjpeg"):
            self._viewer.send("stderr:The stand-in cannot stream images: ask for x3d.")
        elif text.startswith(_TO_ROBOT):
            self._is_window = True
            self._simulator.attend(self._viewer)
            self._speak(text)

    def _speak(self, text: str) -> None:
        letter = _letter(text.removeprefix(_TO_ROBOT)) if text.startswith(_TO_ROBOT) else None
        if letter is not None:
            self._simulator.speak(*letter)

    def _order(self, text: str) -> None:
        name, _, value = text.partition(":")
        try:
            match name:
                case "pause":
                    self._simulator.pause(self._viewer)
                case "step":
                    self._step()
                case pace.REAL_TIME | pace.RUN | pace.FAST:
                    self._simulator.run(name, _duration(value))
                case "timeout":
                    self._simulator.limit(_duration(value))
                case "reset":
                    self._simulator.reset()
                case "revert":
                    self._simulator.revert()
                case "load":
                    self._simulator.load(value)
                case "get controller":
                    for file in self._simulator.project.controller_files(value):
                        send_controller(self._simulator, self._viewer, value, file)
                case "sync controller":
                    controller, _, file = value.partition("/")
                    send_controller(self._simulator, self._viewer, controller, file)
                case "set controller":
                    self._write(value)
                case "robot":
                    self._speak(text)
        except ProjectError as problem:
            self._viewer.send(f"stderr:{problem}")

    def _step(self) -> None:
        # As in Webots: a step asked for while time passes first stops it.
        self._simulator.pause()
        self._simulator.run(pace.STEP)

    def _write(self, value: str) -> None:
        """Take ``NAME/FILE:NUMBER_OF_LINES``, a newline, and the content."""
        head, _, content = value.partition("\n")
        path, _, lines = head.rpartition(":")
        controller, slash, file = path.partition("/")
        if not slash or not lines.isdigit():
            raise ProjectError("Expected set controller:NAME/FILE:NUMBER_OF_LINES and the content on the lines below.")
        write_controller(self._simulator, controller, file, content)


def _letter(value: str) -> tuple[str, str] | None:
    """Read ``NAME:MESSAGE``, or JSON with ``name`` and ``message``: robot and message."""
    if not value.startswith("{"):
        name, colon, message = value.partition(":")
        return (name, message) if colon else None
    try:
        letter = json.loads(value)
        name, message = letter["name"], letter["message"]
    except (ValueError, KeyError, RecursionError):
        return None
    return (name, message) if isinstance(name, str) and isinstance(message, str) else None


def _duration(value: str) -> float:
    """Simulated time in ms; below zero, or nothing that is a number: for ever."""
    try:
        duration = float(value)
    except ValueError:
        return -1.0
    return duration if 0 <= duration <= _LONGEST_DURATION else -1.0
