"""A load test: whom it may load, what a client counts as, and the figures."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable, Iterator
from typing import Any

import psutil
import pytest
from twisted.internet import reactor
from twisted.trial.unittest import TestCase
from websockets.sync.server import Server, ServerConnection, serve

from tests.command.commanding import told, webots_cloud
from tests.command.test_command_check import http_server
from webots_cloud.command.loading import report
from webots_cloud.command.loading.client import Outcome
from webots_cloud.command.loading.locality import is_this_machine


class Locality(TestCase):
    async def test_this_machine_is_known_by_all_its_addresses(self) -> None:
        own = [
            entry.address for entries in psutil.net_if_addrs().values() for entry in entries if entry.family in (2, 10)
        ]
        for host in ("localhost", "127.0.0.1", "127.1.2.3", "[::1]", *own):
            assert await is_this_machine(reactor, host), host

    async def test_others_are_not(self) -> None:
        for host in ("192.0.2.1", "[2001:db8::1]", "is-not-there.invalid"):
            assert not await is_this_machine(reactor, host), host


def test_the_figures() -> None:
    outcomes = [Outcome(0.1, float(second), second + 0.5) for second in range(1, 100)]
    found = report.figures([*outcomes, Outcome(0.1, None, None, "no world"), Outcome(failure="no server")])
    assert (found["clients"], found["failed"]) == (101, 2)
    assert found["failures"] == {"no world": 1, "no server": 1}
    started = found["seconds"]["started"]
    assert started == {"clients": 99, "median": 50.0, "p90": 90.0, "p99": 99.0, "longest": 99.0}
    shown = report.text(found)
    assert "Clients: 101; of these failed: 2." in shown
    assert "no world" in shown


def test_without_anybody_there_are_no_figures() -> None:
    found = report.figures([Outcome(failure="no server")])
    assert found["seconds"]["shown"]["median"] is None
    assert "-" in report.text(found)


@contextlib.contextmanager
def websockets(handle: Callable[[ServerConnection], None]) -> Iterator[int]:
    with serve(handle, "127.0.0.1", 0) as server:
        running: Server = server
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield running.socket.getsockname()[1]
        running.shutdown()


def loaded(answer: str, *more: object, session_status: int = 200, status: int = 1) -> Any:
    """Have one client come to a session server that gives an answer; give why it failed."""
    with http_server(answer, session_status) as session:
        found = told("load-test", f"localhost:{session}", "-n", 1, "--rate", 50, "--stay", 0, *more, status=status)
    assert found["clients"] == 1
    return next(iter(found["failures"]), "")


def test_a_client_says_what_a_page_says_and_never_a_secret() -> None:
    heard: list[str] = []

    def simulation(socket: ServerConnection) -> None:
        assert socket.request
        heard.append(socket.request.path)
        heard.append(str(socket.recv()))
        if socket.request.path == "/client":
            socket.send("queue:1")
            socket.send("loading: It is your turn.")
            socket.send(f"webots:ws://127.0.0.1:{port}/webots/secret-path")
        else:
            socket.send("world:a.wbt:a.wbt")
            socket.send("model:<x3d/>")
        with contextlib.suppress(Exception):
            socket.recv()

    with websockets(simulation) as port:
        assert (
            loaded(f"ws://127.0.0.1:{port}", "--host", "http://a.org", "--project", "p", "--world", "w.wbt", status=0)
            == ""
        )
    path, asked, view, said = heard
    assert (path, view, said) == ("/client", "/webots/secret-path/", "x3d")
    assert json.loads(asked) == {"init": ["http://a.org", "p", "w.wbt", "", "", "", "", "", ""]}


def test_every_way_to_fail_has_a_reason() -> None:
    def refuses(socket: ServerConnection) -> None:
        socket.recv()
        socket.send("error: The project is not there.")

    def leaves(socket: ServerConnection) -> None:
        socket.recv()

    def stalls(socket: ServerConnection) -> None:
        socket.recv()
        socket.recv()

    assert loaded("Error: no simulation server available at the moment.").startswith("Error: no simulation server")
    assert loaded("", session_status=502) == "the session server's status is 502"
    assert "nonsense" in loaded("nonsense")
    assert "192.0.2.7, which is not this machine (--yes allows it)" in loaded("ws://192.0.2.7:2000")
    assert loaded("ws://127.0.0.1:1").startswith("cannot connect")
    with websockets(refuses) as port:
        assert loaded(f"ws://127.0.0.1:{port}") == "The project is not there."
    with websockets(leaves) as port:
        assert loaded(f"ws://127.0.0.1:{port}").startswith("the server closed the connection")
    with websockets(stalls) as port:
        assert loaded(f"ws://127.0.0.1:{port}", "--timeout", 1) == "no world within 1 s"
    with http_server("no socket") as port:
        assert loaded(f"ws://127.0.0.1:{port}").startswith("the server refuses the WebSocket")


def test_a_simulation_that_ends_early_is_a_failure() -> None:
    def ends(socket: ServerConnection) -> None:
        socket.recv()
        assert socket.request
        if socket.request.path == "/client":
            socket.send(f"webots:ws://127.0.0.1:{port}/x")
            with contextlib.suppress(Exception):
                socket.recv()
        else:
            socket.send("model:")

    with websockets(ends) as port:
        assert loaded(f"ws://127.0.0.1:{port}", "--stay", 60) == "the simulation ended before the client left"


@pytest.mark.parametrize(
    "url", ["ws://192.0.2.1:1999", "https://192.0.2.1", "192.0.2.1:1999", "is-not-there.invalid:1"]
)
def test_another_machine_is_loaded_only_by_who_says_so(url: str) -> None:
    refused = webots_cloud("load-test", url)
    assert refused.returncode == 2
    assert refused.stdout == ""
    assert "its operator must know of a load test: give --yes" in refused.stderr
