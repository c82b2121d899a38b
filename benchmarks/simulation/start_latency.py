"""How long a client waits from C{init} to C{webots:}, beside how long the simulator itself takes to say C{open}.

Both are started in turn, in random order, each when the one before has ended, so that a busy machine is busy for both.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median, quantiles

from benchmarks.processes import free_port, machine
from benchmarks.simulation.processes import BASE_PROJECT, DEMO, HOSTED_PROJECT, Stage, stage
from benchmarks.simulation.websocket import WebSocket
from webots_cloud.simulation.webots import find_simulator

WORLD = f"{DEMO}.wbt"
PATIENCE_SECONDS = 120
DIRECTLY = "the simulator alone, until it says open"


def through_server(running: Stage, project: str) -> float:
    """Start an instance as a page does, and end it; give the seconds from C{init} to C{webots:}."""
    client = WebSocket(running.port, "/client")
    begin = time.monotonic()
    client.send(running.init(project, WORLD))
    answer = client.receive(PATIENCE_SECONDS)
    took = time.monotonic() - begin
    assert answer, "no answer"
    assert answer.startswith("webots:"), answer
    client.close()
    running.wait_until_empty()
    return took


def directly(project: Path, home: Path) -> float:
    """Start the simulator with the server's own command line, and end it; give the seconds until C{open}."""
    simulator = find_simulator(None)
    command = ["setsid", *simulator.arguments(free_port(), project / "worlds" / WORLD, True)]
    environment = simulator.environment(home)
    begin = time.monotonic()
    with subprocess.Popen(
        command, env=environment, cwd=project, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as started:
        assert started.stdout
        while (line := started.stdout.readline()) != b"open\n":
            assert line, "the simulator ended early"
        took = time.monotonic() - begin
        os.killpg(started.pid, signal.SIGTERM)
        started.communicate()
    return took


def measure(rounds: int) -> dict[str, list[float]]:
    """Measure all ways, some times each; give the seconds."""
    with stage(places=2) as running:
        own, home = running.folder / "own", running.folder / "home"
        shutil.copytree(running.folder / "projects" / BASE_PROJECT, own)
        home.mkdir()
        ways: dict[str, Callable[[], float]] = {
            DIRECTLY: lambda: directly(own, home),
            "init to webots:, base project": lambda: through_server(running, BASE_PROJECT),
            "init to webots:, project fetched from its host": lambda: through_server(running, HOSTED_PROJECT),
        }
        took: dict[str, list[float]] = {way: [] for way in ways}
        for way in ways.values():
            way()
        for _ in range(rounds):
            for name in random.sample(list(ways), len(ways)):
                took[name].append(ways[name]())
        return took


def main() -> None:
    """Measure, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=40)
    arguments = parser.parse_args()
    took = measure(arguments.rounds)
    print(machine())
    alone = took[DIRECTLY]
    for name, seconds in took.items():
        lower, middle, upper = (1000 * value for value in quantiles(seconds, n=4))
        later = 1000 * median(own - other for own, other in zip(seconds, alone, strict=True))
        print(f"{name}: median {middle:.0f} ms, half of them {lower:.0f} to {upper:.0f} ms")
        print(f"    more than alone: {middle - 1000 * median(alone):.0f} ms by medians, {later:.0f} ms round by round")


if __name__ == "__main__":
    main()
