"""The website's open connections, so that a host that stops leaves nobody waiting and nothing behind."""

from __future__ import annotations

from typing import Any

from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.protocols.policies import ProtocolWrapper, WrappingFactory


class _Connection(ProtocolWrapper):
    """One of them."""

    factory: _Connections

    def connectionLost(self, reason: Any) -> None:
        """Take part in it, then tell that it is over."""
        ProtocolWrapper.connectionLost(self, reason)
        self.factory.one_lost()


class _Connections(WrappingFactory[_Connection]):
    """Counts the connections of another factory."""

    protocol = _Connection
    noisy = False

    def __init__(self, website: Any) -> None:
        """Prepare to count; C{website} provides C{IProtocolFactory}."""
        WrappingFactory.__init__(self, website)
        self._none_left: Deferred[None] | None = None

    def one_lost(self) -> None:
        """Take notice of a connection that is gone."""
        if self._none_left is not None and not self.protocols:
            self._none_left.callback(None)
            self._none_left = None

    async def abort_all(self) -> None:
        """Break all connections off."""
        if self.protocols:
            self._none_left = none_left = Deferred[None]()
            for connection in list(self.protocols):
                connection.abortConnection()
            await none_left


class ConnectionCloser(Service):
    """Breaks all connections off when it stops.

    @ivar factory: what is to be listened with.
    """

    def __init__(self, website: Any) -> None:
        """Prepare for C{website}, which provides C{IProtocolFactory}."""
        self.factory = _Connections(website)

    def stopService(self) -> Deferred[None]:
        """Break them off; fires when all are gone."""
        Service.stopService(self)
        return Deferred.fromCoroutine(self.factory.abort_all())
