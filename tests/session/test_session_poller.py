"""The poller: when servers are asked, with a given clock; and what becomes of each kind of answer, on real sockets."""

from __future__ import annotations

import gzip
from collections import Counter
from collections.abc import Callable
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet import reactor
from twisted.internet.defer import CancelledError, Deferred, succeed
from twisted.internet.interfaces import IListeningPort
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.ssl import PrivateCertificate
from twisted.internet.task import Clock
from twisted.logger import capturedLogs
from twisted.protocols.tls import TLSMemoryBIOFactory
from twisted.trial.unittest import TestCase
from twisted.web.client import ResponseNeverReceived
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Request, Site

from tests.certificate import authority, certify
from webots_cloud.address import ServerAddress
from webots_cloud.monitor.summary import Summary
from webots_cloud.session.fleet import Fleet, State
from webots_cloud.session.poller import JITTER, Answer, HttpLoadSource, NoLoad, Poller, parse_load

INTERVAL = 5.0
TIMEOUT = 4.0


class OpenQuestions:
    """A source whose answers a test gives by hand."""

    def __init__(self) -> None:
        self.asked: list[ServerAddress] = []
        self.open: dict[ServerAddress, Deferred[Answer]] = {}
        self.cancelled: list[ServerAddress] = []
        self.closed = False

    def load(self, address: ServerAddress) -> Deferred[Answer]:
        self.asked.append(address)
        question: Deferred[Answer] = Deferred(lambda _: self.cancelled.append(address))
        self.open[address] = question
        return question

    def close(self) -> Deferred[None]:
        self.closed = True
        return succeed(None)

    def answer(self, address: ServerAddress, load: float | Exception) -> None:
        question = self.open.pop(address)
        if isinstance(load, Exception):
            question.errback(load)
        else:
            question.callback(Answer(load))


class Polling:
    """A running poller of a few servers, with everything around it."""

    def __init__(self, count: int = 3, jitter: float = 0.0) -> None:
        self.clock = Clock()
        self.servers = [ServerAddress(False, f"simulation{number}.example.org:2000") for number in range(count)]
        self.fleet = Fleet(self.servers, self.clock.seconds)
        self.source = OpenQuestions()
        self.ranges: list[tuple[float, float]] = []

        def uniform(low: float, high: float) -> float:
            self.ranges.append((low, high))
            return 1 + jitter

        self.poller = Poller(self.clock, self.fleet, self.source, INTERVAL, TIMEOUT, uniform)
        self.poller.startService()

    def states(self) -> list[State]:
        return [server.state for server in self.fleet.servers]


def test_all_servers_are_asked_at_once() -> None:
    polling = Polling()

    assert polling.source.asked == polling.servers


def test_a_server_is_asked_again_an_interval_after_it_was_asked_last() -> None:
    polling = Polling(1)
    polling.clock.advance(2)
    polling.source.answer(polling.servers[0], 10)

    polling.clock.advance(INTERVAL - 2.5)
    assert len(polling.source.asked) == 1
    polling.clock.advance(0.5)
    assert len(polling.source.asked) == 2


def test_the_interval_varies() -> None:
    polling = Polling(1, jitter=0.08)
    polling.source.answer(polling.servers[0], 10)

    polling.clock.advance(INTERVAL)
    assert len(polling.source.asked) == 1
    polling.clock.advance(INTERVAL * 0.08)
    assert len(polling.source.asked) == 2
    assert polling.ranges == [(1 - JITTER, 1 + JITTER)]


def test_a_server_that_hangs_delays_no_other_and_is_asked_again() -> None:
    polling = Polling(3)
    polling.source.answer(polling.servers[1], 10)
    polling.source.answer(polling.servers[2], 20)
    assert polling.states() == [State.UNKNOWN, State.AVAILABLE, State.AVAILABLE]

    polling.clock.advance(TIMEOUT)
    assert polling.states() == [State.FAILED, State.AVAILABLE, State.AVAILABLE]
    assert polling.fleet.servers[0].reason == "it does not answer within 4 s"
    assert polling.source.cancelled == [polling.servers[0]]
    polling.clock.advance(INTERVAL - TIMEOUT)
    assert Counter(polling.source.asked) == Counter(polling.servers * 2)
    polling.source.answer(polling.servers[0], 30)
    assert polling.states() == [State.AVAILABLE] * 3


