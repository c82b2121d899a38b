"""What strangers send too much of, too slowly, too often or from too many: others are served on, and memory stays."""

from __future__ import annotations

import json
import resource
import select
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

import pytest

from tests.e2e.exposed import MARK, WORLD, Driver, Server, exposed, state_time
from tests.e2e.page import begins, receive
from tests.e2e.program import PATIENCE
from tests.e2e.raw import CONTINUATION, PING, PONG, TEXT, UPGRADE, Raw, ask, frame, get, request, statuses

pytestmark = pytest.mark.usefixtures("nobody_else_notices")
MARK_PATH = "/worlds/textures/mark.png"
SECONDS = 3
"""How long a client may take to say what it wants."""
SOCKETS = 200
"""How many connections an address may have by default."""
HALF_OPEN = 10_000
AT_ONCE = 40
FILES = 300
LARGE = 30 * 10**6


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    place = tmp_path_factory.mktemp("server")
    large = place / "projects" / "large"
    for folder in ("worlds/textures", "controllers/big"):
        (large / folder).mkdir(parents=True)
    (large / "worlds" / "large.wbt").write_text(WORLD)
    (large / "worlds" / "textures" / "large.png").write_bytes(bytes(LARGE))
    (large / "worlds" / "textures" / "mark.png").write_bytes(MARK)
    (large / "controllers" / "big" / "big.py").write_text("# big\n" * 150000)
    with exposed(place, requestTimeoutSeconds=SECONDS) as server:
        yield server


