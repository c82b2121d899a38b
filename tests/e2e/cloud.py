"""All three servers as an operator starts them, for tests that look at the whole."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TypeVar
from urllib.request import urlopen

import psutil
import pytest

from tests.e2e.program import PATIENCE, Program
from tests.ports import free_ports

CHECKOUT = Path(__file__).resolve().parents[2]
TUTORIAL = Path("projects/four_wheels/worlds/4_wheels_robot.wbt")
TUTORIAL_CONTROLLER = "four_wheels_collision_avoidance"


class Cloud(Program):
    """Running servers."""

    def __init__(self, command: Sequence[str], state: Path) -> None:
        self.state = state
        self.session, self.simulation, self.host = free_ports(3)
        self._configuration = state / "test.ini"
        self._configuration.write_text(self._ini())
        self._guardians: list[psutil.Process] = []
        Program.__init__(self, [*command, "--config", str(self._configuration)], STATE_DIRECTORY=str(state))

    def _ini(self) -> str:
        """What the configuration says."""
        return "".join(
            f"[{section}]\nport = {port}\nlisten = tcp:{port}:interface=127.0.0.1\n"
            f"logDir = {self.state / 'logs'}\n{more}"
            for section, port, more in (
                ("session", self.session, f"simulationServers = localhost:{self.simulation}\n"),
                ("simulation", self.simulation, f"hostPorts = {self.host}\nmaxConnections = 20\n"),
                ("host", self.host, f"sessionServer = ws://localhost:{self.session}\n"),
            )
        )

    @property
    def page(self) -> str:
        return f"http://localhost:{self.host}/"

    @property
    def folders(self) -> list[Path]:
        instances = self.state / "instances"
        return list(instances.iterdir()) if instances.exists() else []

    @property
    def processes(self) -> list[psutil.Process]:
        """All processes of instances that are still there."""
        children = psutil.Process(self.process.pid).children(recursive=True)
        return [child for child in children if child.is_running() and child not in self._guardians]

    def wait_until_started(self) -> None:
        self.wait_for(lambda: f"Open {self.page}" in self.output, "the servers to start")
        self._guardians = psutil.Process(self.process.pid).children()

    def wait_until_available(self) -> None:
        """Wait for a place; a busy test machine may count as full for a while."""
        self.wait_for(lambda: self.get(self.session, "/") == "1", "an available simulation server")

    def get(self, port: int, path: str) -> str:
        with urlopen(f"http://localhost:{port}{path}", timeout=PATIENCE) as answer:
            return str(answer.read().decode())

    def instances(self) -> int:
        """How many instances the simulation server's monitor page counts."""
        return int(json.loads(self.get(self.simulation, "/monitor.json"))["totals"]["instances"])

    def guest(self) -> tuple[dict[str, str], str]:
        """Visit the site for the first time: the user that the page is told, and the cookie."""
        with urlopen(f"{self.page}projects.json", timeout=PATIENCE) as answer:
            cookie = str(answer.headers["set-cookie"]).partition(";")[0]
            return json.load(answer)["user"], cookie


C = TypeVar("C", bound=Cloud)


def running(command: Sequence[str], state: Path) -> AbstractContextManager[Cloud]:
    """Run the servers that a command starts."""
    return attended(Cloud(command, state))


@contextmanager
def attended(cloud: C) -> Iterator[C]:
    """Wait until servers have started, and stop them afterwards; they may not have met an error of their own."""
    try:
        cloud.wait_until_started()
        yield cloud
    finally:
        cloud.stop()
    assert not [line for line in cloud.output if "Traceback" in line], "\n".join(cloud.output)


def shared_projects() -> Path:
    folder = Path(os.environ.get("WEBOTS_CLOUD_SHARED", CHECKOUT.parent / "shared"))
    if not (folder / TUTORIAL).exists():
        pytest.skip(f"the tutorial world is not there: {folder / TUTORIAL}")
    return folder


def add_tutorial(projects: Path) -> None:
    """Put the published tutorial world, unchanged, with a controller for it, where a website host has its projects."""
    world = projects.parent / TUTORIAL
    world.parent.mkdir(parents=True)
    shutil.copyfile(shared_projects() / TUTORIAL, world)
    controllers = CHECKOUT / "tests" / "standin" / "controllers"
    shutil.copytree(controllers, projects / "four_wheels" / "controllers")