def test_the_fleet_is_told_when_a_server_was_asked_not_when_it_answered() -> None:
    polling = Polling(1)
    polling.source.answer(polling.servers[0], 10)
    polling.clock.advance(INTERVAL)
    polling.fleet.choose()
    polling.clock.advance(3)
    polling.source.answer(polling.servers[0], 10)
    polling.clock.advance(INTERVAL - 3)
    polling.source.answer(polling.servers[0], 10)

    assert polling.fleet.servers[0].reserved == 1
    polling.clock.advance(INTERVAL)
    polling.source.answer(polling.servers[0], 10)
    assert polling.fleet.servers[0].reserved == 0


class PollerEnds(TestCase):
    async def test_stopping_cancels_the_questions_and_tells_the_fleet_nothing(self) -> None:
        polling = Polling(2)
        polling.source.answer(polling.servers[0], 10)

        await polling.poller.stopService()

        assert polling.source.cancelled == [polling.servers[1]]
        assert polling.states() == [State.AVAILABLE, State.UNKNOWN]
        assert polling.clock.getDelayedCalls() == []
        assert polling.source.closed

    async def test_it_can_be_stopped_by_one_who_is_told_of_a_change(self) -> None:
        polling = Polling(1)
        stopped: list[Deferred[None]] = []
        polling.fleet.watch_availability(lambda _: stopped.append(polling.poller.stopService()))

        polling.source.answer(polling.servers[0], 10)

        await stopped[0]
        assert polling.clock.getDelayedCalls() == []

    async def test_a_failure_that_nobody_foresaw_is_logged_and_the_server_asked_again(self) -> None:
        polling = Polling(1)
        polling.source.answer(polling.servers[0], ZeroDivisionError())
        assert len(TestCase.flushLoggedErrors(self, ZeroDivisionError)) == 1
        assert polling.fleet.servers[0].reason == "it cannot be asked (ZeroDivisionError)"

        polling.clock.advance(INTERVAL)
        polling.source.answer(polling.servers[0], 10)

        assert polling.states() == [State.AVAILABLE]
        await polling.poller.stopService()


@pytest.mark.parametrize(
    ("answer", "load"),
    [
        (b"0", 0.0),
        (b"12.5", 12.5),
        (b" 7\r\n", 7.0),
        (b"12.345678901234567", 12.345678901234567),
        (b"99", 99.0),
        (b"100.0", 100.0),
        (b"250", 100.0),
    ],
)
def test_a_decimal_number_is_a_load(answer: bytes, load: float) -> None:
    assert parse_load(answer) == load


@pytest.mark.parametrize(
    "answer",
    [
        *(
            b"",
            b" ",
            b"nan",
            b"NaN",
            b"inf",
            b"-inf",
            b"-1",
            b"+1",
            b"1e3",
            b"1E1",
            b"0x10",
            b"1_0",
            b"1,5",
            b"1.",
            b".5",
        ),
        *(b"1 2", b"12.5%", b"\xb2", "١٢".encode(), b"\x001", b"<html>", b"1\n2", b"Error: no"),
    ],
)
def test_anything_else_is_no_load(answer: bytes) -> None:
    with pytest.raises(NoLoad):
        parse_load(answer)


@given(st.binary(max_size=70))
def test_no_answer_breaks_the_reading_of_it(answer: bytes) -> None:
    try:
        load = parse_load(answer)
    except NoLoad as error:
        told = str(error)
    else:
        told = ""
        assert 0 <= load <= 100
    assert told.isprintable()


