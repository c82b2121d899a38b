"""What tests of the proxy need: the real resource on a real port, a Webots and clients that say what a test says."""

from __future__ import annotations

import socket
from typing import Any, cast

import psutil
from twisted.internet import reactor as _reactor
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.endpoints import TCP4ClientEndpoint
from twisted.internet.error import ConnectionDone
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.internet.task import Clock, deferLater
from twisted.logger import ILogObserver, LogEvent, eventAsText, globalLogPublisher
from twisted.python.failure import Failure
from twisted.trial.unittest import TestCase
from twisted.web.resource import Resource

from webots_cloud.simulation.entrance import Entrance, Limits
from webots_cloud.simulation.gate import FixedPort, ProxyGate
from webots_cloud.simulation.proxy.handshake import Handshake
from webots_cloud.simulation.proxy.resource import WebotsResource
from webots_cloud.simulation.route import Route
from webots_cloud.site import PromptSite

reactor = cast(Any, _reactor)

PAGE = "https://robotbenchmark.net"
SERVER = "http://simulation.example.org:2000"
KEY = b"dGhlIHNhbXBsZSBub25jZQ=="
UPGRADE = {
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Key": KEY.decode(),
    "Sec-WebSocket-Version": "13",
}
ACCEPTED = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "
    + Handshake(KEY, ()).accept
    + b"\r\n\r\n"
)
HELLO = b"robot:explorer:init robot window"
PATIENCE_SECONDS = 60
TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10


def frame(payload: bytes, opcode: int = TEXT, fin: bool = True, mask: bytes = b"mask") -> bytes:
    """Make a client's frame."""
    length = len(payload)
    if length < 126:
        size = bytes([0x80 | length])
    else:
        size = b"\xfe" + length.to_bytes(2, "big") if length < 65536 else b"\xff" + length.to_bytes(8, "big")
    masked = bytes(byte ^ mask[index % 4] for index, byte in enumerate(payload))
    return bytes([fin << 7 | opcode]) + size + mask + masked


