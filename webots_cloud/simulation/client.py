"""The WebSocket at /client: messages in, messages out, one instance for as long as it is open."""

from __future__ import annotations

from typing import Any, cast

from autobahn.twisted.websocket import WebSocketServerFactory, WebSocketServerProtocol
from autobahn.websocket.types import ConnectionRequest
from twisted.internet.interfaces import IAddress, IDelayedCall
from twisted.internet.protocol import connectionDone
from twisted.python.failure import Failure

from webots_cloud.connections import Connections
from webots_cloud.errors import AlreadyStarted, BadRequest, ClientError, ForeignOrigin, RequestTooLong, SilentClient
from webots_cloud.simulation.addresses import Visit
from webots_cloud.simulation.instances import Instances
from webots_cloud.simulation.request import (
    MAX_MESSAGE_BYTES,
    AllowBroadcast,
    Extend,
    ResetController,
    StartRequest,
    parse_message,
    parse_origin,
)
from webots_cloud.simulation.runner import Runner
from webots_cloud.simulation.session_log import SessionLog

_NORMAL = 1000
_GOING_AWAY = 1001
PING_SECONDS = 15
"""How often a client is pinged, so that one that vanished is noticed."""
PONG_SECONDS = 10
"""How long it may take to answer; with L{PING_SECONDS} before that, this is less than half a minute."""
CLOSE_SECONDS = 5
"""How long a client that is let go may take to read why, and to say that it has."""
FRAMES_PER_SECOND = 100
FRAMES_AT_ONCE = 500
"""How many frames a client may send more than that; who sends still more floods the server."""

_DOINGS: dict[type, str] = {
    ResetController: "resets a controller",
    AllowBroadcast: "lets others watch",
    Extend: "asks for more time",
}
"""What a client does that sends such a request."""


