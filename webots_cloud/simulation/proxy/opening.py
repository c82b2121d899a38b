"""A WebSocket that is open, and whose client has not said yet what it is for: its first message decides."""

from __future__ import annotations

from typing import Any

from twisted.internet.interfaces import IDelayedCall
from twisted.python.failure import Failure

from webots_cloud.errors import BadFrames, ClientError, NoFirstMessage, WebotsUnreachable
from webots_cloud.simulation.entrance import Entrance
from webots_cloud.simulation.proxy.frames import (
    INTERNAL_ERROR,
    POLICY_VIOLATION,
    PROTOCOL_ERROR,
    FirstMessage,
    close_frame,
)
from webots_cloud.simulation.proxy.takeover import Client
from webots_cloud.simulation.proxy.tunnel import CLOSE_SECONDS, Tunnel
from webots_cloud.simulation.proxy.upstream import Upstream

FIRST_MESSAGE_SECONDS = 10


class Opening:
    """Listens to the client only; what Webots says waits."""

    def __init__(self, reactor: Any, entrance: Entrance, client: Client, upstream: Upstream, rest: bytes) -> None:
        """Prepare to listen to the client.

        @param rest: what Webots has said already.
        """
        self._reactor = reactor
        self._entrance = entrance
        self._client = client
        self._upstream = upstream
        self._rest = rest
        self._first = FirstMessage()
        self._timer: IDelayedCall | None = None
        self._flushed = not client.direct
        self._refused = False
        self._tunnel: Tunnel | None = None

    def begin(self, answer: bytes, early: bytes) -> None:
        """Answer, and listen.

        @param answer: the head of the HTTP answer.
        @param early: what the client has sent before it.
        """
        self._entrance.add(self)
        self._upstream.receiver = self
        self._upstream.registerProducer(self._client.transport, False)
        self._client.speak(self)
        self._write(answer)
        self._timer = self._reactor.callLater(FIRST_MESSAGE_SECONDS, self._silent)
        if early:
            self.dataReceived(early)

    def dataReceived(self, data: bytes) -> None:
        """Look for the first message."""
        if self._refused:
            return
        try:
            controls = self._first.take(data)
        except BadFrames as error:
            self._refuse(PROTOCOL_ERROR, error)
            return
        if controls and not self._upstream.send(controls):
            self._client.transport.pauseProducing()
        if self._first.complete:
            self._decide()

    def connectionLost(self, reason: Failure) -> None:
        """The client has gone."""
        self._stop_timer()
        self._upstream.abort()
        self._entrance.discard(self)
        self._client.forget()

    def received(self, data: bytes) -> None:
        """Nothing comes: Webots is not read."""

    def lost(self, reason: Failure) -> None:
        """Webots has gone."""
        self._refuse(INTERNAL_ERROR, WebotsUnreachable())

    def resumeProducing(self) -> None:
        """All has been sent to the client."""
        self._flushed = True
        if self._tunnel is not None:
            self._tunnel.open()

    def pauseProducing(self) -> None:
        """Nothing is produced."""

    def stopProducing(self) -> None:
        """The client goes, which will be told, too."""

    def abort(self) -> None:
        """End it at once."""
        self._upstream.abort()
        self._client.transport.abortConnection()

    def _write(self, data: bytes) -> None:
        transport = self._client.transport
        if self._client.direct:
            transport.unregisterProducer()
            transport.registerProducer(self, False)
            # It is told at once, of what was before.
            self._flushed = False
        transport.write(data)

    def _decide(self) -> None:
        tunnel = Tunnel(self._reactor, self._entrance, self._client, self._upstream)
        try:
            role = self._entrance.take_role(tunnel, self._first.text)
        except ClientError as error:
            self._refuse(POLICY_VIOLATION, error)
            return
        self._stop_timer()
        self._entrance.add(tunnel)
        self._entrance.discard(self)
        if self._rest:
            self._write(self._rest)
        tunnel.take(role, self._first.frames, self._first.rest)
        if self._flushed:
            tunnel.open()
        else:
            self._tunnel = tunnel

    def _silent(self) -> None:
        self._refuse(POLICY_VIOLATION, NoFirstMessage(seconds=FIRST_MESSAGE_SECONDS))

    def _refuse(self, code: int, error: ClientError) -> None:
        self._refused = True
        self._stop_timer()
        self._upstream.abort()
        transport = self._client.transport
        transport.unregisterProducer()
        transport.resumeProducing()
        transport.write(close_frame(code, str(error)))
        self._timer = self._reactor.callLater(CLOSE_SECONDS, transport.abortConnection)
        if self._client.direct:
            # Closing both ways could take away what it has not read yet.
            transport.loseWriteConnection()
        else:
            transport.loseConnection()

    def _stop_timer(self) -> None:
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
