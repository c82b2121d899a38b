"""The HTTP side that all servers share, with a given clock and transports in memory."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionDone
from twisted.internet.task import Clock
from twisted.logger import LogLevel, capturedLogs
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Request

from tests.wire import Wire
from webots_cloud.connections import CLOSE_SECONDS
from webots_cloud.site import REQUEST_SECONDS, REQUESTS_AT_ONCE, PromptSite

GET = b"GET /page HTTP/1.1\r\nHost: localhost\r\n\r\n"
POST = b"POST /slow HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n"


class Slow(Resource):
    """Answers when the test says so.

    @ivar requests: those that wait.
    """

    isLeaf = True

    def __init__(self) -> None:
        Resource.__init__(self)
        self.requests: list[Request] = []

    def render_GET(self, request: Request) -> int:
        self.requests.append(request)
        return NOT_DONE_YET

    render_POST = render_GET


class Page(Resource):
    def __init__(self) -> None:
        Resource.__init__(self)

    def render_GET(self, request: Request) -> bytes:
        return b"here"


class Broken(Page):
    def render_GET(self, request: Request) -> bytes:
        raise ValueError("sesame")


class Server:
    def __init__(self) -> None:
        self.clock = Clock()
        self.slow = Slow()
        root = Resource()
        root.putChild(b"page", Page())
        root.putChild(b"slow", self.slow)
        root.putChild(b"broken", Broken())
        self.site = PromptSite(self.clock, root)

    def connect(self) -> Wire:
        wire = Wire()
        build: Any = self.site.buildProtocol
        wire.protocol = build(None)
        wire.protocol.makeConnection(wire)
        return wire

    def stop(self) -> Deferred[None]:
        return Deferred.fromCoroutine(self.site.channels.close())


def test_a_client_that_says_nothing_is_not_waited_for() -> None:
    server = Server()
    wire = server.connect()
    server.clock.advance(REQUEST_SECONDS - 1)
    assert not wire.disconnecting
    server.clock.advance(1)
    assert wire.disconnecting


def test_a_body_that_trickles_in_is_not_waited_for_beyond_its_time() -> None:
    server = Server()
    wire = server.connect()
    wire.say(POST % 1000)
    for _ in range(REQUEST_SECONDS - 1):
        wire.say(b"x")
        server.clock.advance(1)
    assert not wire.disconnecting
    wire.say(b"x")
    server.clock.advance(1)
    assert wire.disconnecting
    assert server.slow.requests == []


def test_a_client_that_trickles_and_does_not_close_is_dropped() -> None:
    server = Server()
    wire = server.connect()
    for _ in range(4 * REQUEST_SECONDS):
        server.clock.advance(1)
        if not wire.aborted:
            wire.say(b"x")
    assert wire.aborted


def test_an_answer_may_take_longer_than_a_request() -> None:
    server = Server()
    wire = server.connect()
    wire.say(POST % 4 + b"body")
    (request,) = server.slow.requests
    server.clock.advance(10 * REQUEST_SECONDS)
    assert not wire.disconnecting

    request.write(b"done")
    request.finish()

    assert wire.heard().endswith(b"\r\n\r\n4\r\ndone\r\n0\r\n\r\n")
    server.clock.advance(REQUEST_SECONDS - 1)
    assert not wire.disconnecting
    server.clock.advance(1)
    assert wire.disconnecting


def test_each_request_of_a_connection_has_the_whole_time() -> None:
    server = Server()
    wire = server.connect()
    for _ in range(3):
        wire.say(GET[:10])
        server.clock.advance(REQUEST_SECONDS - 1)
        assert wire.say(GET[10:]).endswith(b"\r\n\r\nhere")
    assert not wire.disconnecting


def test_requests_that_come_together_let_others_have_their_turn() -> None:
    server = Server()
    wire = server.connect()
    assert wire.say(GET * (2 * REQUESTS_AT_ONCE + 1)).count(b"here") == REQUESTS_AT_ONCE
    server.clock.advance(0)
    assert wire.heard().count(b"here") == REQUESTS_AT_ONCE + 1
    server.clock.advance(REQUEST_SECONDS)
    assert wire.disconnecting


def test_no_request_is_answered_while_the_answers_before_it_are_not_taken() -> None:
    server = Server()
    wire = server.connect()
    channel: Any = next(iter(server.site.channels))
    channel.pauseProducing()
    assert wire.say(GET * 3).count(b"here") == 1
    channel.resumeProducing()
    assert wire.heard().count(b"here") == 2


def test_answers_that_are_not_taken_in_time_are_given_up() -> None:
    server = Server()
    wire = server.connect()
    channel: Any = next(iter(server.site.channels))
    channel.pauseProducing()
    wire.say(GET * 3)
    server.clock.advance(REQUEST_SECONDS)
    assert wire.disconnecting


def test_a_client_that_leaves_in_between_leaves_no_timer() -> None:
    for taken in (True, False):
        server = Server()
        wire = server.connect()
        channel: Any = next(iter(server.site.channels))
        if not taken:
            channel.pauseProducing()
        wire.say(GET * 2 * REQUESTS_AT_ONCE)
        assert server.clock.getDelayedCalls() != []
        wire.lose()
        assert server.clock.getDelayedCalls() == []


def test_idle_connections_are_closed_when_the_server_stops() -> None:
    server = Server()
    new, kept = server.connect(), server.connect()
    kept.say(GET)

    stopped = server.stop()

    assert (new.disconnecting, kept.disconnecting) == (True, True)
    assert not stopped.called
    new.lose()
    kept.lose()
    assert stopped.called
    assert server.clock.getDelayedCalls() == []


def test_a_client_that_does_not_take_its_answer_is_dropped_when_the_server_stops() -> None:
    server = Server()
    wire = server.connect()
    wire.say(GET.replace(b"page", b"slow"))
    (request,) = server.slow.requests
    gone = request.notifyFinish()

    stopped = server.stop()
    server.clock.advance(CLOSE_SECONDS * 0.99)
    assert not wire.aborted
    server.clock.advance(CLOSE_SECONDS * 0.01)

    assert wire.aborted
    wire.lose()
    assert stopped.called
    gone.addErrback(lambda failure: failure.trap(ConnectionDone))
    assert gone.called
    assert server.clock.getDelayedCalls() == []


def test_a_connection_that_is_handed_over_is_none_of_the_sites_any_more() -> None:
    server = Server()
    wire = server.connect()
    wire.protocol.hand_over()
    assert len(server.site.channels) == 0
    assert wire.producer is None
    assert server.stop().called
    assert not wire.disconnecting


def test_a_client_that_leaves_is_forgotten() -> None:
    server = Server()
    wire = server.connect()
    assert len(server.site.channels) == 1
    wire.lose()
    assert len(server.site.channels) == 0
    assert server.clock.getDelayedCalls() == []


def test_a_connection_that_is_idle_is_news_only_to_who_looks_for_a_fault() -> None:
    server = Server()
    with capturedLogs() as events:
        wire = server.connect()
        server.clock.advance(REQUEST_SECONDS)
    assert wire.disconnecting
    assert [event["log_level"] for event in events] == [LogLevel.debug]


def test_requests_are_not_logged() -> None:
    server = Server()
    with capturedLogs() as events:
        server.site.startFactory()
        assert server.connect().say(GET.replace(b"/page", b"/page?key=sesame")).endswith(b"here")
        server.site.stopFactory()
    assert events == []


def test_a_fault_of_ours_is_for_the_log_only() -> None:
    server = Server()
    with capturedLogs() as events:
        answer = server.connect().say(GET.replace(b"page", b"broken"))
    assert answer.startswith(b"HTTP/1.1 500 ")
    assert b"sesame" not in answer
    assert b"Traceback" not in answer
    assert [event["log_failure"].type for event in events] == [ValueError]
