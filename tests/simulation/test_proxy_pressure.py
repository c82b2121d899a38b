"""How much the proxy holds for those that do not take it: little, and nothing of it is lost."""

from __future__ import annotations

import hashlib
import socket
from typing import Any

from twisted.internet.abstract import FileDescriptor
from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import deferLater

from tests.simulation.proxied import ACCEPTED, UPGRADE, Peer, ProxyCase, frame, reactor, request

MEGABYTE = 10**6
TOTAL = 20 * MEGABYTE
ROUNDS_OF_SILENCE = 20


class Stream:
    """Bytes that are all different, and as many of them as a socket takes."""

    def __init__(self, begin: bytes = b"") -> None:
        self._pattern = b"".join(number.to_bytes(4, "big") for number in range(250_000))
        self._begin = begin
        self.sent = 0
        self.digest = hashlib.sha256()

    def pump(self, to: socket.socket) -> bool:
        """Send what it takes up to TOTAL; tell whether it took something."""
        before = self.sent
        while self.sent < TOTAL:
            at = self.sent % len(self._pattern)
            try:
                count = to.send(self._pattern[at : at + 65536][: TOTAL - self.sent], socket.MSG_DONTWAIT)
            except BlockingIOError:
                break
            self.digest.update(self._pattern[at : at + count])
            self.sent += count
        return self.sent > before

    async def pump_until_nothing_moves(self, to: socket.socket) -> None:
        """Send until it has not taken anything for many rounds."""
        silent = 0
        while silent < ROUNDS_OF_SILENCE:
            silent = 0 if self.pump(to) else silent + 1
            await deferLater(reactor, 0.005)

    async def pump_all(self, to: socket.socket) -> None:
        """Send everything."""
        while self.sent < TOTAL:
            self.pump(to)
            await deferLater(reactor, 0.001)


