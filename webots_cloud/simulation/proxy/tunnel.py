"""An open WebSocket between a client and Webots: bytes in both directions, as fast as both take them."""

from __future__ import annotations

from typing import Any

from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import IDelayedCall
from twisted.python.failure import Failure

from webots_cloud.errors import BadFrames
from webots_cloud.simulation.entrance import Entrance, Role
from webots_cloud.simulation.proxy.frames import ControlFrames, RobotMessages
from webots_cloud.simulation.proxy.takeover import Client
from webots_cloud.simulation.proxy.upstream import Upstream

CLOSE_SECONDS = 2
"""How long a client may take to read what is still to be told to it, when its connection ends."""


class Tunnel:
    """Passes bytes on; of those of a watcher only control frames, of those of a robot window also messages to robots.

    While one side does not take what came from the other, the other is not read: what waits is what was read at once.
    """

    __slots__ = ("_client", "_entrance", "_frames", "_guard", "_reactor", "_upstream")

    def __init__(self, reactor: Any, entrance: Entrance, client: Client, upstream: Upstream) -> None:
        """Prepare to pass bytes on."""
        self._reactor = reactor
        self._entrance = entrance
        self._client = client
        self._upstream = upstream
        self._frames: ControlFrames | RobotMessages | None = None
        self._guard: IDelayedCall | None = None

    def take(self, role: Role, first: bytes, rest: bytes) -> None:
        """Take what comes from the client from now on, and what has come.

        @param first: the first message, which all send.
        @param rest: what came after it.
        """
        if role is Role.WATCHER:
            self._frames = ControlFrames()
        elif role is Role.WINDOW:
            self._frames = RobotMessages()
        self._upstream.receiver = self
        self._client.speak(self)
        self._send(first)
        if rest:
            self.dataReceived(rest)

    def open(self) -> None:
        """Pass on what comes from Webots; nothing else waits to be sent to the client."""
        client, upstream = self._client, self._upstream
        if client.direct:
            # As a producer that is asked for more it is told whenever all is sent, and begins at once.
            client.transport.unregisterProducer()
            client.transport.registerProducer(upstream, False)
        else:
            client.transport.registerProducer(upstream, True)
            upstream.resumeProducing()

    def dataReceived(self, data: bytes) -> None:
        """Pass on what came from the client."""
        if self._frames is None:
            self._entrance.note_input()
            self._send(data)
            return
        try:
            passed = self._frames.take(data)
        except BadFrames:
            self.abort()
            return
        if passed:
            self._send(passed)

    def connectionLost(self, reason: Failure) -> None:
        """The client has gone."""
        if self._guard is not None and self._guard.active():
            self._guard.cancel()
        self._upstream.abort()
        self._entrance.discard(self)
        self._client.forget()

    def received(self, data: bytes) -> None:
        """Pass on what came from Webots."""
        client = self._client
        if not client.direct:
            client.transport.write(data)
            return
        # Nothing waits, or Webots would not be read.
        sent = client.transport.writeSomeData(data)
        if sent == len(data):
            return
        if isinstance(sent, int):
            self._upstream.stopReading()
            client.transport.write(data[sent:])
        else:
            self.abort()

    def lost(self, reason: Failure) -> None:
        """Webots has gone: the client gets what waits, and is let go."""
        self._entrance.leave_place(self)
        self._client.transport.unregisterProducer()
        if not reason.check(ConnectionDone):
            self.abort()
            return
        self._guard = self._reactor.callLater(CLOSE_SECONDS, self._client.transport.abortConnection)
        self._client.transport.loseConnection()

    def abort(self) -> None:
        """End it at once."""
        self._upstream.abort()
        self._client.transport.abortConnection()

    def _send(self, data: bytes) -> None:
        if not self._upstream.send(data):
            self._client.transport.pauseProducing()
