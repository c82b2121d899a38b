"""What an operator types: script/server and its end, and mistakes in the configuration."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

from tests.e2e.cloud import CHECKOUT, Cloud, add_tutorial, running
from tests.e2e.page import simulation
from tests.e2e.program import PATIENCE


def test_ctrl_c_leaves_no_process_and_no_folder(tmp_path: Path) -> None:
    add_tutorial(tmp_path / "host" / "projects")
    with running([str(CHECKOUT / "script" / "server")], tmp_path) as cloud:
        user, _ = cloud.guest()
        with simulation(cloud, user):
            processes = cloud.processes
            assert processes
            assert cloud.folders
            cloud.press_ctrl_c()
    assert not [process for process in processes if process.is_running()]
    assert cloud.folders == []


def test_what_is_installed_is_not_installed_once_more(cloud: Cloud, tmp_path: Path) -> None:
    with running([str(CHECKOUT / "script" / "server")], tmp_path) as another:
        assert not [line for line in another.output if line.startswith("Installing")]


def test_mistakes_in_the_configuration_are_told_all_at_once(tmp_path: Path) -> None:
    (tmp_path / "wrong.ini").write_text("[session]\nport = 0\nserverr = x\n[simulation]\nmaxConnections = many\n")
    result = subprocess.run(
        [sys.executable, "-m", "twisted", "webots-cloud", "--config", str(tmp_path / "wrong.ini")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 78
    lines = result.stderr.strip().splitlines()
    assert [line.split(": ")[1] for line in lines] == [
        "[session] port",
        "[session] serverr",
        "[simulation] maxConnections",
    ]


def test_a_port_that_is_taken_ends_all_servers_with_what_to_do(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        (tmp_path / "taken.ini").write_text(
            "[session]\nlisten = tcp:0:interface=127.0.0.1\n[simulation]\nlisten = tcp:0:interface=127.0.0.1\n"
            f"[host]\nlisten = tcp:{port}:interface=127.0.0.1\n"
        )
        result = subprocess.run(
            [sys.executable, "-m", "twisted", "webots-cloud", "--config", str(tmp_path / "taken.ini")],
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE,
        )
    assert result.returncode == 1
    assert f"[host] cannot listen on tcp:{port}:interface=127.0.0.1" in result.stderr
