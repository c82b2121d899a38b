"""The data of a monitor page and its WebSocket, byte by byte, with a given clock and transports in memory."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.logger import capturedLogs, formatEvent
from twisted.web.resource import Resource

from tests.wire import Wire
from webots_cloud.monitor.access import Access
from webots_cloud.monitor.live import MAX_VIEWERS, TELL_SECONDS
from webots_cloud.monitor.merging import Document, merge_patch
from webots_cloud.monitor.web import LEAST_SECONDS, Monitor
from webots_cloud.peers import PING_SECONDS, UNANSWERED_PINGS
from webots_cloud.secret import Secret
from webots_cloud.session.site import PublicSite
from webots_cloud.web import BrowserFilesMissing

UPGRADE = (
    "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)


class Figures:
    """What a page shows: a document that a test changes.

    @ivar asked: how often the whole was asked for.
    """

    def __init__(self) -> None:
        self.now: Document = {"load": 1}
        self.told: Document = {"load": 1}
        self.asked = 0

    def whole(self) -> Document:
        self.asked += 1
        self.changes()
        return self.told

    def changes(self) -> Document:
        patch, self.told = merge_patch(self.told, self.now), dict(self.now)
        return patch


class Server:
    """A server with a monitor page."""

    def __init__(self, password: str = "") -> None:
        self.clock = Clock()
        self.figures = Figures()
        self.monitor = Monitor(self.clock, "page", self.figures, Access(self.clock.seconds, Secret(password)), files)
        root = Resource()
        self.monitor.put_below(root)
        self.site = PublicSite(self.clock, root)
        self.monitor.viewers.start()

    def connect(self) -> Wire:
        wire = Wire()
        build: Any = self.site.buildProtocol
        wire.protocol = build(None)
        wire.protocol.makeConnection(wire)
        return wire

    def ask(self, path: str, headers: str = "", method: str = "GET", wire: Wire | None = None) -> bytes:
        return (wire or self.connect()).say(f"{method} {path} HTTP/1.1\r\nHost: s.org\r\n{headers}\r\n")

    def view(self) -> Wire:
        """Open the WebSocket; what has come after its handshake is left to be heard."""
        wire = self.connect()
        head, _, rest = self.ask("/monitor/live", UPGRADE, wire=wire).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 101 ")
        StringTransport.write(wire, rest)
        return wire

    def show(self, **figures: Any) -> None:
        self.figures.now = self.figures.now | figures

    def tell(self) -> None:
        self.clock.advance(TELL_SECONDS)


def files() -> Path:
    folder = Path("static") / "monitor"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "page.html").write_text("<title>The page</title>")
    (folder / "other.html").write_text("<title>Another</title>")
    (folder / "page.js").write_text("let it = 1;")
    (folder / "monitor.css").write_text("p {}")
    return folder.parent


def messages(data: bytes) -> list[Any]:
    """Read the text frames that a server has sent; pings are left out."""
    found = []
    while data:
        opcode, length, start = data[0] & 15, data[1], 2
        if length == 126:
            length, start = int.from_bytes(data[2:4], "big"), 4
        elif length == 127:
            length, start = int.from_bytes(data[2:10], "big"), 10
        if opcode == 1:
            found.append(json.loads(data[start : start + length]))
        data = data[start + length :]
    return found


def test_a_viewer_gets_the_whole_at_once_and_then_what_has_changed() -> None:
    server = Server()
    viewer = server.view()
    assert messages(viewer.heard()) == [{"whole": {"load": 1}}]
    server.show(load=2, state="full")
    server.tell()
    assert messages(viewer.heard()) == [{"patch": {"load": 2, "state": "full"}}]
    del server.figures.now["state"]
    server.tell()
    assert messages(viewer.heard()) == [{"patch": {"state": None}}]


def test_nothing_is_sent_where_nothing_has_changed() -> None:
    server = Server()
    viewer = server.view()
    viewer.heard()
    for _ in range(3):
        server.tell()
    assert viewer.heard() == b""


def test_nothing_is_done_while_nobody_looks() -> None:
    server = Server()
    server.show(load=2)
    server.tell()
    assert server.figures.told == {"load": 1}
    assert messages(server.view().heard()) == [{"whole": {"load": 2}}]


def test_many_viewers_share_what_is_made_for_one() -> None:
    server = Server()
    viewers = [server.view() for _ in range(20)]
    server.show(load=3)
    server.tell()
    assert server.figures.asked == 1
    assert {tuple(map(str, messages(viewer.heard()))) for viewer in viewers} == {
        ("{'whole': {'load': 1}}", "{'patch': {'load': 3}}")
    }


def test_what_a_late_viewer_sees_in_the_whole_the_others_are_told_of() -> None:
    server = Server()
    first = server.view()
    server.show(load=5)
    server.tell()
    server.show(load=6)
    second = server.view()
    assert messages(second.heard()) == [{"whole": {"load": 6}}]
    server.tell()
    assert messages(first.heard()) == [{"whole": {"load": 1}}, {"patch": {"load": 5}}, {"patch": {"load": 6}}]
    assert messages(second.heard()) == []


def test_who_reads_slowly_is_kept_no_more_than_the_whole_for() -> None:
    server = Server()
    viewer = server.view()
    viewer.heard()
    viewer.protocol.pauseProducing()
    for load in range(100):
        server.show(load=load)
        server.tell()
        viewer.say(b"\x8a\x80\0\0\0\0")
    assert messages(viewer.heard()) == []
    viewer.protocol.resumeProducing()
    server.show(load=200)
    server.tell()
    assert messages(viewer.heard()) == [{"whole": {"load": 200}}]
    server.show(load=201)
    server.tell()
    assert messages(viewer.heard()) == [{"patch": {"load": 201}}]


def test_who_does_not_read_at_all_is_dropped() -> None:
    server = Server()
    viewer = server.view()
    viewer.protocol.pauseProducing()
    for _ in range(PING_SECONDS * (UNANSWERED_PINGS + 2)):
        server.tell()
    assert viewer.aborted


def test_no_more_viewers_than_there_may_be_are_let_in() -> None:
    server = Server()
    viewers = [server.view() for _ in range(MAX_VIEWERS)]
    assert server.ask("/monitor/live", UPGRADE).startswith(b"HTTP/1.1 503 ")
    viewers[0].lose()
    server.view()


def test_pages_of_other_websites_get_no_data_where_there_is_a_password() -> None:
    for password, origin, status in (
        ("", "https://evil.org", 101),
        ("sesame", "https://evil.org", 403),
        ("sesame", "https://s.org", 401),
    ):
        server = Server(password)
        answer = server.ask("/monitor/live", f"{UPGRADE}Origin: {origin}\r\n")
        assert int(answer.split()[1]) == status


def test_who_asks_for_the_socket_without_being_one_is_told_so() -> None:
    answer = Server().ask("/monitor/live")
    assert answer.startswith(b"HTTP/1.1 426 Upgrade Required\r\n")
    assert b"\r\nUpgrade: websocket\r\n" in answer


def test_a_server_that_stops_says_goodbye_to_viewers() -> None:
    from twisted.internet.defer import Deferred

    server = Server()
    viewer = server.view()
    viewer.heard()
    end = Deferred.fromCoroutine(server.monitor.viewers.stop())
    assert viewer.heard() == b"\x88\x02\x03\xe9"
    viewer.lose()
    assert end.called
    assert server.clock.getDelayedCalls() == []


def test_the_data_in_one_piece_are_as_they_are_when_the_answer_is_made() -> None:
    server = Server()
    assert server.ask("/monitor.json").endswith(b'\r\n\r\n{"load":1}\n')
    server.show(load=2)
    wires = [server.connect() for _ in range(3)]
    assert [server.ask("/monitor.json", wire=wire) for wire in wires] == [b""] * 3
    head = server.connect()
    assert server.ask("/monitor.json", method="HEAD", wire=head) == b""
    wires[2].lose()
    server.show(load=3)
    server.clock.advance(LEAST_SECONDS)
    for wire in wires[:2]:
        assert wire.heard().endswith(b'Content-Length: 11\r\n\r\n{"load":3}\n')
    assert head.heard().endswith(b"Content-Length: 11\r\n\r\n")
    assert server.figures.asked == 2


def test_all_who_ask_for_them_leave_nothing_behind_if_they_go() -> None:
    server = Server()
    server.ask("/monitor.json")
    wire = server.connect()
    server.ask("/monitor.json", wire=wire)
    wire.lose()
    server.clock.advance(LEAST_SECONDS)
    assert server.figures.asked == 1


def test_a_clock_that_is_set_back_keeps_nobody_waiting() -> None:
    server = Server()
    server.clock.advance(1000)
    server.ask("/monitor.json")
    server.clock.rightNow = 10.0
    assert server.ask("/monitor.json").endswith(b'{"load":1}\n')


def test_the_page_is_there_with_its_own_files_only() -> None:
    server = Server()
    assert server.ask("/monitor").endswith(b"\r\n\r\n<title>The page</title>")
    assert b"Content-Type: text/css; charset=utf-8\r\n" in server.ask("/monitor/monitor.css")
    for path in ("page.html", "other.html", "../monitor", "absent.js", "page.js/x"):
        assert server.ask(f"/monitor/{path}").startswith(b"HTTP/1.1 404 ")
    assert b"Location: ../monitor\r\n" in server.ask("/monitor/")


def test_a_browser_that_has_a_file_does_not_get_it_again() -> None:
    server = Server()
    answer = server.ask("/monitor/page.js")
    assert b"Cache-Control: no-cache\r\n" in answer
    (tag,) = [line for line in answer.split(b"\r\n") if line.startswith(b"ETag: ")]
    again = server.ask("/monitor/page.js", f"If-None-Match: {tag.removeprefix(b'ETag: ').decode()}\r\n")
    assert again.startswith(b"HTTP/1.1 304 ")
    assert again.endswith(b"\r\n\r\n")


def test_without_the_browser_files_the_data_are_there_and_the_log_says_what_to_do() -> None:
    def missing() -> Path:
        raise BrowserFilesMissing("run `pip install -e .`")

    clock = Clock()
    with capturedLogs() as events:
        monitor = Monitor(clock, "page", Figures(), Access(clock.seconds), missing)
        monitor.put_below(root := Resource())
    assert "run `pip install -e .`" in "".join(map(str, map(formatEvent, events)))
    assert set(root.children) == {b"monitor", b"monitor.json"}
