"""A whole stage for tests: a real simulation server, a scripted website host, small fake simulators, and a client."""

from __future__ import annotations

import io
import json
import os
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

import attrs
import psutil
from autobahn.twisted.websocket import WebSocketClientFactory, WebSocketClientProtocol
from twisted.internet import reactor as _reactor
from twisted.internet.defer import Deferred, DeferredList, DeferredQueue
from twisted.internet.endpoints import TCP4ClientEndpoint
from twisted.internet.interfaces import ITCPTransport
from twisted.internet.task import deferLater
from twisted.logger import ILogObserver, LogEvent, LogLevel, formatEvent, globalLogPublisher
from twisted.trial.unittest import TestCase
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Request, Site

from tests.ports import free_range
from webots_cloud.config import read_config
from webots_cloud.simulation.service import SimulationService

reactor = cast(Any, _reactor)

KEY = "the key of localhost"
WORLD = "#VRML_SIM R2021b utf8\nWorldInfo { }\n"
PATIENCE_SECONDS = 60
INSTANCES = 4

NOTES_ITSELF = '#!/bin/sh\necho $$ >> "$WEBOTS_HOME/pids"\n'
OPENS = NOTES_ITSELF + "echo open\nexec sleep 1000\n"
NEVER_OPENS = NOTES_ITSELF + "exec sleep 1000\n"


def packed(files: Mapping[str, str | bytes]) -> bytes:
    """Make an archive."""
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return written.getvalue()


async def until(condition: Callable[[], bool], what: str) -> None:
    """Wait for something that no event tells of."""
    end = reactor.seconds() + PATIENCE_SECONDS
    while not condition():
        assert reactor.seconds() < end, what
        await deferLater(reactor, 0.01)


class WebsiteHost(Resource):
    """A website host that answers what a test says.

    @ivar answer: gives the answer to a request.
    @ivar asked: the forms that were sent, each with its path.
    @ivar requests: fires for each request that arrives.
    """

    isLeaf = True

    def __init__(self) -> None:
        Resource.__init__(self)
        self.answer: Callable[[Request], bytes | int] = lambda request: b"Error: no such directory: " + request.path
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.requests: DeferredQueue[Request] = DeferredQueue()
        self.open = 0
        self._site = Site(self)
        self._site.log = lambda request: None  # type: ignore[method-assign]  # tests need no access log
        self._listening = reactor.listenTCP(0, self._site, interface="127.0.0.1")
        self.port: int = self._listening.getHost().port

    @property
    def url(self) -> str:
        """What a page of it calls it."""
        return f"http://localhost:{self.port}"

    def gives(self, body: bytes, status: int = 200, **headers: str) -> None:
        """Answer everything alike."""

        def answer(request: Request) -> bytes:
            request.setResponseCode(status)
            for name, value in headers.items():
                request.setHeader(name.replace("_", "-"), value)
            return body

        self.answer = answer

    def begins(self, body: bytes, then: Callable[[Request], None] = lambda request: None, length: int = 10**6) -> None:
        """Begin to answer everything, and do something instead of ending."""

        def answer(request: Request) -> int:
            request.setHeader("content-length", str(length))
            request.write(body)
            then(request)
            return NOT_DONE_YET

        self.answer = answer

    def render(self, request: Request) -> bytes | int:
        """Answer."""
        assert request.method == b"POST"
        form = {name.decode(): values[0].decode() for name, values in (request.args or {}).items()}
        self.asked.append((request.path.decode(), form))
        self.open += 1
        request.notifyFinish().addBoth(self._finished)
        self.requests.put(request)
        return self.answer(request)

    def _finished(self, result: object) -> None:
        self.open -= 1

    async def stop(self) -> None:
        """Listen no more."""
        if self._listening.connected:
            await self._listening.stopListening()


