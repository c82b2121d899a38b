"""What many instances cost a simulation server while nothing happens in them: all are paused, their pages open."""

from __future__ import annotations

import argparse
import selectors
import time
from collections.abc import Sequence
from urllib.request import urlopen

import psutil

from benchmarks.processes import cpu_seconds, machine
from benchmarks.simulation.processes import BASE_PROJECT, Role, Stage, open_page, stage
from benchmarks.simulation.websocket import WebSocket
from webots_cloud.simulation.inside.memory import private_memory

POLL_SECONDS = 5
"""How often a session server asks for the load."""
SETTLE_SECONDS = 10


def start(running: Stage, count: int) -> list[WebSocket]:
    """Start instances one after the other, open them as pages do, and let each make a step; give the sockets."""
    sockets = []
    for _ in range(count):
        client, url = running.start(BASE_PROJECT)
        page = open_page(url)
        page.send("step")
        sockets += [client, page]
    return sockets


def attend(running: Stage, sockets: list[WebSocket], seconds: float) -> int:
    """Be all pages, and a session server that asks for the load; give the number of messages that came."""
    messages = 0
    begin = next_poll = time.monotonic()
    with selectors.DefaultSelector() as selector:
        for socket in sockets:
            selector.register(socket, selectors.EVENT_READ)
        while (now := time.monotonic()) < begin + seconds:
            if now >= next_poll:
                next_poll += POLL_SECONDS
                with urlopen(f"http://127.0.0.1:{running.port}/load") as answer:
                    answer.read()
            for key, _ in selector.select(min(next_poll, begin + seconds) - now):
                assert isinstance(key.fileobj, WebSocket)
                while key.fileobj.receive(0) is not None:
                    messages += 1
    return messages


def everything(running: Stage) -> dict[str, list[psutil.Process]]:
    """Give all processes by what they are."""
    servers = {"server": [running.supervisor], "guardian": [running.guardian]}
    return servers | {role.value: found for role, found in running.roles().items()}


def measure(running: Stage, sockets: list[WebSocket], seconds: float) -> tuple[dict[str, float], int]:
    """Let things settle, and give what share of a core processes use, and how many messages came to the pages."""
    attend(running, sockets, SETTLE_SECONDS)
    processes = everything(running)
    before = {name: sum(map(cpu_seconds, found)) for name, found in processes.items()}
    messages = attend(running, sockets, seconds)
    used = {name: (sum(map(cpu_seconds, found)) - before[name]) / seconds for name, found in processes.items()}
    return used, messages


def megabytes(processes: Sequence[psutil.Process]) -> float:
    """Give the memory that no file backs; what the kernel tells of shares cannot be read of those in a sandbox."""
    return sum(private_memory(process.pid) for process in processes) / 1e6


def main() -> None:
    """Measure, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--instances", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=30)
    arguments = parser.parse_args()
    count = arguments.instances
    with stage(places=count) as running:
        alone, _ = measure(running, [], arguments.seconds)
        empty = megabytes([running.supervisor])
        sockets = start(running, count)
        idle, messages = measure(running, sockets, arguments.seconds)
        load = psutil.getloadavg()[0]
        processes = everything(running)
        memory = {name: megabytes(found) for name, found in processes.items()}
    print(f"{machine()}; load average {load:.1f}")
    print(f"{count} instances, {messages} messages in {arguments.seconds:g} s")
    print("                processes  share of a core  of each process  MB of each process")
    for name, found in processes.items():
        each = len(found)
        print(f"{name:15} {each:9}  {idle[name]:15.2%}  {idle[name] / each:15.3%}  {memory[name] / each:18.1f}")
    beside = memory[Role.LAUNCHER.value] + memory[Role.SANDBOX.value]
    print(f"launcher and sandbox of an instance: {beside / count:.1f} MB")
    print(f"server without instances: {alone['server']:.2%} of a core, {empty:.1f} MB")


if __name__ == "__main__":
    main()
