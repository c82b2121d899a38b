"""Controllers as processes of their own: started, answered, listened to within bounds, and ended.

The simulator asks a ``Crew`` whether everybody is ready for the next step; it never waits for one on the reactor.
"""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Protocol, cast

from twisted.internet import error
from twisted.internet.interfaces import IDelayedCall, IProcessTransport
from twisted.internet.process import Process
from twisted.internet.protocol import ProcessProtocol
from twisted.python.failure import Failure

from webots_cloud.standin import talk
from webots_cloud.standin.body import Body
from webots_cloud.standin.console import Lines
from webots_cloud.standin.pace import Timer
from webots_cloud.standin.project import Project
from webots_cloud.standin.world import World

_LAUNCH = Path(__file__).parent / "robot" / "launch.py"
_NO_CONTROLLER = ("", "<none>", "<extern>", "<generic>", "void")
_HANDED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "TZ")
_OUTPUT_PER_SECOND = 64 * 1024
_GRACE = 1.0
_PATIENCE = 5.0
_MOST_CONTROLLERS = 100
_STDIN, _ORDERS, _REQUESTS = 0, 3, 4
_CHANNELS = {1: "stdout", 2: "stderr"}


class Reactor(Timer, Protocol):
    """What controllers need of a reactor."""

    @property
    def spawnProcess(self) -> Callable[..., IProcessTransport]:
        """Start a process (Twisted's ``IReactorProcess``)."""


class Printed(Protocol):
    """Where the lines of controllers go."""

    def __call__(self, channel: str, text: str) -> None:
        """Take lines printed on ``stdout`` or ``stderr``."""


class Spoken(Protocol):
    """Where the messages of controllers to robot windows go."""

    def __call__(self, robot: str, text: str) -> None:
        """Take what the controller of a robot says."""


class Controller(ProcessProtocol):
    """One controller process.

    @ivar body: the robot it drives.
    @ivar due: simulated time, ms, at which its call of ``step`` ends; ``None`` while it does something else.
    @ivar alive: whether there is a process.
    @ivar sensors: the sensors that were enabled at its last ``step``.
    @ivar busy_since: reactor's time, s, when it was last told something.
    """

    def __init__(self, body: Body, crew: "Crew") -> None:
        self.body = body
        self.due: float | None = None
        self.alive = True
        self.sensors: list[str] = []
        self.busy_since = 0.0
        self._crew = crew
        self._requests = b""
        self._lines = {1: Lines(), 2: Lines()}
        self._spent = 0
        self._refill: IDelayedCall | None = None
        self._ending: IDelayedCall | None = None

    def connectionMade(self) -> None:
        """Greet the process; it reads nothing from its standard input."""
        self._process = cast(Process, self.transport)
        self._process.closeChildFD(_STDIN)
        self.tell(talk.greeting(self._crew.world, self.body))

    def tell(self, line: bytes) -> None:
        """Send a line to the process."""
        self.busy_since = self._crew.reactor.seconds()
        # A controller may have closed its end.
        if _ORDERS in self._process.pipes:
            self._process.writeToChild(_ORDERS, line)

    def childDataReceived(self, childFD: int, data: bytes) -> None:
        """Take output, or a request."""
        if childFD == _REQUESTS:
            if self.alive:
                self._hear(data)
            return
        self._spend(len(data))
        text = self._lines[childFD].feed(data)
        if text is not None:
            self._crew.printed(_CHANNELS[childFD], text)

    def childConnectionLost(self, childFD: int) -> None:
        """Show the last line, if it has no end."""
        rest = self._lines[childFD].end() if childFD in _CHANNELS else None
        if rest is not None:
            self._crew.printed(_CHANNELS[childFD], rest)

    def processExited(self, reason: Failure) -> None:
        """Nobody needs to wait for it any longer."""
        self.alive = False
        self.due = None
        for call in (self._refill, self._ending):
            if call is not None and call.active():
                call.cancel()
        self._let_print()
        self._crew.ended(self, _how(reason))

    def stop(self) -> None:
        """Let the process end by itself: its ``step`` returns -1; after a second it is killed."""
        if self.alive and self._ending is None:
            self._process.closeChildFD(_ORDERS)
            self._ending = self._crew.reactor.callLater(_GRACE, self.kill)

    def kill(self) -> None:
        """End the process at once."""
        if self.alive:
            try:
                self._process.signalProcess("KILL")
            except error.ProcessExitedAlready:
                self.alive = False

    def _hear(self, data: bytes) -> None:
        self._requests += data
        line, newline, rest = self._requests.partition(b"\n")
        try:
            if len(self._requests) > talk.MAX_LINE or rest or (newline and self.due is not None):
                raise talk.TalkError("it does not wait for answers")
            if newline:
                self._requests = b""
                self._crew.requested(self, talk.parse(line))
        except talk.TalkError as problem:
            self._requests = b""
            self._crew.printed("stderr", f"{self.body.controller}: ended by the stand-in: {problem}.")
            self.kill()

    def _spend(self, count: int) -> None:
        """Read at most so much output in a second; then the process waits until its pipe is read again."""
        self._spent += count
        if self._refill is None or not self._refill.active():
            self._refill = self._crew.reactor.callLater(1.0, self._let_print)
        if self._spent > _OUTPUT_PER_SECOND:
            for channel in _CHANNELS:
                if channel in self._process.pipes:
                    self._process.pipes[channel].pauseProducing()

    def _let_print(self) -> None:
        self._spent = 0
        for channel in _CHANNELS:
            if channel in self._process.pipes:
                self._process.pipes[channel].resumeProducing()


