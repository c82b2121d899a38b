"""Carries out what an instance orders: fetches, starts Webots, tells the client, and frees everything at the end."""

from __future__ import annotations

import os
import secrets
from collections.abc import Coroutine
from typing import Any, Protocol

import attrs
from twisted.internet.defer import CancelledError, Deferred, TimeoutError
from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger
from twisted.python.threadpool import ThreadPool

from webots_cloud.config import SimulationConfig
from webots_cloud.errors import ClientError, FetchTimedOut, InternalError, TooManyResets, WebotsSilent
from webots_cloud.simulation.blocking import BlockingWork, GoOn
from webots_cloud.simulation.folder import InstanceFolder
from webots_cloud.simulation.gate import Gate, Route
from webots_cloud.simulation.instance import Life, Phase, new_instance
from webots_cloud.simulation.project import ProjectSource
from webots_cloud.simulation.request import ResetController, StartRequest
from webots_cloud.simulation.webots import Simulator, WebotsProcess

LEAST_SECONDS_BETWEEN_SIGNS_OF_LIFE = 1.0
MOST_RESETS = 16
"""How many controllers of an instance may be waiting to be reset, so that one page cannot occupy all threads."""


class Client(Protocol):
    """The page that an instance runs for."""

    def send(self, text: str) -> None:
        """Send a message (docs/protocol.md section 2)."""

    def let_go(self) -> None:
        """Close its socket: all is over."""


@attrs.frozen
class Workplace:
    """What all instances of a server share.

    @ivar reactor: clock, processes and threads.
    @ivar pool: the threads for work that blocks.
    """

    reactor: Any
    config: SimulationConfig
    pool: ThreadPool
    projects: ProjectSource
    simulator: Simulator
    gate: Gate


class Runner:
    """Runs one instance.

    @ivar name: what the log calls it.
    @ivar instance: told of what happens.
    @ivar life: where the instance is in its life.
    @ivar ended: fires when nothing is left of it.
    """

    _log = Logger()

    def __init__(self, workplace: Workplace, number: int, request: StartRequest, client: Client) -> None:
        """Prepare; C{instance.start} begins."""
        self.name = f"instance {number}"
        self.request = request
        self.life = Life(self)
        self.instance = new_instance(self.life)
        self._since: float = workplace.reactor.seconds()
        self.ended: Deferred[None] = Deferred()
        self._workplace = workplace
        self._client = client
        self._folder = InstanceFolder(workplace.config.instancesDir / f"{number}-{secrets.token_hex(8)}")
        self._work = BlockingWork(workplace.reactor, workplace.pool)
        self._delivery: Deferred[None] | None = None
        self._route: Route | None = None
        self._process: WebotsProcess | None = None
        self._start_timer: IDelayedCall | None = None
        self._resets = 0
        self._last_sign_of_life = -LEAST_SECONDS_BETWEEN_SIGNS_OF_LIFE

    @property
    def age(self) -> float:
        """Seconds since it began."""
        now: float = self._workplace.reactor.seconds()
        return now - self._since

    def fetch(self) -> None:
        """Fetch the project."""
        self._log.info(
            "{name}: fetches {project}/{world} for {host}",
            name=self.name,
            project=self.request.project,
            world=self.request.world,
            host=self.request.host,
        )
        self._do(self._fetch())

    def launch(self) -> None:
        """Start Webots on a port of its own."""
        self._do(self._launch())

    def announce(self) -> None:
        """Tell the client where Webots is."""
        self._stop_timer()
        if self._route is not None:
            self._log.info("{name}: runs on port {port}", name=self.name, port=self._route.port)
            self._client.send(f"webots:{self._route.url}")

    def pass_sign_of_life(self) -> None:
        """Tell the client that Webots is alive; a Webots that says so more often than that is not repeated."""
        now: float = self._workplace.reactor.seconds()
        if now - self._last_sign_of_life >= LEAST_SECONDS_BETWEEN_SIGNS_OF_LIFE:
            self._last_sign_of_life = now
            self._client.send(".")

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
        self._stop_timer()
        freeing = Deferred.fromCoroutine(self._free())
        freeing.addErrback(lambda failure: self._log.failure("{name}: cannot be freed", failure, name=self.name))

    def end(self) -> None:
        """Let the client go."""
        self._log.info(
            "{name}: ended after {seconds:.0f} s: {why}", name=self.name, seconds=self.age, why=self.life.ending
        )
        self._client.let_go()
        self.ended.callback(None)

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
        self._workplace.simulator.check()
        self._workplace.projects.check(self.request)
        await self._work.start(_create, self._folder)
        await self._workplace.projects.deliver(self.request, self._folder, self._work)

    async def _launch(self) -> None:
        workplace, simulator = self._workplace, self._workplace.simulator
        simulator.check()
        self._route = workplace.gate.open()
        self._process = WebotsProcess(workplace.reactor, self.name, self.instance)
        world = self._folder.world(self.request.world)
        self._process.run(
            simulator.arguments(self._route.port, world, self.request.may_edit),
            simulator.environment(self._folder.home, os.environ),
            self._folder.project,
        )
        seconds = workplace.config.startTimeoutSeconds
        self._start_timer = workplace.reactor.callLater(
            seconds, self.instance.fail, WebotsSilent(seconds=f"{seconds:g}")
        )

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
        if self._route is not None:
            self._workplace.gate.close(self._route)
        await self._remove_folder()
        self.instance.freed()

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


def _remove(go_on: GoOn, folder: InstanceFolder) -> None:
    folder.remove()