class Client(WebSocketClientProtocol):
    """A page's WebSocket to the simulation server.

    @ivar messages: all that has been said to it.
    @ivar opened: fires when it is connected.
    @ivar closed: fires when it is not any more.
    """

    def __init__(self) -> None:
        super().__init__()
        self.messages: list[str] = []
        self.opened: Deferred[None] = Deferred()
        self.closed: Deferred[None] = Deferred()
        self.close_code: int | None = None
        self._waiting: list[tuple[str, Deferred[str]]] = []

    def onOpen(self) -> None:
        self.opened.callback(None)

    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        assert not isBinary
        self.messages.append(payload.decode())
        self._look()

    def onClose(self, wasClean: bool, code: int | None, reason: str | None) -> None:
        if self.closed.called:
            return
        self.close_code = code
        self.closed.callback(None)
        if not self.opened.called:
            self.opened.errback(AssertionError(f"not opened: {reason}"))
        for beginning, waiting in self._waiting:
            waiting.errback(AssertionError(f"closed without {beginning!r}: {self.messages}"))
        self._waiting.clear()

    def says(self, beginning: str) -> Deferred[str]:
        """Wait for a message that begins with a text; one that has come already will do."""
        waiting: Deferred[str] = Deferred()
        self._waiting.append((beginning, waiting))
        self._look()
        return waiting

    def ask(self, message: object | bytes, **how: Any) -> None:
        """Send JSON, or bytes as they are.

        @param how: what Autobahn's C{sendMessage} takes.
        """
        payload = message if isinstance(message, bytes) else json.dumps(message).encode()
        cast(Any, self).sendMessage(payload, **how)

    def vanish(self) -> None:
        """Break the connection off without a word."""
        ITCPTransport(self.transport).abortConnection()

    @property
    def errors(self) -> list[str]:
        """The failures it was told of."""
        return [message for message in self.messages if message.startswith("error:")]

    def _look(self) -> None:
        for beginning, waiting in list(self._waiting):
            found = next((message for message in self.messages if message.startswith(beginning)), None)
            if found is not None:
                self._waiting.remove((beginning, waiting))
                waiting.callback(found)


