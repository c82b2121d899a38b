"""The session server as it is started: C{twist webots-session} in a process of its own, and clients on real sockets."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread, Timer

import attrs
import pytest

from tests.ports import free_port

CHECKOUT = Path(__file__).parents[2]
SECONDS = 60
HANDSHAKE = (
    "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)


@attrs.define
class SimulationServer:
    """A server that tells the load that a test sets, or hangs until the test ends."""

    load: str = "10"
    hanging: bool = False
    summary: str = ""
    end: Event = attrs.field(factory=Event)
    port: int = 0

    @contextlib.contextmanager
    def running(self) -> Iterator[SimulationServer]:
        me = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                if me.hanging:
                    self.close_connection = True
                    me.end.wait()
                    return
                self.send_response(200)
                self.send_header("Content-Length", str(len(me.load)))
                if me.summary:
                    self.send_header("Webots-Cloud", me.summary)
                self.end_headers()
                self.wfile.write(me.load.encode())

            def log_message(self, *arguments: object) -> None:
                """Be quiet."""

        with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
            server.daemon_threads = True
            self.port = server.server_port
            Thread(target=server.serve_forever, daemon=True).start()
            yield self
            self.end.set()
            server.shutdown()


@attrs.frozen
class Session:
    """A running session server."""

    process: subprocess.Popen[str]
    port: int

    def wait_for_log(self, *patterns: str) -> None:
        """Read the log until each of the patterns has been found in a line of it."""
        missing = set(patterns)
        assert self.process.stdout
        for line in self.process.stdout:
            missing = {pattern for pattern in missing if not re.search(pattern, line)}
            if not missing:
                return
        pytest.fail(f"the session server ended without saying {missing}")

    def get(self, path: str) -> tuple[str, str]:
        """Ask over HTTP; give the status line and the body."""
        with self.connect() as client:
            client.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
            answer = b"".join(iter(lambda: client.recv(4096), b"")).decode()
        head, _, body = answer.partition("\r\n\r\n")
        return head.partition("\r\n")[0], body

    @contextlib.contextmanager
    def websocket(self, path: str) -> Iterator[socket.socket]:
        """Open a WebSocket; what comes after the handshake is left to read."""
        with self.connect() as client:
            client.sendall(HANDSHAKE.format(path=path).encode())
            head = b""
            while not head.endswith(b"\r\n\r\n"):
                head += client.recv(1)
            assert head.startswith(b"HTTP/1.1 101 ")
            yield client

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=SECONDS)


def frame(client: socket.socket) -> tuple[int, bytes]:
    """Read a short frame: its opcode and payload."""
    first, length = exactly(client, 2)
    return first & 0x0F, exactly(client, length)


def exactly(client: socket.socket, length: int) -> bytes:
    received = b""
    while len(received) < length:
        more = client.recv(length - len(received))
        assert more, "the session server closed the connection"
        received += more
    return received


@contextlib.contextmanager
def session(folder: Path, *servers: SimulationServer, more: str = "") -> Iterator[Session]:
    """Run a session server.

    @param more: of its configuration.
    """
    port = free_port()
    names = ", ".join(f"127.0.0.1:{server.port}" for server in servers)
    (folder / "webots-cloud.ini").write_text(
        f"[session]\nport = {port}\nsimulationServers = {names}\npollIntervalSeconds = 0.2\n"
        f"pollTimeoutSeconds = {2 * SECONDS}\n{more}"
    )
    process = subprocess.Popen(
        [sys.executable, "-m", "twisted", "--log-format=text", "webots-session", "--config", "webots-cloud.ini"],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(CHECKOUT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    watchdog = Timer(2 * SECONDS, process.kill)
    watchdog.start()
    try:
        running = Session(process, port)
        running.wait_for_log(r"\[session\] listens on")
        yield running
    finally:
        watchdog.cancel()
        process.kill()
        process.communicate()


def test_pages_are_told_and_sent_while_a_server_hangs(tmp_path: Path) -> None:
    with (
        SimulationServer("30").running() as busy,
        SimulationServer("10").running() as idle,
        SimulationServer(hanging=True).running() as hanging,
        session(tmp_path, hanging, busy, idle) as running,
    ):
        running.wait_for_log(f"127.0.0.1:{busy.port} is available", f"127.0.0.1:{idle.port} is available")

        assert running.get("/") == ("HTTP/1.1 200 OK", "1")
        assert running.get("/session?url=x") == ("HTTP/1.1 200 OK", f"ws://127.0.0.1:{idle.port}")
        assert running.get("/load") == ("HTTP/1.1 200 OK", "20.0")
        servers = json.loads(running.get("/monitor.json")[1])["servers"]
        assert servers[f"127.0.0.1:{hanging.port}"]["state"] == "unknown"
        with running.websocket("/session") as client:
            assert frame(client) == (1, f"ws://127.0.0.1:{idle.port}".encode())
            assert frame(client) == (8, b"\x03\xe8")


def test_watchers_are_told_when_a_poll_brings_a_change(tmp_path: Path) -> None:
    with SimulationServer("99").running() as server, session(tmp_path, server) as running:
        running.wait_for_log("is full")
        with running.websocket("/") as one, running.websocket("/?x=y") as other:
            for watcher in (one, other):
                assert frame(watcher) == (1, b"0")
            server.load = "98.9"
            for watcher in (one, other):
                assert frame(watcher) == (1, b"1")
            server.load = "nan"
            for watcher in (one, other):
                assert frame(watcher) == (1, b"0")
        running.wait_for_log("is not available: it answers 'nan', which is not a load in percent")
        assert running.get("/session")[1] == "Error: no simulation server available at the moment."


def test_it_stops_with_a_goodbye_and_leaves_nothing(tmp_path: Path) -> None:
    with SimulationServer("1").running() as server, session(tmp_path, server) as running:
        running.wait_for_log("simulations can be started")
        with running.websocket("/") as watcher, running.connect() as kept:
            assert frame(watcher) == (1, b"1")
            kept.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            answer = b""
            while not answer.endswith(b"\r\n\r\n1"):
                answer += exactly(kept, 1)
            running.process.send_signal(signal.SIGTERM)

            assert frame(watcher) == (8, b"\x03\xe9")
            watcher.sendall(b"\x88\x82\0\0\0\0\x03\xe9")
            assert kept.recv(4096) == b""
            output, _ = running.process.communicate(timeout=SECONDS)
        assert running.process.returncode == 0 or running.process.returncode == -signal.SIGTERM
        assert "Traceback" not in output
        assert "Unhandled" not in output


def test_the_help_tells_of_the_configuration(tmp_path: Path) -> None:
    told = subprocess.run(
        [sys.executable, "-m", "twisted", "webots-session", "--help"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(CHECKOUT)},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=True,
    ).stdout

    assert "--config" in told
    assert "least loaded simulation" in told
