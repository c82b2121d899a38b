"""The server's end of the channel; at the other is a launcher, or a program of an instance that has got hold of it."""

from __future__ import annotations

import contextlib
import os
import socket
from typing import Any, cast

import psutil
import pytest
from twisted.internet import reactor as _reactor
from twisted.internet.defer import CancelledError
from twisted.internet.task import deferLater
from twisted.trial.unittest import TestCase

from tests.simulation.stage import until
from webots_cloud.simulation.channel import Channel, Use, channel_pair

reactor = cast(Any, _reactor)


class Events:
    """Writes down what a launcher tells."""

    def __init__(self) -> None:
        self.told: list[object] = []

    def used(self, use: Use) -> None:
        self.told.append(use)

    def ended(self, how: str) -> None:
        self.told.append(f"ended {how}")

    def failed(self, reason: str) -> None:
        self.told.append(f"failed {reason}")


class ChannelCase(TestCase):
    """A channel whose other end is the test's; trial sees to it that nothing fails within the reactor."""

    timeout = 120

    async def begin(self) -> None:
        # The reactor opens some descriptors for itself when it begins to run.
        await deferLater(reactor, 0)
        self.descriptors = psutil.Process().num_fds()
        self.events = Events()
        ours, self.launcher = channel_pair()
        self.launcher.settimeout(60)
        self.channel = Channel(reactor, ours, self.events)

    async def end(self) -> None:
        """Let go, and check that no descriptor is left."""
        self.channel.close()
        self.launcher.close()
        await self.lost()
        assert psutil.Process().num_fds() == self.descriptors

    async def lost(self) -> None:
        await until(lambda: not self.channel.connected, "the channel is still there")

    async def told(self, *events: object) -> None:
        await until(lambda: len(self.events.told) >= len(events), "too little is told")
        assert self.events.told == list(events)

    def send(self, data: bytes, *files: int) -> None:
        socket.send_fds(self.launcher, [data], files) if files else self.launcher.sendall(data)

    def gives(self, data: bytes = b"connected\n") -> int:
        """Send a connection as a launcher does; give the port that it comes from."""
        with (
            socket.create_server(("127.0.0.1", 0)) as listening,
            socket.create_connection(listening.getsockname()) as connection,
        ):
            self.send(data, connection.fileno())
            port: int = connection.getsockname()[1]
            return port


class TestReports(ChannelCase):
    async def test_are_passed_on(self) -> None:
        await self.begin()
        self.send(b"uses 1 2 3 4 5\nended by signal SIGTERM\nfailed the X server Xvfb has ended\n")
        await self.told(Use(1, 2, 3, 4, 5), "ended by signal SIGTERM", "failed the X server Xvfb has ended")
        await self.end()

    async def test_may_come_in_pieces(self) -> None:
        await self.begin()
        for piece in (b"u", b"ses 1 2 3", b" 4 5\nend", b"ed x\n"):
            self.send(piece)
            await deferLater(reactor, 0)
        await self.told(Use(1, 2, 3, 4, 5), "ended x")
        await self.end()

    async def test_that_are_not_known_change_nothing(self) -> None:
        await self.begin()
        self.send(b"\nhello\nUSES 1 2 3 4 5\nconnected\nrefused\nended \xff\n")
        await self.told("ended \ufffd")
        await self.end()

    async def test_that_have_come_can_still_be_read_when_the_launcher_is_gone(self) -> None:
        await self.begin()
        self.send(b"ended by itself\n")
        self.launcher.close()
        self.channel.doRead()
        assert self.events.told == ["ended by itself"]
        await self.end()
        self.channel.doRead()


class TestOrders(ChannelCase):
    async def test_are_lines(self) -> None:
        await self.begin()
        answer = self.channel.dial()
        self.channel.end()
        await deferLater(reactor, 0)
        await deferLater(reactor, 0)
        assert self.launcher.recv(100) == b"dial\nend\n"
        self.send(b"refused\n")
        await self.assertFailure(answer, ConnectionRefusedError)
        await self.end()

    async def test_wait_for_a_launcher_that_does_not_read(self) -> None:
        await self.begin()
        count = 200_000
        for _ in range(count):
            self.channel.end()
        self.launcher.setblocking(False)
        received = bytearray()

        def all_read() -> bool:
            with contextlib.suppress(BlockingIOError):
                received.extend(self.launcher.recv(2**20))
            return len(received) == count * len(b"end\n")

        await until(all_read, "an order is lost")
        await self.end()

    async def test_to_a_launcher_that_is_gone_are_no_failure(self) -> None:
        await self.begin()
        self.launcher.close()
        self.channel.end()
        await self.lost()
        self.channel.end()
        await self.end()


