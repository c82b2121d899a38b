"""The session server's HTTP side: what holds for every request, and what a hostile one cannot do."""

from __future__ import annotations

import io
from typing import Any, BinaryIO, cast

from twisted.internet.interfaces import IReactorTime
from twisted.internet.protocol import connectionDone
from twisted.protocols.basic import LineReceiver
from twisted.python.failure import Failure
from twisted.web.http import NO_CONTENT, HTTPChannel
from twisted.web.resource import IResource
from twisted.web.server import Request, Site

from webots_cloud.session.connections import Connections

REQUEST_SECONDS = 60
"""How long a client may take for a request, from the moment it connected or got its last answer."""

CORS_HEADERS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Headers": "x-requested-with",
    "Access-Control-Allow-Methods": "POST, GET, OPTIONS",
}
"""What lets pages of any website ask (docs/protocol.md section 1)."""

_HEADERS = [
    (name.encode(), value.encode())
    for name, value in (CORS_HEADERS | {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}).items()
]


class PublicRequest(Request):
    """A request that pages of any website may make."""

    def process(self) -> None:
        """Answer; C{OPTIONS} at once, all else by its resource."""
        for name, value in _HEADERS:
            self.responseHeaders.setRawHeaders(name, [value])
        if self.method == b"OPTIONS":
            Request.setResponseCode(self, NO_CONTENT)
            Request.finish(self)
        else:
            Request.process(self)


class _Nowhere(io.BytesIO):
    """Where the bodies of requests go: no resource here reads one, so none is kept."""

    def write(self, data: Any) -> int:
        return len(data)


class PromptChannel(HTTPChannel):
    """A connection on which each request must be complete in time, however steadily it trickles in."""

    site: PublicSite

    def connectionMade(self) -> None:
        """Join the site's connections."""
        HTTPChannel.connectionMade(self)
        self.site.channels.add(self)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Leave the site's connections."""
        HTTPChannel.connectionLost(self, reason)
        self.site.channels.discard(self)

    def dataReceived(self, data: bytes) -> None:
        """Take data, without more time for the request."""
        LineReceiver.dataReceived(self, data)

    def hand_over(self) -> None:
        """Let go of the transport, which speaks another protocol from now on."""
        self.site.channels.discard(self)
        cast(Any, self.transport).unregisterProducer()

    def leave(self) -> None:
        """Close once the client has its answers."""
        HTTPChannel.loseConnection(self)

    def abort(self) -> None:
        """Close at once."""
        cast(Any, self.transport).abortConnection()


class PublicSite(Site):
    """A site for L{PublicRequest}s.

    @ivar channels: the connections that speak HTTP.
    """

    protocol = PromptChannel  # type: ignore[assignment]  # Twisted wraps it for HTTP/2, which is not spoken here

    def __init__(self, clock: IReactorTime, root: IResource) -> None:
        """Prepare to serve what is below C{root}."""
        Site.__init__(self, root, PublicRequest, timeout=REQUEST_SECONDS, reactor=clock)
        self.channels: Connections[PromptChannel] = Connections(clock)

    def getContentFile(self, length: int | None) -> BinaryIO:
        """Give a request a place for its body."""
        return _Nowhere()

    def log(self, request: Any) -> None:
        """Do nothing: who was sent where is in the server's log, and a line for every request would be all of it."""
