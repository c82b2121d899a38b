"""A website host over real sockets, and those who ask it."""

from __future__ import annotations

import io
import json
import tempfile
from pathlib import Path
from typing import Any, cast
from zipfile import ZipFile

import attrs
from treq.client import HTTPClient
from twisted.internet import reactor as _reactor
from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import TCP4ClientEndpoint
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.logger import ILogObserver, LogEvent, formatEvent, globalLogPublisher
from twisted.python.failure import Failure
from twisted.trial.unittest import TestCase
from twisted.web.client import Agent, HTTPConnectionPool

from webots_cloud.config import read_config
from webots_cloud.host.service import host_service
from webots_cloud.listening import Listener

reactor = cast(Any, _reactor)
DOWNLOAD = "/ajax/download-project.php"
UPLOAD = "/ajax/upload-file.php"
DRIVE = {"dirname": "simple/controllers/drive", "filename": "drive.py", "content": "mine"}


def new_folder(test: TestCase) -> Path:
    folder = tempfile.TemporaryDirectory()
    test.addCleanup(folder.cleanup)
    return Path(folder.name)


class Raw(Protocol):
    """A client that speaks no HTTP of its own.

    @ivar over: fires with all that was received when the connection is over.
    @ivar begun: fires when something was received.
    """

    def __init__(self) -> None:
        self.received = b""
        self.begun: Deferred[None] = Deferred()
        self.over: Deferred[bytes] = Deferred()

    def dataReceived(self, data: bytes) -> None:
        self.received += data
        if not self.begun.called:
            self.begun.callback(None)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.over.callback(self.received)


class HostCase(TestCase):
    """A website host with a project C{simple}."""

    timeout = 120
    session_server = ""
    options: dict[str, Any] = {}  # noqa: RUF012 -- each class has its own, which nobody changes

    def setUp(self) -> None:
        self.folder = new_folder(self)
        self.data = self.folder / "data"
        self.write(self.data / "projects/simple/worlds/simple.wbt", "base world")
        self.write(self.data / "projects/simple/controllers/drive/drive.py", "base controller")
        self.write(self.folder / "key", "sesame\n")
        self.write(self.folder / "static/index.html", "<p>robots</p>")
        self.write(self.folder / "static/not_found.html", "<p>nothing here</p>")
        self.write(self.folder / "static/x_ite/x_ite.min.mjs", "export {}")
        self.write(self.folder / "static/.secret", "hidden")
        self.log: list[str] = []
        observer = cast(ILogObserver, self.observe)
        globalLogPublisher.addObserver(observer)
        self.addCleanup(globalLogPublisher.removeObserver, observer)
        self.waiting: list[tuple[str, Deferred[None]]] = []
        self.start(self.folder / "static")

    @property
    def http(self) -> HTTPClient:
        """A new browser: it has no cookies, and keeps no connections."""
        return HTTPClient(Agent(reactor, pool=HTTPConnectionPool(reactor, persistent=False)))

    def start(self, static: Path) -> None:
        config = attrs.evolve(
            read_config(None, ()).host,
            listen=("tcp:0:interface=127.0.0.1",),
            dataDir=self.data,
            keyFile=self.folder / "key",
            sessionServer=self.session_server,
            quotaMegabytes=1,
            **self.options,
        )
        self.host = host_service(reactor, config, static, self.folder / "absent")
        self.host.startService()
        self.addCleanup(lambda: self.host.stopService() if self.host.running else None)
        listener = next(service for service in self.host if isinstance(service, Listener))
        self.port = cast(IPv4Address, listener.ports[0].getHost()).port

    def observe(self, event: LogEvent) -> None:
        line = formatEvent(event)
        self.log.append(line)
        for part, seen in self.waiting:
            if part in line and not seen.called:
                reactor.callLater(0, seen.callback, None)

    def logged(self, part: str) -> Deferred[None]:
        """Give what fires when such a line is written."""
        seen: Deferred[None] = Deferred()
        self.waiting.append((part, seen))
        return seen

    @staticmethod
    def write(path: Path, text: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    async def get(self, path: str, **named: Any) -> tuple[Any, bytes]:
        response = await self.http.get(f"http://127.0.0.1:{self.port}{path}", **named)
        return response, await response.content()

    async def post(self, path: str, fields: dict[str, str], **named: Any) -> tuple[Any, bytes]:
        response = await self.http.post(f"http://127.0.0.1:{self.port}{path}", data=fields, **named)
        return response, await response.content()

    async def told(self, path: str, fields: dict[str, str], **named: Any) -> str:
        """Post a form that gets a text."""
        response, body = await self.post(path, fields, **named)
        assert response.code == 200
        assert response.headers.getRawHeaders("content-type") == ["text/plain; charset=utf-8"]
        return body.decode()

    async def download(self, **fields: str) -> dict[str, str]:
        response, body = await self.post(DOWNLOAD, {"project": "simple", "key": "sesame", **fields})
        assert response.headers.getRawHeaders("content-type") == ["application/zip"], body
        with ZipFile(io.BytesIO(body)) as archive:
            return {name: archive.read(name).decode() for name in archive.namelist()}

    async def visit(self) -> tuple[dict[str, str], dict[str, str]]:
        """Come as a new guest; gives what the page knows of the user for the simulation server, and the cookie."""
        response, body = await self.get("/projects.json")
        user = json.loads(body)["user"]
        who = {"user1Id": user["id"], "user1Name": user["name"], "user1Authentication": user["authentication"]}
        return who, cookie_of(response)

    async def connect(self, data: bytes) -> Raw:
        endpoint = TCP4ClientEndpoint(reactor, "127.0.0.1", self.port)
        raw = cast(Raw, await endpoint.connect(Factory.forProtocol(Raw)))
        self.addCleanup(lambda: raw.over)
        self.addCleanup(lambda: cast(Any, raw.transport).abortConnection() if raw.connected else None)
        cast(Any, raw.transport).write(data)
        return raw


def cookie_of(response: Any) -> dict[str, str]:
    name, _, value = response.headers.getRawHeaders("set-cookie")[0].partition(";")[0].partition("=")
    return {name: value}


def request(path: str, body: bytes) -> bytes:
    return (
        f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    ).encode() + body
