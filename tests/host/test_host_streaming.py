"""Sending blocks no faster than they are taken."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from twisted.internet import reactor as _reactor
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.interfaces import IConsumer, IProducer
from twisted.internet.task import Clock
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import TestCase
from zope.interface import implementer

from webots_cloud.host.archive import BLOCK_BYTES, archive
from webots_cloud.host.streaming import STALL_SECONDS, BlockSender, ClientGone, InThread

reactor = cast(Any, _reactor)


def at_once(function: Callable[..., Any], *arguments: Any) -> Deferred[Any]:
    return maybeDeferred(function, *arguments)


@implementer(IConsumer)
class Client:
    """Takes one block, and asks for no more until it is told to."""

    def __init__(self) -> None:
        self.producer: Any = None
        self.blocks: list[bytes] = []
        self.on_write: Callable[[], None] = lambda: None

    def registerProducer(self, producer: IProducer, streaming: bool) -> None:
        assert streaming
        self.producer = producer

    def unregisterProducer(self) -> None:
        self.producer = None

    def write(self, data: bytes) -> None:
        self.blocks.append(data)
        self.producer.pauseProducing()
        self.on_write()


class Blocks:
    """Blocks that count how many of them were made."""

    def __init__(self, blocks: Iterator[bytes]) -> None:
        self._blocks = blocks
        self.made = 0
        self.closed = False

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        block = next(self._blocks)
        self.made += 1
        return block

    def close(self) -> None:
        self.closed = True


class Sending:
    """A sender at work on a clock."""

    def __init__(self, blocks: Iterator[bytes]) -> None:
        self.clock = Clock()
        self.client = Client()
        self.blocks = Blocks(blocks)
        self.outcome: list[Any] = []
        sender = BlockSender(self.clock, self.client, self.blocks, at_once)
        Deferred.fromCoroutine(sender.send()).addBoth(self.outcome.append)

    def failed_with(self, error: type[Exception]) -> bool:
        return len(self.outcome) == 1 and isinstance(self.outcome[0].value, error)


@pytest.fixture
def sending() -> Sending:
    return Sending(iter([b"1", b"2", b"3"]))


def test_a_client_that_is_full_is_sent_nothing_until_it_has_room(sending: Sending) -> None:
    assert sending.client.blocks == [b"1"]
    sending.client.producer.resumeProducing()
    assert sending.client.blocks == [b"1", b"2"]
    assert sending.outcome == []
    sending.client.producer.resumeProducing()
    assert sending.client.blocks == [b"1", b"2", b"3"]
    assert sending.outcome == [None]


def test_all_is_given_back_in_the_end(sending: Sending) -> None:
    sending.client.on_write = lambda: sending.client.producer.resumeProducing()
    sending.client.producer.resumeProducing()
    assert sending.outcome == [None]
    assert sending.blocks.closed
    assert sending.client.producer is None
    assert sending.clock.getDelayedCalls() == []


def test_a_client_that_goes_away_while_it_is_full_ends_the_work(sending: Sending) -> None:
    sending.client.producer.stopProducing()
    assert sending.failed_with(ClientGone)
    assert sending.blocks.closed
    assert sending.client.blocks == [b"1"]
    assert sending.clock.getDelayedCalls() == []


def test_a_client_that_does_not_read_is_given_up(sending: Sending) -> None:
    sending.clock.advance(STALL_SECONDS - 1)
    assert sending.outcome == []
    sending.clock.advance(1)
    assert sending.failed_with(ClientGone)
    assert sending.blocks.closed


def test_a_client_that_reads_slowly_is_not_given_up(sending: Sending) -> None:
    for _ in range(2):
        sending.clock.advance(STALL_SECONDS - 1)
        sending.client.producer.resumeProducing()
    assert sending.outcome == [None]


def test_a_block_that_cannot_be_made_ends_the_work() -> None:
    def broken() -> Iterator[bytes]:
        yield b"1"
        raise OSError("the disk is broken")

    sending = Sending(broken())
    assert sending.failed_with(OSError)
    assert sending.blocks.closed
    assert sending.client.producer is None


def new_folder(test: TestCase) -> Path:
    folder = tempfile.TemporaryDirectory()
    test.addCleanup(folder.cleanup)
    return Path(folder.name)


class SendingALargeProject(TestCase):
    """A project of 200 MB that cannot be compressed."""

    def setUp(self) -> None:
        folder = new_folder(self)
        self.files = {str(number): folder / str(number) for number in range(200)}
        self.files["0"].write_bytes(os.urandom(2**20))
        for name in list(self.files)[1:]:
            os.link(self.files["0"], self.files[name])

    async def test_never_more_than_one_block_is_ahead_of_the_client(self) -> None:
        blocks, client = Blocks(archive(self.files)), Client()
        sizes: list[int] = []
        ahead: list[int] = []

        def take() -> None:
            sizes.append(len(client.blocks.pop()))
            ahead.append(blocks.made - len(sizes))
            reactor.callLater(0, make_room)

        def make_room() -> None:
            if client.producer is not None:
                client.producer.resumeProducing()

        client.on_write = take
        await BlockSender(reactor, client, blocks, cast(InThread, deferToThread)).send()
        assert sum(sizes) > 200 * 2**20
        assert max(ahead) <= 1
        assert max(sizes) < 3 * BLOCK_BYTES