def request(path: str, headers: dict[str, str] | None = None, method: str = "GET", version: str = "1.1") -> bytes:
    """Write a request."""
    lines = [f"{method} {path} HTTP/{version}", "Host: simulation.example.org:2000"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def open_sockets() -> int:
    """Tell how many sockets this process has open."""
    return len(psutil.Process().net_connections("all"))


class ClockedReactor(Clock):
    """The real reactor, whose time passes when a test says so."""

    def __getattr__(self, name: str) -> Any:
        return getattr(reactor, name)


class Peer(Protocol):
    """The other end of a connection.

    @ivar gone: fires when the connection is lost.
    @ivar clean: whether it was closed, not broken off.
    """

    def __init__(self) -> None:
        self.gone: Deferred[None] = Deferred()
        self.lost = False
        self.clean = False
        self._data = b""
        self._waiting: Deferred[None] | None = None

    def dataReceived(self, data: bytes) -> None:
        self._data += data
        self._wake()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.lost = True
        self.clean = reason.check(ConnectionDone) is not None
        self._wake()
        self.gone.callback(None)

    def say(self, *data: bytes) -> None:
        """Send something."""
        self._transport.write(b"".join(data))

    def drop(self) -> None:
        """Break the connection off."""
        self._transport.abortConnection()

    def leave(self) -> None:
        """Close the connection."""
        self._transport.loseConnection()

    def read_no_more(self) -> None:
        """Let what comes wait."""
        self._transport.pauseProducing()

    def read_on(self) -> None:
        """Take what has waited."""
        self._transport.resumeProducing()

    async def until(self, end: bytes) -> bytes:
        """Give what has come up to something."""
        while end not in self._data:
            await self._more()
        at = self._data.index(end) + len(end)
        taken, self._data = self._data[:at], self._data[at:]
        return taken

    async def take(self, count: int) -> bytes:
        """Give so many bytes."""
        while len(self._data) < count:
            await self._more()
        taken, self._data = self._data[:count], self._data[count:]
        return taken

    async def all(self) -> bytes:
        """Wait for the end, and give what came before it."""
        while not self.lost:
            await self._more()
        return self._data

    async def head(self) -> tuple[int, dict[str, str]]:
        """Give status and headers of an answer."""
        first, *lines = (await self.until(b"\r\n\r\n")).decode("latin-1").strip().split("\r\n")
        return int(first.split(" ")[1]), {line.split(": ")[0].lower(): line.split(": ")[1] for line in lines}

    async def answer(self) -> tuple[int, dict[str, str], bytes]:
        """Give an answer of known length."""
        status, headers = await self.head()
        return status, headers, await self.take(int(headers["content-length"]))

    @property
    def heard(self) -> bytes:
        """What has come and was not taken."""
        return self._data

    async def _more(self) -> None:
        assert not self.lost, f"the end came after {self._data[:1000]!r}"
        self._waiting = Deferred()
        await self._waiting

    def _wake(self) -> None:
        waiting, self._waiting = self._waiting, None
        if waiting is not None:
            waiting.callback(None)

    @property
    def _transport(self) -> Any:
        return self.transport


class ProxyCase(TestCase):
    """Tests of the proxy; whatever happens, nothing may be left and no token may be in the log."""

    timeout = PATIENCE_SECONDS

    limits = Limits(10, 100)

    def setUp(self) -> None:
        self._sockets = open_sockets()
        self.clock = ClockedReactor()
        origins = frozenset({SERVER, SERVER.replace("http", "https")})
        self.gate = ProxyGate(self.clock, "ws://simulation.example.org:2000", FixedPort(), origins, self.limits)
        self.dialled: list[Peer] = []
        self._dials: list[Deferred[Peer]] = []
        self.peers: list[Peer] = []
        self.logged: list[LogEvent] = []
        observer = cast(ILogObserver, self.logged.append)
        globalLogPublisher.addObserver(observer)
        self.addCleanup(globalLogPublisher.removeObserver, observer)
        self.tokens: list[str] = []
        self.windows_tokens: list[str] = []
        root = Resource()
        root.putChild(b"webots", WebotsResource(self.clock, self.gate))
        self.site = PromptSite(self.clock, root)
        self.listening = self.listen()
        self.route = self.open()
        self.addCleanup(self.nothing_left)

    def listen(self) -> Any:
        """Listen with the site."""
        return reactor.listenTCP(0, self.site, interface="127.0.0.1")

    def open(self, connect: Any = None, origin: str | None = PAGE) -> Route:
        """Open a route."""
        self.route = self.gate.open(connect or self.dial, origin)
        self.tokens.append(self.route.url.rpartition("/")[2])
        assert self.route.windows_url
        self.windows_tokens.append(self.route.windows_url.rpartition("/")[2])
        return self.route

    @property
    def token(self) -> str:
        """Of the route that was opened last."""
        return self.tokens[-1]

    @property
    def entrance(self) -> Entrance:
        """Of the route that was opened last."""
        return self.gate._entrances[self.gate._keys[self.route][0]][1]

    def dial(self) -> Deferred[socket.socket]:
        """Give a connection, whose other end is the test's."""
        try:
            ours, theirs = socket.socketpair()
        except OSError:
            return fail(Failure())
        ours.setblocking(False)
        theirs.setblocking(False)
        peer = Peer()
        reactor.adoptStreamConnection(theirs.fileno(), socket.AF_UNIX, Factory.forProtocol(lambda: peer))
        theirs.close()
        self.dialled.append(peer)
        if self._dials:
            self._dials.pop(0).callback(peer)
        return succeed(ours)

    async def webots(self) -> Peer:
        """Wait until Webots is connected to."""
        if not self.dialled:
            self._dials.append(Deferred())
            await self._dials[-1]
        # The proxy is waiting for the connection still.
        await deferLater(reactor, 0)
        return self.dialled.pop(0)

    async def client(self) -> Peer:
        """Connect a client."""
        port = self.listening.getHost().port
        peer = await self.endpoint(port).connect(cast(Any, Factory.forProtocol(Peer)))
        self.peers.append(cast(Peer, peer))
        return cast(Peer, peer)

    def endpoint(self, port: int) -> Any:
        """Say how clients connect."""
        return TCP4ClientEndpoint(reactor, "127.0.0.1", port)

    def path(self, rest: str = "/") -> str:
        """Give a path below the token."""
        return f"/webots/{self.token}{rest}"

    async def asks(
        self, rest: str = "/", headers: dict[str, str] | None = None, method: str = "GET", version: str = "1.1"
    ) -> Peer:
        """Connect a client that sends a request."""
        peer = await self.client()
        peer.say(request(self.path(rest), headers, method, version))
        return peer

    async def status(
        self, rest: str = "/", headers: dict[str, str] | None = None, method: str = "GET", version: str = "1.1"
    ) -> int:
        """Send a request that needs no Webots, and give what comes back."""
        peer = await self.asks(rest, headers, method, version)
        status, _ = await peer.head()
        peer.drop()
        await peer.gone
        return status

    async def opened(
        self, *then: bytes, headers: dict[str, str] | None = None, token: str | None = None
    ) -> tuple[Peer, Peer]:
        """Open a WebSocket, and send something on it; give client and Webots, which have read each other's heads.

        @param token: to come in by; C{None}: that of the page.
        """
        client = await self.client()
        client.say(request(f"/webots/{token or self.token}/", UPGRADE | (headers or {})))
        webots = await self.webots()
        await webots.until(b"\r\n\r\n")
        webots.say(ACCEPTED)
        assert await client.until(b"\r\n\r\n") == ACCEPTED
        client.say(*then)
        return client, webots

    async def drives(self, first: bytes = b"x3d") -> tuple[Peer, Peer]:
        """Open a driver's WebSocket; Webots has read the first message."""
        client, webots = await self.opened(frame(first))
        assert await webots.take(len(frame(first))) == frame(first)
        return client, webots

    async def watches(self, first: bytes = b"x3d;broadcast") -> tuple[Peer, Peer]:
        """Open a watcher's WebSocket; Webots has read the first message."""
        self.route.allow_broadcast = True
        return await self.drives(first)

    async def speaks(self, *then: bytes) -> tuple[Peer, Peer]:
        """Open a robot window's WebSocket; Webots has read its first message."""
        client, webots = await self.opened(frame(HELLO), *then, token=self.windows_tokens[-1])
        assert await webots.take(len(frame(HELLO))) == frame(HELLO)
        return client, webots

    async def nothing_left(self) -> None:
        """See that nothing is left."""
        for route in list(self.gate._keys):
            self.gate.close(route)
        for peer in [*self.peers, *self.dialled]:
            if not peer.lost:
                peer.drop()
                await peer.gone
        await self.listening.stopListening()
        await self.until_true(lambda: open_sockets() <= self._sockets)
        assert [call for call in self.clock.getDelayedCalls() if call.active()] == []
        assert len(self.site.channels) == 0
        logged = "\n".join(eventAsText(event) + repr(event) for event in self.logged)
        for token in self.tokens + self.windows_tokens:
            assert token not in logged
        assert [event for event in self.logged if "log_failure" in event] == []

    async def until_true(self, condition: Any) -> None:
        """Wait for something that no event tells of."""
        end = reactor.seconds() + PATIENCE_SECONDS
        while not condition():
            assert reactor.seconds() < end
            await deferLater(reactor, 0.01)

    async def refused(self, client: Peer) -> tuple[int, str]:
        """Wait for a close frame and the end of the connection; give code and reason."""
        first, length = await client.take(2)
        assert (first, length < 126) == (0x80 | CLOSE, True)
        payload = await client.take(length)
        client.leave()
        await client.gone
        assert client.clean
        return int.from_bytes(payload[:2], "big"), payload[2:].decode()
