"""Every time-out of an instance and of its client: when it comes, what is said, and what prolongs it."""

from __future__ import annotations

import math
import os
from types import SimpleNamespace
from typing import Any, cast

import pytest
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.web.resource import Resource

from tests.simulation.stage import NOTES_ITSELF, Client, StageCase, reactor, until
from tests.wire import Wire
from webots_cloud.config import read_config
from webots_cloud.errors import ServerStopping, TimeIsUp
from webots_cloud.simulation.addresses import Addresses
from webots_cloud.simulation.client import CLOSE_SECONDS, ClientFactory
from webots_cloud.simulation.deadline import WARNING_SECONDS, Deadline
from webots_cloud.simulation.idleness import Idleness
from webots_cloud.simulation.instances import Instances
from webots_cloud.simulation.site import CountedSite
from webots_cloud.simulation.tally import Tally
from webots_cloud.simulation.web import ClientSocket

SHORT_SECONDS = 0.5
FOR_EVER = 10.0**6
DEAD_PEER_SECONDS = 30
HANDSHAKE = (
    "GET /client HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
PING, MASKED_PONG = 0x89, b"\x8a"


class Timed:
    """A deadline, and what it said when."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.said: list[tuple[float, object]] = []
        self.deadline = Deadline(self.clock, self.say, lambda error: self.say(type(error)))

    def say(self, what: object) -> None:
        self.said.append((self.clock.seconds(), what))

    def pass_time(self, seconds: float = FOR_EVER) -> list[tuple[float, object]]:
        """Let it pass, in steps of a second at most; give what was said in it."""
        before = len(self.said)
        ends = [call.getTime() for call in self.clock.getDelayedCalls()]
        end = self.clock.seconds() + seconds
        for moment in sorted(time for time in ends if time <= end):
            self.clock.advance(moment - self.clock.seconds())
        self.clock.advance(end - self.clock.seconds())
        return self.said[before:]


class TestDeadline:
    def test_is_told_at_once_and_five_minutes_before_and_then_it_comes(self) -> None:
        timed = Timed()
        timed.deadline.set(7200, TimeIsUp(seconds=7200))
        assert timed.pass_time() == [(6900, 300), (7200, TimeIsUp)]
        assert timed.said[0] == (0, 7200)

    @pytest.mark.parametrize("seconds", [1, 299, WARNING_SECONDS])
    def test_one_in_less_than_that_is_told_once(self, seconds: float) -> None:
        timed = Timed()
        timed.deadline.set(seconds, TimeIsUp(seconds=seconds))
        timed.pass_time()
        assert timed.said == [(0, seconds), (seconds, TimeIsUp)]

    def test_is_told_in_whole_seconds(self) -> None:
        timed = Timed()
        timed.deadline.set(400.25, TimeIsUp(seconds=1))
        assert timed.said == [(0, 400)]

    def test_an_earlier_one_takes_its_place(self) -> None:
        timed = Timed()
        timed.deadline.set(7200, TimeIsUp(seconds=7200))
        timed.pass_time(100)
        timed.deadline.set(400, ServerStopping())
        timed.pass_time()
        assert timed.said == [(0, 7200), (100, 400), (200, 300), (500, ServerStopping)]

    def test_a_later_one_changes_nothing_and_is_not_told(self) -> None:
        timed = Timed()
        timed.deadline.set(100, TimeIsUp(seconds=100))
        timed.deadline.set(100, ServerStopping())
        timed.deadline.set(400, ServerStopping())
        timed.pass_time()
        assert timed.said == [(0, 100), (100, TimeIsUp)]

    def test_one_may_be_moved_and_is_told_again(self) -> None:
        timed = Timed()
        timed.deadline.set(1000, TimeIsUp(seconds=1000))
        timed.pass_time(900)
        timed.deadline.extend(1000, TimeIsUp(seconds=2000))
        timed.pass_time()
        assert timed.said == [(0, 1000), (700, 300), (900, 1100), (1700, 300), (2000, TimeIsUp)]

    def test_it_is_told_when_it_is_asked_for(self) -> None:
        timed = Timed()
        timed.deadline.set(1000, TimeIsUp(seconds=1000))
        timed.pass_time(100)
        timed.deadline.tell()
        assert timed.said == [(0, 1000), (100, 900)]

    def test_where_there_is_none_there_is_nothing_to_move_or_to_tell(self) -> None:
        timed = Timed()
        timed.deadline.extend(1000, TimeIsUp(seconds=1000))
        timed.deadline.tell()
        assert timed.pass_time() == []

    def test_one_that_is_stopped_does_not_come(self) -> None:
        timed = Timed()
        timed.deadline.set(7200, TimeIsUp(seconds=7200))
        timed.deadline.stop()
        assert timed.pass_time() == []
        assert timed.clock.getDelayedCalls() == []


class Idle:
    """Something that may be idle, and is watched."""

    def __init__(self, limit: float = 1800) -> None:
        self.clock = Clock()
        self.since: float | None = 0
        self.expired: list[float] = []
        self.idleness = Idleness(
            self.clock, limit, lambda: self.since, lambda: self.expired.append(self.clock.seconds())
        )
        self.idleness.watch()


class TestIdleness:
    def test_ends_what_was_idle_for_so_long(self) -> None:
        idle = Idle()
        idle.clock.advance(1799)
        assert idle.expired == []
        idle.clock.advance(1)
        assert idle.expired == [1800]
        assert idle.clock.getDelayedCalls() == []

    @pytest.mark.parametrize("touched", [1, 900, 1799])
    def test_counts_from_what_was_done_last(self, touched: float) -> None:
        idle = Idle()
        idle.clock.advance(touched)
        idle.since = touched
        idle.clock.advance(1799)
        assert idle.expired == []
        idle.clock.advance(1)
        assert idle.expired == [touched + 1800]

    @pytest.mark.parametrize("paused", [1801, 2700, 3599])
    def test_never_ends_what_runs_and_counts_from_its_pause(self, paused: float) -> None:
        idle = Idle()
        idle.since = None
        for _ in range(10):
            idle.clock.advance(1800)
        assert idle.expired == []
        idle.clock.advance(paused - 1800)
        idle.since = idle.clock.seconds()
        idle.clock.advance(1799)
        assert idle.expired == []
        idle.clock.advance(1)
        assert idle.expired == [pytest.approx(idle.since + 1800)]

    def test_looks_rarely_however_much_is_done(self) -> None:
        idle = Idle()
        for _ in range(17_000):
            idle.clock.advance(1)
            idle.since = idle.clock.seconds()
            assert len(idle.clock.getDelayedCalls()) == 1
        assert idle.expired == []

    def test_is_not_kept_up_by_a_rounding_error(self) -> None:
        idle = Idle(0.1)
        idle.since = math.nextafter(0.0, 1.0)
        idle.clock.advance(0.1)
        assert len(idle.expired) == 1

    def test_is_watched_no_more(self) -> None:
        idle = Idle()
        idle.idleness.stop()
        idle.clock.advance(FOR_EVER)
        assert idle.expired == []


class Line(Wire):
    """A wire that takes it as easy as a real transport where there is no producer to be unregistered."""

    def unregisterProducer(self) -> None:
        if self.producer is not None:
            StringTransport.unregisterProducer(self)


class Peer:
    """A client without a socket, and the clock of its server, which is as configured by default."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.clock = Clock()
        # Autobahn's timers have one clock for all.
        monkeypatch.setattr("txaio.config.loop", self.clock)
        config = read_config(None, ()).simulation
        self.tally = Tally(self.clock.seconds)
        # None is ever started.
        instances = Instances(cast(Any, SimpleNamespace(reactor=self.clock, tally=self.tally)))
        clients = ClientFactory(self.clock, instances, config.requestTimeoutSeconds)
        root = Resource()
        root.putChild(b"client", ClientSocket(clients))
        site = CountedSite(self.clock, root, Addresses(self.clock.seconds, 9, 9, ()), clients.request_timeout)
        self.wire = Line()
        build: Any = site.buildProtocol
        self.wire.protocol = build(None)
        self.wire.protocol.makeConnection(self.wire)

    def ask(self) -> Any:
        assert self.wire.say(HANDSHAKE).startswith(b"HTTP/1.1 101 ")
        return self.wire.protocol

    @property
    def is_closed(self) -> bool:
        return self.wire.aborted or self.wire.disconnecting


@pytest.fixture
def peer(monkeypatch: pytest.MonkeyPatch) -> Peer:
    return Peer(monkeypatch)


class TestClient:
    def test_one_that_asks_for_nothing_is_told_so_after_10_s(self, peer: Peer) -> None:
        peer.ask()
        peer.clock.advance(9.9)
        assert peer.wire.heard() == b""
        peer.clock.advance(0.1)
        assert b"error: The page did not say which simulation to start" in peer.wire.heard()
        assert peer.tally.refused == {"SilentClient": 1}
        peer.clock.advance(CLOSE_SECONDS - 0.1)
        assert not peer.is_closed
        peer.clock.advance(0.1)
        assert peer.is_closed

    def test_one_that_sends_nothing_at_all_is_closed_after_10_s(self, peer: Peer) -> None:
        peer.clock.advance(9.9)
        assert not peer.is_closed
        peer.clock.advance(0.1)
        assert peer.is_closed

    def test_one_that_sends_its_request_letter_by_letter_is_closed_after_10_s(self, peer: Peer) -> None:
        for letter in HANDSHAKE[:20]:
            peer.wire.say(letter)
            peer.clock.advance(0.5)
        assert peer.is_closed

    @pytest.mark.parametrize("answers", [0, 1, 5])
    @pytest.mark.parametrize("begins", [0.0, 0.1, 0.5, 0.9])
    def test_one_that_does_not_answer_any_more_is_found_within_30_s(
        self, peer: Peer, answers: int, begins: float
    ) -> None:
        peer.clock.advance(begins)
        protocol = peer.ask()
        protocol._stop_waiting()
        for _ in range(answers):
            self.answer_next_ping(peer)
        vanished = peer.clock.seconds()
        while not peer.wire.aborted:
            peer.clock.advance(0.05)
        assert peer.clock.seconds() - vanished < DEAD_PEER_SECONDS

    def answer_next_ping(self, peer: Peer) -> None:
        while not (heard := bytes(StringTransport.value(peer.wire))):
            peer.clock.advance(0.05)
        assert heard[0] == PING
        payload = heard[2:]
        peer.wire.say(MASKED_PONG + bytes([0x80 | len(payload)]) + bytes(4) + payload)


class TestInstances(StageCase):
    """With short times and real sockets."""

    async def told(self, client: Client) -> str:
        await client.closed
        await self.nothing_left()
        (error,) = client.errors
        assert client.messages[-1] == error
        return error.removeprefix("error: ")

    async def test_one_that_is_paused_without_input_ends(self) -> None:
        self.start(idleTimeoutSeconds=SHORT_SECONDS)
        assert await self.told(await self.started()) == (
            "The simulation was paused for 0.5 seconds and nothing was done with it; start it again."
        )

    async def test_one_that_runs_does_not_until_it_pauses(self) -> None:
        os.mkfifo(self.webots_home / "says")
        pipe = os.open(self.webots_home / "says", os.O_RDWR)
        self.addCleanup(os.close, pipe)
        self.simulator_is(NOTES_ITSELF + 'echo open\necho run\nexec cat "$WEBOTS_HOME/says"\n')
        self.start(idleTimeoutSeconds=SHORT_SECONDS)
        client = await self.started()
        (runner,) = self.service.instances
        await until(lambda: runner.age > 3 * SHORT_SECONDS, "time does not pass")
        assert not client.closed.called
        os.write(pipe, b"pause\n")
        assert "was paused" in await self.told(client)

    async def test_input_keeps_it(self) -> None:
        self.start(idleTimeoutSeconds=SHORT_SECONDS)
        client = await self.started()
        (runner,) = self.service.instances
        route = runner._route
        assert route is not None

        def by_gate() -> None:
            route.last_input = reactor.seconds()

        for give_input in (by_gate, lambda: client.ask({"allowBroadcast": True})):
            begin = runner.age
            while runner.age < begin + 2 * SHORT_SECONDS:
                give_input()
                await until(lambda at=runner.age: runner.age > at + 0.1, "time does not pass")  # type: ignore[misc]
            assert not client.closed.called
        assert "was paused" in await self.told(client)

    async def test_one_may_run_so_long_and_is_told_so(self) -> None:
        self.start(totalTimeoutSeconds=1)
        client = await self.started()
        assert await client.says("shutdownTimeout:") == "shutdownTimeout: 1"
        assert await self.told(client) == (
            "The simulation has run for 1 seconds, which is as long as any may; start it again."
        )
        assert client.messages[:2] == ["loading: Fetching the project.", "loading: Starting the simulator."]
        assert [message.partition(":")[0] for message in client.messages[2:]] == ["webots", "shutdownTimeout", "error"]

    async def test_one_may_run_as_long_once_more_where_its_client_asks_for_it(self) -> None:
        self.start(totalTimeoutSeconds=2)
        client = await self.started()
        await client.says("shutdownTimeout:")
        client.ask({"extend": True})
        assert await self.told(client) == (
            "The simulation has run for 4 seconds, which is as long as any may; start it again."
        )
        assert client.messages[-2] == "shutdownTimeout: 4"

    async def test_a_client_that_may_have_no_more_time_is_told_how_much_it_has(self) -> None:
        self.start(extensions=2)
        client = await self.started()
        for _ in range(4):
            client.ask({"extend": True})
        await until(lambda: len(client.messages) == 8, "not all are answered")
        assert client.messages[3:] == [f"shutdownTimeout: {7200 * times}" for times in (1, 2, 3, 3, 3)]
        assert client.errors == []

    async def test_a_server_that_ends_gives_nobody_more_time(self) -> None:
        self.start(totalTimeoutSeconds=100)
        client = await self.started()
        (runner,) = self.service.instances
        runner.instance.drain(1)
        client.ask({"extend": True})
        assert await self.told(client) == str(ServerStopping())

    async def test_nothing_is_to_be_extended_before_there_is_a_simulation(self) -> None:
        self.start()
        assert "asks for more time before it starts" in await self.refused(await self.asked({"extend": True}))

    async def test_a_client_is_told_how_long_by_default(self) -> None:
        self.start()
        client = await self.started()
        assert await client.says("shutdownTimeout:") == "shutdownTimeout: 7200"

    async def test_nothing_waits_for_one_that_has_ended(self) -> None:
        self.start()
        client = await self.started()
        (runner,) = self.service.instances
        client.sendClose()
        await client.closed
        await self.nothing_left()
        assert runner._idleness._timer is None
        assert runner._deadline._timers == []
