"""Carries out what an instance orders: fetches, starts Webots, tells the client, and frees everything at the end."""

from __future__ import annotations

import secrets
import socket
from collections.abc import Coroutine
from typing import Any, Protocol

import attrs
from twisted.internet.defer import CancelledError, Deferred, TimeoutError
from twisted.internet.interfaces import IDelayedCall
from twisted.internet.task import deferLater
from twisted.python.threadpool import ThreadPool

from webots_cloud.config import SimulationConfig
from webots_cloud.errors import (
    ClientError,
    FetchTimedOut,
    IdleTooLong,
    InternalError,
    ServerStopping,
    TimeIsUp,
    TooManyResets,
    TooMuchMemory,
    TooMuchSaved,
    WebotsNotFound,
    WebotsSilent,
)
from webots_cloud.simulation.blocking import BlockingWork, GoOn
from webots_cloud.simulation.cgroup import Cgroup, Cgroups
from webots_cloud.simulation.channel import Use
from webots_cloud.simulation.deadline import Deadline
from webots_cloud.simulation.folder import InstanceFolder
from webots_cloud.simulation.gate import Gate, Route
from webots_cloud.simulation.guard import Guard
from webots_cloud.simulation.idleness import Idleness
from webots_cloud.simulation.instance import Life, Phase, new_instance
from webots_cloud.simulation.launch import Launch, in_cgroup
from webots_cloud.simulation.leftovers import remember_process
from webots_cloud.simulation.process import WebotsProcess
from webots_cloud.simulation.processor_share import ProcessorShare
from webots_cloud.simulation.project import ProjectSource
from webots_cloud.simulation.request import ResetController, StartRequest
from webots_cloud.simulation.session_log import SessionLog
from webots_cloud.simulation.tally import Tally

LEAST_SECONDS_BETWEEN_SIGNS_OF_LIFE = 1.0
CGROUP_SECONDS = 5.0
"""How long the end of all processes of a cgroup is waited for."""
_CGROUP_LOOK_SECONDS = 0.05
_MEGABYTE = 10**6
MOST_RESETS = 16
"""How many controllers of an instance may be waiting to be reset, so that one page cannot occupy all threads."""


class Client(Protocol):
    """The page that an instance runs for.

    @ivar session: what the log says of it.
    """

    session: SessionLog

    def send(self, text: str) -> None:
        """Send a message (docs/protocol.md section 2)."""

    def let_go(self) -> None:
        """Close its socket: all is over."""


@attrs.frozen
class Workplace:
    """What all instances of a server share.

    @ivar reactor: clock, processes and threads.
    @ivar pool: the threads for work that blocks.
    @ivar guard: ends instances where the server is killed.
    @ivar cgroups: C{None} where none are delegated to the server.
    @ivar tally: counts what becomes of them.
    """

    reactor: Any
    config: SimulationConfig
    pool: ThreadPool
    projects: ProjectSource
    launch: Launch
    gate: Gate
    guard: Guard
    cgroups: Cgroups | None
    tally: Tally


