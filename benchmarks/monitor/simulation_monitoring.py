"""What it costs a simulation server to watch its machine: its share of a core with and without it, and with viewers."""

from __future__ import annotations

import argparse
import contextlib
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil

from benchmarks.monitor.session_page import share, viewers
from benchmarks.processes import free_port, machine, process

SETTLE_SECONDS = 5


@contextlib.contextmanager
def simulation_server() -> Iterator[tuple[int, psutil.Process]]:
    """Run a simulation server without instances; give its port and its process."""
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        port = free_port()
        (folder / "simulation.ini").write_text(
            f"[simulation]\nport = {port}\nlisten = tcp:{port}:interface=127.0.0.1\nsandbox = none\nnetwork = host\n"
            f"keyDir = {folder}/keys\ninstancesDir = {folder}/instances\n"
        )
        for name in ("keys", "instances"):
            (folder / name).mkdir(mode=0o700)
        log = stack.enter_context((folder / "simulation.log").open("w"))
        command = ("-m", "twisted", "webots-simulation", "--config", str(folder / "simulation.ini"))
        running = stack.enter_context(process(*command, cwd=folder, stdout=log, stderr=log))
        time.sleep(SETTLE_SECONDS)
        yield port, psutil.Process(running.pid)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60, help="how long each share is measured")
    parser.add_argument("--viewers", type=int, default=10, help="how many look at the page at once")
    arguments = parser.parse_args()
    print(machine())
    with simulation_server() as (port, server):
        print(f"nobody looks: {share(server, arguments.seconds):.2f} % of a core, all of the server in it")
        for count in (1, arguments.viewers):
            with viewers(port, count):
                print(f"{count} look: {share(server, arguments.seconds):.2f} % of a core")
        print(f"memory: {server.memory_info().rss / 1e6:.0f} MB")


if __name__ == "__main__":
    main()