class SimulationServer(Resource):
    """A server whose C{/load} does what a test says, on a port of its own."""

    isLeaf = True

    def __init__(self, answer: Callable[[Request], bytes | int]) -> None:
        Resource.__init__(self)
        self.answer = answer
        self.paths: list[bytes] = []
        self.peers: list[object] = []
        self.cookies: list[bytes | None] = []
        self.called: Deferred[None] = Deferred()
        self.gone: Deferred[None] = Deferred()
        self.site = Site(self)
        self.port: IListeningPort = cast(Any, reactor).listenTCP(0, self.site, interface="127.0.0.1")
        self.address = ServerAddress(False, f"127.0.0.1:{cast(Any, self.port.getHost()).port}")

    def render_GET(self, request: Request) -> bytes | int:
        self.paths.append(request.path)
        self.peers.append(request.getClientAddress())
        self.cookies.append(request.getHeader(b"cookie"))
        request.notifyFinish().addErrback(lambda _: self.gone.callback(None))
        if not self.called.called:
            self.called.callback(None)
        return self.answer(request)


def status(code: int, body: bytes, **headers: str) -> Callable[[Request], bytes]:
    def answer(request: Request) -> bytes:
        request.setResponseCode(code)
        for name, value in headers.items():
            request.setHeader(name.replace("_", "-"), value)
        return body

    return answer


class Blurting(Protocol):
    """Sends something to whoever connects."""

    def connectionMade(self) -> None:
        cast(Any, self.transport).write(cast(Any, self.factory).blurt)
        cast(Any, self.transport).loseConnection()


class HttpAnswers(TestCase):
    timeout = 60

    def setUp(self) -> None:
        self.source = HttpLoadSource(reactor, timeout=30, keep_seconds=30)
        self.addCleanup(self.source.close)

    def server(self, answer: Callable[[Request], bytes | int]) -> SimulationServer:
        server = SimulationServer(answer)
        self.addCleanup(server.port.stopListening)
        return server

    async def refusal(self, server: SimulationServer) -> str:
        with pytest.raises(NoLoad) as raised:
            await self.source.load(server.address)
        return str(raised.value)

    async def test_a_number_is_the_load(self) -> None:
        server = self.server(lambda _: b"12.5\n")

        assert await self.source.load(server.address) == Answer(12.5)
        assert server.paths == [b"/load"]

    async def test_what_a_server_says_of_itself_comes_with_its_load(self) -> None:
        def answer(request: Request) -> bytes:
            request.responseHeaders.addRawHeader(b"webots-cloud", b'instances=3, version="1.0.0", x="\xff"')
            return b"12.5"

        server = self.server(answer)

        assert await self.source.load(server.address) == Answer(12.5, Summary(instances=3, version="1.0.0"))

    async def test_the_connection_is_kept_for_the_next_question(self) -> None:
        server = self.server(lambda _: b"12.5")

        await self.source.load(server.address)
        await self.source.load(server.address)

        assert len(server.peers) == 2
        assert server.peers[0] == server.peers[1]

    async def test_a_path_of_a_rewriting_web_server_is_kept(self) -> None:
        server = self.server(lambda _: b"1")

        await self.source.load(ServerAddress(False, f"{server.address.location}/2000"))

        assert server.paths == [b"/2000/load"]

    async def test_an_error_is_no_load_even_with_a_number(self) -> None:
        assert await self.refusal(self.server(status(500, b"12.5"))) == "it answers with HTTP status 500"

    async def test_a_redirect_is_not_followed(self) -> None:
        target = self.server(lambda _: b"1")

        reason = await self.refusal(self.server(status(302, b"", location=target.address.load_url)))

        assert reason == "it answers with HTTP status 302"
        assert target.paths == []

    async def test_a_cookie_is_not_kept(self) -> None:
        server = self.server(status(200, b"1", set_cookie="a=b"))

        await self.source.load(server.address)
        await self.source.load(server.address)

        assert server.cookies == [None, None]

    async def test_a_compressed_body_is_refused(self) -> None:
        bomb = self.server(status(200, gzip.compress(bytes(10_000_000)), content_encoding="gzip"))

        assert await self.refusal(bomb) == "it compresses its answer, which it was not asked to do"

    async def test_garbage_is_quoted(self) -> None:
        reason = await self.refusal(self.server(lambda _: b"\x1b[31m<script>"))

        assert reason == "it answers '\\x1b[31m<script>', which is not a load in percent"

    async def test_an_endless_answer_is_cut(self) -> None:
        server = self.server(endless)

        assert await self.refusal(server) == "it answers with more than 64 bytes"
        await server.gone

    async def test_an_endless_answer_with_an_error_is_cut(self) -> None:
        def endless_error(request: Request) -> int:
            request.setResponseCode(500)
            return endless(request)

        server = self.server(endless_error)

        assert await self.refusal(server) == "it answers with HTTP status 500"
        await server.gone

    async def test_giving_up_on_a_server_that_hangs_drops_the_connection(self) -> None:
        server = self.server(lambda _: NOT_DONE_YET)
        question = self.source.load(server.address)
        await server.called
        question.cancel()

        with pytest.raises(ResponseNeverReceived):
            await question
        await server.gone

    async def test_giving_up_on_a_server_that_stops_in_the_middle_of_its_answer_drops_the_connection(self) -> None:
        server = self.server(stall)
        question = self.source.load(server.address)
        await server.called
        question.cancel()

        with pytest.raises((CancelledError, ResponseNeverReceived)):
            await question
        await server.gone