@contextmanager
def as_many_files_as_allowed() -> Iterator[None]:
    """Let this process have many sockets."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (before[1], before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


def closed(sockets: list[socket.socket]) -> int:
    """Tell how many of some sockets the other end has closed: it sends nothing on them."""
    poll = select.poll()
    for one in sockets:
        poll.register(one, select.POLLIN)
    return len(poll.poll(0))


def half_open(server: Server, stack: ExitStack, source: str) -> list[socket.socket]:
    """Connect, and say nothing or half of something; the server has seen them all when this returns."""
    sockets = []
    for number in range(AT_ONCE):
        # It may be closed before this knows that it is open.
        with suppress(ConnectionResetError):
            one = socket.create_connection(("127.0.0.1", server.port), PATIENCE, (source, 0))
            sockets.append(stack.enter_context(one))
            one.send(b"GET /lo" if number % 2 else b"")
    assert get(server.port, "/load", "127.0.0.3").status == 200
    return sockets


def is_served(server: Server, source: str) -> bool:
    return statuses(ask(server.port, request("/load", {"Connection": "close"}), source)) == [200]


def test_ten_thousand_half_open_connections_from_one_address(server: Server, honest: Driver) -> None:
    attacker, other = "127.0.0.1", "127.0.0.2"
    with as_many_files_as_allowed(), ExitStack() as stack, server.memory_stays():
        sockets: list[socket.socket] = []
        for round in range(HALF_OPEN // AT_ONCE):
            sockets += half_open(server, stack, attacker)
            if round == HALF_OPEN // AT_ONCE // 2:
                assert not is_served(server, attacker)
                with server.simulation(other) as simulation, simulation.driven() as driver:
                    driver.steps()
                honest.steps()
        assert len(sockets) - closed(sockets) <= SOCKETS
        # Though it holds on to all of them.
        server.wait_for(lambda: is_served(server, attacker), "the address to be served again")
    assert len([line for line in server.output if f"{attacker} has {SOCKETS} connections" in line]) in (1, 2)


def test_more_connections_from_many_addresses_than_the_server_may_have_files(server: Server, honest: Driver) -> None:
    with ExitStack() as stack, server.limited_to_files(FILES):
        for number in range(FILES // AT_ONCE + 2):
            for _ in range(AT_ONCE):
                with suppress(ConnectionResetError):
                    source = (f"127.0.1.{number // 4}", 0)
                    stack.enter_context(socket.create_connection(("127.0.0.1", server.port), PATIENCE, source))
        honest.stream.send("step")
        honest.time = state_time(receive(honest.stream, begins("time: ")))
        server.wait_for(lambda: is_served(server, "127.0.0.2"), "room for others")


def a_page(server: Server, source: str) -> Raw:
    """Connect a page of which nothing is known yet."""
    raw = Raw(server.port, source)
    assert raw.upgraded("/client").status == 101
    return raw


SLOW = {
    "nothing": (b"", b""),
    "a request line": (b"", b"GET /load"),
    "a header": (b"GET /load HTTP/1.1\r\nX: ", b"aaaaaaaaaaaa"),
    "many headers": (b"GET /load HTTP/1.1\r\n", b"a:b\r\n" * 3),
    "a body": (request("/load", {"Content-Length": "1000"}, "POST"), b"aaaaaaaaaaaa"),
    "chunks": (request("/load", {"Transfer-Encoding": "chunked"}, "POST"), b"1\r\na\r\n" * 3),
    "a handshake": (request("/client", UPGRADE)[:-2], b"X: aaaaaaaaaaaa"),
    "a first message to the server": (request("/client", UPGRADE), frame(b"a" * 100)),
    "parts of a first message to the server": (
        request("/client", UPGRADE),
        frame(b"", TEXT, 0) + frame(b"a" * 9, 0, 0),
    ),
    "the second of two requests": (request("/load"), b"GET /load"),
}


def test_what_comes_byte_by_byte_is_not_waited_for(server: Server) -> None:
    begun = time.monotonic()
    with ExitStack() as stack:
        waiting = {what: stack.enter_context(Raw(server.port, "127.0.0.4")) for what in SLOW}
        for what, raw in waiting.items():
            raw.say(SLOW[what][0])
        seconds = 0
        while waiting:
            assert time.monotonic() - begun < 4 * SECONDS, list(waiting)
            for what, raw in waiting.items():
                raw.say(SLOW[what][1][seconds : seconds + 1])
            ready = select.select([raw.socket for raw in waiting.values()], [], [], 1)[0]
            waiting = {what: raw for what, raw in waiting.items() if raw.socket not in ready or not raw.is_over()}
            seconds = int(time.monotonic() - begun)
    assert time.monotonic() - begun > SECONDS - 1


def test_a_viewer_who_says_nothing_is_not_waited_for(server: Server) -> None:
    with server.simulation("127.0.0.4") as simulation, Raw(server.port) as silent, Raw(server.port) as slow:
        for raw in (silent, slow):
            assert raw.upgraded(f"{simulation.path}/").status == 101
        # Signs of life are no message.
        slow.say(frame(b"a", PING), frame(b"x3d", flags=0))
        assert silent.closed()[0] == slow.closed()[0] == 1008


def test_viewers_who_read_nothing(server: Server) -> None:
    message = server.init("large", "large.wbt")
    with server.simulation("127.0.0.5", message) as shared, shared.driven() as driver, ExitStack() as stack:
        shared.client.send(json.dumps({"allowBroadcast": True}))
        with server.memory_stays():
            for _ in range(10):
                deaf = stack.enter_context(Raw(server.port, "127.0.0.6"))
                deaf.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                deaf.say(request(f"{shared.path}/worlds/textures/large.png"))
                watcher = stack.enter_context(Raw(server.port, "127.0.0.6"))
                watcher.say(request(f"{shared.path}/", UPGRADE), frame(b"x3d;broadcast"))
            for _ in range(10):
                driver.stream.send("revert")
                receive(driver.stream, begins("scene load completed"))
            driver.time = 0
            driver.steps()
            with Raw(server.port, "127.0.0.5") as other:
                other.say(request(f"{shared.path}/worlds/textures/large.png"))
                assert len(other.answer().body) == LARGE


def test_a_driver_who_asks_for_much_and_reads_nothing(server: Server) -> None:
    message = server.init("large", "large.wbt")
    with server.simulation("127.0.0.5", message) as mine, server.memory_stays(), Raw(server.port) as deaf:
        deaf.say(request(f"{mine.path}/", UPGRADE), frame(b"x3d"), frame(b"get controller:big") * 60)
        assert mine.get(MARK_PATH).body == MARK


def test_answers_that_are_not_read(server: Server) -> None:
    with server.memory_stays(), ExitStack() as stack:
        for path in ("/monitor", "/monitor.json", "/monitor/simulation.js", "/load", "/absent", "/webots/guess/"):
            deaf = stack.enter_context(Raw(server.port, "127.0.0.7"))
            deaf.flood(request(path), 5 * 10**6)


@pytest.mark.parametrize("opcode", [PING, PONG])
def test_a_flood_of_signs_of_life(server: Server, honest: Driver, opcode: int) -> None:
    with server.simulation("127.0.0.8") as simulation, server.memory_stays(), ExitStack() as stack:
        for path in ("/client", f"{simulation.path}/"):
            raw = stack.enter_context(Raw(server.port, "127.0.0.8"))
            assert raw.upgraded(path).status == 101
            raw.say(frame(b"x3d") if path != "/client" else b"")
            raw.flood(frame(b"a" * 125, opcode), 30 * 10**6)
            honest.steps()


def test_small_frames_do_not_keep_others_waiting(server: Server, honest: Driver) -> None:
    longest = []
    flooding = threading.Event()
    flooding.set()

    def flood() -> None:
        while flooding.is_set():
            for data in (frame(b"", PING), frame(b"", CONTINUATION, 0)):
                with a_page(server, "127.0.0.9") as raw:
                    raw.say(frame(b"", TEXT, 0))
                    raw.flood(data, 10**6)

    attacker = threading.Thread(target=flood)
    attacker.start()
    for _ in range(20):
        begun = time.monotonic()
        honest.steps()
        longest.append(time.monotonic() - begun)
    flooding.clear()
    attacker.join(PATIENCE)
    assert sorted(longest)[len(longest) // 2] < 0.5, longest


def test_messages_that_are_too_long(server: Server) -> None:
    source = "127.0.0.10"
    with server.memory_stays(), server.simulation("127.0.0.11") as simulation:
        for message in (b" " * (64 * 1024 + 1), b" " * 10**6):
            assert "more than 64 KiB" in server.told(message, source)
        for begin in (b"", frame(server.init().encode())):
            for length in (2**63 - 1, 2**40, 64 * 1024 + 1):
                with a_page(server, source) as raw:
                    raw.say(begin, frame(length=length), b"a" * 10**6)
                    assert b"more than 64 KiB" in raw.rest()
        assert simulation.get(MARK_PATH).body == MARK


def test_messages_without_end(server: Server) -> None:
    source = "127.0.0.10"
    with server.memory_stays():
        for begin in (b"", frame(server.init().encode())):
            for payload in (b"", b"a", b"a" * 1000):
                with a_page(server, source) as raw:
                    raw.say(begin, frame(payload, TEXT, 0))
                    raw.flood(frame(payload, CONTINUATION, 0), 20 * 10**6)
                    raw.rest()


def test_text_that_is_no_text(server: Server) -> None:
    for payload in (b"\xff\xfe", b"\xc0\x80", b"\xed\xa0\x80", b'{"init": "\xff"}', b"\0" * 1000):
        with a_page(server, "127.0.0.11") as raw:
            raw.say(frame(payload))
            assert b"it is not JSON" in raw.message()[1]


JSON = {
    "lists in lists": "[" * 60000,
    "objects in objects": '{"a":' * 13000,
    "an init of lists": '{"init": ' + "[" * 30000 + "]" * 30000 + "}",
    "a long number": '{"init": ' + "9" * 60000 + "}",
    "a huge exponent": '{"init": [1e999999999, 1, 1, 1, 1, 1, 1, 1, 1]}',
    "many members": "{" + ",".join(f'"{number}":0' for number in range(6000)) + "}",
    "many fields": '{"init": [' + ",".join("0" * 30000) + "]}",
    "long names": json.dumps({"init": ["http://" + "a" * 60000, "b", "c", "", "", "", "", "", ""]}),
    "no numbers": '{"init": [NaN, Infinity, -Infinity, 1, 1, 1, 1, 1, 1]}',
    "escapes": '{"init": ["' + "\\u0000" * 10000 + '", "", "", "", "", "", "", "", ""]}',
    "halves of characters": '{"init": ["\\ud800", "\\udfff", "", "", "", "", "", "", ""]}',
}


@pytest.mark.parametrize("text", JSON.values(), ids=JSON)
def test_json_that_is_meant_to_burst(server: Server, text: str) -> None:
    begun = time.monotonic()
    with server.memory_stays():
        assert len(server.told(text, "127.0.0.12")) < 500
    assert time.monotonic() - begun < SECONDS


def test_pages_that_come_and_go(server: Server) -> None:
    reset = b"\1\0\0\0\0\0\0\0"
    for data in (b"", request("/load"), request("/client", UPGRADE)):
        for number in range(300):
            with Raw(server.port, "127.0.0.13") as raw:
                raw.say(data)
                raw.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset)
            if number % AT_ONCE == 0:
                # All before it have come by.
                assert server.monitor("instances") == 1
    for count in range(5):
        with a_page(server, "127.0.0.13") as raw:
            raw.say(frame(server.init().encode()))
            server.wait_for(lambda: server.monitor("instances") > 1, "it to begin")
            if count % 2:
                raw.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset)
        server.wait_for(lambda: server.monitor("instances") == 1, "what it began to be ended")
