"""The proxy between programs of other makers: a client of one library, and a server of another in Webots' place."""

from __future__ import annotations

import socket
from typing import Any, cast

import pytest
from autobahn.twisted.websocket import WebSocketServerFactory, WebSocketServerProtocol
from twisted.internet.defer import Deferred, succeed
from twisted.internet.threads import deferToThread
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from tests.simulation.proxied import PAGE, ProxyCase, reactor
from webots_cloud.simulation.addresses import Addresses
from webots_cloud.simulation.site import CountedSite

LARGE = "x" * 3_000_000


class Echo(WebSocketServerProtocol):
    """Sends back what it gets."""

    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        cast(Any, self).sendMessage(payload, isBinary)


class InteropTest(ProxyCase):
    def setUp(self) -> None:
        factory = WebSocketServerFactory(reactor=reactor)
        factory.protocol = Echo
        factory.noisy = False
        factory.setProtocolOptions(openHandshakeTimeout=0, closeHandshakeTimeout=0)
        self._echo = reactor.listenTCP(0, factory, interface="127.0.0.1")
        self.addCleanup(self._echo.stopListening)
        super().setUp()

    def dial(self) -> Deferred[socket.socket]:
        """Connect to the echo."""
        connection = socket.create_connection(("127.0.0.1", self._echo.getHost().port))
        connection.setblocking(False)
        return succeed(connection)

    def connection(self, **options: Any) -> ClientConnection:
        """Connect as a page does; in a thread."""
        url = f"ws://127.0.0.1:{self.listening.getHost().port}{self.path()}"
        connected: ClientConnection = connect(url, proxy=None, open_timeout=60, **options)
        return connected

    def _drive(self) -> list[str | bytes]:
        with self.connection(origin=PAGE, max_size=None) as client:
            answers = []
            for message in ("x3d", "", LARGE, b"binary"):
                client.send(message)
                answers.append(client.recv())
            assert client.ping().wait(60)
        assert client.close_code == 1000
        return answers

    async def test_messages_of_all_sizes_come_back_and_the_close_is_clean(self) -> None:
        assert await deferToThread(self._drive) == ["x3d", "", LARGE, b"binary"]

    def _second(self) -> tuple[int, str]:
        with self.connection() as driver:
            driver.send("x3d")
            driver.recv()
            with self.connection() as second:
                second.send("x3d")
                with pytest.raises(ConnectionClosed):
                    second.recv()
                assert second.protocol.close_code is not None
                return second.protocol.close_code, second.protocol.close_reason or ""

    async def test_a_second_driver_is_told_why(self) -> None:
        assert await deferToThread(self._second) == (1008, "Another page drives this simulation already.")

    def _foreign(self) -> int:
        with pytest.raises(InvalidStatus) as refused:
            self.connection(origin="https://evil.example")
        return refused.value.response.status_code

    async def test_a_page_of_another_site_is_told_so(self) -> None:
        assert await deferToThread(self._foreign) == 403


class CountedTest(ProxyCase):
    """A site that counts its clients' connections."""

    def listen(self) -> Any:
        self.addresses = Addresses(self.clock.seconds, 3, 10, ())
        self.site = CountedSite(self.clock, self.site.resource, self.addresses, 10)
        return super().listen()

    async def test_a_connection_is_counted_until_it_is_lost(self) -> None:
        driver, webots = await self.drives()
        silent, _ = await self.opened()
        assert list(self.addresses._open.values()) == [2]
        driver.leave()
        await webots.gone
        silent.leave()
        await self.until_true(lambda: len(self.entrance) == 0)
        assert len(self.addresses) == 0
