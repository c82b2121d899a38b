"""Clients that start an instance and leave at random moments in different ways, and what is left of them afterwards.

Exits with 1 if anything is left.
"""

from __future__ import annotations

import argparse
import contextlib
import random
import re
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue

import attrs
import psutil

from benchmarks.processes import listened_on, machine
from benchmarks.simulation.processes import BASE_PROJECT, HOSTED_PROJECT, Stage, stage
from benchmarks.simulation.websocket import Closed, WebSocket

MOST_SECONDS = 2.0
"""After how long at the latest a client leaves."""
PATIENCE_SECONDS = 60.0
SETTLE_SECONDS = 20.0
"""How long the server may take to free the last instances: SIGTERM, five seconds, SIGKILL, and the folders."""
HANDSHAKE, DROP, KILL = "closing handshake", "dropping TCP", "killing the simulator"


@attrs.frozen
class Visit:
    """What one client does.

    @ivar project: what it starts.
    @ivar seconds: after how long it leaves, counted from its connection.
    @ivar way: how it leaves.
    """

    project: str
    seconds: float
    way: str


class Visitor:
    """One client at a time, with a world of its own by which its simulator is found."""

    def __init__(self, running: Stage, world: str) -> None:
        self._running = running
        self._world = world

    def visit(self, visit: Visit) -> str:
        """Come and leave; give how far it came."""
        leave_at = time.monotonic() + visit.seconds
        client = WebSocket(self._running.port, "/client")
        client.send(self._running.init(visit.project, self._world))
        page: WebSocket | None = None
        with contextlib.ExitStack() as stack:
            while (left := leave_at - time.monotonic()) > 0:
                answer = client.receive(left)
                if answer and answer.startswith("webots:"):
                    page = self._open_page(answer)
                    stack.callback(page.drop)
                elif answer:
                    assert answer == ".", answer
            self._leave(client, visit.way)
        return "running" if page else "starting"

    def _open_page(self, answer: str) -> WebSocket:
        page = WebSocket(int(answer.rpartition(":")[2]), "/")
        page.send("x3d")
        page.send("real-time:-1")
        return page

    def _leave(self, client: WebSocket, way: str) -> None:
        if way == HANDSHAKE:
            client.close()
        elif way == DROP:
            client.drop()
        else:
            self._kill(client)

    def _kill(self, client: WebSocket) -> None:
        """Kill the simulator, as soon as there is one, and wait until the client is told and its socket closed."""
        end = time.monotonic() + PATIENCE_SECONDS
        told = ""
        with contextlib.suppress(Closed):
            while time.monotonic() < end:
                for simulator in self._running.simulators():
                    with contextlib.suppress(psutil.NoSuchProcess):
                        if "".join(simulator.cmdline()).endswith(f"/{self._world}"):
                            simulator.kill()
                told = client.receive(0.005) or told
        client.drop()
        assert told.startswith("error:"), f"the client was told {told!r} when its simulator was killed"


@attrs.frozen
class Left:
    """What is there of instances, and of the server's descriptors."""

    processes: int
    ports: int
    folders: int
    descriptors: int

    @classmethod
    def of(cls, running: Stage) -> Left:
        """Count."""
        return cls(
            len(running.processes()),
            len(listened_on(running.ports)),
            len(running.instance_folders()),
            running.supervisor.num_fds(),
        )


def visits(count: int, seed: int) -> list[Visit]:
    """Make up what clients do."""
    chance = random.Random(seed)
    return [
        Visit(
            chance.choice((BASE_PROJECT, HOSTED_PROJECT)),
            chance.uniform(0, MOST_SECONDS),
            chance.choice((HANDSHAKE, DROP, KILL)),
        )
        for _ in range(count)
    ]


def visit_all(running: Stage, worlds: list[str], planned: list[Visit]) -> Counter[tuple[str, str]]:
    """Have all visits, as many at once as there are worlds; count the ways and how far they came."""
    visitors: SimpleQueue[Visitor] = SimpleQueue()
    for world in worlds:
        visitors.put(Visitor(running, world))

    def have(visit: Visit) -> tuple[str, str]:
        visitor = visitors.get()
        try:
            return visit.way, visitor.visit(visit)
        finally:
            visitors.put(visitor)

    with ThreadPoolExecutor(len(worlds)) as threads:
        return Counter(threads.map(have, planned))


def settled(running: Stage, before: Left) -> tuple[Left, float]:
    """Wait until nothing is left, but not for ever; give what is left, and after how many seconds."""
    begin = time.monotonic()
    left = Left.of(running)
    while left != before and time.monotonic() < begin + SETTLE_SECONDS:
        time.sleep(0.05)
        left = Left.of(running)
    return left, time.monotonic() - begin


def main() -> None:
    """Let clients come and go, and print what is left."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cycles", type=int, default=200)
    parser.add_argument("--at-once", type=int, default=6)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    print(machine())
    worlds = [f"world{number}.wbt" for number in range(arguments.at_once)]
    with stage(places=3 * arguments.at_once, worlds=worlds) as running:
        # The first few have the server load what it keeps.
        visit_all(running, worlds, visits(arguments.at_once, arguments.seed + 1))
        running.wait_until_empty()
        before, memory = Left.of(running), running.supervisor.memory_full_info().uss
        begin = time.monotonic()
        ways = visit_all(running, worlds, visits(arguments.cycles, arguments.seed))
        took = time.monotonic() - begin
        left, waited = settled(running, before)
        memory = running.supervisor.memory_full_info().uss - memory
        errors = [line for line in (running.folder / "simulation.log").open() if re.search("#(error|critical)]", line)]
    print(f"{ways.total()} cycles, {arguments.at_once} at once, in {took:.0f} s; settled after {waited:.1f} s more")
    for (way, phase), number in sorted(ways.items()):
        print(f"    {number} left by {way} while {phase}")
    print(f"processes left: {left.processes}, ports: {left.ports}, folders: {left.folders}")
    print(f"descriptors of the supervisor: {before.descriptors} before, {left.descriptors} after")
    print(f"memory of the supervisor: {memory / 1000:+.0f} kB; errors in its log: {len(errors)}")
    sys.stdout.writelines(errors)
    if left != before or errors:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
