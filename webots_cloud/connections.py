"""The open connections of a server, which are closed in bounded time when it stops."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Generic, Protocol, TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime

CLOSE_SECONDS = 2.0
"""How long a peer may take to close its side, when asked to."""


class Connection(Protocol):
    """What L{Connections} must be able to do with each of them."""

    def leave(self) -> None:
        """Ask the peer to close, after what it is still to be told."""

    def abort(self) -> None:
        """Close without asking."""


C = TypeVar("C", bound=Connection)


class Connections(Generic[C]):
    """Those that are open: a connection adds itself, and discards itself when it is lost."""

    def __init__(self, clock: IReactorTime) -> None:
        """Begin with none."""
        self._clock = clock
        self._open: dict[C, None] = {}
        self._closing: Deferred[None] | None = None

    def __iter__(self) -> Iterator[C]:
        return iter(list(self._open))

    def __len__(self) -> int:
        return len(self._open)

    def add(self, connection: C) -> None:
        """Take in a connection; one that comes while all are closed is closed, too."""
        self._open[connection] = None
        if self._closing:
            connection.leave()

    def discard(self, connection: C) -> None:
        """Forget a connection that is lost, or somebody else's now."""
        self._open.pop(connection, None)
        if self._closing and not self._open and not self._closing.called:
            self._closing.callback(None)

    async def close(self) -> None:
        """Close all; those that take longer than L{CLOSE_SECONDS} are aborted."""
        self._closing = Deferred()
        for connection in self:
            connection.leave()
        if self._open:
            deadline = self._clock.callLater(CLOSE_SECONDS, self._abort)
            await self._closing
            if deadline.active():
                deadline.cancel()
        self._closing = None

    def _abort(self) -> None:
        for connection in self:
            connection.abort()
