"""The proxy behind TLS: nothing of it may go past the encryption."""

from __future__ import annotations

import datetime
from typing import Any

from OpenSSL import SSL
from twisted.internet.endpoints import TCP4ClientEndpoint, wrapClientTLS
from twisted.internet.interfaces import IOpenSSLClientConnectionCreator
from twisted.protocols.tls import TLSMemoryBIOFactory
from zope.interface import implementer

from tests.certificate import make_certificate
from tests.simulation.proxied import PING, ProxyCase, frame, reactor, request
from webots_cloud.tls.certificate import parse_certificate
from webots_cloud.tls.contexts import Contexts


def contexts() -> Contexts:
    key, certificate = make_certificate()
    contexts = Contexts()
    contexts.use([parse_certificate(certificate, key, ["localhost"], datetime.datetime.now(datetime.UTC))])
    return contexts


@implementer(IOpenSSLClientConnectionCreator)
class TrustsAll:
    """A client that looks at no certificate."""

    def clientConnectionForTLS(self, protocol: Any) -> SSL.Connection:
        connection = SSL.Connection(SSL.Context(SSL.TLS_METHOD), None)
        connection.set_app_data(protocol)
        return connection


class TLSTest(ProxyCase):
    def listen(self) -> Any:
        return reactor.listenTCP(0, TLSMemoryBIOFactory(contexts(), False, self.site), interface="127.0.0.1")

    def endpoint(self, port: int) -> Any:
        return wrapClientTLS(TrustsAll(), TCP4ClientEndpoint(reactor, "127.0.0.1", port))

    async def test_a_driver_is_heard_and_hears(self) -> None:
        client, webots = await self.drives()
        client.say(b"input")
        assert await webots.take(5) == b"input"
        data = bytes(range(256)) * 20000
        webots.say(data)
        assert await client.take(len(data)) == data
        webots.leave()
        assert await client.all() == b""

    async def test_a_slow_client_loses_nothing(self) -> None:
        client, webots = await self.drives()
        client.read_no_more()
        data = bytes(range(256)) * 20000
        webots.say(data)
        client.say(b"input")
        await webots.take(5)
        client.read_on()
        assert await client.take(len(data)) == data

    async def test_a_watcher_is_not_heard(self) -> None:
        client, webots = await self.watches()
        client.say(frame(b"pause"), frame(b"!", PING))
        assert await webots.take(7) == frame(b"!", PING)

    async def test_a_second_driver_is_told_why_it_is_refused(self) -> None:
        await self.drives()
        client, _ = await self.opened(frame(b"x3d"))
        assert (await self.refused(client))[0] == 1008

    async def test_textures_pass(self) -> None:
        client = await self.client()
        client.say(request(self.path("/a")), request(self.path("/b")))
        for name in (b"/a", b"/b"):
            webots = await self.webots()
            await webots.until(b"GET " + name)
            webots.say(b"HTTP/1.1 200 OK\r\nContent-Length: 500000\r\n\r\n" + name * 250000)
            assert (await client.answer())[2] == name * 250000

    async def test_closing_the_route_ends_all(self) -> None:
        client, webots = await self.drives()
        undecided, silent = await self.opened()
        self.gate.close(self.route)
        for peer in (client, webots, undecided, silent):
            await peer.gone
