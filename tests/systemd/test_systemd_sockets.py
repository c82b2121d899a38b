"""A session server as systemd starts it: with a socket that stays when it is started again, and told how it is."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.request import urlopen

import attrs
import pytest
from websockets.exceptions import ConnectionClosedError, ConnectionClosedOK
from websockets.sync.client import ClientConnection, connect

from webots_cloud.config import read_config

PATIENCE = 120.0
ACTIVATED = """
import os, sys
descriptor, name, *command = sys.argv[1:]
os.dup2(int(descriptor), 3)
os.environ |= {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "1", "LISTEN_FDNAMES": name}
os.execv(command[0], command)
"""
"""Does what systemd does in the process that becomes the server."""
NOBODY = "simulationServers = localhost:9\n"


@attrs.define
class Manager:
    """What systemd is to a server: it has its socket, and hears of it.

    @ivar listening: the server's socket.
    @ivar hears: where it is told.
    """

    listening: socket.socket
    hears: socket.socket
    name: str = "session"

    @property
    def port(self) -> int:
        return int(self.listening.getsockname()[1])

    def start(self, *more: str) -> subprocess.Popen[bytes]:
        """Start the server."""
        Path("test.ini").write_text("".join(["[session]\n", NOBODY, *more]))
        server = [sys.executable, "-m", "twisted", "webots-session", "--config", "test.ini"]
        return subprocess.Popen(
            [sys.executable, "-c", ACTIVATED, str(self.listening.fileno()), self.name, *server],
            env=os.environ | {"NOTIFY_SOCKET": str(Path("notify").resolve()), "WATCHDOG_USEC": "1000000"},
            pass_fds=[self.listening.fileno()],
        )

    def hear(self, beginning: str) -> str:
        """Wait until it is told something."""
        while not (message := self.hears.recv(4096).decode()).startswith(beginning):
            pass
        return message

    @contextmanager
    def running(self, *more: str) -> Iterator[subprocess.Popen[bytes]]:
        """Run the server, from when it is ready until it has ended."""
        server = self.start(*more)
        try:
            self.hear("READY=1")
            yield server
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait(PATIENCE)

    def watcher(self) -> ClientConnection:
        return connect(f"ws://127.0.0.1:{self.port}/", proxy=None, open_timeout=PATIENCE, close_timeout=PATIENCE)


@pytest.fixture(params=[(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::")], ids=["version 4", "both versions"])
def manager(request: pytest.FixtureRequest) -> Iterator[Manager]:
    family, address = request.param
    with socket.socket(family) as listening, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as hears:
        if family == socket.AF_INET6:
            listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        listening.bind((address, 0))
        listening.listen(1000)
        hears.bind("notify")
        hears.settimeout(PATIENCE)
        yield Manager(listening, hears)


def test_who_comes_while_it_is_started_again_waits_and_is_answered(manager: Manager) -> None:
    with manager.running(), manager.watcher() as watcher:
        assert watcher.recv(PATIENCE) == "0"
        first = watcher
    with pytest.raises((ConnectionClosedOK, ConnectionClosedError)):
        first.recv(PATIENCE)

    # Nobody runs now: who comes is neither answered nor refused.
    with socket.create_connection(("127.0.0.1", manager.port), PATIENCE) as waiting:
        waiting.sendall(b"GET /load HTTP/1.0\r\n\r\n")
        with manager.running():
            assert waiting.recv(4096).startswith(b"HTTP/1.0 200")
            with manager.watcher() as again:
                assert again.recv(PATIENCE) == "0"


def test_watchers_are_told_that_the_server_goes_and_none_that_comes_meanwhile_is_refused(manager: Manager) -> None:
    codes = []
    with ExitStack() as connected:
        with manager.running():
            watchers = [connected.enter_context(manager.watcher()) for _ in range(20)]
            assert [watcher.recv(PATIENCE) for watcher in watchers] == ["0"] * 20
        for watcher in watchers:
            with pytest.raises((ConnectionClosedOK, ConnectionClosedError)):
                watcher.recv(PATIENCE)
            codes.append(watcher.protocol.close_code)
    assert codes == [1001] * 20
    # As their clients connect again, before the server is there.
    connecting = [socket.create_connection(("127.0.0.1", manager.port), PATIENCE) for _ in range(20)]
    with manager.running():
        for each in connecting:
            each.sendall(b"GET / HTTP/1.0\r\n\r\n")
            assert each.recv(4096).startswith(b"HTTP/1.0 200")
            each.close()


def test_systemd_hears_that_it_is_ready_how_it_is_that_it_lives_and_that_it_ends(manager: Manager) -> None:
    server = manager.start()
    try:
        manager.hear("READY=1")
        # It listens by now.
        with urlopen(f"http://127.0.0.1:{manager.port}/", timeout=PATIENCE) as answer:
            assert answer.read() == b"0"
        manager.hear("STATUS=0 of 1 simulation servers available, 0 watchers")
        for _ in range(2):
            manager.hear("WATCHDOG=1")
        with manager.watcher() as watcher:
            assert watcher.recv(PATIENCE) == "0"
            manager.hear("STATUS=0 of 1 simulation servers available, 1 watchers")
        server.send_signal(signal.SIGTERM)
        manager.hear("STOPPING=1")
        manager.hear("STATUS=ending: ")
    finally:
        server.kill()
        server.wait(PATIENCE)


def test_addresses_that_clients_are_told_have_the_sockets_port(manager: Manager) -> None:
    told = (
        "from webots_cloud.config import read_config; one = read_config(None, ()).session; "
        "print(one.url('ws'), *one.endpoints, *one.tls_endpoints)"
    )
    command = [sys.executable, "-c", ACTIVATED, str(manager.listening.fileno()), "session", sys.executable, "-c", told]
    printed = subprocess.run(
        command, pass_fds=[manager.listening.fileno()], capture_output=True, text=True, check=True
    ).stdout
    family = manager.listening.family.name.removeprefix("AF_")
    assert printed.split() == [f"ws://localhost:{manager.port}", f"systemd:domain={family}:name=session"]


@pytest.mark.parametrize(
    ("name", "plain", "encrypted"),
    [
        ("session", "", "systemd:domain=INET:name=session"),
        ("session-https", "", "systemd:domain=INET:name=session-https"),
        ("simulation", "", "tcp:1999"),
        ("session-http", "systemd:domain=INET:name=session-http", ""),
    ],
)
def test_a_sockets_name_says_what_it_is_for_where_there_is_a_certificate(name: str, plain: str, encrypted: str) -> None:
    told = (
        "from attrs import evolve; from webots_cloud.config import read_config; "
        "one = evolve(read_config(None, ()).session, automatic=True); "
        "print(list(one.endpoints), list(one.tls_endpoints), *[option for option, _ in one.contradictions()])"
    )
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        command = [sys.executable, "-c", ACTIVATED, str(listening.fileno()), name, sys.executable, "-c", told]
        printed = subprocess.run(
            command, pass_fds=[listening.fileno()], capture_output=True, text=True, check=True
        ).stdout.strip()
    wrong = " listen" if plain else ""
    assert printed == f"{[plain] if plain else []} {[encrypted] if encrypted else []}{wrong}"


def test_without_systemd_there_is_no_socket() -> None:
    config = read_config(None, ()).session
    assert config.inherited == ()
    assert config.endpoints == ("tcp:1999",)
