"""The units: systemd finds nothing wrong with them, and how much of the machine they leave to the servers."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from webots_cloud.config.sections import SERVERS

CHECKOUT = Path(__file__).resolve().parents[2]
UNITS = CHECKOUT / "systemd"
SYSTEM = Path("/usr/lib/systemd/system")
SERVICES = [f"webots-{server.section}.service" for server in SERVERS]
SOCKETS = ["webots-host-tls.socket", "webots-host.socket", "webots-session.socket", "webots-simulation.socket"]

pytestmark = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")


def analyze(*arguments: str) -> str:
    """Run C{systemd-analyze}; give all that it says."""
    ran = subprocess.run(["systemd-analyze", *arguments], capture_output=True, text=True)
    return ran.stdout + ran.stderr


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """The root of a machine that webots-cloud is installed on."""
    root = tmp_path / "machine"
    shutil.copytree(SYSTEM, root / SYSTEM.relative_to("/"), symlinks=True)
    (root / "opt" / "webots-cloud" / "bin").mkdir(parents=True)
    twist = root / "opt" / "webots-cloud" / "bin" / "twist"
    twist.write_text("#!/bin/sh\n")
    twist.chmod(0o755)
    (root / "etc" / "systemd" / "system").mkdir(parents=True)
    for unit in (*SERVICES, *SOCKETS):
        shutil.copyfile(UNITS / unit, root / "etc" / "systemd" / "system" / unit)
    return root


def test_there_are_no_others() -> None:
    assert sorted(path.name for path in UNITS.glob("*.service")) == sorted(SERVICES)
    assert sorted(path.name for path in UNITS.glob("*.socket")) == SOCKETS


@pytest.mark.parametrize("unit", [*SERVICES, *SOCKETS])
def test_systemd_finds_nothing_wrong(unit: str, machine: Path) -> None:
    assert analyze("verify", "--man=no", "--recursive-errors=no", f"--root={machine}", unit) == ""


def test_systemd_would_find_what_is_wrong(machine: Path) -> None:
    path = machine / "etc" / "systemd" / "system" / SERVICES[0]
    path.write_text(path.read_text().replace("ProtectHome=", "ProtectHomes="))
    assert "ProtectHomes" in analyze("verify", "--man=no", "--recursive-errors=no", f"--root={machine}", SERVICES[0])


def exposure(unit: str) -> float:
    found = re.search(
        r"Overall exposure level for \S+: ([0-9.]+)", analyze("security", "--offline=yes", str(UNITS / unit))
    )
    assert found
    return float(found.group(1))


@pytest.mark.parametrize(("unit", "most"), [(SERVICES[0], 2.0), (SERVICES[2], 2.0), (SERVICES[1], 6.9)])
def test_little_of_the_machine_is_left_to_a_server(unit: str, most: float) -> None:
    assert exposure(unit) <= most


@pytest.mark.parametrize("unit", SERVICES)
def test_what_is_left_is_explained(unit: str) -> None:
    """Each setting that systemd would like to have is in the manual."""
    told = analyze("security", "--offline=yes", "--json=short", str(UNITS / unit))
    manual = (CHECKOUT / "docs" / "systemd.md").read_text()
    for row in json.loads(told):
        if row["set"] is False:
            setting = re.split(r"[=:/]", row["name"])[0]
            assert setting in manual, row["name"]


def test_each_socket_has_a_name_that_a_server_knows() -> None:
    known = {f"{server.section}{suffix}" for server in SERVERS for suffix in ("", "-http", "-https")}
    for socket in SOCKETS:
        text = (UNITS / socket).read_text()
        (name,) = re.findall(r"(?m)^FileDescriptorName=(\S+)$", text)
        assert name in known
        assert len(re.findall(r"(?m)^ListenStream=", text)) == 1


def test_each_server_has_its_user_and_the_folder_of_its_keys() -> None:
    users = (UNITS / "sysusers.d" / "webots-cloud.conf").read_text()
    for unit in SERVICES:
        name = unit.removesuffix(".service")
        assert re.search(rf"(?m)^u {name}\s", users)
        assert f"User={name}\n" in (UNITS / unit).read_text()