class Runner:
    """Runs one instance.

    @ivar number: which one it is, counted from the server's start.
    @ivar name: what the log calls it.
    @ivar instance: told of what happens.
    @ivar life: where the instance is in its life.
    @ivar ended: fires when nothing is left of it.
    @ivar use: what it uses, as its launcher has measured it last; C{None} before that.
    @ivar processor: the share of the processors that it has.
    @ivar cgroup: its cgroup, if it has one.
    """

    def __init__(self, workplace: Workplace, number: int, request: StartRequest, client: Client) -> None:
        """Prepare; C{instance.start} begins."""
        self.number = number
        self.name = f"instance {number}"
        self.request = request
        self.life = Life(self)
        self.instance = new_instance(self.life)
        self._since: float = workplace.reactor.seconds()
        self.ended: Deferred[None] = Deferred()
        self.use: Use | None = None
        self.processor = ProcessorShare()
        self.cgroup: Cgroup | None = None
        self._workplace = workplace
        self._passage = workplace.tally.begin()
        self._client = client
        self._session = client.session
        self._log = self._session.logger(f"{__name__}.{type(self).__name__}")
        self._session.ask(request, number)
        self._folder = InstanceFolder(workplace.config.instancesDir / f"{number}-{secrets.token_hex(8)}")
        self._work = BlockingWork(workplace.reactor, workplace.pool)
        self._delivery: Deferred[None] | None = None
        self._route: Route | None = None
        self._process: WebotsProcess | None = None
        self._watched: int | None = None
        self._start_timer: IDelayedCall | None = None
        self._resets = 0
        self._waited = False
        self._began = False
        self._allow_broadcast = False
        self._extensions_left = workplace.config.extensions
        self._total: float = workplace.config.totalTimeoutSeconds
        self._last_input: float = self._since
        clock, idle_limit = workplace.reactor, workplace.config.idleTimeoutSeconds
        self._deadline = Deadline(clock, self._tell_deadline, self.instance.fail)
        self._idleness = Idleness(
            clock,
            idle_limit,
            self._idle_since,
            lambda: self.instance.fail(IdleTooLong(seconds=f"{idle_limit:g}")),
        )
        self._last_sign_of_life = -LEAST_SECONDS_BETWEEN_SIGNS_OF_LIFE

    @property
    def began(self) -> float:
        """When it began, in seconds of the reactor's clock."""
        return self._since

    @property
    def age(self) -> float:
        """Seconds since it began."""
        now: float = self._workplace.reactor.seconds()
        return now - self._since

    def note_input(self) -> None:
        """The client has said something."""
        self._last_input = self._workplace.reactor.seconds()

    def tell_place(self, ahead: int) -> None:
        """Tell the client its place in the queue."""
        self._waited = True
        self._client.send(f"queue:{ahead}")

    def fetch(self) -> None:
        """Fetch the project."""
        self._passage.enter(Phase.FETCHING)
        self._began = True
        if self._waited:
            self._client.send("loading: It is your turn.")
        self._client.send("loading: Fetching the project.")
        self._since = self._workplace.reactor.seconds()
        self._session.enter(Phase.FETCHING)
        self._log.info(
            "{name}: fetches {project}/{world} for {host}",
            name=self.name,
            project=self.request.project,
            world=self.request.world,
            host=str(self.request.host),
        )
        self._do(self._fetch())

    def launch(self) -> None:
        """Start Webots on a port of its own."""
        self._passage.enter(Phase.STARTING)
        self._session.enter(Phase.STARTING)
        self._client.send("loading: Starting the simulator.")
        self._do(self._launch())

    def announce(self) -> None:
        """Tell the client where Webots is."""
        self._passage.enter(Phase.RUNNING)
        self._session.enter(Phase.RUNNING)
        self._stop_timer()
        if self._route is not None:
            isolated = self._workplace.launch.sandbox.isolated
            place = "in a network of its own" if isolated else f"on port {self._route.port}"
            self._log.info("{name}: runs {place}", name=self.name, place=place)
            self._route.allow_broadcast = self._allow_broadcast
            if self._route.windows_url is not None:
                self._client.send(f"windows:{self._route.windows_url}")
            self._client.send(f"webots:{self._route.url}")
        self.note_input()
        self._idleness.watch()
        self._deadline.set(self._total, TimeIsUp(seconds=f"{self._total:g}"))

    def pass_sign_of_life(self) -> None:
        """Tell the client that Webots is alive; a Webots that says so more often than that is not repeated."""
        now: float = self._workplace.reactor.seconds()
        if now - self._last_sign_of_life >= LEAST_SECONDS_BETWEEN_SIGNS_OF_LIFE:
            self._last_sign_of_life = now
            self._client.send(".")

    def note_pause(self) -> None:
        """Count idleness from now on."""
        self.note_input()

    def allow_broadcast(self, allowed: bool) -> None:
        """Let others watch, or not."""
        self._allow_broadcast = allowed
        if self._route is not None:
            self._route.allow_broadcast = allowed

    def extend(self) -> None:
        """Let it run for longer, as often as it may; tell the client how long."""
        if self._extensions_left == 0:
            self._deadline.tell()
            return
        self._extensions_left -= 1
        more = self._workplace.config.totalTimeoutSeconds
        self._total += more
        self._log.info("{name}: may run {seconds:g} s longer", name=self.name, seconds=more)
        self._deadline.extend(more, TimeIsUp(seconds=f"{self._total:g}"))

    def end_within(self, seconds: float) -> None:
        """End before the server does, whatever the client asks for."""
        self._extensions_left = 0
        self._deadline.set(seconds, ServerStopping())

    def reset_controller(self, request: ResetController) -> None:
        """Put a controller's file back."""
        if self._resets == MOST_RESETS:
            self.instance.fail(TooManyResets())
        else:
            self._resets += 1
            self._do(self._reset_controller(request))

    def tell(self, error: ClientError) -> None:
        """Tell the client of a failure, and the operator a bit more."""
        self._log.warn("{name}: {error} {detail}", name=self.name, error=str(error), detail=error.detail)
        self._client.send(f"error: {error}")

    def free(self) -> None:
        """Free process, way in and folder."""
        self._passage.stop(self.life.failure)
        self._session.enter(Phase.STOPPING)
        self._stop_timer()
        self._deadline.stop()
        self._idleness.stop()
        if not self._began:
            # It has waited only: there is nothing to free, and those behind it move up.
            self.instance.freed()
            return
        freeing = Deferred.fromCoroutine(self._free())
        freeing.addErrback(lambda failure: self._log.failure("{name}: cannot be freed", failure, name=self.name))

    def end(self) -> None:
        """Let the client go."""
        self._passage.enter(Phase.ENDED)
        self._session.end(self.life.ending)
        self._client.let_go()
        self.ended.callback(None)

    def _tell_deadline(self, seconds: int) -> None:
        self._client.send(f"shutdownTimeout: {seconds}")

    def _idle_since(self) -> float | None:
        if not self.life.idle or self._route is None:
            return None
        return max(self._last_input, self._route.last_input)

    def _do(self, effect: Coroutine[Deferred[Any], Any, None]) -> None:
        Deferred.fromCoroutine(self._guarded(effect)).addErrback(
            lambda failure: self._log.failure("{name}: cannot fail", failure, name=self.name)
        )

    async def _guarded(self, effect: Coroutine[Deferred[Any], Any, None]) -> None:
        try:
            await effect
        except ClientError as error:
            self.instance.fail(error)
        except CancelledError:
            self._log.debug("{name}: stopped fetching", name=self.name)
        except Exception as error:
            self._log.failure("{name}: an unexpected error", name=self.name)
            self.instance.fail(InternalError(detail=repr(error)))

    async def _fetch(self) -> None:
        seconds = self._workplace.config.fetchTimeoutSeconds
        self._delivery = Deferred.fromCoroutine(self._deliver())
        try:
            await self._delivery.addTimeout(seconds, self._workplace.reactor)
        except TimeoutError as error:
            raise FetchTimedOut(seconds=f"{seconds:g}") from error
        finally:
            self._delivery = None
        self.instance.fetched()

    async def _deliver(self) -> None:
        self._workplace.launch.simulator.check()
        self._workplace.projects.check(self.request)
        await self._work.start(_create, self._folder)
        await self._workplace.projects.deliver(self.request, self._folder, self._work)

    async def _launch(self) -> None:
        workplace = self._workplace
        simulator = workplace.launch.simulator
        simulator.check()
        self._route = route = workplace.gate.open(self._connect, self.request.host.url)
        world = self._folder.world(self.request.world)
        webots = simulator.arguments(route.port, world, self.request.may_edit)
        await self._join_cgroup()
        self._process = process = WebotsProcess(
            workplace.reactor,
            self.name,
            self.instance,
            self._used,
            self._look_for_end_of_memory,
            self._session.logger(f"{WebotsProcess.__module__}.{WebotsProcess.__name__}"),
        )
        process.run(
            lambda channel: self._in_cgroup(workplace.launch.command(self._folder, webots, route.port, channel)),
            workplace.launch.environment(self._folder),
            self._folder.project,
        )
        seconds = workplace.config.startTimeoutSeconds
        self._start_timer = workplace.reactor.callLater(
            seconds, self.instance.fail, WebotsSilent(seconds=f"{seconds:g}")
        )
        if process.pid is not None:
            self._watched = process.pid
            workplace.guard.watch(process.pid, self.cgroup.path if self.cgroup else None)
            await self._work.start(_remember, self._folder, process.pid)

    async def _join_cgroup(self) -> None:
        if self._workplace.cgroups is not None:
            try:
                self.cgroup = self._workplace.cgroups.create(str(self.number))
            except OSError as error:
                raise WebotsNotFound(detail=f"its cgroup cannot be made ({error})") from error

    def _in_cgroup(self, command: list[str]) -> list[str]:
        return command if self.cgroup is None else in_cgroup(self.cgroup.procs, command)

    def _connect(self) -> Deferred[socket.socket]:
        """Connect to Webots, for the gate."""
        if self._process is None:
            raise ConnectionRefusedError("Webots is not running")
        return self._process.dial()

    def _used(self, use: Use) -> None:
        """See to it that the instance uses no more than it may."""
        config = self._workplace.config
        self.use = use
        self.processor.add(self._workplace.reactor.seconds(), use.milliseconds / 1000)
        if use.memory > config.maxMemoryMegabytes * _MEGABYTE:
            self.instance.fail(TooMuchMemory(limit=config.maxMemoryMegabytes))
        elif use.disk > config.maxProjectMegabytes * _MEGABYTE or use.files > config.maxProjectFiles:
            self.instance.fail(TooMuchSaved(limit=config.maxProjectMegabytes, files=config.maxProjectFiles))

    def _look_for_end_of_memory(self) -> None:
        """Say so where it was the kernel that ended Webots, for the memory of its cgroup."""
        if self.cgroup is not None and self.cgroup.out_of_memory:
            self.instance.fail(TooMuchMemory(limit=self._workplace.config.maxMemoryMegabytes))

    async def _reset_controller(self, request: ResetController) -> None:
        try:
            await self._work.start(_put_back, self._folder, request)
            if self.life.phase is Phase.RUNNING:
                self._client.send(f"reset controller: {request}")
        except ClientError as error:
            if self.life.phase is Phase.RUNNING:
                self.tell(error)
        finally:
            self._resets -= 1

    async def _free(self) -> None:
        if self._delivery is not None:
            self._delivery.cancel()
        await self._work.stop()
        if self._process is not None:
            await self._process.end(self._workplace.config.endTimeoutSeconds)
        if self._watched is not None:
            self._workplace.guard.forget(self._watched)
        await self._remove_cgroup()
        if self._route is not None:
            self._workplace.gate.close(self._route)
        await self._remove_folder()
        self.instance.freed()

    async def _remove_cgroup(self) -> None:
        """End what may be left in the cgroup, and remove it."""
        cgroup, reactor = self.cgroup, self._workplace.reactor
        if cgroup is None:
            return
        try:
            cgroup.kill()
            end = reactor.seconds() + CGROUP_SECONDS
            while cgroup.populated and reactor.seconds() < end:
                await deferLater(reactor, _CGROUP_LOOK_SECONDS)
            cgroup.remove()
        except OSError as error:
            self._log.error(
                "{name}: the cgroup {cgroup} cannot be removed ({error}); look for what runs in it",
                name=self.name,
                cgroup=str(cgroup.path),
                error=error,
            )

    async def _remove_folder(self) -> None:
        try:
            await BlockingWork(self._workplace.reactor, self._workplace.pool).start(_remove, self._folder)
        except OSError as error:
            self._log.error(
                "{name}: the folder {folder} cannot be removed ({error}); remove it by hand",
                name=self.name,
                folder=str(self._folder.root),
                error=error,
            )

    def _stop_timer(self) -> None:
        timer, self._start_timer = self._start_timer, None
        if timer is not None and timer.active():
            timer.cancel()


def _create(go_on: GoOn, folder: InstanceFolder) -> None:
    folder.create()


def _put_back(go_on: GoOn, folder: InstanceFolder, request: ResetController) -> None:
    go_on()
    folder.reset_controller(request)


def _remember(go_on: GoOn, folder: InstanceFolder, pid: int) -> None:
    remember_process(folder, pid)


def _remove(go_on: GoOn, folder: InstanceFolder) -> None:
    folder.remove()
