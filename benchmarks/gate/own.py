"""The gate as a process of its own: the simulation server's site with nothing but one route, to a given port."""

from __future__ import annotations

import argparse
import socket
from typing import Any, cast

from twisted.internet import reactor as _reactor
from twisted.internet.defer import Deferred, succeed
from twisted.web.resource import Resource

from benchmarks.gate.loads import allow_many_connections
from webots_cloud.simulation.entrance import Limits
from webots_cloud.simulation.gate import FixedPort, ProxyGate
from webots_cloud.simulation.proxy.resource import WebotsResource
from webots_cloud.site import PromptSite

reactor = cast(Any, _reactor)
_MANY = 100_000


def main() -> None:
    """Say the port and the path, and serve."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source", type=int, help="the port to pass on to")
    arguments = parser.parse_args()
    allow_many_connections()

    def connect() -> Deferred[socket.socket]:
        # Connections within a machine are made at once.
        connected = socket.create_connection(("127.0.0.1", arguments.source))
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connected.setblocking(False)
        return succeed(connected)

    gate = ProxyGate(reactor, "", FixedPort(), frozenset(), Limits(_MANY, _MANY))
    route = gate.open(connect, None)
    route.allow_broadcast = True
    root = Resource()
    root.putChild(b"webots", WebotsResource(reactor, gate))
    port = reactor.listenTCP(0, PromptSite(reactor, root), 4096, interface="127.0.0.1")
    print(f"{port.getHost().port} {route.url}", flush=True)
    reactor.run()


if __name__ == "__main__":
    main()
