"""Sending what is made block by block in a thread, no faster than the client takes it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Protocol, TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IPushProducer
from twisted.web.server import Request
from zope.interface import implementer

T = TypeVar("T")

STALL_SECONDS = 60.0
"""How long a client may take to make room for the next block."""


class InThread(Protocol):
    """Calls a function where it may block; C{twisted.internet.threads.deferToThread} or the like."""

    def __call__(self, function: Callable[..., T], *arguments: Any) -> Deferred[T]:
        """Call the function."""


class ClientGone(Exception):
    """The client went away, or stopped reading for too long."""


@implementer(IPushProducer)
class BlockSender:
    """Sends blocks to one consumer; each is made only when the one before has been taken."""

    def __init__(self, reactor: Any, consumer: Any, blocks: Iterator[bytes], in_thread: InThread) -> None:
        """Prepare to send.

        @param reactor: provides C{IReactorTime}.
        @param consumer: provides C{IConsumer}.
        @param blocks: what to send; taken from in a thread, one at a time, and closed in the end if it can be.
        """
        self._reactor = reactor
        self._consumer = consumer
        self._blocks = blocks
        self._in_thread = in_thread
        self._paused = False
        self._stopped = False
        self._room: Deferred[None] | None = None

    async def send(self) -> None:
        """Send all blocks; the client may still go away before this fires.

        @raise ClientGone: if they cannot be sent.
        @raise Exception: what C{blocks} raises.
        """
        self._consumer.registerProducer(self, True)
        try:
            while (block := await self._in_thread(next, self._blocks, None)) is not None:
                await self._wait_for_room()
                self._consumer.write(block)
        finally:
            if not self._stopped:
                self._consumer.unregisterProducer()
            await self._in_thread(self._close)

    def pauseProducing(self) -> None:
        """Make no further block; called by the consumer when its buffer is full."""
        self._paused = True

    def resumeProducing(self) -> None:
        """Go on; called by the consumer when there is room."""
        self._paused = False
        self._wake()

    def stopProducing(self) -> None:
        """Give up; called by the consumer when its client has gone."""
        self._stopped = True
        self._wake()

    async def _wait_for_room(self) -> None:
        if self._paused and not self._stopped:
            self._room = Deferred()
            stalled: IDelayedCall = self._reactor.callLater(STALL_SECONDS, self._wake)
            await self._room
            if stalled.active():
                stalled.cancel()
        if self._stopped or self._paused:
            raise ClientGone

    def _wake(self) -> None:
        room, self._room = self._room, None
        if room is not None:
            room.callback(None)

    def _close(self) -> None:
        close = getattr(self._blocks, "close", None)
        if close is not None:
            close()


async def send_blocks(
    reactor: Any, request: Request, blocks: Iterator[bytes], in_thread: InThread, content_type: str
) -> None:
    """Answer a request with blocks.

    @param reactor: provides C{IReactorTime}.
    @raise ClientGone: if the client goes away, or stops reading.
    @raise Exception: what C{blocks} raises.
    """
    if request.channel is None:
        raise ClientGone
    request.setHeader("content-type", content_type)
    await BlockSender(reactor, request, blocks, in_thread).send()
    if request.channel is None:
        raise ClientGone
    request.finish()
