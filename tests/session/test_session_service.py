"""The session server as a service in somebody's reactor: several at once, and nothing left of one that has stopped."""

from __future__ import annotations

from typing import Any, cast

import attrs
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import TCP4ClientEndpoint, connectProtocol
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.python.failure import Failure
from twisted.trial.unittest import TestCase

from webots_cloud.address import ServerAddress
from webots_cloud.config import read_config
from webots_cloud.session.service import SessionService, session_service

WATCH = (
    b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)


class Answering(Protocol):
    """Answers everything with a load, or with nothing at all."""

    def dataReceived(self, data: bytes) -> None:
        load = cast(Any, self.factory).load
        if load:
            cast(Any, self.transport).write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(load), load))


class Client(Protocol):
    """Remembers what it is told, and tells when it has heard something it waits for, and when it is closed."""

    def __init__(self) -> None:
        self.received = b""
        self.closed: Deferred[None] = Deferred()
        self._awaited: tuple[bytes, Deferred[None]] = (b"", Deferred())

    def hear(self, end: bytes) -> Deferred[None]:
        self._awaited = (end, Deferred())
        self.dataReceived(b"")
        return self._awaited[1]

    def dataReceived(self, data: bytes) -> None:
        self.received += data
        end, heard = self._awaited
        if end and self.received.endswith(end) and not heard.called:
            heard.callback(None)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.closed.callback(None)


class Services(TestCase):
    timeout = 60

    async def start(self, load: bytes) -> SessionService:
        factory = Factory.forProtocol(Answering)
        cast(Any, factory).load = load
        simulation = cast(Any, reactor).listenTCP(0, factory, interface="127.0.0.1")
        self.addCleanup(simulation.stopListening)
        config = attrs.evolve(
            read_config(None, ()).session,
            listen=("tcp:0:interface=127.0.0.1",),
            simulationServers=(ServerAddress(False, f"127.0.0.1:{simulation.getHost().port}"),),
            pollIntervalSeconds=0.1,
            pollTimeoutSeconds=30,
        )
        service = session_service(reactor, config)
        service.startService()
        assert isinstance(service, SessionService)
        return service

    async def connect(self, service: SessionService, request: bytes) -> Client:
        port = cast(Any, service.listener.ports[0].getHost()).port
        client: Client = await connectProtocol(TCP4ClientEndpoint(reactor, "127.0.0.1", port), Client())
        cast(Any, client.transport).write(request)
        return client

    async def test_two_of_them_know_nothing_of_each_other(self) -> None:
        available, hanging = await self.start(b"10"), await self.start(b"")
        one, other = await self.connect(available, WATCH), await self.connect(hanging, WATCH)

        await one.hear(b"\x81\x011")
        await other.hear(b"\x81\x010")

        for client in (one, other):
            cast(Any, client.transport).loseConnection()
            await client.closed
        await available.stopService()
        await hanging.stopService()

    async def test_stopping_closes_every_connection_and_gives_up_every_question(self) -> None:
        service = await self.start(b"")
        watcher = await self.connect(service, WATCH)
        visitor = await self.connect(service, b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        unfinished = await self.connect(service, b"GET / HT")
        await watcher.hear(b"\x81\x010")
        await visitor.hear(b"\r\n\r\n0")

        stopping = service.stopService()
        await watcher.hear(b"\x88\x02\x03\xe9")
        cast(Any, watcher.transport).write(b"\x88\x82\0\0\0\0\x03\xe9")
        await stopping

        for client in (watcher, visitor, unfinished):
            await client.closed