class ClientProtocol(WebSocketServerProtocol):
    """One client.

    @ivar visit: its connection, as it is counted; C{None} where connections are not.
    @ivar session: what the log says of it.
    """

    def __init__(self, factory: ClientFactory) -> None:
        super().__init__()
        self.factory = factory
        self._reactor = factory.reactor
        self._instances = factory.instances
        self._connections = factory.connections
        self._request_timeout = factory.request_timeout
        self._origin: str | None = None
        self._runner: Runner | None = None
        self._silence: IDelayedCall | None = None
        self._credit = float(FRAMES_AT_ONCE)
        self._credit_since: float = self._reactor.seconds()
        self.visit: Visit | None = None
        self.session = SessionLog(self._reactor)
        self._log = self.session.logger(f"{__name__}.{type(self).__name__}")
        self._opened = False
        self._refusal = ""

    def onConnect(self, request: ConnectionRequest) -> None:
        """Remember the page's origin; whose page it may be is known when it says which host it wants."""
        self._origin = request.origin or None

    def onOpen(self) -> None:
        """Wait for the request, but not for ever."""
        self._opened = True
        self._connections.add(self)
        self._silence = self._reactor.callLater(
            self._request_timeout, self._refuse, SilentClient(f"within {self._request_timeout:g} s")
        )

    def onMessageFrameBegin(self, length: int) -> None:
        """Tell a client whose message is too long why its connection fails."""
        self._count_frame()
        if self.message_data_total_length + length > MAX_MESSAGE_BYTES and not self.failedByMe:
            self._refuse(RequestTooLong(limit=MAX_MESSAGE_BYTES // 1024))
        super().onMessageFrameBegin(length)

    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        """Do what the client asks for, or tell it why not."""
        self._stop_waiting()
        try:
            if isBinary:
                raise BadRequest(what="it is not text")
            request = parse_message(payload)
            if isinstance(request, StartRequest):
                self._start(request)
            else:
                self._change(request)
        except ClientError as error:
            self._refuse(error)

    def onPing(self, payload: bytes) -> None:
        """Answer."""
        self._count_frame()
        super().onPing(payload)

    def onPong(self, payload: bytes) -> None:
        """Take note that the client is there."""
        self._count_frame()
        super().onPong(payload)

    def onClose(self, wasClean: bool, code: int | None, reason: str | None) -> None:
        """End the instance: its client is gone."""
        self._stop_waiting()
        self._connections.discard(self)
        if self._runner is not None:
            self._runner.instance.leave()
        elif self._opened:
            self._name_address()
            self.session.end(self._refusal or "the client left")

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Count the connection no more."""
        super().connectionLost(reason)
        if self.visit is not None:
            self.visit.end()

    def send(self, text: str) -> None:
        """Send a message; to a client that is gone, nothing."""
        if self.state == self.STATE_OPEN:
            WebSocketServerProtocol.sendMessage(self, text.encode())

    def let_go(self) -> None:
        """Close the socket."""
        self.sendClose(_NORMAL)

    def leave(self) -> None:
        """Close the socket, as the server stops."""
        self.sendCloseFrame(_GOING_AWAY)

    def abort(self) -> None:
        """Close the connection at once."""
        cast(Any, self.transport).abortConnection()

    def _start(self, request: StartRequest) -> None:
        if self._runner is not None:
            raise AlreadyStarted
        if self._origin is not None and parse_origin(self._origin) != request.host:
            raise ForeignOrigin(origin=self._origin, host=request.host)
        if self.visit is not None:
            self.visit.start()
        self._name_address()
        self._runner = self._instances.start(request, self)

    def _change(self, request: ResetController | AllowBroadcast | Extend) -> None:
        """Pass on what changes a simulation."""
        if self._runner is None:
            raise BadRequest(what=f"it {_DOINGS[type(request)]} before it starts a simulation")
        self._runner.note_input()
        match request:
            case ResetController():
                self._runner.instance.reset_controller(request)
            case AllowBroadcast():
                self._runner.instance.allow_broadcast(request.allowed)
            case Extend():
                self._runner.instance.extend()

    def _refuse(self, error: ClientError) -> None:
        """Tell the client what is wrong with its request, and end what it has."""
        # What else comes from it is skipped.
        self.failedByMe = True
        if self._runner is not None:
            self._runner.instance.fail(error)
            return
        self._instances.tally.refuse(error)
        self._refusal = str(error)
        self._name_address()
        self._log.warn(
            "client {address}: {error} {detail}", address=self.session.address, error=str(error), detail=error.detail
        )
        self.send(f"error: {error}")
        self.let_go()

    def _count_frame(self) -> None:
        """Break off with a client that sends more frames than it can have a reason for."""
        now = self._reactor.seconds()
        self._credit = min(self._credit + (now - self._credit_since) * FRAMES_PER_SECOND, float(FRAMES_AT_ONCE)) - 1
        self._credit_since = now
        if self._credit < 0 and self.state != self.STATE_CLOSED:
            self._name_address()
            self._log.warn("client {address} sends too many frames", address=self.session.address)
            self.dropConnection(abort=True)

    def _name_address(self) -> None:
        """Have the log name whom the connection is counted for, which is known only when it has become a WebSocket."""
        counted = self.visit.client if self.visit is not None else None
        peer = getattr(cast(Any, self.transport).getPeer(), "host", None) if self.transport is not None else None
        self.session.address = str(counted or self.session.address or peer or self.peer)

    def _stop_waiting(self) -> None:
        silence, self._silence = self._silence, None
        if silence is not None and silence.active():
            silence.cancel()


class ClientFactory(WebSocketServerFactory):
    """Makes a protocol for each client.

    @ivar instances: where clients' instances are started.
    @ivar connections: the clients that are connected.
    @ivar request_timeout: seconds that a client may take to say what it wants.
    """

    def __init__(self, reactor: Any, instances: Instances, request_timeout: float) -> None:
        WebSocketServerFactory.__init__(self, reactor=reactor)
        self.instances = instances
        self.connections: Connections[ClientProtocol] = Connections(reactor)
        self.request_timeout = request_timeout
        WebSocketServerFactory.setProtocolOptions(
            self,
            webStatus=False,
            maxMessagePayloadSize=MAX_MESSAGE_BYTES,
            failByDrop=False,
            closeHandshakeTimeout=CLOSE_SECONDS,
            # Both are refused with a sentence that the page can show.
            utf8validateIncoming=False,
            allowNullOrigin=True,
            autoPingInterval=PING_SECONDS,
            autoPingTimeout=PONG_SECONDS,
        )

    def buildProtocol(self, addr: IAddress | None) -> ClientProtocol:
        """Make the protocol for a client."""
        return ClientProtocol(self)
