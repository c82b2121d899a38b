"""How long a client waits from C{init} to C{webots:}, and what launcher, sandbox and server have in that.

All are started in turn, in random order, each when the one before has ended, so that a busy machine is busy for all.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from statistics import quantiles

import attrs
import psutil

from benchmarks.processes import free_port, machine
from benchmarks.simulation.processes import BASE_PROJECT, DEMO, HOSTED_PROJECT, Stage, stage
from webots_cloud.config import read_config
from webots_cloud.simulation.channel import channel_pair
from webots_cloud.simulation.folder import InstanceFolder
from webots_cloud.simulation.gate import WEBOTS_PORT
from webots_cloud.simulation.launch import Launch
from webots_cloud.simulation.sandbox import NoSandbox, make_sandbox
from webots_cloud.simulation.webots import find_simulator

ALONE = "simulator alone"
LAUNCHER = "with its launcher"
SANDBOX = "with its launcher in the sandbox"
BASE = "through the server"
HOSTED = "with its project from its host"
DIFFERENCES = ((LAUNCHER, ALONE), (SANDBOX, ALONE), (BASE, SANDBOX), (HOSTED, BASE), (BASE, ALONE), (HOSTED, ALONE))
"""What is compared with what."""
PRIORITY = ("/usr/bin/nice", "-n", "5")
"""What launchers give to simulators, so that they do not take processors from the server."""


class Starts:
    """Starts the simulator without a server, as a server does."""

    def __init__(self, running: Stage) -> None:
        """Prepare a project."""
        config = read_config(running.configuration, ()).simulation
        self._simulator = simulator = find_simulator(None)
        self._sandboxed = Launch(config, make_sandbox(config, simulator.folders), simulator)
        self._unsandboxed = attrs.evolve(self._sandboxed, sandbox=NoSandbox())
        self._folder = InstanceFolder(running.folder / "own")
        self._folder.create()
        shutil.copytree(running.folder / "projects" / BASE_PROJECT, self._folder.project, dirs_exist_ok=True)

    def alone(self) -> float:
        """Start it alone, with the priority that launchers give it."""
        command = ["setsid", *PRIORITY, *self._arguments(free_port())]
        return self._until_open(self._unsandboxed, lambda channel: command)

    def with_launcher(self) -> float:
        """Start it with its launcher only."""
        return self._launched(self._unsandboxed, free_port())

    def in_sandbox(self) -> float:
        """Start it with its launcher in the sandbox."""
        return self._launched(self._sandboxed, WEBOTS_PORT)

    def _arguments(self, port: int) -> list[str]:
        return self._simulator.arguments(port, self._folder.world(f"{DEMO}.wbt"), True)

    def _launched(self, launch: Launch, port: int) -> float:
        return self._until_open(
            launch, lambda channel: launch.command(self._folder, self._arguments(port), port, channel)
        )

    def _until_open(self, launch: Launch, command: Callable[[int], Sequence[str]]) -> float:
        """Start it, and end it; give the seconds until C{open}."""
        ours, theirs = channel_pair()
        with ours, theirs:
            begin = time.monotonic()
            with subprocess.Popen(
                command(theirs.fileno()),
                env=launch.environment(self._folder),
                cwd=self._folder.project,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                pass_fds=(theirs.fileno(),),
            ) as started:
                assert started.stdout
                while (line := started.stdout.readline()) != b"open\n":
                    assert line, "the simulator ended early"
                took = time.monotonic() - begin
                os.killpg(started.pid, signal.SIGKILL)
                started.communicate()
        return took


def through_server(running: Stage, project: str) -> float:
    """Start an instance as a page does, and end it; give the seconds from C{init} to C{webots:}."""
    begin = time.monotonic()
    client, _ = running.start(project)
    took = time.monotonic() - begin
    client.close()
    running.wait_until_empty()
    return took


def measure(rounds: int) -> dict[str, list[float]]:
    """Measure all ways, some times each; give the seconds."""
    with stage(places=2) as running:
        starts = Starts(running)
        ways: dict[str, Callable[[], float]] = {
            ALONE: starts.alone,
            LAUNCHER: starts.with_launcher,
            SANDBOX: starts.in_sandbox,
            BASE: lambda: through_server(running, BASE_PROJECT),
            HOSTED: lambda: through_server(running, HOSTED_PROJECT),
        }
        took: dict[str, list[float]] = {way: [] for way in ways}
        for way in ways.values():
            way()
        for _ in range(rounds):
            for name in random.sample(list(ways), len(ways)):
                took[name].append(ways[name]())
        return took


def row(name: str, seconds: Sequence[float]) -> str:
    """Say the median and the quartiles in milliseconds."""
    lower, middle, upper = (1000 * value for value in quantiles(seconds, n=4))
    return f"{name:65}{middle:6.0f} ms {lower:6.0f} to {upper:.0f} ms"


def main() -> None:
    """Measure, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=40)
    arguments = parser.parse_args()
    took = measure(arguments.rounds)
    print(f"{machine()}; load average {psutil.getloadavg()[0]:.1f}; {arguments.rounds} rounds")
    print(f"{'from the beginning to open':65}   median     half of them")
    for name, seconds in took.items():
        print(row(name, seconds))
    print("differences, round by round")
    for more, less in DIFFERENCES:
        differences = [own - other for own, other in zip(took[more], took[less], strict=True)]
        print(row(f"{more} - {less}", differences))


if __name__ == "__main__":
    main()
