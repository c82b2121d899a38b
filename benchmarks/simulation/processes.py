"""Starts what the benchmarks measure: the simulation server, and the website host that it fetches projects from."""

from __future__ import annotations

import contextlib
import json
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from enum import Enum
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import attrs
import psutil

from benchmarks.processes import free_port, free_port_range, process
from benchmarks.simulation.websocket import WebSocket
from webots_cloud.config import DEMO_PROJECTS
from webots_cloud.simulation.sandbox import INSIDE
from webots_cloud.simulation.webots import find_simulator

DEMO = "obstacle_course"
BASE_PROJECT = "base"
"""A project that the simulation server has."""
HOSTED_PROJECT = "hosted"
"""The same project, which only the website host has."""
PATIENCE_SECONDS = 120.0
"""After how long something that should happen counts as not happening."""
_START_SECONDS = 60


class Role(Enum):
    """What a process of an instance is."""

    SANDBOX = "sandbox"
    LAUNCHER = "launcher"
    SIMULATOR = "simulator"
    CONTROLLER = "controller"

    @classmethod
    def of(cls, command: Sequence[str]) -> Role:
        """Tell by the command line."""
        simulator = find_simulator(None).command
        if Path(command[0]).name == "firejail":
            return cls.SANDBOX
        if str(INSIDE / "__main__.py") in command:
            return cls.LAUNCHER
        return cls.SIMULATOR if tuple(command[: len(simulator)]) == simulator else cls.CONTROLLER


@attrs.frozen
class Stage:
    """A simulation server and a website host, each in a process of its own.

    @ivar folder: all that they have on the disk.
    @ivar port: where the simulation server listens on 127.0.0.1.
    @ivar host: URL of the website host.
    @ivar supervisor: the process of the simulation server.
    @ivar guardian: the one beside it, which ends instances if the server is killed.
    """

    folder: Path
    port: int
    host: str
    supervisor: psutil.Process
    guardian: psutil.Process

    @property
    def configuration(self) -> Path:
        """The file that the servers read."""
        return self.folder / "benchmark.ini"

    def init(self, project: str, world: str = f"{DEMO}.wbt", host: str | None = None) -> str:
        """Give the message that asks for an instance, without a user."""
        return json.dumps({"init": [host or self.host, project, world, "", "", "", "", "", ""]})

    def ask(self, message: str) -> WebSocket:
        """Connect as a page does, and send a message."""
        client = WebSocket(self.port, "/client")
        client.send(message)
        return client

    def start(self, project: str) -> tuple[WebSocket, str]:
        """Start an instance as a page does; give the page's socket, and where it can see the simulation."""
        client = self.ask(self.init(project))
        answer = client.receive(PATIENCE_SECONDS)
        assert answer, "no answer"
        assert answer.startswith("webots:"), answer
        return client, answer.removeprefix("webots:")

    def monitor(self) -> dict[str, Any]:
        """Give what the page for people shows."""
        with urlopen(f"http://127.0.0.1:{self.port}/monitor.json") as answer:
            return dict(json.load(answer))

    def phase(self, world: str) -> str | None:
        """Tell in which phase of its life the last instance with a world is; C{None} if none has a place."""
        found = [instance["phase"] for instance in self.monitor()["instances"].values() if instance["world"] == world]
        return found[-1] if found else None

    def instance_folders(self) -> list[Path]:
        """Give the folders of all instances."""
        return list((self.folder / "instances").iterdir())

    def processes(self) -> list[psutil.Process]:
        """Give all processes of instances: those that name the folder of one, also without a parent, and the server's.

        What is in a sandbox cannot be seen by its current folder.
        """
        instances = str(self.folder / "instances")
        found = {child for child in self.supervisor.children(recursive=True) if child != self.guardian}
        for candidate in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                if any(instances in text for text in candidate.cmdline()):
                    found.add(candidate)
        return list(found)

    def roles(self) -> dict[Role, list[psutil.Process]]:
        """Give the processes of all instances, by what they are."""
        found: dict[Role, list[psutil.Process]] = {role: [] for role in Role}
        for running in self.processes():
            with contextlib.suppress(psutil.Error):
                if command := running.cmdline():
                    found[Role.of(command)].append(running)
        return found

    def find(self, role: Role, world: str) -> psutil.Process | None:
        """Give a process of the last instance with a world: of several with the same role, the outermost."""
        found = {}
        for child in self.supervisor.children(recursive=True):
            with contextlib.suppress(psutil.Error):
                command = child.cmdline()
                if command and command[-1].endswith(f"/{world}") and Role.of(command) is role:
                    found[child.pid] = child.ppid()
        outermost = [pid for pid, parent in found.items() if parent not in found]
        with contextlib.suppress(psutil.NoSuchProcess):
            return psutil.Process(max(outermost)) if outermost else None
        return None

    def wait_until_empty(self, seconds: float = 30) -> None:
        """Wait until there is no instance any more."""
        end = time.monotonic() + seconds
        while self.instance_folders():
            if time.monotonic() > end:
                raise SystemExit("an instance does not end")
            time.sleep(0.01)


