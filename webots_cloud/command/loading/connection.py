"""A WebSocket as a page opens it."""

from __future__ import annotations

from typing import Any, cast

from autobahn.twisted.websocket import WebSocketClientFactory, WebSocketClientProtocol
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import HostnameEndpoint, wrapClientTLS
from twisted.internet.interfaces import IStreamClientEndpoint
from twisted.web.client import URI, BrowserLikePolicyForHTTPS

from webots_cloud.agent import TrustedAuthorities
from webots_cloud.errors import quoted

_SECONDS = 10.0
_MOST_BYTES = 100_000_000
_NORMAL = 1000


class Broken(Exception):
    """A client cannot go on; the text tells why."""


class Connection(WebSocketClientProtocol):
    """One WebSocket.

    @ivar lost: fires when it is closed, by whomever.
    """

    def __init__(self) -> None:
        super().__init__()
        self.lost: Deferred[None] = Deferred()
        # Who does not wait any more has no use for it.
        self._opened: Deferred[None] = Deferred(lambda _: self.dropConnection(abort=True))
        self._beginnings: tuple[str, ...] = ()
        self._awaited: Deferred[str] | None = None

    async def opened(self) -> None:
        """Wait until it is open.

        @raise Broken: if it is refused.
        """
        await self._opened

    async def hears(self, *beginnings: str) -> str:
        """Wait for a message that begins in one of these ways; others are dropped.

        @raise Broken: if there is none before it is closed.
        """
        self._beginnings, self._awaited = beginnings, Deferred()
        return await self._awaited

    def say(self, text: str) -> None:
        """Send a message."""
        cast(Any, self).sendMessage(text.encode())

    async def leave(self) -> None:
        """Close it; returns when it is closed."""
        self.sendClose(_NORMAL)
        await self.lost

    def onOpen(self) -> None:
        """Tell who waits for it."""
        self._opened.callback(None)

    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        """Tell who waits for such a message."""
        text = "" if isBinary else payload.decode("utf-8", "replace")
        if self._awaited is not None and text.startswith(self._beginnings):
            awaited, self._awaited = self._awaited, None
            awaited.callback(text)

    def onClose(self, wasClean: bool, code: int | None, reason: str | None) -> None:
        """Tell all who wait for anything."""
        awaited, self._awaited = self._awaited, None
        broken = Broken(f"the server closed the connection ({quoted(reason or code or 'without a word')})")
        if not self._opened.called:
            self._opened.errback(Broken(f"the server refuses the WebSocket ({quoted(reason or code)})"))
        if awaited is not None and not awaited.called:
            awaited.errback(broken)
        self.lost.callback(None)


async def connect(reactor: Any, url: str, authorities: TrustedAuthorities) -> Connection:
    """Open a WebSocket.

    @param url: C{ws://} or C{wss://}.
    @raise Broken: if the server refuses it.
    @raise Exception: whatever keeps it from being connected to.
    """
    factory = WebSocketClientFactory(url, reactor=reactor)
    factory.noisy = False
    factory.protocol = Connection
    factory.setProtocolOptions(
        maxMessagePayloadSize=_MOST_BYTES, utf8validateIncoming=False, openHandshakeTimeout=_SECONDS
    )
    connection = cast(Connection, await _endpoint(reactor, url, authorities).connect(factory))
    await connection.opened()
    return connection


def _endpoint(reactor: Any, url: str, authorities: TrustedAuthorities) -> IStreamClientEndpoint:
    uri = URI.fromBytes(url.replace("ws", "http", 1).encode("ascii"))
    endpoint: IStreamClientEndpoint = HostnameEndpoint(reactor, uri.host.decode("ascii"), uri.port, _SECONDS)
    if uri.scheme == b"https":
        creator = BrowserLikePolicyForHTTPS(authorities).creatorForNetloc(uri.host, uri.port)
        endpoint = wrapClientTLS(creator, endpoint)
    return endpoint
