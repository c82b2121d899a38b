"""SIGTERM to a server as it is started: who is told what, what goes on meanwhile, and when the process ends."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen

import psutil
import pytest
from websockets.sync.client import ClientConnection, connect

from tests.ports import free_ports
from tests.simulation.stage import NEVER_OPENS, OPENS, PATIENCE_SECONDS, WORLD

CHECKOUT = Path(__file__).resolve().parents[2]
STOPPING = "error: This server is being stopped; start the simulation again to get another one."


class Server:
    """A running server.

    @ivar log: the lines it has written.
    """

    def __init__(self, folder: Path, kind: str, **options: object) -> None:
        self.session, self.simulation, self.host = free_ports(3)
        self.folder = folder
        self.instances = folder / "state" / "instances"
        self._lay_out(options)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "twisted", "--log-format=text", kind, "--config", "test.ini"],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(CHECKOUT), "STATE_DIRECTORY": str(folder / "state")},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._watchdog = threading.Timer(2 * PATIENCE_SECONDS, self.process.kill)
        self._watchdog.start()
        self.log: list[str] = []
        self.wait_for_log(r"\[simulation\] listens on")
        # An answer shows that the reactor runs, and that SIGTERM is not what it is to any process that has just begun.
        self.get("/load")

    def _lay_out(self, options: dict[str, object]) -> None:
        for name in ("state/keys", "state/instances", "webots", "projects/simple/worlds"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        (self.folder / "projects" / "simple" / "worlds" / "simple.wbt").write_text(WORLD)
        (self.folder / "state" / "keys" / "localhost").write_text("the key\n")
        (self.folder / "state" / "keys" / "localhost").chmod(0o600)
        self.simulator_is(OPENS)
        given = {
            "webotsHome": self.folder / "webots",
            "projectsDir": self.folder / "projects",
            "display": ":99",
            "sandbox": "none",
            "network": "host",
            "gate": "direct",
            **options,
        }
        (self.folder / "test.ini").write_text(
            f"[session]\nport = {self.session}\nsimulationServers = localhost:{self.simulation}\n"
            f"pollIntervalSeconds = 0.2\n[host]\nport = {self.host}\n[simulation]\nport = {self.simulation}\n"
            + "".join(f"{name} = {value}\n" for name, value in given.items())
        )

    def simulator_is(self, script: str) -> None:
        (self.folder / "webots" / "webots").write_text(script)
        (self.folder / "webots" / "webots").chmod(0o755)

    def wait_for_log(self, pattern: str) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            self.log.append(line)
            if re.search(pattern, line):
                return
        pytest.fail(f"it ended without saying {pattern}:\n" + "".join(self.log))

    def get(self, path: str, port: int = 0) -> str:
        with urlopen(f"http://localhost:{port or self.simulation}{path}", timeout=PATIENCE_SECONDS) as answer:
            return str(answer.read().decode())

    def running_instances(self) -> int:
        """Tell how many instances the monitor page counts."""
        return int(json.loads(self.get("/monitor.json"))["totals"]["instances"])

    def terminate(self, number: signal.Signals = signal.SIGTERM) -> None:
        self.process.send_signal(number)

    def wait_for_end(self, status: signal.Signals = signal.SIGTERM) -> None:
        """Wait for the end of the process: as without draining, and with nothing left."""
        assert self.process.stdout
        self.log += list(self.process.stdout)
        assert self.process.wait(PATIENCE_SECONDS) == -status, "".join(self.log)
        assert not [line for line in self.log if "Traceback" in line or "Unhandled" in line], "".join(self.log)
        assert [path for path in self.instances.iterdir() if path.is_dir()] == []
        noted = self.folder / "webots" / "pids"
        pids = [int(line) for line in noted.read_text().split()] if noted.exists() else []
        assert not [pid for pid in pids if psutil.pid_exists(pid)]

    def has_said(self, pattern: str) -> bool:
        return any(re.search(pattern, line) for line in self.log)

    def close(self) -> None:
        self._watchdog.cancel()
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()


class Client:
    """A page."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        fields = ["http://localhost:8080", "simple", "simple.wbt", *[""] * 6]
        self.socket.send(json.dumps({"init": fields}))

    def hears(self, beginning: str) -> str:
        """Wait for a message that begins so; others before it are dropped."""
        while True:
            text = self.socket.recv(PATIENCE_SECONDS)
            assert isinstance(text, str)
            if text.startswith(beginning):
                return text
            assert not text.startswith("error:"), text

    def is_let_go(self) -> bool:
        """Wait until the server closes the socket; tell whether it said nothing more."""
        return list(self.socket) == []


class Stage:
    """A server with its clients, all of which are gone in the end."""

    def __init__(self, folder: Path, ending: contextlib.ExitStack) -> None:
        self._folder = folder
        self._ending = ending

    def serve(self, kind: str = "webots-simulation", **options: object) -> Server:
        self.server = Server(self._folder, kind, **options)
        self._ending.callback(self.server.close)
        return self.server

    def client(self) -> Client:
        opening = connect(f"ws://localhost:{self.server.simulation}/client", open_timeout=PATIENCE_SECONDS, proxy=None)
        return Client(self._ending.enter_context(opening))

    def started(self) -> Client:
        client = self.client()
        client.hears("webots:")
        assert client.hears("shutdownTimeout:") == "shutdownTimeout: 7200"
        return client


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with contextlib.ExitStack() as ending:
        yield Stage(tmp_path, ending)


