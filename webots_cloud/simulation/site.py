"""The simulation server's HTTP side: what webots_cloud.site has, with a limit to what one client's address may open."""

from __future__ import annotations

from typing import Any, BinaryIO, cast

from twisted.internet.interfaces import IReactorTime
from twisted.internet.protocol import connectionDone
from twisted.python.failure import Failure
from twisted.web.resource import IResource
from twisted.web.server import Request

from webots_cloud.simulation.addresses import Addresses, Visit
from webots_cloud.site import Nowhere, PromptChannel, PromptSite


class CountedChannel(PromptChannel):
    """A connection that is counted for its client until it is lost.

    @ivar visit: its part in what its client may do. Whoever takes the transport over ends it when that is lost.
    """

    site: CountedSite
    visit: Visit

    def connectionMade(self) -> None:
        """Count it, or close it at once."""
        PromptChannel.connectionMade(self)
        self.visit = self.site.addresses.connect(self._peer)
        if not self.visit.admitted:
            self._close()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Count it no more."""
        PromptChannel.connectionLost(self, reason)
        self.visit.end()

    def admits(self, request: Request) -> bool:
        """Tell whether a request may be answered; if not, the connection is closed.

        What a proxy may become a WebSocket is counted for the proxy's own client.
        """
        if request.getHeader(b"upgrade"):
            forwarded = request.requestHeaders.getRawHeaders(b"x-forwarded-for", [])
            self.visit.speak_for(self._peer, b",".join(forwarded).decode("latin-1"))
            if not self.visit.admitted:
                self._close()
        return self.visit.admitted

    def requestDone(self, request: Request) -> None:
        """Go on with the next request, which may be another client's."""
        self.visit.speak_for_nobody()
        PromptChannel.requestDone(self, request)

    @property
    def _peer(self) -> str | None:
        return getattr(cast(Any, self.transport).getPeer(), "host", None)

    def _close(self) -> None:
        cast(Any, self.transport).abortConnection()


class CountedRequest(Request):
    """A request that is answered if its client has not too many connections."""

    def process(self) -> None:
        """Answer."""
        if cast(CountedChannel, self.channel).admits(self):
            Request.process(self)


class CountedSite(PromptSite):
    """A site whose connections are L{CountedChannel}s.

    @ivar addresses: what all clients' addresses do.
    """

    protocol = CountedChannel

    def __init__(self, clock: IReactorTime, root: IResource, addresses: Addresses, seconds: float) -> None:
        """Prepare to serve what is below C{root}.

        @param seconds: how long a client may take for a request.
        """
        PromptSite.__init__(self, clock, root, CountedRequest)
        self.timeOut = seconds
        self.addresses = addresses

    def getContentFile(self, length: int | None) -> BinaryIO:
        """Give a request a place for its body."""
        return Nowhere()
