"""What the HTTP sides of all servers share: requests in bounded time, connections that end with the server, no log."""

from __future__ import annotations

import io
from typing import Any, cast

from twisted.internet.interfaces import IReactorTime
from twisted.internet.protocol import connectionDone
from twisted.protocols.basic import LineReceiver
from twisted.python.failure import Failure
from twisted.web.http import HTTPChannel
from twisted.web.resource import IResource
from twisted.web.server import Request, Site

from webots_cloud.connections import Connections

REQUEST_SECONDS = 60
"""How long a client may take for a request, from the moment it connected or got its last answer."""


class Nowhere(io.BytesIO):
    """Where the bodies of requests go on a server that reads none, so that none is kept."""

    def write(self, data: Any) -> int:
        """Let go of it."""
        return len(data)


class PromptChannel(HTTPChannel):
    """A connection on which each request must be complete in time, however steadily it trickles in."""

    site: PromptSite

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

    def lineReceived(self, line: bytes) -> None:
        """Take a line of a request's head, but none that goes on with the one before (RFC 9112 section 5.2)."""
        if line[:1] in (b" ", b"\t"):
            # Others may read it as a line of its own, and so find another request in what follows.
            cast(Any, self.transport).write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            self.loseConnection()
        else:
            HTTPChannel.lineReceived(self, line)

    def hand_over(self) -> None:
        """Let go of the transport, which speaks another protocol from now on."""
        self.site.channels.discard(self)
        cast(Any, self.transport).unregisterProducer()

    def leave(self) -> None:
        """Close once the client has its answers."""
        HTTPChannel.loseConnection(self)

    def abort(self) -> None:
        """Close at once."""
        HTTPChannel.forceAbortClient(self)


class PromptSite(Site):
    """A site whose connections are L{PromptChannel}s.

    @ivar channels: the connections that speak HTTP.
    """

    noisy = False
    protocol = PromptChannel  # type: ignore[assignment]  # Twisted wraps it for HTTP/2, which is not spoken here

    def __init__(self, clock: IReactorTime, root: IResource, request: type[Request] = Request) -> None:
        """Prepare to serve what is below C{root}.

        @param request: makes each request.
        """
        Site.__init__(self, root, request, timeout=REQUEST_SECONDS, reactor=clock)
        self.displayTracebacks = False
        self.channels: Connections[PromptChannel] = Connections(clock)

    def log(self, request: Any) -> None:
        """Do nothing: each server's log tells what an operator asks about, and queries may hold what is no one's."""
