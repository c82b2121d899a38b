"""What is printed of what servers tell, and where servers are looked for."""

from __future__ import annotations

import os
from argparse import Namespace
from pathlib import Path

import pytest

from tests.command.commanding import webots_cloud
from webots_cloud.command import place
from webots_cloud.command.outcome import CommandError
from webots_cloud.command.status import _SHOWN
from webots_cloud.command.table import age, table

HEAD = {
    "version": "1.2",
    "pid": 7,
    "seconds": 3725.5,
    "url": "http://localhost:1999",
    "certificate": {"names": ["localhost"], "ends": "2030-01-01T00:00:00+00:00", "notice": "it ends; renew it"},
}


def test_numbers_stand_to_the_right_and_texts_to_the_left() -> None:
    shown = table(("name", "load"), [("a", 5), ("longer", 12.25), ("c", None)], "  ")
    assert shown == "  NAME    LOAD\n  a          5\n  longer  12.2\n  c          -\n"


def test_what_comes_from_outside_is_one_line_without_control_characters() -> None:
    shown = table(("name",), [("a\x1b[2J\nb\u202e",)])
    assert shown.count("\n") == 2
    assert "\x1b" not in shown
    assert "\u202e" not in shown


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "0 s"), (59.9, "59 s"), (60, "1 min"), (3725, "1 h 2 min"), (3600, "1 h"), (90061, "1 d 1 h"), (86405, "1 d")],
)
def test_times_are_said_in_two_units(seconds: float, said: str) -> None:
    assert age(seconds) == said


def test_a_session_server_that_has_no_simulations_says_why() -> None:
    server = {"server": "a:2000", "state": "failed", "load": None, "onTheirWay": 0, "reason": "its name is not known"}
    told = {**HEAD, "available": False, "meanLoad": None, "watchers": 3, "simulationServers": [server]}
    shown = _SHOWN["session"](told)
    assert "up 1 h 2 min" in shown
    assert "Certificate: it ends; renew it" in shown
    assert "No simulations can be started; pages that watch: 3" in shown
    assert "its name is not known" in shown


@pytest.mark.parametrize(
    ("draining", "ending", "said"),
    [(False, False, ""), (True, False, "It is drained: nobody is let in"), (True, True, "It ends; nobody is let in")],
)
def test_a_simulation_server_says_that_it_lets_nobody_in(draining: bool, ending: bool, said: str) -> None:
    told = {**HEAD, "simulator": "Webots R2022b", "warning": "NO SANDBOX", "load": 3.0, "running": 0, "capacity": 5}
    shown = _SHOWN["simulation"]({**told, "waiting": 0, "instances": [], "draining": draining, "ending": ending})
    assert said in shown
    assert ("nobody" in shown) == bool(said)
    assert "NO SANDBOX" in shown


@pytest.fixture
def services(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where units have their folders."""
    monkeypatch.delenv("STATE_DIRECTORY")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "own"))
    monkeypatch.setattr(place, "SERVICES", tmp_path / "lib")
    return tmp_path / "lib"


def test_a_units_server_is_found_where_systemd_has_it(services: Path) -> None:
    (services / "webots-session").mkdir(parents=True)
    with place.as_seen_by("session") as folder:
        assert folder == services / "webots-session"
        path = place.read(Namespace(config=None)).session.controlSocket
    assert path == services / "webots-session" / "session.sock"
    assert "STATE_DIRECTORY" not in os.environ
    assert place.installed() == ("session",)


def test_the_servers_of_the_script_are_found_where_it_has_them(services: Path) -> None:
    (services / "webots-cloud" / "state").mkdir(parents=True)
    with place.as_seen_by("host") as folder:
        assert folder == services / "webots-cloud" / "state"


def test_elsewhere_a_server_is_the_users_own(services: Path, tmp_path: Path) -> None:
    with place.as_seen_by("host") as folder:
        assert folder == tmp_path / "own" / "webots-cloud"
    assert place.installed() == ("session", "simulation", "host")


def test_what_the_environment_says_comes_first(services: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (services / "webots-session").mkdir(parents=True)
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path))
    with place.as_seen_by("session") as folder:
        assert folder == tmp_path
    assert os.environ["STATE_DIRECTORY"] == str(tmp_path)


def test_a_server_that_has_no_control_socket_cannot_be_asked(tmp_path: Path) -> None:
    (tmp_path / "test.ini").write_text("[session]\ncontrolSocket =\n")
    asked = webots_cloud("status", "session", "--config", tmp_path / "test.ini")
    assert asked.returncode == 1
    assert asked.stdout == "the session server has no controlSocket in the configuration, so it cannot be asked\n"


def test_whose_server_it_is_its_folder_tells(tmp_path: Path) -> None:
    assert place.other_user("session", tmp_path) == ""
    place.require_user("session", tmp_path / "is-not-there")
    with pytest.raises(CommandError) as refused:
        place.require_user("session", Path("/etc"))
    assert refused.value.status == 77
    assert "session is the server of user root" in str(refused.value)
