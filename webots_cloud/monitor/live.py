"""The WebSockets of the monitor pages: each viewer gets the whole state, and then, once a second, what has changed."""

from __future__ import annotations

import json
from typing import Any, Protocol, cast

from twisted.internet.interfaces import IReactorTime
from twisted.internet.protocol import connectionDone
from twisted.internet.task import LoopingCall
from twisted.logger import Logger
from twisted.python.failure import Failure

from webots_cloud.monitor.merging import Document
from webots_cloud.peers import Peer, PeerFactory

TELL_SECONDS = 1.0

MAX_VIEWERS = 100
"""How many viewers there may be at once."""


class Source(Protocol):
    """What the viewers see."""

    def whole(self) -> Document:
        """Give all that is known now."""

    def changes(self) -> Document:
        """Give what has changed since this or C{whole} was asked last, as a merge patch (RFC 7396); empty: nothing."""


class Ending(Protocol):
    """What ends with a viewer."""

    def end(self) -> None:
        """It has ended."""


def encode(document: Document) -> bytes:
    """Write a document as JSON."""
    return json.dumps(document, separators=(",", ":"), allow_nan=False).encode("ascii")


class Viewer(Peer):
    """Somebody who looks at the page.

    Who does not read what was sent is sent no more until it is read, and then the whole: no more than that is ever kept
    for anybody. Who does not read at all does not answer pings either.

    @ivar visit: ends with the connection; C{None}: nothing does.
    """

    factory: ViewerFactory
    visit: Ending | None = None
    _reads = True
    _behind = True

    def onOpen(self) -> None:
        """Tell all."""
        super().onOpen()
        self.catch_up()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Take note of the end."""
        super().connectionLost(reason)
        if self.visit is not None:
            self.visit.end()

    def tell(self, changes: bytes) -> None:
        """Send what has changed.

        @param changes: the message, framed once for all viewers.
        """
        if not self._reads:
            self._behind = True
        elif not self._behind and self.state == self.STATE_OPEN:
            cast(Any, self.transport).write(changes)

    def catch_up(self) -> None:
        """Send the whole, if something was left out before."""
        if self._behind and self._reads and self.state == self.STATE_OPEN:
            whole = self.factory.whole
            self._behind = False
            cast(Any, self.transport).write(whole)

    def pauseProducing(self) -> None:
        """Send nothing until what was sent is read."""
        self._reads = False

    def resumeProducing(self) -> None:
        """Go on."""
        self._reads = True


class ViewerFactory(PeerFactory[Viewer]):
    """Makes viewers, and tells them; without viewers it does nothing."""

    protocol = Viewer  # type: ignore[assignment]  # Twisted says that protocols know no subclass of their factory
    _logger = Logger()

    def __init__(self, clock: IReactorTime, source: Source) -> None:
        """Prepare to tell what C{source} knows."""
        super().__init__(clock, {})
        self._source = source
        self._whole = b""
        self._telling = LoopingCall(self._tell)
        self._telling.clock = clock

    @property
    def full(self) -> bool:
        """Whether there are as many viewers as there may be."""
        return len(self.peers) >= MAX_VIEWERS

    @property
    def whole(self) -> bytes:
        """The message with all there is, framed once for all who ask for it before the next changes are told."""
        if not self._whole:
            # What is new since the last second is in it, and the others must be told of it as well.
            self._tell_changes()
            self._whole = self._framed({"whole": self._source.whole()})
        return self._whole

    def start(self) -> None:
        """Begin to tell."""
        super().start()
        self._telling.start(TELL_SECONDS).addErrback(
            lambda failure: self._logger.failure("monitor pages are told nothing any more", failure)
        )

    async def stop(self) -> None:
        """Close all viewers."""
        if self._telling.running:
            self._telling.stop()
        await super().stop()

    def _tell(self) -> None:
        self._whole = b""
        if len(self.peers):
            self._tell_changes()
            for viewer in self.peers:
                viewer.catch_up()

    def _tell_changes(self) -> None:
        patch = self._source.changes()
        if patch:
            changes = self._framed({"patch": patch})
            for viewer in self.peers:
                viewer.tell(changes)

    def _framed(self, message: Document) -> bytes:
        return bytes(self.prepareMessage(encode(message)).payloadHybi)
