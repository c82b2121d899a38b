"""Asking other servers over HTTP, on real sockets of this machine."""

from __future__ import annotations

import gzip
from pathlib import Path
from socket import socket
from typing import Any, cast

import pytest
from treq import content
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionDone, ConnectionRefusedError
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.internet.ssl import PrivateCertificate
from twisted.logger import capturedLogs
from twisted.protocols.tls import TLSMemoryBIOFactory
from twisted.python.failure import Failure
from twisted.trial.unittest import TestCase
from twisted.web.client import HTTPConnectionPool, ResponseNeverReceived
from twisted.web.http_headers import Headers

from tests.certificate import Made, authority, certify
from webots_cloud.agent import CompressedAnswer, TrustedAuthorities, drop, plain_agent, untrusted

PLAIN = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nhere"
ENDLESS = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\nhere"
SQUEEZED = gzip.compress(bytes(10**6))
COMPRESSED = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%b" % (len(SQUEEZED), SQUEEZED)


class Answering(Protocol):
    """Gives the same answer to every request.

    @ivar heard: fires with what the client says first.
    @ivar closed: fires when the client has closed.
    """

    def __init__(self, answer: bytes) -> None:
        self.heard: Deferred[bytes] = Deferred()
        self.closed: Deferred[None] = Deferred()
        self._answer = answer

    def dataReceived(self, data: bytes) -> None:
        if not self.heard.called:
            self.heard.callback(data)
        cast(Any, self.transport).write(self._answer)
        if not self._answer:
            cast(Any, self.transport).loseConnection()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.closed.callback(None)


def trusting(*authorities: Made) -> TrustedAuthorities:
    Path("ca.pem").write_bytes(b"".join(made.pem for made in authorities))
    return TrustedAuthorities(Path("ca.pem"))


class Asking(TestCase):
    timeout = 60

    def serve(self, answer: bytes, made: Made | None = None) -> list[Answering]:
        """Answer all requests; give the connections, as they come.

        @param made: the certificate to encrypt with.
        """
        connections: list[Answering] = []

        class Server(Factory):
            noisy = False

            def buildProtocol(self, addr: object) -> Answering:
                connections.append(Answering(answer))
                return connections[-1]

        server: Any = Server()
        if made is not None:
            options = PrivateCertificate.loadPEM(made.key_pem + made.pem).options()
            server = TLSMemoryBIOFactory(options, False, server)
        listening = cast(Any, reactor).listenTCP(0, server, interface="127.0.0.1")
        self.addCleanup(listening.stopListening)
        self.port = listening.getHost().port
        return connections

    async def ask(
        self,
        scheme: str = "http",
        pool: HTTPConnectionPool | None = None,
        authorities: TrustedAuthorities | None = None,
    ) -> Any:
        agent = plain_agent(reactor, 30, pool, authorities)
        return await agent.request(b"GET", f"{scheme}://127.0.0.1:{self.port}/x".encode(), Headers({"X-Own": ["1"]}))

    async def test_an_answer_is_given(self) -> None:
        connections = self.serve(PLAIN)
        response = await self.ask()
        assert (response.code, await content(response)) == (200, b"here")
        said = await connections[0].heard
        assert said.startswith(b"GET /x HTTP/1.1\r\n")
        assert b"\r\nX-Own: 1\r\n" in said
        await connections[0].closed

    async def test_no_compression_is_asked_for(self) -> None:
        connections = self.serve(PLAIN)
        headers = Headers({"Accept-Encoding": ["gzip"]})
        url = f"http://127.0.0.1:{self.port}/".encode()
        await content(await plain_agent(reactor, 30).request(b"GET", url, headers))
        assert b"accept-encoding" not in (await connections[0].heard).lower()
        assert headers.hasHeader("accept-encoding")
        await connections[0].closed

    async def test_a_compressed_answer_is_refused_and_its_connection_dropped(self) -> None:
        keeping = HTTPConnectionPool(reactor, persistent=True)
        for pool in (None, keeping):
            connections = self.serve(COMPRESSED)
            with pytest.raises(CompressedAnswer, match="it compresses its answer, which it was not asked to do"):
                await self.ask(pool=pool)
            await connections[0].closed
        await cast(Any, keeping).closeCachedConnections()

    async def test_an_answer_can_be_dropped(self) -> None:
        connections = self.serve(ENDLESS)
        drop(await self.ask())
        await connections[0].closed

    async def test_a_connection_is_kept_where_there_is_a_place_for_it(self) -> None:
        connections = self.serve(PLAIN)
        pool = HTTPConnectionPool(reactor, persistent=True)
        for _ in range(3):
            await content(await self.ask(pool=pool))
        assert len(connections) == 1
        await cast(Any, pool).closeCachedConnections()
        await connections[0].closed

    async def test_https_is_spoken_encrypted(self) -> None:
        connections = self.serve(b"")
        with pytest.raises(ResponseNeverReceived):
            await self.ask("https")
        said = await connections[0].heard
        assert said[:2] == b"\x16\x03"
        assert b"X-Own" not in said
        await connections[0].closed

    async def untrusted(self, made: Made, authorities: TrustedAuthorities | None) -> str:
        """Ask a server with a certificate that will not do; give what an operator is told."""
        connections = self.serve(PLAIN, made)
        with pytest.raises(ResponseNeverReceived) as raised:
            await self.ask("https", authorities=authorities)
        assert not any(connection.heard.called for connection in connections)
        for connection in connections:
            await connection.closed
        return untrusted(raised.value)

    async def test_an_authority_of_ones_own_can_be_trusted(self) -> None:
        root = authority("Root")
        connections = self.serve(PLAIN, certify(["127.0.0.1"], root))
        response = await self.ask("https", authorities=trusting(authority("Other"), root))
        assert (response.code, await content(response)) == (200, b"here")
        await connections[0].closed

    async def test_an_authority_that_is_not_trusted_vouches_for_nobody(self) -> None:
        for authorities in (None, trusting(authority("Other"))):
            told = await self.untrusted(certify(["127.0.0.1"], authority("Root")), authorities)
            assert told == "its certificate is not trusted; name its authority's certificate in caFile"

    async def test_a_certificate_for_another_name_is_not_trusted(self) -> None:
        root = authority("Root")
        told = await self.untrusted(certify(["localhost"], root), trusting(root))
        assert told == "its certificate is for another name"

    async def test_what_does_not_speak_tls_is_told_as_such(self) -> None:
        connections = self.serve(PLAIN)
        with pytest.raises(ResponseNeverReceived) as raised:
            await self.ask("https")
        assert untrusted(raised.value).startswith("it cannot be spoken to over TLS (")
        await connections[0].closed

    def test_other_failures_have_nothing_to_do_with_certificates(self) -> None:
        assert untrusted(ConnectionRefusedError()) == ""
        assert untrusted(ResponseNeverReceived([Failure(ConnectionDone())])) == ""

    async def test_who_is_not_there_cannot_be_connected_to(self) -> None:
        with socket() as unused:
            unused.bind(("127.0.0.1", 0))
            self.port = unused.getsockname()[1]
        with pytest.raises(ConnectionRefusedError):
            await self.ask()

    async def test_nothing_is_logged(self) -> None:
        connections = self.serve(PLAIN)
        with capturedLogs() as events:
            await content(await self.ask())
            await connections[0].closed
        assert events == []
