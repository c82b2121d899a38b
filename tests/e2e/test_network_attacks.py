"""What strangers on the network try at the gate of a running server: they get nothing, and others lose nothing."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.e2e.exposed import (
    AUTHENTICATION,
    KEY,
    MARK,
    SECRET,
    Driver,
    Given,
    Server,
    Simulation,
    exposed,
    packed,
    project,
    state_time,
)
from tests.e2e.page import begins, receive
from tests.e2e.raw import (
    CONTINUATION,
    FIN,
    PING,
    TEXT,
    UPGRADE,
    Answer,
    Raw,
    ask,
    frame,
    get,
    request,
    statuses,
)

pytestmark = pytest.mark.usefixtures("nobody_else_notices")
MARK_PATH = "/worlds/textures/mark.png"
POLICY, PROTOCOL = 1008, 1002
MINE = b"another project"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with exposed(tmp_path_factory.mktemp("server"), maxRequestsPerSecond=10000, requestTimeoutSeconds=3) as server:
        yield server


@pytest.fixture(scope="module")
def victim(server: Server, honest: Driver) -> Iterator[Simulation]:
    """A simulation that is paused, whose token the stranger knows, as its own owner does."""
    with server.simulation() as simulation:
        yield simulation


def a_guess() -> str:
    return secrets.token_urlsafe(32)


def alike(answers: list[Answer]) -> bool:
    """Tell whether nothing but the date differs."""
    return len({(a.status, a.body, tuple(v for n, v in a.headers.items() if n != "date")) for a in answers}) == 1


def test_guessed_tokens_are_all_answered_alike(server: Server) -> None:
    with Raw(server.port) as raw:
        answers = []
        for _ in range(300):
            raw.say(request(f"/webots/{a_guess()}/"))
            answers.append(raw.answer())
    assert alike(answers)
    assert answers[0].status == 404


def test_a_token_that_is_nearly_right_is_answered_as_any_guess(server: Server, honest: Driver) -> None:
    token = honest.simulation.token
    wrong = {
        "truncated": token[:-1],
        "lengthened": token + "A",
        "first half": token[: len(token) // 2],
        "last letter changed": token[:-1] + ("A" if token[-1] != "A" else "B"),
        "other case": token.swapcase(),
        "twice": token + token,
        "escaped": "".join(f"%{ord(letter):02x}" for letter in token),
        "with a space": token + "%20",
        "with NUL": token + "%00",
        "with a parameter": token + ";a=b",
        "a list": f"{token},{token}",
        "empty": "",
        "very long": "A" * 8000,
    }
    answers = {what: get(server.port, f"/webots/{guess}{MARK_PATH}") for what, guess in wrong.items()}
    assert {what: answer.status for what, answer in answers.items() if answer.status != 404} == {}
    assert alike(list(answers.values()))
    assert honest.simulation.get(MARK_PATH).body == MARK


def test_the_token_of_a_simulation_that_has_ended(server: Server) -> None:
    with server.simulation() as simulation:
        assert simulation.get(MARK_PATH).body == MARK
    server.wait_for(lambda: simulation.get(MARK_PATH).status == 404, "the route to end")
    assert alike([simulation.get("/"), get(server.port, f"/webots/{a_guess()}/")])
    with pytest.raises(InvalidStatus), simulation.stream():
        pass


def test_ones_own_token_reaches_nobody_elses_simulation(server: Server, honest: Driver) -> None:
    server.host.answers["mine"] = Given(packed(project(MINE)))
    with server.simulation(message=server.init("mine")) as mine, mine.driven() as driver:
        honest.steps()
        before = honest.time
        assert mine.get(MARK_PATH).body == MINE
        theirs = honest.simulation.token
        for path in (f"/../{theirs}{MARK_PATH}", f"/%2e%2e/{theirs}{MARK_PATH}", f"/..%2f{theirs}{MARK_PATH}"):
            assert MARK not in mine.get(path).body
        driver.stream.send("real-time:-1")
        receive(driver.stream, lambda message: state_time(message) > 0)
        # It stands where it stood: its next step is its next one.
        honest.steps()
        assert honest.time - before == 32


def test_a_websocket_that_comes_from_nowhere_with_a_wrong_token(server: Server) -> None:
    with Raw(server.port) as raw:
        answer = raw.upgraded(f"/webots/{a_guess()}/")
    assert answer.status == 404


PATHS = {
    "dots": "/../secret.png",
    "many dots": "/worlds/textures/../../../../../secret.png",
    "escaped dots": "/%2e%2e/%2e%2e/secret.png",
    "half escaped dots": "/.%2e/%2e./secret.png",
    "twice escaped dots": "/%252e%252e/secret.png",
    "an escaped slash": "/..%2f..%2fsecret.png",
    "an escaped backslash": "/..%5c..%5csecret.png",
    "a backslash": "/..\\..\\secret.png",
    "an overlong slash": "/..%c0%af..%c0%afsecret.png",
    "a full-width slash": "/..%ef%bc%8f..%ef%bc%8fsecret.png",
    "NUL": "/worlds/textures/mark.png%00.html",
    "two slashes": "//etc/passwd",
    "three slashes": "///etc/passwd",
    "an empty name": "/worlds//textures/mark.png",
    "a parameter": "/..;/..;/secret.png",
    "a parameter at the end": "/worlds/textures/mark.png;/../../secret.png",
    "one dot": "/./worlds/textures/mark.png",
    "dots and a space": "/..%20/secret.png",
    "a hidden file": "/.ssh/id_rsa.png",
    "host.txt": "/host.txt",
    "the world": "/worlds/arena.wbt",
    "a controller": "/controllers/go/go.py",
    "a device": "/dev/zero",
    "a process": "/proc/self/environ",
    "a drive": "/C:/secret.png",
    "a bad escape": "/%zz%",
    "a line end": "/%0d%0aX-Injected:%20yes",
    "a line end in the query": "/?a=%0d%0aX-Injected:%20yes",
    "a control character": "/\x01\x7f",
    "a tab": "/a\tb",
    "a byte that is no text": "/\xff\xfe",
    "a fragment": "/worlds/textures/mark.png#/../../secret.png",
    "a long path": "/" + "a" * 3000,
    "a very long path": "/" + "a" * 70000,
    "very many names": "/a" * 900,
}


@pytest.mark.parametrize("path", PATHS.values(), ids=PATHS)
def test_a_path_that_leads_to_no_texture_and_no_page_of_the_project(victim: Simulation, path: str) -> None:
    answers = ask(victim.server.port, request(victim.path + path, {"Connection": "close"}))
    status = statuses(answers)[0] if answers else 400
    assert status in (400, 404), answers
    for secret in (SECRET, KEY, AUTHENTICATION, "root:", "VRML", "print", "X-Injected: "):
        assert secret.encode() not in answers


def test_a_target_that_is_no_path(server: Server, victim: Simulation) -> None:
    targets = {
        "a URL": f"http://localhost:{server.port}{victim.path}{MARK_PATH}",
        "a URL of another host": f"http://example.org{victim.path}{MARK_PATH}",
        "a URL with a user": f"http://a:b@localhost{victim.path}{MARK_PATH}",
        "a host": f"localhost:{server.port}",
        "a star": "*",
        "no slash": victim.path[1:] + MARK_PATH,
        "two slashes": f"//localhost{victim.path}{MARK_PATH}",
        "dots before it": f"/../..{victim.path}{MARK_PATH}",
    }
    for method in ("GET", "OPTIONS", "CONNECT", "TRACE"):
        for what, target in targets.items():
            answers = ask(server.port, request(target, {"Connection": "close"}, method))
            # OPTIONS * asks about the server as a whole (RFC 9110 section 9.3.7), which tells nothing.
            assert (statuses(answers) or [400])[0] >= 400 or (method, target) == ("OPTIONS", "*"), (method, what)
            assert MARK not in answers, (method, what)


def test_methods_that_change_something(victim: Simulation) -> None:
    for method in ("POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "TRACE", "PROPFIND", "get", "G" * 300):
        (status,) = statuses(ask(victim.server.port, request(victim.path + "/", {"Connection": "close"}, method)))
        assert status == 405, method


def smuggling(path: str) -> dict[str, bytes]:
    """Write requests with another one hidden in them, which asks for the texture.

    Those that wait for the end of a body that never comes are closed by the time-out.
    """
    hidden = request(path + MARK_PATH, {"X": "y"})
    size = len(hidden)
    chunked = b"%x\r\n%s\r\n0\r\n\r\n" % (size, hidden)
    begin = f"GET {path}/ HTTP/1.1\r\nHost: localhost\r\n".encode()

    def with_head(*lines: bytes, body: bytes = hidden) -> bytes:
        return begin + b"".join(line + b"\r\n" for line in lines) + b"\r\n" + body

    length = b"Content-Length: %d" % size
    encoding = b"Transfer-Encoding: chunked"
    return {
        "a length": with_head(length),
        "chunks": with_head(encoding, body=chunked),
        "a length, then chunks": with_head(length, encoding, body=b"0\r\n\r\n" + hidden),
        "chunks, then a length": with_head(encoding, length, body=b"0\r\n\r\n" + hidden),
        "two lengths": with_head(b"Content-Length: 0", length),
        "two lengths in one line": with_head(b"Content-Length: 0, %d" % size),
        "one length twice": with_head(length, length),
        "a length with a sign": with_head(b"Content-Length: +%d" % size),
        "a negative length": with_head(b"Content-Length: -1"),
        "a length in hexadecimal": with_head(b"Content-Length: %#x" % size),
        "a length with an underscore": with_head(b"Content-Length: 1_0"),
        "a length of other digits": with_head("Content-Length: ²".encode()),
        "a huge length": with_head(b"Content-Length: " + b"9" * 40),
        "chunks, obscured by a space before the colon": with_head(b"Transfer-Encoding : chunked", body=chunked),
        "chunks, obscured by a tab": with_head(b"Transfer-Encoding:\tchunked", body=chunked),
        "chunks, obscured by a control character": with_head(b"Transfer-Encoding: \x0bchunked", body=chunked),
        "chunks, obscured by a letter": with_head(b"Transfer-Encoding: xchunked", body=chunked),
        "chunks, obscured by quotes": with_head(b'Transfer-Encoding: "chunked"', body=chunked),
        "chunks, obscured by a list": with_head(b"Transfer-Encoding: identity, chunked", body=chunked),
        "chunks that are none": with_head(b"Transfer-Encoding: identity", length),
        "chunks, twice": with_head(encoding, b"Transfer-Encoding: identity", body=chunked),
        "a chunk of negative size": with_head(encoding, body=b"-1\r\n" + hidden),
        "a chunk of huge size": with_head(encoding, body=b"f" * 20 + b"\r\n" + hidden),
        "a chunk whose size has an underscore": with_head(encoding, body=b"0_0\r\n\r\n" + hidden),
        "a chunk with a bare line feed": with_head(encoding, body=b"0\n\n" + hidden),
        "a chunk with an endless extension": with_head(encoding, body=b"1;" + b"a" * 100000),
        "a folded line": with_head(b"X: y", b" " + length),
        "a folded line at first": begin + b" " + length + b"\r\n\r\n" + hidden,
        "a bare line feed": with_head(b"X: y\n" + encoding, body=chunked),
        "a bare carriage return": with_head(b"X: y\r" + encoding, body=chunked),
        "NUL in a header": with_head(b"X\0: y", length),
        "no colon": with_head(b"X", length),
        "an upgrade with a body": with_head(*(f"{name}: {value}".encode() for name, value in UPGRADE.items()), length),
        "a header that says that the length is for this connection": with_head(b"Connection: Content-Length", length),
        "a request that waits for a 100": with_head(b"Expect: 100-continue", length),
        "another method": with_head(length).replace(b"GET", b"POST", 1),
        "no version": f"GET {path}/\r\n".encode() + hidden,
        "an older version": with_head(encoding, body=chunked).replace(b"HTTP/1.1", b"HTTP/1.0", 1),
        "a version to come": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + hidden,
    }


def test_a_request_that_is_hidden_in_another_is_not_found(victim: Simulation) -> None:
    with ExitStack() as stack:
        raws = {}
        for what, data in smuggling(victim.path).items():
            raws[what] = stack.enter_context(Raw(victim.server.port))
            raws[what].say(data)
        answers = {what: raw.rest() for what, raw in raws.items()}
    for what, answer in answers.items():
        assert MARK not in answer, what
        assert len([status for status in statuses(answer) if status != 100]) <= 1, what
        assert all(status >= 400 for status in statuses(answer) if status != 100), what


def test_a_request_behind_a_refused_one_is_judged_by_itself(server: Server, victim: Simulation) -> None:
    second = request(f"/webots/{a_guess()}{MARK_PATH}", {"Connection": "close"})
    answers = ask(server.port, request(victim.path + MARK_PATH) + second)
    assert statuses(answers) == [200, 404]
    assert answers.count(MARK) == 1


def test_a_request_behind_an_upgrade_is_no_request(victim: Simulation) -> None:
    answers = ask(victim.server.port, request(victim.path + "/", UPGRADE) + request(victim.path + MARK_PATH))
    assert statuses(answers) == [101]
    assert MARK not in answers


def test_headers_without_end(server: Server, victim: Simulation) -> None:
    with server.memory_stays():
        for line in (b"X: " + b"a" * 10000 + b"\r\n", b"a: b\r\n", b"a" * 65536):
            begin = f"GET {victim.path}/ HTTP/1.1\r\n".encode()
            answers = ask(server.port, begin + line * (20 * 10**6 // len(line)))
            assert statuses(answers) in ([400], [])


def test_bodies_are_kept_neither_in_memory_nor_on_the_disk(server: Server, victim: Simulation) -> None:
    block = bytes(10**6)
    with server.memory_stays(), ExitStack() as stack:
        for path in ("/load", "/client", victim.path + "/", "/absent"):
            for head in ({"Content-Length": "1000000000"}, {"Transfer-Encoding": "chunked"}):
                raw = stack.enter_context(Raw(server.port))
                raw.say(request(path, head, "POST"))
                raw.say(b"f4240\r\n" if "Transfer-Encoding" in head else b"", *[block] * 20)
        assert server.size_of_open_files() < 10**6


def test_an_upgrade_to_something_else(server: Server, victim: Simulation) -> None:
    for other in ("h2c", "foo", "websocket2", "websocket, h2c", "TLS/1.0", ""):
        headers = UPGRADE | {
            "Upgrade": other,
            "Connection": "Upgrade, HTTP2-Settings, close",
            "HTTP2-Settings": "AAMAAABk",
        }
        for path in ("/client", f"{victim.path}/"):
            (status,) = statuses(ask(server.port, request(path, headers)))
            assert status in (400, 426), (other, path)


def test_a_handshake_that_is_not_quite_one(victim: Simulation) -> None:
    wrong: dict[str, dict[str, str]] = {
        "another version": {"Sec-WebSocket-Version": "8"},
        "a short key": {"Sec-WebSocket-Key": "AA=="},
        "a key that is none": {"Sec-WebSocket-Key": "!" * 24},
        "no connection": {"Connection": "close"},
        "protocols that are none": {"Sec-WebSocket-Protocol": "a\x01b"},
        "very many protocols": {"Sec-WebSocket-Protocol": ",".join("abcdefghijkl")},
    }
    for what, headers in wrong.items():
        with Raw(victim.server.port) as raw:
            raw.say(request(f"{victim.path}/", UPGRADE | headers))
            assert raw.answer().status in (400, 426), what


def test_headers_that_are_no_text(server: Server, victim: Simulation) -> None:
    names = ("Host", "Origin", "Upgrade", "Connection", "X-Forwarded-For", "Sec-WebSocket-Protocol", "Cookie", "Accept")
    for value in ("\xff\xfe", "\x80", "a" * 8000, "\x01", "'\"<script>"):
        for name in names:
            for path in (
                "/load",
                "/monitor",
                "/monitor.json",
                "/monitor/live",
                "/client",
                f"{victim.path}/",
                f"{victim.path}{MARK_PATH}",
            ):
                with Raw(server.port) as raw:
                    raw.say(request(path, UPGRADE | {name: value}))
                    assert raw.answer().status < 500, (name, value, path)


def test_compression_is_not_agreed_to_so_that_nothing_small_can_grow(server: Server, victim: Simulation) -> None:
    for path in ("/client", f"{victim.path}/"):
        with Raw(server.port) as raw:
            answer = raw.upgraded(path, Sec_WebSocket_Extensions="permessage-deflate; client_max_window_bits")
            assert answer.status == 101
            assert "sec-websocket-extensions" not in answer.headers
            raw.say(frame(b"x3d", flags=FIN | 0x40))
            assert raw.closed()[0] == PROTOCOL


FOREIGN = (
    "https://evil.example.org",
    "http://localhost.evil.example.org",
    "http://localhost@evil.example.org",
    "http://evil.example.org#http://localhost",
    "https://localhost",
    "http://localhost:1",
    "file://",
)


def test_a_page_of_another_site_at_the_gate(server: Server, victim: Simulation) -> None:
    for origin in FOREIGN:
        with Raw(server.port) as raw:
            assert raw.upgraded(f"{victim.path}/", Origin=origin).status == 403, origin
    with victim.stream(origin=server.host.url) as stream:
        receive(stream, begins("scene load completed"))


def test_a_page_of_another_site_starts_nothing(server: Server) -> None:
    for origin in (*FOREIGN, "null"):
        told = server.told(server.init(), origin=origin)
        assert "cannot start simulations of" in told, origin
    assert server.monitor("instances") == 2


def test_frames_that_no_client_sends(server: Server, victim: Simulation) -> None:
    wrong = {
        "without a mask": b"\x81\x03x3d",
        "of a kind to come": frame(b"x3d", 3),
        "control, of a kind to come": frame(b"", 11),
        "reserved bits": frame(b"x3d", flags=FIN | 0x10),
        "a long ping": frame(b"a" * 126, PING),
        "a ping in parts": frame(b"a", PING, flags=0),
        "a part of nothing": frame(b"x3d", CONTINUATION),
        "a message within another": frame(b"x", flags=0) + frame(b"3d"),
    }
    for what, data in wrong.items():
        for path in ("/client", f"{victim.path}/"):
            with Raw(server.port) as raw:
                assert raw.upgraded(path).status == 101
                raw.say(data)
                assert raw.closed()[0] == PROTOCOL, (what, path)


def test_a_frame_that_is_announced_as_huge_at_the_gate(server: Server, victim: Simulation) -> None:
    with server.memory_stays():
        for length in (2**63 - 1, 2**63, 2**64 - 1, 2**32, 10**6):
            with Raw(server.port) as raw:
                assert raw.upgraded(f"{victim.path}/").status == 101
                raw.say(frame(length=length), b"a" * 10**5)
                assert raw.closed()[0] == PROTOCOL, length


def test_fragments_without_end_at_the_gate(server: Server, victim: Simulation) -> None:
    for payload in (b"", b"a" * 100):
        with server.memory_stays(), Raw(server.port) as raw:
            assert raw.upgraded(f"{victim.path}/").status == 101
            raw.say(frame(payload, TEXT, flags=0), frame(payload, CONTINUATION, flags=0) * 20000)
            assert raw.closed()[0] == PROTOCOL


def test_a_message_without_end_from_the_driver(server: Server) -> None:
    with server.simulation() as mine, server.memory_stays(), Raw(server.port) as raw:
        assert raw.upgraded(f"{mine.path}/").status == 101
        raw.say(frame(b"x3d"), frame(b"a", flags=0), frame(b"a" * 100, CONTINUATION, flags=0) * 300000)
        raw.rest()
        assert mine.get(MARK_PATH).body == MARK


def test_text_that_is_no_text_from_the_driver(server: Server) -> None:
    with server.simulation() as mine:
        with Raw(server.port) as raw:
            assert raw.upgraded(f"{mine.path}/").status == 101
            raw.say(frame(b"x3d"), frame(b"\xff\xfe\xc0\x80"), frame(b"\xed\xa0\x80"))
            raw.rest()
        with mine.driven() as driver:
            driver.steps()


def test_a_second_driver(victim: Simulation) -> None:
    with victim.driven() as driver:
        for first in ("x3d", "x3d;", "w3d", "mjpeg: 800x600", "", "anything"):
            with victim.stream(first) as second, pytest.raises(ConnectionClosed):
                second.recv()
            assert second.protocol.close_code == POLICY, first
        driver.steps()


def test_a_watcher_who_was_not_invited(victim: Simulation) -> None:
    for first in ("x3d;broadcast", "x3d;a;broadcast", "w3d;broadcast", "mjpeg: 8x8;broadcast"):
        with victim.stream(first) as watcher, pytest.raises(ConnectionClosed):
            watcher.recv()
        assert watcher.protocol.close_code == POLICY, first


def test_a_watcher_gives_orders(server: Server) -> None:
    with server.simulation() as shared, shared.driven() as driver:
        shared.client.send(json.dumps({"allowBroadcast": True}))
        with watching(server, shared) as watcher:
            for order in (b"real-time:-1", b"fast:-1", b"step", b"reset", b"set controller:go/go.py:1\nevil"):
                watcher.say(frame(order))
            # In parts, in binary, in pieces, and hidden in a longer message.
            watcher.say(frame(b"real-", flags=0), frame(b"time:-1", CONTINUATION), frame(b"real-time:-1", 2))
            for byte in frame(frame(b"real-time:-1")):
                watcher.say(bytes([byte]))
            # What it is answered shows that all of it has been looked at.
            watcher.say(frame(b"all said", PING))
            while watcher.message()[1] != b"all said":
                pass
            driver.steps()
            assert driver.time == 32
            driver.stream.send("sync controller:go/go.py")
            assert "evil" not in receive(driver.stream, begins("set controller:"))
        for first in (b"x3d;broadcast\nreal-time:-1", b"reset;broadcast", b"set controller:go/go.py:1;broadcast"):
            with Raw(server.port) as raw:
                assert raw.upgraded(f"{shared.path}/").status == 101
                raw.say(frame(first))
                assert raw.closed()[0] == POLICY, first


def watching(server: Server, shared: Simulation) -> Raw:
    """Connect a watcher, as soon as the server has heard that it may watch."""
    watchers: list[Raw] = []

    def watches() -> bool:
        raw = Raw(server.port)
        assert raw.upgraded(f"{shared.path}/").status == 101
        raw.say(frame(b"x3d;broadcast"))
        if raw.message()[0] == TEXT:
            watchers.append(raw)
            return True
        raw.socket.close()
        return False

    server.wait_for(watches, "a place to watch from")
    return watchers[0]


@contextmanager
def talking(server: Server, path: str) -> Iterator[Raw]:
    """Connect a robot window."""
    with Raw(server.port) as raw:
        assert raw.upgraded(f"{path}/", Origin="null").status == 101
        raw.say(frame(b"robot:a:init robot window"))
        yield raw


def all_is_heard(window: Raw) -> None:
    """Wait until all that a window has said was looked at."""
    window.say(frame(b"all said", PING))
    while window.message()[1] != b"all said":
        pass


def test_a_robot_window_gives_orders(server: Server) -> None:
    with server.simulation() as mine, mine.driven() as driver:
        for path in (mine.windows, mine.path):
            with talking(server, path) as window:
                before = driver.time
                for order in (
                    b"real-time:-1",
                    b"fast:-1",
                    b"step",
                    b"reset",
                    b"set controller:go/go.py:1\nevil",
                    b"x3d",
                ):
                    window.say(frame(order))
                window.say(frame(b"real-", flags=0), frame(b"time:-1", CONTINUATION), frame(b"robot:a:b", 2))
                window.say(frame(frame(b"real-time:-1")), frame(b"robot:a:b\nreset"), frame(b"robot", flags=0))
                window.say(frame(b"\nreset", CONTINUATION), frame(b"robot"), frame(b" robot:a:b"))
                for byte in frame(frame(b"real-time:-1")):
                    window.say(bytes([byte]))
                all_is_heard(window)
                driver.steps()
                assert driver.time == before + 32
        driver.stream.send("sync controller:go/go.py")
        assert "evil" not in receive(driver.stream, begins("set controller:"))


def test_by_the_way_of_robot_windows_nobody_drives_or_watches(server: Server) -> None:
    with server.simulation() as mine:
        mine.client.send(json.dumps({"allowBroadcast": True}))
        for first in ("x3d", "x3d;broadcast", "mjpeg: 8x8", "reset", "", "Robot:a:b", "\nrobot:a:b", "robot"):
            with Raw(server.port) as raw:
                assert raw.upgraded(f"{mine.windows}/").status == 101
                raw.say(frame(first.encode()))
                assert raw.closed()[0] == POLICY, first
        with mine.driven() as driver:
            driver.steps()


def test_a_watcher_speaks_to_robots(server: Server) -> None:
    with server.simulation() as shared, shared.driven() as driver:
        shared.client.send(json.dumps({"allowBroadcast": True}))
        with watching(server, shared), Raw(server.port) as raw:
            assert raw.upgraded(f"{shared.path}/", Origin="null").status == 101
            raw.say(frame(b"robot:a:init robot window"))
            assert raw.closed()[0] == POLICY
        driver.steps()


def test_a_robot_window_without_end(server: Server) -> None:
    endless = {
        "a long message": frame(b"robot:" + b"a" * 10**6),
        "a message announced as huge": frame(b"robot:", length=2**62),
        "parts": frame(b"robot:", flags=0) + frame(b"a" * 100, CONTINUATION, flags=0) * 20000,
        "parts of nothing": frame(b"robot:", flags=0) + frame(b"", CONTINUATION, flags=0) * 50000,
        "tiny frames": frame(b"", TEXT) * 50000,
    }
    with server.simulation() as mine, mine.driven() as driver:
        for data in endless.values():
            with server.memory_stays(), talking(server, mine.windows) as window:
                window.say(data)
                window.rest()
        driver.steps()


def test_more_robot_windows_than_an_instance_may_have(server: Server) -> None:
    with server.simulation() as mine, ExitStack() as stack:
        statuses_seen = []
        while 503 not in statuses_seen:
            raw = stack.enter_context(Raw(server.port))
            statuses_seen.append(raw.upgraded(f"{mine.windows}/").status)
            raw.say(frame(b"robot:a:init robot window"))
        assert set(statuses_seen) == {101, 503}
        with mine.driven() as driver:
            driver.steps()


def test_log_lines_cannot_be_forged(server: Server, victim: Simulation) -> None:
    forged = "\n2030-01-01T00:00:00+0000 [forged#info] all is well\x1b[2J"
    server.told(server.init(f"a{forged}"))
    server.told(server.init(host=f"http://a{forged}"))
    server.told(json.dumps({"reset controller": forged}))
    get(server.port, f"{victim.path}/", Origin="http://a", X_Forwarded_For="a\t[forged]")
    assert "\x1b" not in server.log
    assert [line for line in server.log.splitlines() if "forged" in line.partition("[")[0] + line[:80]] == []
