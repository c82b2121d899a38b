"""The website's open connections, so that a host that stops leaves nobody waiting and nothing behind."""

from __future__ import annotations

from typing import Any, cast

from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.protocol import connectionDone
from twisted.python.failure import Failure
from twisted.web.http import HTTPChannel


class Connections(Service):
    """Those that are open; when this service stops, it breaks them off."""

    def __init__(self) -> None:
        """Begin with none."""
        self._open: set[HTTPChannel] = set()
        self._none_left: Deferred[None] | None = None

    def add(self, channel: HTTPChannel) -> None:
        """Take notice of a new one."""
        self._open.add(channel)

    def discard(self, channel: HTTPChannel) -> None:
        """Take notice of one that is gone."""
        self._open.discard(channel)
        if self._none_left is not None and not self._open:
            none_left, self._none_left = self._none_left, None
            none_left.callback(None)

    def stopService(self) -> Deferred[None]:
        """Break them off; fires when all are gone."""
        Service.stopService(self)
        return Deferred.fromCoroutine(self._abort_all())

    async def _abort_all(self) -> None:
        if self._open:
            self._none_left = none_left = Deferred[None]()
            for channel in list(self._open):
                cast(Any, channel.transport).abortConnection()
            await none_left


class TrackedChannel(HTTPChannel):
    """A connection that L{Connections} knows of."""

    site: Any

    def connectionMade(self) -> None:
        """Begin to take requests."""
        HTTPChannel.connectionMade(self)
        self.site.connections.add(self)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """End."""
        HTTPChannel.connectionLost(self, reason)
        self.site.connections.discard(self)
