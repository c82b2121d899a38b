"""A request that is being passed on to Webots: it ends in an answer, a refusal, or a WebSocket that takes over."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from twisted.internet.defer import CancelledError, Deferred, TimeoutError
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.http import BAD_GATEWAY, Request

from webots_cloud.errors import ClientError, InternalError, NoSuchRoute, WebotsTooSlow, WebotsUnreachable
from webots_cloud.simulation.entrance import Entrance
from webots_cloud.simulation.proxy.upstream import Upstream

CONNECT_SECONDS = 10
SAFE_HEADERS = {
    b"access-control-allow-origin": b"*",
    b"x-content-type-options": b"nosniff",
    b"referrer-policy": b"no-referrer",
    b"cross-origin-resource-policy": b"cross-origin",
    # A page of a stranger's project must not be a page of ours: it gets an origin that no other page has.
    b"content-security-policy": b"sandbox allow-scripts allow-forms allow-popups allow-modals allow-downloads",
}


def refuse(request: Request, status: int, error: ClientError, headers: Mapping[bytes, bytes] | None = None) -> None:
    """Answer a request with a sentence.

    @param headers: more of them.
    """
    body = f"{error}\n".encode()
    request.setResponseCode(status)
    own = {
        b"content-type": b"text/plain; charset=utf-8",
        b"content-length": b"%d" % len(body),
        b"cache-control": b"no-store",
    }
    for name, value in (SAFE_HEADERS | own | dict(headers or {})).items():
        request.setHeader(name, value)
    request.write(b"" if request.method == b"HEAD" else body)
    request.finish()


class Exchange:
    """One request on its way to Webots and back.

    @ivar _gone: whether the client has left, or has been handed over.
    """

    _log = Logger()

    def __init__(self, reactor: Any, entrance: Entrance, request: Request) -> None:
        """Prepare to pass a request on."""
        self._reactor = reactor
        self._entrance = entrance
        self._request = request
        self._upstream: Upstream | None = None
        self._gone = False
        self._ended = False
        self._running: Deferred[None] | None = None

    def start(self) -> None:
        """Pass the request on."""
        self._entrance.add(self)
        self._request.notifyFinish().addErrback(self._left)
        self._running = Deferred.fromCoroutine(self._run())
        self._running.addErrback(self._failed)

    def abort(self) -> None:
        """End it: there is no Webots any more."""
        self._ended = True
        if self._running is not None:
            self._running.cancel()

    def received(self, data: bytes) -> None:
        """Nothing is expected now."""

    def lost(self, reason: Failure) -> None:
        """What is written next will tell."""

    async def _pass_on(self, upstream: Upstream) -> None:
        """Ask Webots, and answer the client."""
        raise NotImplementedError

    async def _run(self) -> None:
        try:
            await self._pass_on(await self._connected())
        except CancelledError:
            self._give_up(NoSuchRoute())
        except ClientError as error:
            self._give_up(error)
        finally:
            if self._upstream is not None:
                self._upstream.abort()
            self._entrance.discard(self)

    def _failed(self, failure: Failure) -> None:
        self._log.failure("a request cannot be passed on", failure)
        self._give_up(InternalError())

    async def _connected(self) -> Upstream:
        clock: IReactorTime = self._reactor
        try:
            connection = await self._entrance.connect().addTimeout(CONNECT_SECONDS, clock)
        except (OSError, TimeoutError) as error:
            raise WebotsUnreachable(detail=str(error)) from error
        self._upstream = Upstream(self._reactor, connection, self)
        if self._ended:
            raise CancelledError
        return self._upstream

    async def _in_time(self, waiting: Deferred[tuple[bytes, bytes]], seconds: float) -> tuple[bytes, bytes]:
        try:
            return await waiting.addTimeout(seconds, self._reactor)
        except TimeoutError as error:
            raise WebotsTooSlow(seconds=f"{seconds:g}") from error

    def _left(self, failure: Failure) -> None:
        self._gone = True
        self.abort()

    def _give_up(self, error: ClientError) -> None:
        if self._gone:
            return
        if self._request.startedWriting:
            cast(Any, self._request.channel.transport).abortConnection()
        else:
            refuse(self._request, BAD_GATEWAY, error)