class StageCase(TestCase):
    """Tests on a stage; whatever happens on it, nothing may be left."""

    timeout = 4 * PATIENCE_SECONDS

    def setUp(self) -> None:
        self.place = Path(self.enterContext(TemporaryDirectory()))
        self.projects, self.keys, self.instances_dir, self.webots_home = (
            self.place / name for name in ("projects", "keys", "instances", "webots")
        )
        for folder in (self.projects, self.keys, self.instances_dir, self.webots_home):
            folder.mkdir()
        (self.keys / "localhost").write_text(f"{KEY}\n")
        self.simulator_is(OPENS)
        self.project("simple", {"worlds/simple.wbt": WORLD, "controllers/go/go.py": "print('base')\n"})
        self.host = WebsiteHost()
        self.addCleanup(lambda: Deferred.fromCoroutine(self.host.stop()))
        self.logged: list[LogEvent] = []
        observer = cast(ILogObserver, self.logged.append)
        globalLogPublisher.addObserver(observer)
        self.addCleanup(globalLogPublisher.removeObserver, observer)
        self.clients: list[Client] = []
        self.descriptors = 0
        self._older_processes = set(psutil.Process().children(recursive=True))

    def simulator_is(self, script: str, mode: int = 0o755) -> None:
        """Install a program as Webots."""
        (self.webots_home / "webots").write_text(script)
        (self.webots_home / "webots").chmod(mode)

    def project(self, name: str, files: Mapping[str, str]) -> Path:
        """Make a base project."""
        for path, content in files.items():
            (self.projects / name / path).parent.mkdir(parents=True, exist_ok=True)
            (self.projects / name / path).write_text(content)
        return self.projects / name

    def start(self, **changed: Any) -> None:
        """Start the simulation server."""
        self.config = attrs.evolve(
            read_config(None, ()).simulation,
            **{
                "port": free_range(1 + INSTANCES),
                "listen": ("tcp:0:interface=127.0.0.1",),
                "webotsHome": self.webots_home,
                "projectsDir": self.projects,
                "keyDir": self.keys,
                "hostPorts": frozenset({self.host.port}),
                "instancesDir": self.instances_dir,
                "maxConnections": INSTANCES,
                "maxQueue": 0,
                # What is in a sandbox cannot be looked at; sandboxes have tests of their own.
                "sandbox": "none",
                "network": "host",
                "gate": "direct",
                "display": ":99",
                **changed,
            },
        )
        self.service = SimulationService(reactor, self.config)
        self.service.startService()
        # The guardian lives as long as the service.
        self._older_processes |= self.new_processes()
        self.logged.clear()
        self.addCleanup(self.stop_service)

    async def stop_service(self) -> None:
        """Stop the simulation server, and wait until its clients know."""
        for client in self.clients:
            if not client.closed.called:
                client.vanish()
                await client.closed
        if self.service.running:
            await self.service.stopService()

    async def connect(self, origin: str | None = None) -> Client:
        """Connect a page."""
        # The reactor opens some for itself when it begins to run.
        await deferLater(reactor, 0)
        self.descriptors = self.descriptors or psutil.Process().num_fds()
        port = cast(Any, self.service.listener.ports[0]).getHost().port
        headers = {"Origin": origin} if origin else {}
        factory = WebSocketClientFactory(f"ws://127.0.0.1:{port}/client", headers=headers, reactor=reactor)
        factory.protocol = Client
        factory.noisy = False
        factory.setProtocolOptions(openHandshakeTimeout=PATIENCE_SECONDS, closeHandshakeTimeout=PATIENCE_SECONDS)
        client = cast(Client, await TCP4ClientEndpoint(reactor, "127.0.0.1", port).connect(factory))
        self.clients.append(client)
        await client.opened
        return client

    def init(
        self, project: str = "simple", world: str = "simple.wbt", host: str | None = None, user: str = ""
    ) -> object:
        """Make a request."""
        name, authentication = ("Ada", "the password of Ada") if user else ("", "")
        return {"init": [host or self.host.url, project, world, user, name, authentication, "", "", ""]}

    async def asked(self, message: object | bytes, origin: str | None = None) -> Client:
        """Connect a page that sends one message."""
        client = await self.connect(origin)
        client.ask(message)
        return client

    async def started(self, message: object | None = None) -> Client:
        """Connect a page, and wait until its simulation runs."""
        client = await self.asked(message or self.init())
        await client.says("webots:")
        return client

    async def refused(self, client: Client) -> str:
        """Wait until a page was told of its one failure and let go, and nothing is left; give what it was told."""
        await client.closed
        (told,) = client.errors
        assert client.messages[-1] == told
        assert client.close_code == 1000
        await self.nothing_left()
        (warning,) = self.warnings
        assert told.removeprefix("error: ") in warning
        return told

    @property
    def warnings(self) -> list[str]:
        """What an operator's eye is caught by in the log."""
        events = (event for event in self.logged if event["log_level"] >= LogLevel.warn)
        # Autobahn says so of every client that does not answer when it is asked to close.
        return [
            text for event in events if "peer did not finish the closing handshake" not in (text := formatEvent(event))
        ]

    @property
    def pids(self) -> list[int]:
        """The processes that simulators have noted."""
        noted = self.webots_home / "pids"
        return [int(line) for line in noted.read_text().split()] if noted.exists() else []

    def new_processes(self) -> set[psutil.Process]:
        """Give the processes below this one that were not there when the test began."""
        return set(psutil.Process().children(recursive=True)) - self._older_processes

    async def nothing_runs(self) -> None:
        """Wait until the server has freed all instances."""
        await DeferredList([runner.ended for runner in self.service.instances])
        assert len(self.service.instances) == 0

    async def nothing_left(self) -> None:
        """Check that there is no process, port, folder or descriptor more than before."""
        await self.nothing_runs()
        assert os.listdir(self.instances_dir) == []
        assert self.new_processes() == set()
        await until(lambda: not any(psutil.pid_exists(pid) for pid in self.pids), "a process is left")
        assert self.service.instances._workplace.guard.watched == {}
        gate = self.service.instances._workplace.gate
        for route in [gate.open(lambda: Deferred(), None) for _ in range(self.config.maxConnections)]:
            gate.close(route)
        await until(lambda: not self.host.open, "the host is still asked")
        await until(lambda: psutil.Process().num_fds() <= self.descriptors, "a file descriptor is left")
