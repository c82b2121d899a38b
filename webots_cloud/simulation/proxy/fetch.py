"""A texture or a page of a robot window on its way from Webots to a client; nothing of what Webots says is trusted."""

from __future__ import annotations

import re
from typing import Any, cast

from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import IDelayedCall, IPushProducer
from twisted.python.failure import Failure
from twisted.web.http import Request
from zope.interface import implementer

from webots_cloud.errors import BadAnswer, ClientError, WebotsTooSlow
from webots_cloud.simulation.entrance import Entrance
from webots_cloud.simulation.proxy.answer import Body, Head, body_of, parse_head
from webots_cloud.simulation.proxy.exchange import SAFE_HEADERS, Exchange
from webots_cloud.simulation.proxy.upstream import Upstream, read_head

HEAD_SECONDS = 30
STALLED_SECONDS = 60
_PASSED_ON = (b"Accept", b"Range", b"If-None-Match", b"If-Modified-Since")
_PASSED_BACK = (b"content-type", b"content-length", b"content-range", b"etag", b"last-modified", b"cache-control")
_STATUSES = (200, 206, 304, 404)
_PICTURES = b"multipart/x-mixed-replace"
"""What a stream of pictures is called: the next one comes when something moves."""
_PLAIN_VALUE = re.compile(rb"[\t\x20-\x7e]{1,1000}")


def request_head(request: Request, target: bytes) -> bytes:
    """Write the request to Webots.

    A HEAD is asked as a GET, as Webots answers nothing else, and its body is left alone.
    """
    lines = [b"GET " + target + b" HTTP/1.1", b"Host: localhost"]
    for name in _PASSED_ON:
        values = request.requestHeaders.getRawHeaders(name, [])
        if len(values) == 1 and _PLAIN_VALUE.fullmatch(values[0]):
            lines.append(name + b": " + values[0])
    return b"\r\n".join([*lines, b"Connection: close", b"", b""])


def answer_headers(head: Head) -> dict[bytes, bytes]:
    """Give the headers for the client.

    @raise BadAnswer: if Webots sends one of them twice, or not as it may be.
    """
    headers = {}
    for name in _PASSED_BACK:
        value = head.one(name)
        if value is not None and _PLAIN_VALUE.fullmatch(value) is None:
            raise BadAnswer(what="a header that is not well formed")
        if value is not None:
            headers[name] = value
    return headers | SAFE_HEADERS


@implementer(IPushProducer)
class Transfer:
    """Passes a body on, no faster than the client takes it.

    @ivar done: fires when all has been written; fails with L{ClientError}.
    """

    def __init__(self, reactor: Any, upstream: Upstream, request: Request, body: Body, may_rest: bool) -> None:
        """Begin.

        @param may_rest: whether Webots may say nothing for as long as it likes.
        """
        self.done: Deferred[None] = Deferred()
        self._reactor = reactor
        self._upstream = upstream
        self._request = request
        self._body = body
        self._may_rest = may_rest
        self._client_takes = True
        self._timer: IDelayedCall = reactor.callLater(STALLED_SECONDS, self._stalled)
        upstream.receiver = self
        request.registerProducer(self, True)

    def received(self, data: bytes) -> None:
        """Write what came."""
        self._timer.reset(STALLED_SECONDS)
        try:
            content = self._body.take(data)
        except BadAnswer as error:
            self._fail(error)
            return
        if content:
            self._request.write(content)
        if self._body.complete and not self.done.called:
            self.done.callback(None)

    def lost(self, reason: Failure) -> None:
        """See whether that was all."""
        if self._body.ends_with_connection and reason.check(ConnectionDone):
            self.done.callback(None)
        else:
            self._fail(BadAnswer(what="it broke off"))

    def pauseProducing(self) -> None:
        """Read no more."""
        self._client_takes = False
        self._upstream.pauseProducing()

    def resumeProducing(self) -> None:
        """Read on; the client has taken something."""
        self._client_takes = True
        self._timer.reset(STALLED_SECONDS)
        self._upstream.resumeProducing()

    def stopProducing(self) -> None:
        """The client leaves, which its request is told, too."""

    def end(self) -> None:
        """Pass no more on."""
        self._upstream.receiver = None
        # A request whose client has left has no channel any more.
        if self._request.channel is not None:
            self._request.unregisterProducer()
        if self._timer.active():
            self._timer.cancel()

    def _stalled(self) -> None:
        if self._may_rest and self._client_takes:
            self._timer = self._reactor.callLater(STALLED_SECONDS, self._stalled)
        else:
            self._fail(WebotsTooSlow(seconds=STALLED_SECONDS))

    def _fail(self, error: ClientError) -> None:
        if not self.done.called:
            self.done.errback(error)


class Fetch(Exchange):
    """A GET or HEAD."""

    def __init__(self, reactor: Any, entrance: Entrance, request: Request, target: bytes) -> None:
        """Prepare to pass a request on.

        @param target: what Webots is asked for.
        """
        Exchange.__init__(self, reactor, entrance, request)
        self._asked = request_head(request, target)

    async def _pass_on(self, upstream: Upstream) -> None:
        upstream.send(self._asked)
        data, rest = await self._in_time(read_head(upstream), HEAD_SECONDS)
        head = parse_head(data)
        if head.status not in _STATUSES:
            raise BadAnswer(what=str(head.status))
        body = body_of(head)
        headers = answer_headers(head)
        self._request.setResponseCode(head.status)
        for name, value in headers.items():
            self._request.setHeader(name, value)
        # The head goes out at once; without a type given by Webots none is guessed.
        cast(Any, self._request).defaultContentType = None
        self._request.write(b"")
        if self._request.method != b"HEAD" and not body.complete:
            may_rest = headers.get(b"content-type", b"").lower().startswith(_PICTURES)
            await self._transfer(upstream, body, rest, may_rest)
        self._request.finish()

    async def _transfer(self, upstream: Upstream, body: Body, rest: bytes, may_rest: bool) -> None:
        transfer = Transfer(self._reactor, upstream, self._request, body, may_rest)
        try:
            upstream.startReading()
            if rest:
                transfer.received(rest)
            await transfer.done
        finally:
            transfer.end()