def open_page(url: str) -> WebSocket:
    """Connect to a simulation, as the page that drives it."""
    page = WebSocket.at(f"{url}/")
    page.send("x3d")
    return page


@contextlib.contextmanager
def stage(
    places: int,
    worlds: Sequence[str] = (f"{DEMO}.wbt",),
    host_ports: Sequence[int] = (),
    options: Mapping[str, object] | None = None,
) -> Iterator[Stage]:
    """Start everything, wait until it answers, and end it afterwards.

    @param places: how many instances there may be.
    @param worlds: the worlds of both projects, all alike.
    @param host_ports: ports of further website hosts on this machine.
    @param options: more of the simulation server's, or others.
    """
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        for project in (folder / "projects" / BASE_PROJECT, folder / "host" / "projects" / HOSTED_PROJECT):
            _make_project(project, worlds)
        port, host_port = free_port_range(places + 1), free_port()
        allowed = ", ".join(map(str, (host_port, *host_ports)))
        _configure(folder, port, host_port, {"maxConnections": places, "hostPorts": allowed, **(options or {})})
        stack.enter_context(_server("host", folder, host_port))
        server = stack.enter_context(_server("simulation", folder, port))
        supervisor = psutil.Process(server.pid)
        (guardian,) = supervisor.children()
        yield Stage(folder, port, f"http://localhost:{host_port}", supervisor, guardian)


def _make_project(project: Path, worlds: Sequence[str]) -> None:
    demo = DEMO_PROJECTS / DEMO
    shutil.copytree(demo / "controllers", project / "controllers", ignore=shutil.ignore_patterns("__pycache__"))
    (project / "worlds").mkdir()
    for world in worlds:
        shutil.copyfile(demo / "worlds" / f"{DEMO}.wbt", project / "worlds" / world)


def _configure(folder: Path, port: int, host_port: int, options: Mapping[str, object]) -> None:
    for name in ("keys", "instances"):
        (folder / name).mkdir(mode=0o700)
    # Of all website hosts of this machine, whatever their ports.
    key = folder / "keys" / "localhost"
    key.touch(mode=0o600)
    key.write_text("the key of a benchmark\n")
    simulation = {
        "port": port,
        "listen": f"tcp:{port}:interface=127.0.0.1",
        "projectsDir": folder / "projects",
        "keyDir": folder / "keys",
        "instancesDir": folder / "instances",
        "webotsHome": "",
        # All clients of a benchmark have the same address.
        "maxSocketsPerAddress": 100000,
        "maxStartsPerMinute": 100000,
        # One that ends early leaves clients that never will.
        "drainTimeoutSeconds": 1,
        **options,
    }
    (folder / "benchmark.ini").write_text(
        "[simulation]\n"
        + "".join(f"{name} = {value}\n" for name, value in simulation.items())
        + f"[host]\nlisten = tcp:{host_port}:interface=127.0.0.1\nsessionServer = ws://localhost:1999\n"
    )


@contextlib.contextmanager
def _server(name: str, folder: Path, port: int) -> Iterator[subprocess.Popen[str]]:
    command = ("-m", "twisted", "--log-format=text", f"webots-{name}", "--config", str(folder / "benchmark.ini"))
    environment = {"STATE_DIRECTORY": str(folder)}
    with (
        (folder / f"{name}.log").open("w") as log,
        process(*command, cwd=folder, stdout=log, stderr=log, environment=environment) as server,
    ):
        end = time.monotonic() + _START_SECONDS
        while time.monotonic() < end and server.poll() is None:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                break
            time.sleep(0.1)
        else:
            raise SystemExit(f"the {name} server does not start:\n" + (folder / f"{name}.log").read_text())
        yield server