class PressureTest(ProxyCase):
    def setUp(self) -> None:
        super().setUp()
        self.raw: list[socket.socket] = []
        self.addCleanup(self._close_raw)

    def _close_raw(self) -> None:
        for raw in self.raw:
            raw.close()

    def dial(self) -> Deferred[socket.socket]:
        """Give a connection whose other end is a plain socket."""
        ours, theirs = socket.socketpair()
        self.raw.append(theirs)
        return succeed(ours)

    async def has_webots(self) -> socket.socket:
        await self.until_true(lambda: self.raw)
        return self.raw[-1]

    async def reads(self, raw: socket.socket, end: bytes) -> bytes:
        """Read from a plain socket."""
        data = b""
        raw.setblocking(False)
        while end not in data:
            try:
                data += raw.recv(65536)
            except BlockingIOError:
                await deferLater(reactor, 0.001)
        return data

    async def driven(self) -> tuple[Peer, socket.socket]:
        """Open a driver's WebSocket."""
        client = await self.client()
        client.say(request(self.path(), UPGRADE), frame(b"x3d"))
        webots = await self.has_webots()
        await self.reads(webots, b"\r\n\r\n")
        webots.send(ACCEPTED)
        await client.until(b"\r\n\r\n")
        await self.reads(webots, frame(b"x3d"))
        return client, webots

    def held(self) -> int:
        """Tell how many bytes wait in this process, in all connections of the route."""
        descriptors: set[FileDescriptor] = {
            selectable
            for selectable in [*reactor.getReaders(), *reactor.getWriters()]
            if isinstance(selectable, FileDescriptor)
        }
        for passing in self.entrance._inside:
            descriptors |= {self._client_of(passing), passing._upstream}  # type: ignore[attr-defined]
        return sum(len(one.dataBuffer) - one.offset + one._tempDataLen for one in descriptors)

    def _client_of(self, passing: Any) -> FileDescriptor:
        client = getattr(passing, "_client", None)
        found: FileDescriptor = client.transport if client else passing._request.channel.transport
        return found

    async def test_a_client_that_does_not_read_holds_webots_up(self) -> None:
        client, webots = await self.driven()
        client.read_no_more()
        stream = Stream()
        await stream.pump_until_nothing_moves(webots)
        assert stream.sent < TOTAL
        assert self.held() > 0
        assert self.held() < MEGABYTE

        client.read_on()
        await stream.pump_all(webots)
        assert hashlib.sha256(await client.take(TOTAL)).digest() == stream.digest.digest()
        assert self.held() == 0
        client.say(b"still here")
        assert await self.reads(webots, b"here") == b"still here"

    async def test_a_webots_that_does_not_read_holds_the_client_up(self) -> None:
        client, webots = await self.driven()
        handle = client._transport.getHandle()
        stream = Stream()
        await stream.pump_until_nothing_moves(handle)
        assert stream.sent < TOTAL
        assert self.held() > 0
        assert self.held() < MEGABYTE
        webots.setblocking(False)
        digest, count = hashlib.sha256(), 0
        while count < TOTAL:
            stream.pump(handle)
            try:
                data = webots.recv(65536)
            except BlockingIOError:
                await deferLater(reactor, 0.001)
                continue
            digest.update(data)
            count += len(data)
        assert digest.digest() == stream.digest.digest()
        webots.send(b"still here")
        assert await client.until(b"here") == b"still here"

    async def test_a_client_that_does_not_read_a_texture_holds_webots_up(self) -> None:
        client = await self.asks("/texture.png")
        webots = await self.has_webots()
        await self.reads(webots, b"\r\n\r\n")
        webots.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % TOTAL)
        await client.head()
        client.read_no_more()
        stream = Stream()
        await stream.pump_until_nothing_moves(webots)
        assert stream.sent < TOTAL
        assert self.held() < MEGABYTE

        client.read_on()
        await stream.pump_all(webots)
        assert hashlib.sha256(await client.take(TOTAL)).digest() == stream.digest.digest()

    async def test_a_client_that_stops_reading_a_texture_is_dropped_in_the_end(self) -> None:
        await self.is_dropped_when_it_stops_reading(b"Content-Length: %d" % TOTAL)

    async def test_a_client_that_stops_reading_a_stream_of_pictures_is_dropped_too(self) -> None:
        await self.is_dropped_when_it_stops_reading(b"Content-Type: multipart/x-mixed-replace; boundary=next")

    async def is_dropped_when_it_stops_reading(self, header: bytes) -> None:
        client = await self.asks("/texture.png")
        webots = await self.has_webots()
        await self.reads(webots, b"\r\n\r\n")
        webots.send(b"HTTP/1.1 200 OK\r\n" + header + b"\r\n\r\n")
        await client.head()
        client.read_no_more()
        await Stream().pump_until_nothing_moves(webots)
        self.clock.advance(59)
        assert len(self.entrance) == 1
        self.clock.advance(1)
        assert len(self.entrance) == 0
        client.read_on()
        await client.gone
        assert not client.clean

    async def test_a_webots_that_blocks_its_end_makes_nobody_wait(self) -> None:
        client, _ = await self.driven()
        # What a program in the sandbox could do with a socket that it shares with the server.
        for passing in self.entrance._inside:
            passing._upstream._socket.setblocking(True)  # type: ignore[attr-defined]
        stream = Stream()
        await stream.pump_until_nothing_moves(client._transport.getHandle())
        assert stream.sent < TOTAL
        assert self.held() < MEGABYTE

    async def test_what_waits_when_webots_ends_still_reaches_the_client(self) -> None:
        client, webots = await self.driven()
        client.read_no_more()
        stream = Stream()
        await stream.pump_until_nothing_moves(webots)
        webots.shutdown(socket.SHUT_WR)
        client.read_on()
        data = await client.all()
        assert client.clean
        assert hashlib.sha256(data).digest() == stream.digest.digest()

    async def test_a_client_that_does_not_take_the_rest_is_dropped_when_webots_has_ended(self) -> None:
        client, webots = await self.driven()
        client.read_no_more()
        # The proxy reads as much as it may, and then no more: this end is closed while something waits there.
        await Stream().pump_until_nothing_moves(webots)
        (passing,) = self.entrance._inside
        upstream = passing._upstream  # type: ignore[attr-defined]
        upstream.connectionLost(_done())
        assert self.held() > 0
        self.clock.advance(2)
        await self.until_true(lambda: len(self.entrance) == 0)
        client.read_on()
        await client.gone
        assert not client.clean


def _done() -> Any:
    from twisted.internet.error import ConnectionDone
    from twisted.python.failure import Failure

    return Failure(ConnectionDone())
