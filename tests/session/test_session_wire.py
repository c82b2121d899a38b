"""Everything the session server serves, byte by byte, with a given clock and transports in memory."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.logger import LogLevel, capturedLogs

from tests.wire import Wire
from webots_cloud.address import parse_address
from webots_cloud.connections import CLOSE_SECONDS
from webots_cloud.monitor.access import Access
from webots_cloud.monitor.web import Monitor
from webots_cloud.peers import MAX_MESSAGE, MAX_RECEIVED, PING_SECONDS, UNANSWERED_PINGS
from webots_cloud.session.availability import WATCHERS_AT_ONCE, VisitorFactory, WatcherFactory
from webots_cloud.session.fleet import Fleet
from webots_cloud.session.overview import Overview
from webots_cloud.session.site import CORS_HEADERS, PublicSite
from webots_cloud.session.web import Reception, resources
from webots_cloud.site import REQUEST_SECONDS

HANDSHAKE = (
    "Host: localhost\r\nConnection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)
NO_SERVER = b"Error: no simulation server available at the moment."
MASK = b"\0\0\0\0"


def files() -> Path:
    """Give a folder with the files of a page."""
    folder = Path("static") / "monitor"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "session.html").write_text("<!doctype html><title>The page</title>")
    (folder / "session.js").write_text("let it = 1;")
    return folder.parent


class Server:
    """A session server without sockets."""

    def __init__(self, *locations: str) -> None:
        self.clock = Clock()
        self.servers = [parse_address(location) for location in locations or ("a.org:2000", "b.org:2000")]
        self.fleet = Fleet(self.servers, self.clock.seconds)
        reception = Reception(self.fleet)
        self.watchers = WatcherFactory(self.clock, CORS_HEADERS, self.fleet)
        self.visitors = VisitorFactory(self.clock, CORS_HEADERS, reception.send_client)
        overview = Overview(self.fleet, self.clock.seconds, "s.org:1999", lambda: len(self.watchers.peers))
        self.monitor = Monitor(self.clock, "session", overview, Access(self.clock.seconds), files)
        self.site = PublicSite(self.clock, resources(reception, self.watchers, self.visitors, self.monitor))
        self.watchers.start()
        self.visitors.start()
        self.monitor.viewers.start()

    def report(self, *loads: float) -> None:
        for server, load in zip(self.servers, loads, strict=False):
            self.fleet.report(server, load, self.clock.seconds())

    def connect(self) -> Wire:
        wire = Wire()
        build: Any = self.site.buildProtocol
        wire.protocol = build(None)
        wire.protocol.makeConnection(wire)
        return wire

    def ask(self, line: str, headers: str = "") -> tuple[bytes, dict[str, str], bytes]:
        """Ask over a new connection; give status line, headers in lower case, and body."""
        return parsed(self.connect().say(f"{line} HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n"))

    def websocket(self, path: str = "/") -> Wire:
        """Open a WebSocket."""
        wire = self.connect()
        status, _, rest = parsed(wire.say(f"GET {path} HTTP/1.1\r\n{HANDSHAKE}\r\n"))
        assert status == b"HTTP/1.1 101 Switching Protocols"
        StringTransport.write(wire, rest)
        return wire


def parsed(answer: bytes) -> tuple[bytes, dict[str, str], bytes]:
    head, _, body = answer.partition(b"\r\n\r\n")
    status, *lines = head.split(b"\r\n")
    pairs = (line.decode("latin-1").partition(": ") for line in lines)
    return status, {name.lower(): value for name, _, value in pairs}, body


def text(value: str) -> bytes:
    """Frame a message as a server does."""
    return b"\x81" + bytes([len(value)]) + value.encode()


def from_client(opcode: int, payload: bytes) -> bytes:
    """Frame a message as a client does, with a mask of zeros."""
    length = bytes([0x80 | len(payload)]) if len(payload) < 126 else b"\xfe" + len(payload).to_bytes(2, "big")
    return bytes([0x80 | opcode]) + length + MASK + payload


def closing(code: int) -> bytes:
    return b"\x88\x02" + code.to_bytes(2, "big")


PING = b"\x89\x00"
PONG = from_client(10, b"")


@pytest.mark.parametrize(("load", "body"), [(10, b"1"), (99, b"0")])
def test_a_page_can_ask_whether_a_simulation_can_be_started(load: float, body: bytes) -> None:
    server = Server()
    server.report(load)

    status, headers, answer = server.ask("GET /")

    assert (status, answer) == (b"HTTP/1.1 200 OK", body)
    assert headers["content-type"] == "text/plain"


@pytest.mark.parametrize("path", ["/session", "/session?url=https://github.com/cyberbotics/webots/blob/a/b.wbt&x=<y>"])
def test_a_client_is_sent_to_the_least_loaded_server(path: str) -> None:
    server = Server()
    server.report(20, 10)

    assert server.ask(f"GET {path}")[::2] == (b"HTTP/1.1 200 OK", b"ws://b.org:2000")


def test_the_url_of_an_encrypted_server_behind_a_rewriting_web_server_has_no_slash_at_its_end() -> None:
    server = Server("https://a.org/2000")
    server.report(1)

    assert server.ask("GET /session")[2] == b"wss://a.org/2000"


def test_where_no_server_is_available_the_status_is_200_all_the_same() -> None:
    assert Server().ask("GET /session")[::2] == (b"HTTP/1.1 200 OK", NO_SERVER)


def test_asking_for_headers_only_sends_nobody_anywhere() -> None:
    server = Server()
    server.report(10, 10)

    status, headers, body = server.ask("HEAD /session")

    assert (status, headers["content-length"], body) == (b"HTTP/1.1 200 OK", "15", b"")
    assert [known.reserved for known in server.fleet.servers] == [0, 0]


@pytest.mark.parametrize("path", ["/", "/session", "/load", "/monitor", "/monitor/session.js"])
def test_the_headers_are_the_same_without_the_body(path: str) -> None:
    server = Server()
    server.clock.advance(100)
    server.report(10, 20)

    with capturedLogs() as events:
        head = server.ask(f"HEAD {path}")
    # The data are made once a second at most.
    server.clock.advance(1)
    get = server.ask(f"GET {path}")

    assert head[1] == get[1]
    assert head[2] == b""
    assert int(get[1]["content-length"]) == len(get[2])
    assert events == []


def test_the_load_is_the_mean_of_those_that_answer() -> None:
    server = Server("a.org:1", "b.org:1", "c.org:1")
    assert server.ask("GET /load")[2] == b"-1"

    server.report(10, 99.5)

    assert server.ask("GET /load")[2] == b"54.8"


@pytest.mark.parametrize(
    ("line", "status"),
    [
        ("GET /", "200 OK"),
        ("GET /session", "200 OK"),
        ("GET /load", "200 OK"),
        ("GET /monitor", "200 OK"),
        ("GET /monitor/", "301 Moved Permanently"),
        ("GET /monitor.json", "200 OK"),
        ("GET /monitor/session.js", "200 OK"),
        ("GET /monitor/session.html", "404 Not Found"),
        ("GET /monitor/live", "426 Upgrade Required"),
        ("POST /monitor.json", "405 Method Not Allowed"),
        ("GET /nothing", "404 Not Found"),
        ("GET /session/", "404 Not Found"),
        ("GET /session/client", "404 Not Found"),
        ("POST /session", "405 Method Not Allowed"),
        ("BREW /session", "501 Not Implemented"),
        ("OPTIONS /session", "204 No Content"),
        ("OPTIONS /nothing", "204 No Content"),
    ],
)
def test_pages_of_all_websites_may_read_every_answer(line: str, status: str) -> None:
    code, headers, _ = Server().ask(line)

    assert code.decode() == f"HTTP/1.1 {status}"
    assert headers["access-control-allow-origin"] == "*"
    assert headers["access-control-allow-headers"] == "x-requested-with"
    assert headers["access-control-allow-methods"] == "POST, GET, OPTIONS"


def test_no_answer_is_kept_by_a_cache() -> None:
    assert Server().ask("GET /session")[1]["cache-control"] == "no-store"


def test_the_page_for_people_may_have_nothing_but_what_is_its_servers() -> None:
    status, headers, body = Server().ask("GET /monitor")

    assert status == b"HTTP/1.1 200 OK"
    assert headers["content-type"] == "text/html; charset=utf-8"
    assert headers["content-security-policy"].startswith("default-src 'none'; script-src 'self'; style-src 'self';")
    assert "unsafe" not in headers["content-security-policy"]
    assert body == b"<!doctype html><title>The page</title>"


def test_its_data_tell_what_a_server_says_and_where_its_own_page_is() -> None:
    server = Server()
    server.report(12.34)
    server.fleet.report_failure(server.servers[1], "it answers '<script>alert(1)</script>'")

    status, headers, body = server.ask("GET /monitor.json")

    assert status == b"HTTP/1.1 200 OK"
    assert headers["content-type"] == "application/json"
    one, other = json.loads(body)["servers"].values()
    assert (one["state"], one["load"], one["page"]) == ("available", 12.3, "http://a.org:2000/monitor")
    assert (other["state"], other["reason"]) == ("failed", "it answers '<script>alert(1)</script>'")
    assert "load" not in other


def test_requests_over_one_connection_are_answered_in_their_order() -> None:
    server = Server()
    server.report(10)
    wire = server.connect()

    answers = wire.say("GET / HTTP/1.1\r\nHost: a\r\n\r\nGET /load HTTP/1.1\r\nHost: a\r\n\r\n")

    assert re.findall(rb"\r\n\r\n([0-9.]+)", answers) == [b"1", b"10.0"]
    assert not wire.disconnecting


def test_a_request_that_trickles_in_is_not_waited_for_beyond_its_time() -> None:
    server = Server()
    wire = server.connect()
    for character in "GET / HTTP/1.1\r\nX-Slow: "[: REQUEST_SECONDS // 5 - 1]:
        wire.say(character)
        server.clock.advance(5)
    assert not wire.disconnecting

    server.clock.advance(5)

    assert wire.disconnecting


def test_a_connection_is_kept_for_a_minute_after_an_answer() -> None:
    server = Server()
    wire = server.connect()
    server.clock.advance(REQUEST_SECONDS - 1)
    wire.say("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    server.clock.advance(REQUEST_SECONDS - 1)
    assert not wire.disconnecting

    server.clock.advance(1)

    assert wire.disconnecting


def test_headers_without_end_are_refused() -> None:
    wire = Server().connect()

    answer = wire.say("GET / HTTP/1.1\r\n" + "X-More: yes\r\n" * 2000)

    assert answer.startswith(b"HTTP/1.1 400 ")
    assert wire.disconnecting


def test_a_header_without_end_is_not_waited_for() -> None:
    wire = Server().connect()

    wire.say("GET / HTTP/1.1\r\nX-More: " + "y" * 20_000)

    assert wire.disconnecting


def test_the_body_of_a_request_is_taken_to_nowhere() -> None:
    server = Server()
    wire = server.connect()
    wire.say("POST /session HTTP/1.1\r\nHost: a\r\nContent-Length: 10000000\r\n\r\n")
    request = wire.protocol.requests[0]
    wire.say(b"x" * 9_999_999)

    assert request.content.getvalue() == b""
    assert wire.say(b"x").startswith(b"HTTP/1.1 405 ")


def test_a_watcher_is_told_at_once_and_then_at_each_change_only() -> None:
    server = Server()
    wire = server.websocket()
    assert wire.heard() == text("0")

    server.report(99, 99)
    assert wire.heard() == b""
    server.report(10)
    assert wire.heard() == text("1")
    server.report(20, 30)
    assert wire.heard() == b""
    server.report(99, 99)
    assert wire.heard() == text("0")
    assert server.websocket().heard() == text("0")


def test_many_watchers_are_told_in_turns_and_none_the_same_twice() -> None:
    server = Server()
    wires = [server.websocket() for _ in range(WATCHERS_AT_ONCE + 1)]
    for wire in wires:
        assert wire.heard() == text("0")

    server.report(10)
    assert [wire.heard() for wire in wires] == [text("1")] * WATCHERS_AT_ONCE + [b""]
    server.report(99)
    server.clock.advance(0)
    server.clock.advance(0)
    assert [wire.heard() for wire in wires] == [text("0")] * WATCHERS_AT_ONCE + [b""]

    server.report(10)
    server.clock.advance(0)
    assert [wire.heard() for wire in wires] == [text("1")] * (WATCHERS_AT_ONCE + 1)


def test_what_a_watcher_says_is_ignored() -> None:
    server = Server()
    wire = server.websocket()

    assert wire.say(from_client(1, b"hello") + from_client(2, bytes(1000))) == b""
    assert not wire.disconnecting


def test_a_watcher_that_pings_gets_its_pong() -> None:
    assert Server().websocket().say(from_client(9, b"abc")) == b"\x8a\x03abc"


def test_a_watcher_that_leaves_is_told_no_more() -> None:
    server = Server()
    wire = server.websocket()
    assert wire.say(from_client(8, b"\x03\xe8")) == closing(1000)
    wire.lose()
    wire.heard()

    server.report(10)

    assert wire.heard() == b""
    assert len(server.watchers.peers) == 0


def test_a_client_of_the_session_websocket_gets_the_url_and_a_normal_close() -> None:
    server = Server()
    server.report(10, 20)

    assert server.websocket("/session?url=x").heard() == text("ws://a.org:2000") + closing(1000)
    assert server.fleet.servers[0].reserved == 1


def test_a_client_of_the_session_websocket_is_told_that_there_is_no_server() -> None:
    assert Server().websocket("/session").heard() == text(NO_SERVER.decode()) + closing(1000)


def test_a_message_that_is_too_long_ends_the_connection() -> None:
    wire = Server().websocket()

    answer = wire.say(from_client(1, bytes(MAX_MESSAGE + 1)))

    assert answer[:1] + answer[2:4] == closing(1009)[:1] + closing(1009)[2:]


def test_a_client_that_floods_is_dropped() -> None:
    wire = Server().websocket()
    for _ in range(MAX_RECEIVED // 1000 + 1):
        wire.say(from_client(1, bytes(1000)))

    assert wire.aborted


def test_a_client_that_does_not_read_is_dropped() -> None:
    wire = Server().websocket()

    wire.protocol.pauseProducing()

    assert wire.producer is wire.protocol
    assert wire.aborted


@pytest.mark.parametrize("path", ["/", "/session"])
def test_a_peer_that_answers_no_pings_is_dropped(path: str) -> None:
    server = Server()
    wire = server.websocket(path)
    heard = b""
    for _ in range((UNANSWERED_PINGS + 2) * PING_SECONDS):
        server.clock.advance(1)
        heard += wire.heard()

    assert wire.aborted
    assert heard == (text("0") + PING * UNANSWERED_PINGS if path == "/" else text(NO_SERVER.decode()) + closing(1000))


def test_a_peer_that_answers_pings_stays() -> None:
    server = Server()
    wire = server.websocket()
    pings = 0
    for _ in range(10 * PING_SECONDS):
        server.clock.advance(1)
        if PING in wire.heard():
            pings += 1
            wire.say(PONG)

    assert pings >= 9
    assert not wire.aborted


def test_a_peer_that_does_not_close_is_dropped_whatever_else_it_says() -> None:
    server = Server()
    wire = server.websocket("/session")
    for _ in range((UNANSWERED_PINGS + 2) * PING_SECONDS):
        server.clock.advance(1)
        wire.say(PONG)

    assert wire.aborted


def test_pings_are_spread_over_time() -> None:
    server = Server()
    wires = [server.websocket() for _ in range(100)]
    server.clock.pump([1] * (PING_SECONDS - 1))
    counts = []
    for _ in range(PING_SECONDS):
        server.clock.advance(1)
        counts.append(sum(PING in wire.heard() for wire in wires))

    assert counts == [4] * PING_SECONDS


@pytest.mark.parametrize(
    "headers",
    [
        HANDSHAKE.replace("==", ""),
        HANDSHAKE.replace("13", "7"),
        HANDSHAKE.replace("Sec-WebSocket-Version: 13\r\n", ""),
        HANDSHAKE + "Origin: \x80not a url\r\n",
        HANDSHAKE + "Sec-WebSocket-Protocol: a, a\r\n",
    ],
)
def test_a_faulty_opening_handshake_is_refused_in_words_of_our_own(headers: str) -> None:
    server = Server()
    wire = server.connect()

    status, answered, body = parsed(wire.say(f"GET / HTTP/1.1\r\n{headers}\r\n"))

    assert (status, body) == (b"HTTP/1.1 400 Bad Request", b"")
    assert answered["access-control-allow-origin"] == "*"
    assert answered["content-length"] == "0"
    assert wire.disconnecting
    assert len(server.watchers.peers) == 0


def test_a_page_of_any_website_may_watch() -> None:
    for origin in ("https://robotbenchmark.net", "null", "file://"):
        wire = Server().connect()
        answer = wire.say(f"GET / HTTP/1.1\r\n{HANDSHAKE}Origin: {origin}\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 101 ")


def test_a_watcher_keeps_nothing_of_its_opening_handshake() -> None:
    server = Server()
    wire = server.connect()
    wire.say(f"GET / HTTP/1.1\r\n{HANDSHAKE}Cookie: remembered=1\r\n\r\n")

    assert "remembered" not in repr(vars(wire.protocol))


def test_a_hand_out_is_written_down_for_those_who_look_closely() -> None:
    server = Server()
    server.report(10)

    with capturedLogs() as events:
        server.ask("GET /session")

    assert [(event["log_level"], event["answer"]) for event in events] == [(LogLevel.debug, "ws://a.org:2000")]


def stop(server: Server) -> list[Deferred[None]]:
    ends = (
        server.watchers.stop(),
        server.visitors.stop(),
        server.monitor.viewers.stop(),
        server.site.channels.close(),
    )
    return [Deferred.fromCoroutine(end) for end in ends]


def test_a_server_that_stops_says_goodbye_to_watchers() -> None:
    server = Server()
    wire = server.websocket()
    wire.heard()

    ending = stop(server)

    assert wire.heard() == closing(1001)
    assert wire.say(from_client(8, (1001).to_bytes(2, "big"))) == b""
    assert wire.aborted
    wire.lose()
    assert all(end.called for end in ending)


def test_a_server_that_stops_drops_those_who_do_not_close() -> None:
    server = Server()
    watcher, client = server.websocket(), server.connect()
    watcher.heard()

    ending = stop(server)

    assert watcher.heard() == closing(1001)
    assert client.disconnecting
    server.clock.advance(CLOSE_SECONDS)
    assert watcher.aborted
    assert client.aborted
    watcher.lose()
    client.lose()
    assert all(end.called for end in ending)


def test_a_server_that_nobody_is_connected_to_stops_at_once() -> None:
    server = Server()

    assert all(end.called for end in stop(server))
    assert server.clock.getDelayedCalls() == []
