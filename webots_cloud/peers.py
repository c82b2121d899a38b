"""WebSockets whose clients only listen: they are pinged, dropped when they do not read, and closed with the server."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Generic, TypeVar, cast

from autobahn.twisted.websocket import WebSocketServerFactory, WebSocketServerProtocol
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.http import RESPONSES
from txaio.tx import make_logger

from webots_cloud.connections import Connections

PING_SECONDS = 25
"""How often each peer is pinged: more often than the minute after which proxies drop a silent connection."""

UNANSWERED_PINGS = 2
"""How many pings in a row a peer may leave unanswered."""

MAX_MESSAGE = 4096
"""How many bytes a message from a client may have; there is no use in any."""

MAX_RECEIVED = 65536
"""How many bytes a client may send from one ping to the next."""

GOING_AWAY = 1001
"""The close code of a server that stops (RFC 6455 section 7.4.1)."""

_HANDSHAKE = (
    "http_headers",
    "http_request_data",
    "http_request_params",
    "http_request_uri",
    "http_response_data",
    "http_status_line",
    "websocket_extensions",
)
"""What Autobahn keeps of an opening handshake: some ten thousand bytes, where a browser sends many cookies."""


class Peer(WebSocketServerProtocol):
    """A WebSocket whose client only listens."""

    log = cast(Any, make_logger)(level="error")
    """Autobahn tells of each connection that ends badly, which is of no interest here."""

    factory: PeerFactory[Any]
    _credit = UNANSWERED_PINGS
    _received = 0

    def connectionMade(self) -> None:
        """Ask to be told when the client reads too slowly."""
        cast(Any, self.transport).registerProducer(self, True)
        super().connectionMade()

    def onOpen(self) -> None:
        """Join the factory's peers, without what was needed for the opening handshake only."""
        for name in _HANDSHAKE:
            vars(self).pop(name, None)
        self.factory.peers.add(self)

    def onClose(self, wasClean: bool, code: int | None, reason: str | None) -> None:
        """Leave the factory's peers."""
        self.factory.peers.discard(self)

    def dataReceived(self, data: bytes) -> None:
        """Take a sign of life; its content is not looked at."""
        self._received += len(data)
        if self._received > MAX_RECEIVED:
            self.abort()
            return
        if self.state == self.STATE_OPEN:
            self._credit = UNANSWERED_PINGS
        super().dataReceived(data)

    def sendHttpErrorResponse(
        self, code: int, reason: str, responseHeaders: Iterable[tuple[str, str]] | None = None
    ) -> None:
        """Refuse a faulty opening handshake, as a complete answer that pages may read, without the client's words."""
        headers = [*self.factory.headers.items(), ("Connection", "close"), ("Content-Length", "0")]
        WebSocketServerProtocol.sendHttpErrorResponse(
            self, code, RESPONSES[code].decode(), [*headers, *(responseHeaders or ())]
        )

    def ping(self) -> None:
        """Ask for a sign of life, unless too many of the last pings had no answer: then the peer is gone."""
        if self._credit == 0:
            self.abort()
            return
        self._credit -= 1
        self._received = 0
        self.sendPing()

    def leave(self) -> None:
        """Tell the client that the server stops."""
        self.sendCloseFrame(GOING_AWAY)

    def abort(self) -> None:
        """Close without a word."""
        cast(Any, self.transport).abortConnection()

    def pauseProducing(self) -> None:
        """Drop a client that does not read what it is told, rather than keep it in memory."""
        self.abort()

    def resumeProducing(self) -> None:
        """Do nothing: a client that was too slow is gone."""

    def stopProducing(self) -> None:
        """Do nothing: the connection is ending."""


P = TypeVar("P", bound=Peer)


class PeerFactory(WebSocketServerFactory, Generic[P]):
    """Makes peers of one kind, and while it runs pings those that are connected.

    Autobahn's time-outs are off, as each of them would take a timer and some hundred bytes of every peer: the opening
    handshake is complete before a peer is made, and all that comes later is found by the pings.

    @ivar peers: those that are connected.
    """

    _logger = Logger()

    def __init__(self, clock: IReactorTime, headers: dict[str, str]) -> None:
        """Prepare to make peers.

        @param headers: what each answer to an opening handshake carries.
        """
        WebSocketServerFactory.__init__(self, server="", headers=headers, reactor=clock)
        WebSocketServerFactory.setProtocolOptions(
            self,
            maxFramePayloadSize=MAX_MESSAGE,
            maxMessagePayloadSize=MAX_MESSAGE,
            openHandshakeTimeout=0,
            closeHandshakeTimeout=0,
            autoPingInterval=0,
            failByDrop=False,
            allowNullOrigin=True,
        )
        self.peers: Connections[P] = Connections(clock)
        self._round: list[P] = []
        self._step = 0
        self._pinging = LoopingCall(self._ping_some)
        self._pinging.clock = clock

    def start(self) -> None:
        """Begin to ping."""
        self._pinging.start(1.0).addErrback(self._pinging_failed)

    async def stop(self) -> None:
        """Close all peers."""
        if self._pinging.running:
            self._pinging.stop()
        await self.peers.close()

    def _ping_some(self) -> None:
        """Ping the peers whose second it is, so that thousands of pings do not come at once."""
        if self._step == 0:
            self._round = list(self.peers)
        for peer in self._round[self._step :: PING_SECONDS]:
            peer.ping()
        self._step = (self._step + 1) % PING_SECONDS

    def _pinging_failed(self, failure: Failure) -> None:
        self._logger.failure("clients that are gone will not be noticed any more", failure)
