"""The WebSockets of the session server: watchers of C{/}, who are told of each change, and clients of C{/session}."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any, cast

from autobahn.twisted.websocket import WebSocketServerProtocol
from twisted.internet.interfaces import IDelayedCall, IReactorTime

from webots_cloud.peers import Peer, PeerFactory
from webots_cloud.session.fleet import Fleet

WATCHERS_AT_ONCE = 150
"""How many watchers are told of a change before anything else has its turn: some five milliseconds' work."""


class Watcher(Peer):
    """A client that is told whether a simulation server is available: at once, and then at each change."""

    factory: WatcherFactory
    _told = b""

    def onOpen(self) -> None:
        """Tell how it is."""
        super().onOpen()
        self.tell(self.factory.frame)

    def tell(self, frame: bytes) -> None:
        """Send a message, unless it is what the client was told last.

        @param frame: the message, framed once for all watchers: Autobahn would take longer over each of them than the
            reactor does.
        """
        if self.state == self.STATE_OPEN and self._told != frame:
            self._told = frame
            cast(Any, self.transport).write(frame)


class WatcherFactory(PeerFactory[Watcher]):
    """Makes watchers, and tells them.

    @ivar frame: how it is, as a WebSocket message.
    """

    protocol = Watcher  # type: ignore[assignment]  # Twisted says that protocols know no subclass of their factory

    def __init__(self, clock: IReactorTime, headers: dict[str, str], fleet: Fleet) -> None:
        """Prepare to watch C{fleet}."""
        super().__init__(clock, headers)
        self._frames = {available: self.prepareMessage(b"%d" % available).payloadHybi for available in (False, True)}
        self.frame = self._frames[fleet.available]
        self._clock = clock
        self._untold: Iterator[Watcher] = iter(())
        self._next: IDelayedCall | None = None
        fleet.watch_availability(self._changed)

    async def stop(self) -> None:
        """Close all watchers."""
        if self._next is not None:
            self._next.cancel()
            self._next = None
        await super().stop()

    def _changed(self, available: bool) -> None:
        self.frame = self._frames[available]
        self._untold = iter(self.peers)
        if self._next is None:
            self._tell_some()

    def _tell_some(self) -> None:
        told = list(islice(self._untold, WATCHERS_AT_ONCE))
        for watcher in told:
            watcher.tell(self.frame)
        self._next = self._clock.callLater(0, self._tell_some) if len(told) == WATCHERS_AT_ONCE else None


class Visitor(Peer):
    """A client that wants one message."""

    factory: VisitorFactory

    def onOpen(self) -> None:
        """Give it, and close."""
        super().onOpen()
        WebSocketServerProtocol.sendMessage(self, self.factory.message().encode())
        self.sendClose(self.CLOSE_STATUS_CODE_NORMAL)


class VisitorFactory(PeerFactory[Visitor]):
    """Makes visitors.

    @ivar message: gives the message for the next of them.
    """

    protocol = Visitor  # type: ignore[assignment]  # Twisted says that protocols know no subclass of their factory

    def __init__(self, clock: IReactorTime, headers: dict[str, str], message: Callable[[], str]) -> None:
        """Prepare to give messages."""
        super().__init__(clock, headers)
        self.message = message
