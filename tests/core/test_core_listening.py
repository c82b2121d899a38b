"""Listening on real endpoints: on all of them, or on none with what to do about it."""

from __future__ import annotations

import os
import resource
import socket
import tempfile
from collections.abc import Sequence
from typing import Any, cast

import pytest
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import TCP4ClientEndpoint, UNIXClientEndpoint, connectProtocol, wrapClientTLS
from twisted.internet.error import ConnectError
from twisted.internet.protocol import Protocol, connectionDone
from twisted.internet.ssl import Certificate, PrivateCertificate, optionsForClientTLS, trustRootFromCertificates
from twisted.logger import capturedLogs
from twisted.python.failure import Failure
from twisted.trial.unittest import TestCase
from twisted.web.resource import Resource
from twisted.web.server import Request

from tests.certificate import certify
from webots_cloud.listening import Listener
from webots_cloud.site import PromptSite

HERE = "tcp:0:interface=127.0.0.1"


class Page(Resource):
    isLeaf = True

    def __init__(self) -> None:
        Resource.__init__(self)

    def render_GET(self, request: Request) -> bytes:
        return b"here"


class Client(Protocol):
    """Asks for the page, keeps the connection, and remembers what it gets.

    @ivar answered: fires with the end of the answer.
    @ivar closed: fires when the connection is lost.
    """

    def __init__(self) -> None:
        self.received = b""
        self.answered: Deferred[None] = Deferred()
        self.closed: Deferred[None] = Deferred()

    def connectionMade(self) -> None:
        cast(Any, self.transport).write(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")

    def dataReceived(self, data: bytes) -> None:
        self.received += data
        if self.received.endswith(b"here"):
            self.answered.callback(None)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.closed.callback(None)


class Listening(TestCase):
    timeout = 60

    def listener(self, *endpoints: str) -> Listener:
        return Listener(reactor, "session", endpoints, PromptSite(cast(Any, reactor), Page()))

    async def test_some_endpoints_may_be_encrypted(self) -> None:
        made = certify()
        options = PrivateCertificate.loadPEM(made.key_pem + made.pem).options()
        site = PromptSite(cast(Any, reactor), Page())
        site.hsts = 60
        listener = Listener(reactor, "session", [HERE], site, [HERE, "unix:socket"], options)
        with capturedLogs() as events:
            listener.startService()
        assert [event["how"] for event in events if event.get("section") == "session"] == [
            "",
            ", encrypted",
            ", encrypted",
        ]
        plain, encrypted = (
            TCP4ClientEndpoint(reactor, "127.0.0.1", cast(Any, port).getHost().port) for port in listener.ports[:2]
        )
        trust = optionsForClientTLS("localhost", trustRootFromCertificates([Certificate.loadPEM(made.pem)]))
        local = UNIXClientEndpoint(reactor, "socket")
        endpoints = (plain, wrapClientTLS(trust, encrypted), wrapClientTLS(trust, local))
        clients = [await connectProtocol(endpoint, Client()) for endpoint in endpoints]
        for client in clients:
            await client.answered
        assert len(site.channels) == 3
        assert [b"Strict-Transport-Security" in client.received for client in clients] == [False, True, True]

        await listener.stopService()

        for client in clients:
            await client.closed

    def refusal(self, endpoints: Sequence[str]) -> str:
        listener = self.listener(*endpoints)
        with pytest.raises(SystemExit) as raised:
            listener.startService()
        self.addCleanup(listener.stopService)
        return str(raised.value.code)

    def taken_port(self) -> int:
        taken = socket.socket()
        self.addCleanup(taken.close)
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        return int(taken.getsockname()[1])

    async def test_all_endpoints_are_answered_on_until_it_stops(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = f"{folder}/socket"
            listener = self.listener(HERE, f"unix:{path}", HERE)
            with capturedLogs() as events:
                listener.startService()
            listened = [event["endpoint"] for event in events if event.get("section") == "session"]
            assert listened == [HERE, f"unix:{path}", HERE]
            ports = [cast(Any, listener.ports[number]).getHost().port for number in (0, 2)]
            endpoints: list[Any] = [TCP4ClientEndpoint(reactor, "127.0.0.1", port) for port in ports]
            endpoints.append(UNIXClientEndpoint(reactor, path))
            clients = [await connectProtocol(endpoint, Client()) for endpoint in endpoints]
            for client in clients:
                await client.answered

            await listener.stopService()

            for client in clients:
                await client.closed
            for endpoint in endpoints:
                with pytest.raises(ConnectError):
                    await connectProtocol(endpoint, Client())
            assert os.listdir(folder) == []

    async def test_a_client_has_room_as_long_as_the_system_has(self) -> None:
        before = resource.getrlimit(resource.RLIMIT_NOFILE)
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, before)
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(before[1], 500), before[1]))
        listener = self.listener(HERE)
        self.addCleanup(listener.stopService)
        listener.startService()
        assert resource.getrlimit(resource.RLIMIT_NOFILE) == (before[1], before[1])

    async def test_connections_may_outlast_the_ports(self) -> None:
        listener = self.listener(HERE)
        listener.startService()
        endpoint = TCP4ClientEndpoint(reactor, "127.0.0.1", cast(Any, listener.ports[0]).getHost().port)
        client = await connectProtocol(endpoint, Client())
        await client.answered

        await listener.stop_listening()

        with pytest.raises(ConnectError):
            await connectProtocol(endpoint, Client())
        client.received, client.answered = b"", Deferred()
        client.connectionMade()
        await client.answered
        await listener.stopService()
        await client.closed

    def test_a_port_that_is_taken_ends_the_process_with_what_to_do(self) -> None:
        endpoint = f"tcp:{self.taken_port()}:interface=127.0.0.1"
        assert self.refusal([HERE, endpoint]) == (
            f"[session] cannot listen on {endpoint} (Address already in use); "
            "end the program that uses it, or give another port in section [session]"
        )

    def test_every_endpoint_that_cannot_be_listened_on_is_told(self) -> None:
        endpoints = [f"tcp:{self.taken_port()}:interface=127.0.0.1", "unix:/absent/socket", "tcp:99999", HERE]
        lines = self.refusal(endpoints).splitlines()
        told = [line.partition(" (")[0] for line in lines]
        assert told == [f"[session] cannot listen on {endpoint}" for endpoint in endpoints[:3]]
        assert "(No such file or directory)" in lines[1]

    async def test_one_that_never_listened_can_be_stopped(self) -> None:
        await self.listener(HERE).stopService()
