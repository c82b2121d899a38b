"""Requests of bounded length and time; every request to the website host is one of these."""

from __future__ import annotations

from typing import Any, BinaryIO, cast

from twisted.internet.interfaces import IDelayedCall
from twisted.web.server import Request

MAX_BODY_BYTES = 2 * 1024 * 1024
"""How long the body of a request may be."""

MAX_UNREAD_BYTES = 8 * MAX_BODY_BYTES
"""How much of a longer body is received and thrown away, so that a browser listens to the answer."""

REQUEST_SECONDS = 60.0
"""How long a client may take to send a request."""


class BoundedRequest(Request):
    """A request whose body is kept up to L{MAX_BODY_BYTES}, and that ends if it does not arrive in time.

    Its query and its form fields are left alone: a key must not stand in an address, and forms are read in a thread.

    @ivar sender: the address that it came from, by way of whatever web server; empty: it is not known.
    @ivar too_large: whether the body was longer than the limit; C{content} is not to be read then.
    """

    def __init__(self, *arguments: Any, **named: Any) -> None:
        Request.__init__(self, *arguments, **named)
        self.sender = ""
        self.too_large = False
        self._received = 0
        self._late: IDelayedCall = self.channel.callLater(REQUEST_SECONDS, self.abort)

    def gotLength(self, length: int | None) -> None:
        """Take notice of the announced length; C{None}: it is not known."""
        Request.gotLength(self, length)
        if length is not None and length > MAX_BODY_BYTES:
            self.too_large = True
        if length is not None and length > MAX_UNREAD_BYTES:
            self.abort()

    def handleContentChunk(self, data: bytes) -> None:
        """Keep a part of the body, up to the limit."""
        self._received += len(data)
        self.too_large = self.too_large or self._received > MAX_BODY_BYTES
        if not self.too_large:
            Request.handleContentChunk(self, data)
        elif self._received > MAX_UNREAD_BYTES:
            self.abort()

    def requestReceived(self, command: bytes, path: bytes, version: bytes) -> None:
        """Answer the request: all of it is there."""
        self._stop_waiting()
        self.body.seek(0)
        self.args = {}
        self.method, self.uri, self.clientproto = command, path, version
        self.path = path.partition(b"?")[0]
        Request.process(self)

    def connectionLost(self, reason: Any) -> None:
        """Stop waiting for the rest."""
        self._stop_waiting()
        Request.connectionLost(self, reason)

    @property
    def body(self) -> BinaryIO:
        """The body, from its beginning."""
        return cast(BinaryIO, self.content)

    def abort(self) -> None:
        """Break the connection off, so that nobody takes an answer that is not complete for one that is."""
        if self.channel is not None:
            cast(Any, self.channel.transport).abortConnection()

    def _stop_waiting(self) -> None:
        if self._late.active():
            self._late.cancel()
