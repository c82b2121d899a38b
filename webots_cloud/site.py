"""What the HTTP sides of all servers share: requests in bounded time, connections that end with the server, no log."""

from __future__ import annotations

import io
from typing import Any, cast

from twisted.internet.interfaces import IDelayedCall, IReactorTime, ISSLTransport
from twisted.internet.protocol import connectionDone
from twisted.logger import Logger
from twisted.protocols.basic import LineReceiver
from twisted.protocols.policies import TimeoutMixin
from twisted.python.failure import Failure
from twisted.web.http import HTTPChannel
from twisted.web.http_headers import Headers
from twisted.web.resource import IResource, getChildForRequest
from twisted.web.server import Request, Site

from webots_cloud.connections import Connections

REQUEST_SECONDS = 60
"""How long a client may take for a request, from the moment it connected or got its last answer."""

REQUESTS_AT_ONCE = 10
"""How many requests that have come on one connection are answered before others have their turn."""


class Nowhere(io.BytesIO):
    """Where the bodies of requests go on a server that reads none, so that none is kept."""

    def write(self, data: Any) -> int:
        """Let go of it."""
        return len(data)


class _Quiet(Logger):
    """Tells what Twisted says of single connections to those only who look for a fault."""

    def info(self, format: str | None = None, **values: object) -> None:
        """Tell it."""
        self.debug(format, **values)


class PromptChannel(HTTPChannel):
    """A connection on which each request must be complete in time, however steadily it trickles in.

    Of requests that come together a few are answered, then others have their turn; and none is answered while the
    client has not taken the answers before it.
    """

    site: PromptSite
    _log = _Quiet()
    _at_once = 0
    _done: Request | None = None
    _next: IDelayedCall | None = None
    _closing: IDelayedCall | None = None

    def connectionMade(self) -> None:
        """Join the site's connections."""
        HTTPChannel.connectionMade(self)
        self.site.channels.add(self)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Leave the site's connections."""
        HTTPChannel.connectionLost(self, reason)
        self._done = None
        if self._next is not None:
            self._next.cancel()
        if self._closing is not None and self._closing.active():
            self._closing.cancel()
        self.site.channels.discard(self)

    def dataReceived(self, data: bytes) -> None:
        """Take data, without more time for the request."""
        if not self._busyReceiving:
            # It is not what is left of the data before, after a request in it.
            self._at_once = 0
        LineReceiver.dataReceived(self, data)

    def lineReceived(self, line: bytes) -> None:
        """Take a line of a request's head, but none that goes on with the one before (RFC 9112 section 5.2)."""
        if line[:1] in (b" ", b"\t"):
            # Others may read it as a line of its own, and so find another request in what follows.
            cast(Any, self.transport).write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            self.loseConnection()
        else:
            HTTPChannel.lineReceived(self, line)

    @property
    def is_encrypted(self) -> bool:
        """Whether what is said here is encrypted by this server."""
        return ISSLTransport.providedBy(self.transport)

    def writeHeaders(self, version: bytes, code: bytes, reason: bytes, headers: Headers) -> None:
        """Begin an answer; where it is encrypted, the browser may be told that all that follow will be."""
        if self.site.hsts and self.is_encrypted:
            headers.setRawHeaders(b"strict-transport-security", [b"max-age=%d" % self.site.hsts])
        HTTPChannel.writeHeaders(self, version, code, reason, headers)

    def loseConnection(self) -> None:
        """Close when the client has its answers, for which it has as much time as for a request."""
        if self.is_encrypted and self._closing is None:
            # An encrypted connection ends only when the client, too, has said that it ends.
            self._closing = self.site.clock.callLater(REQUEST_SECONDS, self.abort)
        HTTPChannel.loseConnection(self)

    def requestDone(self, request: Request) -> None:
        """Go on with the next request, if the client takes the answers and others need not wait for it."""
        self._dataBuffer.append(LineReceiver.clearLineBuffer(self))
        self._at_once += 1
        if self.persistent and self._waitingForTransport:
            self._wait(request)
            TimeoutMixin.setTimeout(self, REQUEST_SECONDS)
        elif self.persistent and self._at_once >= REQUESTS_AT_ONCE and any(self._dataBuffer):
            self._wait(request)
            self._next = self.site.clock.callLater(0, self._go_on)
        else:
            HTTPChannel.requestDone(self, request)

    def resumeProducing(self) -> None:
        """Go on, as the client has taken something."""
        HTTPChannel.resumeProducing(self)
        if self._done is not None and self._next is None:
            self._go_on()

    def _wait(self, done: Request) -> None:
        """Leave it at an answered request for now, and read no more."""
        self._done = done
        cast(Any, self._networkProducer).pauseProducing()

    def _go_on(self) -> None:
        done, self._done, self._next, self._at_once = self._done, None, None, 0
        if done is not None:
            HTTPChannel.requestDone(self, done)

    def hand_over(self) -> None:
        """Let go of the transport, which speaks another protocol from now on."""
        self.site.channels.discard(self)
        cast(Any, self.transport).unregisterProducer()

    def leave(self) -> None:
        """Close once the client has its answers."""
        self.loseConnection()

    def abort(self) -> None:
        """Close at once."""
        HTTPChannel.forceAbortClient(self)


class PromptSite(Site):
    """A site whose connections are L{PromptChannel}s.

    @ivar channels: the connections that speak HTTP.
    @ivar clock: measures their time.
    @ivar hsts: for how many seconds browsers are told to remember that this site is encrypted; 0: they are not told.
    @ivar unencrypted: what answers requests that come without encryption; C{None}: the same as answers all others.
    """

    noisy = False
    protocol = PromptChannel  # type: ignore[assignment]  # Twisted wraps it for HTTP/2, which is not spoken here

    def __init__(self, clock: IReactorTime, root: IResource, request: type[Request] = Request) -> None:
        """Prepare to serve what is below C{root}.

        @param request: makes each request.
        """
        Site.__init__(self, root, request, timeout=REQUEST_SECONDS, reactor=clock)
        self.displayTracebacks = False
        self.clock = clock
        self.channels: Connections[PromptChannel] = Connections(clock)
        self.hsts = 0
        self.unencrypted: IResource | None = None

    def getResourceFor(self, request: Any) -> Any:
        """Find the resource that answers a request."""
        if self.unencrypted is not None and not request.isSecure():
            return getChildForRequest(self.unencrypted, request)
        return Site.getResourceFor(self, request)

    def log(self, request: Any) -> None:
        """Do nothing: each server's log tells what an operator asks about, and queries may hold what is no one's."""
