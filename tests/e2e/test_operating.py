"""The servers, and the command of whoever runs them: what it is told, drains, ends and loads."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.command.commanding import told, webots_cloud
from tests.e2e.cloud import CHECKOUT, Cloud, running
from tests.e2e.page import begins, open_socket, receive, simulation
from tests.e2e.program import PATIENCE

pytestmark = pytest.mark.alone

PROJECT = ("obstacle_course", "obstacle_course.wbt")


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    state = tmp_path_factory.mktemp("servers")
    with running([str(CHECKOUT / "script" / "server")], state) as cloud:
        yield cloud


@pytest.fixture
def place(servers: Cloud) -> list[object]:
    """Options by which the command finds the servers."""
    return ["--config", servers.state / "test.ini"]


@pytest.fixture(autouse=True)
def in_the_servers_place(servers: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STATE_DIRECTORY", str(servers.state))


def test_all_servers_are_asked(servers: Cloud, place: list[object]) -> None:
    servers.wait_until_available()
    user, _ = servers.guest()
    with simulation(servers, user, *PROJECT) as (_, stream):
        status = told("status", *place)
        shown = webots_cloud("status", *place)
    assert set(status) == {"session", "simulation", "host"}
    assert {one["pid"] for one in status.values()} == {one["pid"] for one in [status["session"]]}
    (server,) = status["session"]["simulationServers"]
    assert server["server"] == f"localhost:{servers.simulation}"
    assert server["state"] in ("available", "full")
    (instance,) = status["simulation"]["instances"]
    assert (instance["project"], instance["world"]) == PROJECT
    assert instance["phase"] == "running"
    assert "robot_dance" in status["host"]["projects"]
    # Guests are counted when they save something.
    assert status["host"]["accounts"] == 0
    assert shown.returncode == 0
    for text in (server["server"], "obstacle_course.wbt", "running", "robot_dance"):
        assert text in shown.stdout
    # Nobody who reads it can take part in the simulation.
    secret = str(stream.request.path if stream.request else "").strip("/").rpartition("/")[2]
    assert len(secret) > 20
    assert secret not in shown.stdout + json.dumps(status)
    assert user["authentication"] not in shown.stdout + json.dumps(status)


def test_the_sockets_are_for_the_servers_user_only(servers: Cloud) -> None:
    for name in ("session", "simulation", "host"):
        assert stat.S_IMODE((servers.state / f"{name}.sock").stat().st_mode) == 0o600


def test_who_may_not_connect_is_told_who_may(servers: Cloud, place: list[object]) -> None:
    path = servers.state / "simulation.sock"
    path.chmod(0)
    try:
        for command in (("status", "simulation"), ("drain",), ("undrain",), ("kill", "1")):
            refused = webots_cloud(*command, *place)
            assert refused.returncode == 77, refused.stderr
            assert f"only its own user and root may ask the simulation server ({path}); run: sudo" in refused.stderr
    finally:
        path.chmod(0o600)


def test_drained_and_undrained(servers: Cloud, place: list[object]) -> None:
    servers.wait_until_available()
    user, _ = servers.guest()
    with simulation(servers, user, *PROJECT) as (client, _):
        assert told("drain", *place) == {"draining": True, "running": 1}
        try:
            servers.wait_for(
                lambda: servers.get(servers.session, "/") == "0", "pages to be told that none is to be had"
            )
            assert float(servers.get(servers.simulation, "/load")) == 100
            waited = webots_cloud("drain", *place, "--wait", "0.5")
            assert waited.returncode == 1
            assert "simulations that go on: 1" in waited.stdout
            with open_socket(f"ws://localhost:{servers.simulation}/client") as late:
                late.send(json.dumps({"init": [servers.page.rstrip("/"), *PROJECT, *[""] * 6]}))
                assert "takes no new simulations" in str(late.recv(PATIENCE))
            client.close()
            assert webots_cloud("drain", *place, "--wait", str(PATIENCE)).returncode == 0
            assert "It is drained" in webots_cloud("status", "simulation", *place).stdout
        finally:
            assert told("undrain", *place) == {"draining": False, "running": 0}
    servers.wait_until_available()
    with simulation(servers, user, *PROJECT):
        pass


def test_an_instance_is_ended(servers: Cloud, place: list[object]) -> None:
    servers.wait_until_available()
    user, _ = servers.guest()
    with simulation(servers, user, *PROJECT) as (client, _):
        (instance,) = told("status", "simulation", *place)["simulation"]["instances"]
        ended = webots_cloud("kill", *place, instance["id"], "999999")
        assert ended.returncode == 1
        assert ended.stdout == f"Instance {instance['id']} has ended.\n"
        assert ended.stderr == "webots-cloud: there is no instance 999999\n"
        with pytest.raises(AssertionError, match="Whoever runs this server has ended the simulation"):
            receive(client, begins("never"))
    again = told("kill", *place, instance["id"], status=1)
    assert again["ended"] == []
    assert again["failed"] == {str(instance["id"]): f"there is no instance {instance['id']}"}


def test_everything_is_looked_at_while_the_servers_run(servers: Cloud, place: list[object]) -> None:
    servers.wait_until_available()
    found = told("check", *place)
    assert found["wrong"] == 0
    seen = {(one["server"], one["subject"]): one for one in found["findings"]}
    for server, port in (("session", servers.session), ("simulation", servers.simulation), ("host", servers.host)):
        assert seen[server, f"listen tcp:{port}:interface=127.0.0.1"]["what"] == "the server listens there"
        assert "the server runs, process" in seen[server, "controlSocket"]["what"]
    assert "answers" in seen["session", f"localhost:{servers.simulation}"]["what"]
    assert seen["simulation", "Firejail"]["what"] == "a program was run in the sandbox"
    assert seen["simulation", "keys"]["what"] == "of localhost"
    assert "answers" in seen["host", "session server"]["what"]


def test_clients_come_as_pages_do(servers: Cloud, place: list[object]) -> None:
    servers.wait_until_available()
    command = ("load-test", *place, "--clients", 2, "--rate", 2, "--stay", 0.5)
    found = told(*command)
    assert (found["clients"], found["failed"], found["failures"]) == (2, 0, {})
    for step in ("answered", "started", "shown"):
        assert found["seconds"][step]["clients"] == 2
        assert 0 < found["seconds"][step]["median"] <= found["seconds"][step]["longest"] < PATIENCE
    assert found["seconds"]["answered"]["longest"] <= found["seconds"]["started"]["longest"]
    servers.wait_for(lambda: servers.instances() == 0, "the clients to have left")


def test_why_clients_fail_is_counted(servers: Cloud, place: list[object]) -> None:
    servers.wait_until_available()
    failed = webots_cloud(
        "load-test", *place, f"http://localhost:{servers.session}", "-n", 3, "--rate", 50, "--project", "nothing"
    )
    assert failed.returncode == 1
    assert "Clients: 3; of these failed: 3." in failed.stdout
    (line,) = [line for line in failed.stdout.splitlines() if "nothing" in line]
    assert line.split()[0] == "3"


def test_what_the_servers_kept_is_listed(servers: Cloud, place: list[object]) -> None:
    assert told("accounts", "list", *place) == {"accounts": []}


def test_servers_that_have_ended_leave_no_socket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path))
    with running([str(CHECKOUT / "script" / "server")], tmp_path) as cloud:
        cloud.press_ctrl_c()
    assert list(tmp_path.glob("*.sock")) == []
    ended = webots_cloud("status", "--config", tmp_path / "test.ini")
    assert ended.returncode == 1
    assert ended.stdout.count("does not run here") == 3
    assert webots_cloud("drain", "--config", tmp_path / "test.ini").returncode == 1
