"""What many instances cost a simulation server while nothing happens in them: all are paused, their pages open."""

from __future__ import annotations

import argparse
import selectors
import time
from urllib.request import urlopen

import attrs
import psutil

from benchmarks.processes import cpu_seconds, machine
from benchmarks.simulation.processes import BASE_PROJECT, DEMO, Stage, stage
from benchmarks.simulation.websocket import WebSocket

PATIENCE_SECONDS = 120
POLL_SECONDS = 5
"""How often a session server asks for the load."""
SETTLE_SECONDS = 10


@attrs.frozen
class Use:
    """What processes use.

    @ivar supervisor: processor time of the simulation server, as a share of one core.
    @ivar simulators: that of all simulators and controllers.
    @ivar messages: how many came to the pages.
    """

    supervisor: float
    simulators: float
    messages: int


def start(running: Stage, count: int) -> list[WebSocket]:
    """Start instances one after the other, open them as pages do, and let each make a step; give the sockets."""
    sockets = []
    for _ in range(count):
        client = WebSocket(running.port, "/client")
        client.send(running.init(BASE_PROJECT, f"{DEMO}.wbt"))
        answer = client.receive(PATIENCE_SECONDS)
        assert answer, "no answer"
        assert answer.startswith("webots:"), answer
        page = WebSocket(int(answer.rpartition(":")[2]), "/")
        page.send("x3d")
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


def measure(running: Stage, sockets: list[WebSocket], seconds: float) -> Use:
    """Let things settle, and measure."""
    attend(running, sockets, SETTLE_SECONDS)
    children = running.supervisor.children(recursive=True)
    supervisor, simulators = cpu_seconds(running.supervisor), sum(map(cpu_seconds, children))
    messages = attend(running, sockets, seconds)
    supervisor, simulators = cpu_seconds(running.supervisor) - supervisor, sum(map(cpu_seconds, children)) - simulators
    return Use(supervisor / seconds, simulators / seconds, messages)


def own_megabytes(processes: list[psutil.Process]) -> float:
    """Give the memory that would be free if these processes were not (USS)."""
    return sum(float(process.memory_full_info().uss) for process in processes) / 1e6


def main() -> None:
    """Measure, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--instances", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=30)
    arguments = parser.parse_args()
    count = arguments.instances
    with stage(places=count) as running:
        alone = measure(running, [], arguments.seconds)
        empty = own_megabytes([running.supervisor])
        sockets = start(running, count)
        idle = measure(running, sockets, arguments.seconds)
        full, simulators = own_megabytes([running.supervisor]), running.simulators()
        children = running.supervisor.children(recursive=True)
        simulating, all_of_them = own_megabytes(simulators), own_megabytes(children)
    print(machine())
    print(f"{len(simulators)} simulators, {len(children) - len(simulators)} controllers; {idle.messages} messages")
    print(f"processor share of the supervisor: {idle.supervisor:.2%}; with no instance {alone.supervisor:.2%}")
    print(f"processor share of all simulators and controllers: {idle.simulators:.2%}")
    print(f"memory of the supervisor: {full:.1f} MB; with no instance {empty:.1f} MB")
    print(f"memory of each simulator: {simulating / count:.1f} MB, with its controllers {all_of_them / count:.1f} MB")


if __name__ == "__main__":
    main()
