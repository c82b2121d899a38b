"""Starts what the benchmarks measure: the simulation server, and the website host that it fetches projects from."""

from __future__ import annotations

import contextlib
import json
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import attrs
import psutil

from benchmarks.processes import free_port, free_port_range, process
from webots_cloud.config import DEMO_PROJECTS

DEMO = "obstacle_course"
BASE_PROJECT = "base"
"""A project that the simulation server has."""
HOSTED_PROJECT = "hosted"
"""The same project, which only the website host has."""
_START_SECONDS = 60


@attrs.frozen
class Stage:
    """A simulation server and a website host, each in a process of its own.

    @ivar folder: all that they have on the disk.
    @ivar port: where the simulation server listens on 127.0.0.1.
    @ivar ports: what it gives to instances.
    @ivar host: URL of the website host.
    @ivar supervisor: the process of the simulation server.
    """

    folder: Path
    port: int
    ports: range
    host: str
    supervisor: psutil.Process

    def init(self, project: str, world: str) -> str:
        """Give the message that asks for an instance, without a user."""
        return json.dumps({"init": [self.host, project, world, "", "", "", "", "", ""]})

    def instance_folders(self) -> list[Path]:
        """Give the folders of all instances."""
        return list((self.folder / "instances").iterdir())

    def simulators(self) -> list[psutil.Process]:
        """Give the simulators that run."""
        return self.supervisor.children()

    def processes(self) -> list[psutil.Process]:
        """Give all processes of instances, also those without a parent: they are in its folder, or name it."""
        instances = str(self.folder / "instances")
        found = []
        for candidate in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                if any(instances in text for text in (candidate.cwd(), *candidate.cmdline())):
                    found.append(candidate)
        return found

    def wait_until_empty(self, seconds: float = 30) -> None:
        """Wait until there is no instance any more."""
        end = time.monotonic() + seconds
        while self.instance_folders():
            if time.monotonic() > end:
                raise SystemExit("an instance does not end")
            time.sleep(0.01)


@contextlib.contextmanager
def stage(places: int, worlds: Sequence[str] = (f"{DEMO}.wbt",)) -> Iterator[Stage]:
    """Start everything, wait until it answers, and end it afterwards.

    @param places: how many instances there may be.
    @param worlds: the worlds of both projects, all alike.
    """
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        for project in (folder / "projects" / BASE_PROJECT, folder / "host" / "projects" / HOSTED_PROJECT):
            _make_project(project, worlds)
        port, host_port = free_port_range(places + 1), free_port()
        _configure(folder, port, host_port, places)
        stack.enter_context(_server("host", folder, host_port))
        server = stack.enter_context(_server("simulation", folder, port))
        ports = range(port + 1, port + places + 1)
        yield Stage(folder, port, ports, f"http://localhost:{host_port}", psutil.Process(server.pid))


def _make_project(project: Path, worlds: Sequence[str]) -> None:
    demo = DEMO_PROJECTS / DEMO
    shutil.copytree(demo / "controllers", project / "controllers", ignore=shutil.ignore_patterns("__pycache__"))
    (project / "worlds").mkdir()
    for world in worlds:
        shutil.copyfile(demo / "worlds" / f"{DEMO}.wbt", project / "worlds" / world)


def _configure(folder: Path, port: int, host_port: int, places: int) -> None:
    (folder / "keys").mkdir(mode=0o700)
    key = folder / "keys" / "localhost"
    key.touch(mode=0o600)
    key.write_text("the key of a benchmark\n")
    (folder / "benchmark.ini").write_text(
        f"[simulation]\nport = {port}\nlisten = tcp:{port}:interface=127.0.0.1\nmaxConnections = {places}\n"
        f"projectsDir = {folder}/projects\nhostPorts = {host_port}\nwebotsHome =\n"
        f"[host]\nlisten = tcp:{host_port}:interface=127.0.0.1\nsessionServer = ws://localhost:1999\n"
    )


@contextlib.contextmanager
def _server(name: str, folder: Path, port: int) -> Iterator[subprocess.Popen[str]]:
    command = ("-m", "twisted", f"webots-{name}", "--config", str(folder / "benchmark.ini"))
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
