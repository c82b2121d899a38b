"""The simulation server's HTTP resources: /load, /monitor and the way to /client."""

from __future__ import annotations

from typing import Any, cast

from autobahn.twisted.resource import WebSocketResource
from twisted.internet.interfaces import IReactorTime
from twisted.protocols.policies import ProtocolWrapper
from twisted.web.http import Request
from twisted.web.iweb import IRequest
from twisted.web.resource import Resource

from webots_cloud.monitor.summary import HEADER
from webots_cloud.monitor.web import Monitor
from webots_cloud.simulation.addresses import Addresses
from webots_cloud.simulation.client import ClientFactory, ClientProtocol
from webots_cloud.simulation.gate import Gate, ProxyGate
from webots_cloud.simulation.overview import Overview
from webots_cloud.simulation.proxy.resource import WebotsResource
from webots_cloud.simulation.site import CountedChannel, CountedSite


class LoadPage(Resource):
    """C{/load}: the load of the machine in percent; 100 where all places are taken."""

    isLeaf = True

    def __init__(self, overview: Overview) -> None:
        Resource.__init__(self)
        self._overview = overview

    def render_GET(self, request: IRequest) -> bytes:
        """Answer with a decimal number, and tell the session server's operator more in a header."""
        request.setHeader("content-type", "text/plain; charset=utf-8")
        request.setHeader("cache-control", "no-store")
        request.setHeader("access-control-allow-origin", "*")
        request.setHeader(HEADER, self._overview.summary.header())
        return f"{self._overview.load:.1f}".encode()


class ClientSocket(Resource):
    """C{/client}: a WebSocket; anything else is told so."""

    isLeaf = True

    def __init__(self, factory: ClientFactory) -> None:
        Resource.__init__(self)
        self._sockets = WebSocketResource(factory)

    def render(self, request: Request) -> bytes | int:
        """Hand the connection over where it is to become a WebSocket."""
        upgrade = request.getHeader(b"upgrade") or b""
        if upgrade.lower() == b"websocket" and request.method == b"GET":
            channel = cast(CountedChannel, request.channel)
            channel.hand_over()
            transport = cast(Any, channel.transport)
            answer: bytes | int = self._sockets.render(request)
            # Where it is encrypted, the transport's own protocol is what encrypts.
            protocol = transport.wrappedProtocol if isinstance(transport, ProtocolWrapper) else transport.protocol
            cast(ClientProtocol, protocol).visit = channel.visit
            return answer
        request.setResponseCode(426)
        request.setHeader("upgrade", "websocket")
        request.setHeader("content-type", "text/plain; charset=utf-8")
        return b"This is a WebSocket; it is opened by a page that shows a simulation.\n"


def simulation_site(
    clock: IReactorTime,
    overview: Overview,
    monitor: Monitor,
    clients: ClientFactory,
    addresses: Addresses,
    gate: Gate,
) -> CountedSite:
    """Put the resources together."""
    root = Resource()
    root.putChild(b"load", LoadPage(overview))
    monitor.put_below(root)
    root.putChild(b"client", ClientSocket(clients))
    if isinstance(gate, ProxyGate):
        root.putChild(b"webots", WebotsResource(clock, gate))
    return CountedSite(clock, root, addresses, clients.request_timeout)
