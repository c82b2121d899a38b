"""What is published: the wheel and the source archive."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import venv
from pathlib import Path

import pytest

from tests.e2e.cloud import CHECKOUT, running
from tests.e2e.manual import build_block
from tests.e2e.page import simulation
from webots_cloud import __version__

PROGRAMS = Path(sys.executable).parent
SERVERS = ("webots-session", "webots-simulation", "webots-host", "webots-cloud")


@pytest.fixture(scope="module")
def distributions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel and the source archive, which the commands of the manual have made and checked."""
    folder = tmp_path_factory.mktemp("distributions")
    commands = build_block().text.replace("build/dist", str(folder)).replace(".venv-test/bin", str(PROGRAMS))
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", commands], cwd=CHECKOUT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr
    return folder


def run(command: list[str]) -> str:
    """Run a command in a folder that is not the checkout, without the checkout on Python's path."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    result = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout + result.stderr


def test_wheel_and_source_archive_have_the_version_of_the_package(distributions: Path) -> None:
    assert {file.name for file in distributions.iterdir()} == {
        f"webots_cloud-{__version__}-py3-none-any.whl",
        f"webots_cloud-{__version__}.tar.gz",
    }


def test_the_source_archive_has_what_an_operator_installs_from_it(distributions: Path) -> None:
    with tarfile.open(next(distributions.glob("*.tar.gz"))) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    for folder in ("ajax", "docs", "etc", "script", "systemd"):
        files = [str(path.relative_to(CHECKOUT)) for path in (CHECKOUT / folder).rglob("*") if path.is_file()]
        assert files
        assert {file for file in files if "__pycache__" not in file} <= names
    assert {"LICENSE", "NEWS", "README.md"} <= names


def test_a_wheel_has_everything(tmp_path: Path, distributions: Path) -> None:
    (wheel,) = distributions.glob("webots_cloud-*.whl")
    environment = tmp_path / "environment"
    venv.create(environment, with_pip=True)
    run([str(environment / "bin" / "pip"), "install", str(wheel)])
    twist = str(environment / "bin" / "twist")
    known = run([twist, "--help"])
    for server in SERVERS:
        assert server in known
        assert "--config" in run([twist, server, "--help"])
    assert (environment / "bin" / "webots-standin").exists()
    assert "load-test" in run([str(environment / "bin" / "webots-cloud"), "--help"])
    assert "undrain" in run([str(environment / "bin" / "webots-cloud"), "completion", "bash"])
    state = tmp_path / "state"
    state.mkdir()
    with running([twist, "--log-format=text", "webots-cloud"], state) as cloud:
        assert "webots.mjs" in cloud.get(cloud.host, "/simulation.js")
        assert "x_ite" in cloud.get(cloud.host, "/webots.mjs")
        user, _ = cloud.guest()
        with simulation(cloud, user, "obstacle_course", "obstacle_course.wbt"):
            assert cloud.instances() == 1