class TestDialling(ChannelCase):
    async def test_gives_connections_in_order(self) -> None:
        await self.begin()
        dialled = [self.channel.dial() for _ in range(3)]
        ports = [self.gives() for _ in range(3)]
        for answer, port in zip(dialled, ports, strict=True):
            connection = await answer
            with connection:
                assert connection.getsockname()[1] == port
                assert not connection.getblocking()
                assert not os.get_inheritable(connection.fileno())
        await self.end()

    async def test_is_refused_with_the_reason(self) -> None:
        await self.begin()
        dialled = [self.channel.dial() for _ in range(2)]
        self.send(b"refused Connection refused\n")
        port = self.gives()
        with pytest.raises(ConnectionRefusedError, match="Connection refused"):
            await dialled[0]
        connection = await dialled[1]
        with connection:
            assert connection.getsockname()[1] == port
        await self.end()

    async def test_that_nobody_waits_for_any_more_is_closed(self) -> None:
        await self.begin()
        dialled = [self.channel.dial() for _ in range(4)]
        for answer in dialled[:3]:
            answer.cancel()
            await self.assertFailure(answer, CancelledError)
        self.gives()
        self.send(b"refused\n")
        self.gives()
        self.gives()
        (await dialled[3]).close()
        await self.end()

    async def test_without_a_descriptor_is_refused(self) -> None:
        """The server may have none left, and the kernel then drops what is sent."""
        await self.begin()
        answer = self.channel.dial()
        self.send(b"connected\n")
        await self.assertFailure(answer, ConnectionRefusedError)
        await self.end()

    async def test_fails_when_the_launcher_goes(self) -> None:
        await self.begin()
        dialled = [self.channel.dial() for _ in range(3)]
        dialled[0].cancel()
        await self.assertFailure(dialled[0], CancelledError)
        self.launcher.close()
        for answer in dialled[1:]:
            await self.assertFailure(answer, ConnectionRefusedError)
        await self.assertFailure(self.channel.dial(), ConnectionRefusedError)
        await self.end()

    async def test_that_is_under_way_when_the_launcher_goes_is_closed(self) -> None:
        await self.begin()
        answer = self.channel.dial()
        self.gives(b"conne")
        self.launcher.close()
        await self.assertFailure(answer, ConnectionRefusedError)
        await self.end()


class TestHostility(ChannelCase):
    """What no launcher would send ends the channel; nothing fails in the reactor, and no descriptor is kept."""

    async def nonsense(self) -> None:
        await self.lost()
        with pytest.raises(ConnectionError):
            self.launcher.sendall(b"\n")
        await self.end()

    async def test_reports_that_are_none(self) -> None:
        for rest in (
            b"", b"1 2 3 4", b"1 2 3 4 5 6", b"a b c d e", b"1 2 3 4 -5", b"1  2 3 4 5", b"1 2 3 4 5.5",
            b"1 2 3 4 1_000", b"1 2 3 4 " + b"9" * 19, b"1 2 3 4 " + b"9" * 4000, "1 2 3 4 ٤".encode(),
        ):  # fmt: skip
            await self.begin()
            self.send(b"uses " + rest + b"\n")
            await self.nonsense()
            assert self.events.told == []

    async def test_lines_that_are_too_long(self) -> None:
        for line in (b"ended " + b"x" * 5000, b"ended " + b"x" * 5000 + b"\n", b"x" * 60_000 + b"\n"):
            await self.begin()
            self.send(line)
            await self.nonsense()
            assert self.events.told == []

    async def test_descriptors_that_are_no_connection(self) -> None:
        pipe = os.pipe()
        null = os.open(os.devnull, os.O_RDONLY)
        one, other = socket.socketpair()
        with one, other, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            for file in (null, *pipe, one.fileno(), udp.fileno()):
                await self.begin()
                answer = self.channel.dial()
                self.send(b"connected\n", file)
                await self.assertFailure(answer, ConnectionRefusedError)
                await self.nonsense()
        for file in (null, *pipe):
            os.close(file)

    async def test_more_than_one_descriptor_at_once(self) -> None:
        await self.begin()
        answer = self.channel.dial()
        with socket.socket() as first, socket.socket() as second:
            self.send(b"connected\n", first.fileno(), second.fileno(), first.fileno())
        (await answer).close()
        await self.end()

    async def test_descriptors_that_nobody_has_asked_for(self) -> None:
        for words in (b"x", b"\n", b"uses 1 2 3 4 5\n", b"refused\n"):
            await self.begin()
            self.gives(words)
            await self.nonsense()

    async def test_no_more_are_kept_than_have_been_asked_for(self) -> None:
        await self.begin()
        answer = self.channel.dial()
        self.gives(b"x")
        self.gives(b"x")
        await self.assertFailure(answer, ConnectionRefusedError)
        await self.nonsense()

    async def test_a_connection_that_nobody_has_asked_for(self) -> None:
        await self.begin()
        self.gives()
        self.send(b"ended by itself\n")
        await self.told("ended by itself")
        await self.end()