class Crew:
    """All controllers of a world between two resets.

    @ivar world: the world whose robots they drive.
    """

    def __init__(
        self,
        reactor: Reactor,
        world: World,
        printed: Printed,
        spoken: Spoken,
        on_ready: Callable[[], None],
        on_ended: Callable[[], None],
    ) -> None:
        """Make a crew of nobody yet.

        @param on_ready: called when a controller asks for the next step, or ends.
        @param on_ended: called when a controller's process is gone.
        """
        self.reactor = reactor
        self.world = world
        self.printed = printed
        self._spoken = spoken
        self._on_ready = on_ready
        self._on_ended = on_ended
        self._members: list[Controller] = []
        self._over = False
        self._watch: IDelayedCall | None = None

    def start(self, project: Project) -> None:
        """Start the controller of each robot that has one."""
        self._watch = self.reactor.callLater(_PATIENCE, self._remind, set())
        for body in self.world.bodies:
            name = body.controller
            if name in _NO_CONTROLLER:
                continue
            path = project.controller(name)
            if path is None:
                self.printed("stderr", f"{body.name}: there is no controller controllers/{name}/{name}.py")
                continue
            if len(self._members) == _MOST_CONTROLLERS:
                self.printed("stderr", f"Only {_MOST_CONTROLLERS} controllers are started: {body.name} has none.")
                return
            self._members.append(self._spawn(body, path))

    def _remind(self, told: set[Controller]) -> None:
        """Say once of each controller that keeps the simulation waiting."""
        late = self.reactor.seconds() - _PATIENCE
        for member in self._members:
            if member.alive and member.due is None and member.busy_since <= late and member not in told:
                told.add(member)
                text = f"WARNING: {member.body.controller} has not called step() for {_PATIENCE:g} s; everybody waits."
                self.printed("stderr", text)
        self._watch = self.reactor.callLater(_PATIENCE, self._remind, told)

    def _spawn(self, body: Body, path: Path) -> Controller:
        member = Controller(body, self)
        environment = {name: os.environ[name] for name in _HANDED_ON if name in os.environ}
        environment |= {"WEBOTS_STANDIN": "1", "PYTHONDONTWRITEBYTECODE": "1", "PYTHONIOENCODING": "utf-8:replace"}
        command = [sys.executable, "-u", str(_LAUNCH), str(os.getpid()), str(path), *body.arguments]
        self.printed("stdout", f"INFO: {body.controller}: Starting controller: python -u {path.name}")
        self.reactor.spawnProcess(
            member,
            sys.executable,
            command,
            env=environment,
            path=str(path.parent),
            childFDs={0: "w", 1: "r", 2: "r", _ORDERS: "w", _REQUESTS: "r"},
        )
        return member

    def ready(self) -> bool:
        """Whether no controller is at work on the present moment."""
        return all(m.due is not None for m in self._members if m.alive and m.body.synchronous)

    def answer(self) -> None:
        """End the calls of ``step`` whose time has come."""
        for member in self._members:
            if member.due is not None and member.due <= self.world.time:
                member.due = None
                member.tell(talk.answer(self.world, member.body, member.sensors))

    def requested(self, member: Controller, request: talk.Request) -> None:
        """A controller has called ``step``."""
        if self._over:
            return
        talk.obey(self.world, member.body, request)
        for text in request.texts:
            self._spoken(member.body.name, text)
        member.sensors = request.sensors
        member.due = self.world.time + request.duration
        if request.duration == 0:
            self.answer()
        self._on_ready()

    def ended(self, member: Controller, how: str) -> None:
        """A controller's process is gone."""
        self._on_ended()
        if self._over:
            return
        channel, word = ("stdout", "INFO") if how == "exited successfully" else ("stderr", "WARNING")
        self.printed(channel, f"{word}: '{member.body.controller}' controller {how}.")
        self._on_ready()

    def stop(self) -> None:
        """Send everybody home; what they ask from now on is not heard."""
        self._close()
        for member in self._members:
            member.stop()

    def kill(self) -> None:
        """End everybody at once."""
        self._close()
        for member in self._members:
            member.kill()

    def _close(self) -> None:
        self._over = True
        if self._watch is not None and self._watch.active():
            self._watch.cancel()


def _how(reason: Failure) -> str:
    if reason.check(error.ProcessDone):
        return "exited successfully"
    signal = getattr(reason.value, "signal", None)
    if signal is not None:
        return f"was ended by signal {signal}"
    return f"exited with status: {getattr(reason.value, 'exitCode', None)}"
