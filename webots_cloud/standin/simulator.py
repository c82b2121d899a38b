"""The simulator as a whole: one project, the world that is loaded, its controllers, its pace and those who watch it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import attrs
from twisted.internet.interfaces import IDelayedCall

from webots_cloud.standin import pace
from webots_cloud.standin.controllers import Crew, Reactor
from webots_cloud.standin.label import Label
from webots_cloud.standin.project import Project, ProjectError, is_plain_name
from webots_cloud.standin.wbt import MAX_CHARACTERS, WbtError, parse
from webots_cloud.standin.world import World

State = dict[int, dict[str, str]]


class Viewer(Protocol):
    """Somebody who watches, at the other end of a socket."""

    @property
    def is_behind(self) -> bool:
        """Whether messages sent to it wait because it does not read them fast enough."""

    def send(self, text: str) -> None:
        """Send it a message."""


@attrs.define(eq=False)
class _Seat:
    """A viewer and whether it has missed a state, so that it needs all of the next one."""

    viewer: Viewer
    missed: bool = False


def read_world(path: Path, report: Callable[[str], None]) -> World:
    """Read a world file.

    @param report: called with a sentence for whatever cannot be shown as the author wants it.
    @raise WbtError: where it is not a world that can be read; the text is a sentence.
    """
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            text = file.read(MAX_CHARACTERS + 1)
        return World(parse(text), report)
    except OSError as error:
        raise WbtError(f"World {path.name} cannot be read: {error.strerror}.") from error
    except WbtError as error:
        raise WbtError(f"World {path.name} cannot be read: {error}.") from error


class Simulator:
    """Runs one world after the other and tells the viewers.

    @ivar project: the folder it may use.
    @ivar path: the world file that is loaded.
    @ivar may_edit: whether viewers may write controllers.
    """

    def __init__(
        self,
        reactor: Reactor,
        path: Path,
        world: World,
        announce: Callable[[str], None],
        log: Callable[[str], None],
        may_edit: bool = True,
        clear_up: Callable[[], None] = lambda: None,
    ) -> None:
        """Begin paused.

        @param announce: called with a word for standard output at each change of mode and reset.
        @param log: called with a sentence for the operator.
        @param clear_up: called when a controller has ended; ends what the controller itself has left behind.
        """
        self.path = path.resolve()
        self.project = Project(self.path.parent.parent)
        self.may_edit = may_edit
        self._reactor = reactor
        self._announce = announce
        self._log = log
        self._clear_up = clear_up
        self._world = world
        self._seats: dict[Viewer, _Seat] = {}
        self._windows: set[Viewer] = set()
        self._pause_at: float | None = None
        self._shown: State = world.state()
        self._shown_labels: dict[int, Label] = {}
        self._last_frame = 0.0
        self._frame_call: IDelayedCall | None = None
        self._crew: Crew | None = None
        self._leaving: Crew | None = None
        self._pace = pace.Pace(reactor, lambda: self._world.basic_step / 1000, self._ready, self._step)

    @property
    def mode(self) -> str:
        """The mode of docs/protocol.md, section 3."""
        return self._pace.mode

    @property
    def title(self) -> str:
        """The world's title, or its file name."""
        return self._world.title or self.path.stem

    def join(self, viewer: Viewer) -> None:
        """Send a new viewer everything, and from now on what changes."""
        self._seats[viewer] = _Seat(viewer)
        self._send_scene(viewer)

    def attend(self, window: Viewer) -> None:
        """Send a robot window, from now on, what robots say to such."""
        self._windows.add(window)

    def leave(self, viewer: Viewer) -> None:
        """Send a viewer or robot window nothing any more."""
        self._seats.pop(viewer, None)
        self._windows.discard(viewer)

    def speak(self, robot: str, text: str) -> None:
        """Tell all robots of a name what a robot window says."""
        for body in self._world.bodies:
            if body.name == robot:
                body.post(text)

    def pause(self, by: Viewer | None = None) -> None:
        """Stop the time.

        @param by: the viewer who asked for it.
        """
        if self.mode == pace.PAUSE:
            return
        self._pace.change(pace.PAUSE)
        self._announce(pace.PAUSE)
        self._send_frame()
        for viewer in list(self._seats):
            viewer.send("paused by client" if viewer is by else f"pause: {self._world.time:g}")

    def run(self, mode: str, duration: float = -1.0) -> None:
        """Let time pass.

        @param mode: ``real-time``, ``run``, ``fast``, or ``step`` for one step.
        @param duration: simulated time, ms, after which it pauses by itself; below zero: never.
        """
        self.limit(duration)
        if self._crew is None:
            self._start_controllers()
        if mode == self.mode:
            return
        self._pace.change(mode)
        self._announce(mode)
        self._tell(mode)

    def limit(self, duration: float) -> None:
        """Pause by itself after so much simulated time, ms; below zero: never."""
        self._pause_at = self._world.time + duration if duration >= 0 else None

    def reset(self) -> None:
        """Put everything back as the world file has it; controllers start anew and read their files again."""
        self._stop_controllers()
        self._world.reset()
        self._pause_at = None
        self._announce("reset")
        self._shown, self._shown_labels = self._world.state(), self._world.labels.copy()
        self._tell(self._whole_state())
        self._tell("reset finished")
        if self.mode != pace.PAUSE:
            self._start_controllers()
            self._pace.change(self.mode)

    def revert(self) -> None:
        """Read the world file again."""
        self._load(self.path)

    def load(self, name: str) -> None:
        """Go on with another world of the same folder."""
        if not is_plain_name(name) or not name.endswith(".wbt"):
            self.printed("stderr", f"{name[:60]!r} is not the name of a world.")
            return
        self._load(self.path.parent / name)

    def printed(self, channel: str, text: str) -> None:
        """Show lines on the viewers' consoles; who does not keep up misses them."""
        self._mention(list(self._seats), f"{channel}:{text}")

    def spoken(self, robot: str, text: str) -> None:
        """Send what a robot says to robot windows; who does not keep up misses it."""
        letter = json.dumps({"message": text, "name": robot}, ensure_ascii=False, separators=(",", ":"))
        self._mention([*self._seats, *self._windows], f"robot:{letter}")

    def close(self) -> None:
        """End the controllers at once and make no further step."""
        self._pace.change(pace.PAUSE)
        if self._frame_call is not None and self._frame_call.active():
            self._frame_call.cancel()
        for crew in (self._leaving, self._crew):
            if crew is not None:
                crew.kill()

    def _load(self, path: Path) -> None:
        try:
            if path.resolve() != path:
                raise WbtError(f"World {path.name} is a link: links are not followed.")
            world = read_world(path, self._log)
        except WbtError as problem:
            self._log(str(problem))
            self.printed("stderr", str(problem))
            return
        self._stop_controllers()
        self.path, self._world, self._pause_at = path, world, None
        self._shown, self._shown_labels = world.state(), {}
        self._log(f"loaded {path.name}")
        self._tell("model:")
        for viewer in list(self._seats):
            self._send_scene(viewer)
        if self.mode != pace.PAUSE:
            self._start_controllers()
            self._pace.change(self.mode)

    def _start_controllers(self) -> None:
        self._crew = Crew(self._reactor, self._world, self.printed, self.spoken, self._pace.poke, self._clear_up)
        self._crew.start(self.project)

    def _stop_controllers(self) -> None:
        if self._crew is None:
            return
        # Whoever resets again and again does not fill the machine with processes that are about to end.
        if self._leaving is not None:
            self._leaving.kill()
        self._crew.stop()
        self._leaving, self._crew = self._crew, None

    def _ready(self) -> bool:
        return self._crew is None or self._crew.ready()

    def _step(self) -> None:
        self._world.step()
        if self._crew is not None:
            self._crew.answer()
        if self.mode == pace.STEP or (self._pause_at is not None and self._world.time >= self._pause_at):
            self._pause_at = None
            self.pause()
        elif self._frame_call is None:
            wait = self._last_frame + 1 / self._world.frames - self._reactor.seconds()
            self._frame_call = self._reactor.callLater(max(wait, 0), self._send_frame)

    def _send_frame(self) -> None:
        """Send what has changed since the last time."""
        if self._frame_call is not None and self._frame_call.active():
            self._frame_call.cancel()
        self._frame_call = None
        self._last_frame = self._reactor.seconds()
        if not self._seats:
            return
        text = self._changes()
        for seat in list(self._seats.values()):
            if seat.viewer.is_behind:
                seat.missed = True
            elif seat.missed:
                seat.missed = False
                seat.viewer.send(self._whole_state())
            else:
                seat.viewer.send(text)

    def _changes(self) -> str:
        now, labels = self._world.state(), self._world.labels.copy()
        changed = {number: node for number, node in now.items() if self._shown.get(number) != node}
        put = [label for number, label in labels.items() if self._shown_labels.get(number) != label]
        self._shown, self._shown_labels = now, labels
        return self._state(changed, put) if changed or put else f"time: {self._world.time:g}"

    def _whole_state(self) -> str:
        return self._state(self._world.state(), list(self._world.labels.values()))

    def _state(self, nodes: State, labels: list[Label]) -> str:
        state = {
            "time": self._world.time,
            "poses": [{"id": number, **node} for number, node in nodes.items()],
            "labels": [label.told() for label in labels],
        }
        return "application/json:" + json.dumps(state, separators=(",", ":"))

    def _send_scene(self, viewer: Viewer) -> None:
        try:
            names = self.project.worlds(self.path.parent)
        except OSError:
            names = [self.path.name]
        viewer.send(f"world:{self.path.name}:{';'.join(names)}")
        viewer.send("model:" + self._world.x3d(lambda url: self.project.texture(self.path.parent, url)))
        viewer.send(self._whole_state())
        viewer.send("scene load completed")
        viewer.send(f"pause: {self._world.time:g}" if self.mode == pace.PAUSE else self.mode)

    def _mention(self, viewers: list[Viewer], text: str) -> None:
        for viewer in viewers:
            if not viewer.is_behind:
                viewer.send(text)

    def _tell(self, text: str) -> None:
        for viewer in list(self._seats):
            viewer.send(text)


def send_controller(simulator: Simulator, viewer: Viewer, controller: str, file: str) -> None:
    """Send a viewer one file of a controller.

    @raise ProjectError: where it cannot be had.
    """
    content = simulator.project.read(controller, file)
    lines = content.count("\n") + (not content.endswith("\n") and content != "")
    viewer.send(f"set controller:{controller}/{file}:{lines}\n{content}")


def write_controller(simulator: Simulator, controller: str, file: str, content: str) -> None:
    """Write one file of a controller.

    @raise ProjectError: where that is not possible or not allowed.
    """
    if not simulator.may_edit:
        raise ProjectError("Controllers of this simulation cannot be changed.")
    simulator.project.write(controller, file, content)
