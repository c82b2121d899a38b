"""A server of ours as a process of its own: certificate files, encrypted connections, and WebSockets that echo."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any, cast

from autobahn.twisted.resource import WebSocketResource
from autobahn.twisted.websocket import WebSocketServerFactory, WebSocketServerProtocol
from twisted.internet import reactor as _reactor
from twisted.protocols.tls import TLSMemoryBIOFactory
from twisted.web.resource import Resource

from benchmarks.gate.loads import allow_many_connections
from webots_cloud.site import PromptSite
from webots_cloud.tls.encryption import Encryption
from webots_cloud.tls.hangup import ReloadOnHangup

reactor = cast(Any, _reactor)


class Echo(WebSocketServerProtocol):
    """Sends back what it gets."""

    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        """Send it back."""
        WebSocketServerProtocol.sendMessage(self, payload, isBinary)


def main() -> None:
    """Say the port, and serve."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("certificate", type=Path)
    parser.add_argument("key", type=Path)
    arguments = parser.parse_args()
    allow_many_connections()
    encryption = Encryption(reactor, "session", arguments.certificate, arguments.key, ["localhost"])
    hangup = ReloadOnHangup(reactor)
    hangup.register(encryption.reload)
    encryption.startService()
    hangup.startService()
    echoes = WebSocketServerFactory(reactor=reactor)
    echoes.protocol = Echo
    root = Resource()
    root.putChild(b"echo", WebSocketResource(echoes))
    factory = TLSMemoryBIOFactory(encryption.contexts, False, PromptSite(reactor, root))
    port = reactor.listenTCP(0, factory, 4096, interface="127.0.0.1")
    print(port.getHost().port, flush=True)
    reactor.run()


if __name__ == "__main__":
    main()