def endless(request: Request) -> int:
    class Stream:
        def resumeProducing(self) -> None:
            request.write(b"1" * 10_000)

        def stopProducing(self) -> None:
            """The connection is gone."""

    request.registerProducer(Stream(), False)
    return NOT_DONE_YET


def stall(request: Request) -> int:
    request.setHeader("content-length", "10")
    request.write(b"12")
    return NOT_DONE_YET


class PollingOverHttp(TestCase):
    """The poller with its real source: what the fleet, and so the operator, is told."""

    timeout = 60

    async def reason(self, address: ServerAddress) -> str:
        fleet = Fleet([address], cast(Any, reactor).seconds)
        failed: Deferred[str] = Deferred()
        fleet.watch_servers(lambda server: failed.callback(server.reason))
        poller = Poller(cast(Any, reactor), fleet, HttpLoadSource(reactor, 30, 30), 60, 30)
        poller.startService()
        reason = await failed
        await poller.stopService()
        return reason

    async def blurting(self, blurt: bytes) -> str:
        factory = Factory.forProtocol(Blurting)
        cast(Any, factory).blurt = blurt
        port = cast(Any, reactor).listenTCP(0, factory, interface="127.0.0.1")
        self.addCleanup(port.stopListening)
        return await self.reason(ServerAddress(False, f"127.0.0.1:{port.getHost().port}"))

    async def test_a_server_that_refuses_connections(self) -> None:
        server = SimulationServer(lambda _: b"1")
        await cast("Deferred[None]", server.port.stopListening())

        assert (await self.reason(server.address)).startswith("it cannot be connected to")

    async def test_a_server_that_does_not_speak_http(self) -> None:
        assert await self.blurting(b"SSH-2.0-x\r\n") == "its answer is not HTTP, or breaks off"

    async def test_a_server_that_closes_without_an_answer(self) -> None:
        assert await self.blurting(b"") == "its answer is not HTTP, or breaks off"

    async def test_a_server_that_closes_in_the_middle_of_an_answer(self) -> None:
        answer = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12"

        assert await self.blurting(answer) == "its answer is not HTTP, or breaks off"

    async def test_a_server_whose_certificate_is_not_trusted(self) -> None:
        made = certify(["127.0.0.1"], authority("Root"))
        options = PrivateCertificate.loadPEM(made.key_pem + made.pem).options()
        factory = TLSMemoryBIOFactory(options, False, Factory.forProtocol(Protocol))
        port = cast(Any, reactor).listenTCP(0, factory, interface="127.0.0.1")
        self.addCleanup(port.stopListening)

        reason = await self.reason(ServerAddress(True, f"127.0.0.1:{port.getHost().port}"))

        assert reason == "its certificate is not trusted; name its authority's certificate in caFile"

    async def test_nothing_is_logged_for_a_question_as_such(self) -> None:
        with capturedLogs() as events:
            await self.blurting(b"")

        assert [event for event in events if event["log_namespace"].startswith("twisted.web")] == []