def test_without_clients_it_ends_at_once(stage: Stage) -> None:
    server = stage.serve()
    server.terminate()
    server.wait_for_end()
    assert server.has_said("SIGTERM: no client has a simulation; the server ends")


def test_a_page_that_has_started_nothing_does_not_keep_it(stage: Stage) -> None:
    server = stage.serve(requestTimeoutSeconds=1000)
    with connect(f"ws://localhost:{server.simulation}/client", proxy=None) as idle:
        server.terminate()
        server.wait_for_end()
        assert list(idle) == []


def test_it_ends_when_the_last_client_has_left(stage: Stage) -> None:
    server = stage.serve()
    first, second = stage.started(), stage.started()
    server.terminate()
    for client in (first, second):
        assert client.hears("shutdownTimeout:") == "shutdownTimeout: 300"
    server.wait_for_log("SIGTERM: no new clients; the server ends when the 2 that have a simulation have left, at the")
    assert server.get("/load") == "100.0"
    assert server.running_instances() == 2
    late = stage.client()
    assert late.hears("error:") == STOPPING
    assert late.is_let_go()
    first.socket.send(json.dumps({"reset controller": "go/absent.py"}))
    assert "no controller file" in first.socket.recv(PATIENCE_SECONDS)
    first.socket.close()
    server.wait_for_log("instance 1: ended")
    assert server.running_instances() == 1
    second.socket.close()
    server.wait_for_end()


def test_it_ends_when_the_time_is_up_and_tells_those_that_are_left(stage: Stage) -> None:
    server = stage.serve(drainTimeoutSeconds=1)
    client = stage.started()
    server.terminate()
    assert client.hears("shutdownTimeout:") == "shutdownTimeout: 1"
    assert client.hears("error:") == STOPPING
    assert client.is_let_go()
    server.wait_for_end()


def test_a_client_that_has_less_time_left_is_not_told_of_more(stage: Stage) -> None:
    server = stage.serve(totalTimeoutSeconds=100)
    client = stage.client()
    assert client.hears("shutdownTimeout:") == "shutdownTimeout: 100"
    server.terminate()
    server.wait_for_log("SIGTERM: no new clients")
    server.terminate()
    assert list(client.socket) == [STOPPING]
    server.wait_for_end()


def test_a_second_sigterm_ends_it_at_once(stage: Stage) -> None:
    server = stage.serve()
    client = stage.started()
    server.terminate()
    client.hears("shutdownTimeout:")
    server.terminate()
    assert client.hears("error:") == STOPPING
    server.wait_for_end()
    assert server.has_said("SIGTERM again: the server ends at once")


def test_more_of_them_do_no_harm(stage: Stage) -> None:
    server = stage.serve(endTimeoutSeconds=1)
    server.simulator_is("#!/bin/sh\ntrap '' TERM\necho open\nexec sleep 1000\n")
    client = stage.started()
    server.terminate()
    client.hears("shutdownTimeout:")
    server.terminate()
    client.hears("error:")
    server.terminate()
    server.wait_for_end()
    assert server.has_said("SIGTERM: the server is ending already")


@pytest.mark.parametrize("draining", [False, True])
def test_ctrl_c_ends_it_at_once(stage: Stage, draining: bool) -> None:
    server = stage.serve()
    client = stage.started()
    if draining:
        server.terminate()
        client.hears("shutdownTimeout:")
    server.terminate(signal.SIGINT)
    assert client.hears("error:") == STOPPING
    server.wait_for_end(signal.SIGINT)


def test_clients_that_wait_for_a_place_are_let_go(stage: Stage) -> None:
    server = stage.serve(maxConnections=1)
    first = stage.started()
    waiting = [stage.client() for _ in range(3)]
    for ahead, client in enumerate(waiting):
        assert client.hears("queue:") == f"queue:{ahead}"
    server.terminate()
    for client in waiting:
        assert client.hears("error:") == STOPPING
        assert client.is_let_go()
    assert first.hears("shutdownTimeout:") == "shutdownTimeout: 300"
    first.socket.close()
    server.wait_for_end()


def test_a_simulation_that_starts_may_go_on(stage: Stage) -> None:
    server = stage.serve()
    wait = 'until [ -e "$WEBOTS_HOME/go" ]; do sleep 0.01; done\n'
    server.simulator_is(NEVER_OPENS.replace("exec", wait + "echo open\nexec"))
    client = stage.client()
    server.wait_for_log("instance 1: fetches")
    server.terminate()
    assert client.hears("shutdownTimeout:") == "shutdownTimeout: 300"
    (server.folder / "webots" / "go").touch()
    client.hears("webots:")
    client.socket.close()
    server.wait_for_end()


def test_in_one_process_the_other_servers_go_on_meanwhile(stage: Stage) -> None:
    server = stage.serve("webots-cloud")
    server.wait_for_log("simulations can be started|is available")
    client = stage.started()
    server.terminate()
    client.hears("shutdownTimeout:")
    server.wait_for_log("is full|no simulation can be started|is not available")
    assert server.get("/", server.session) == "0"
    assert server.get("/session", server.session).startswith("Error:")
    assert "<html" in server.get("/", server.host)
    assert server.running_instances() == 1
    client.socket.close()
    server.wait_for_end()
