"""Sessions that are cut off at random moments of their lives in different ways, and what is left of them afterwards.

Exits with 1 if anything is left, or a client was not told what happened, or there is an error in the server's log.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import re
import sys
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue
from urllib.error import HTTPError
from urllib.request import urlopen

import attrs
import psutil

from benchmarks.processes import free_port, machine
from benchmarks.simulation.hostile_host import BREAKS, ERROR, STALLS, STATUS, hostile_host
from benchmarks.simulation.processes import (
    BASE_PROJECT,
    HOSTED_PROJECT,
    PATIENCE_SECONDS,
    Role,
    Stage,
    open_page,
    stage,
)
from benchmarks.simulation.websocket import Closed, WebSocket

MOST_SECONDS = 3.0
"""After how long at the latest a session is cut off."""
FETCH_SECONDS = 8
"""How long the server waits for a website host: longer than any client that is to leave before."""
SETTLE_SECONDS = 30.0
"""How long the server may take to free the last instances: SIGTERM, five seconds, SIGKILL, and the folders."""
STEADY_LOOKS = 20
LOOK_SECONDS = 0.05
WORLDS = 4
"""How many worlds there are for each session at a time: none is used again before its last instance has ended."""
LEAVING = HANDSHAKE, DROP = "the client closes by handshake", "the client drops TCP"
KILLS = {
    "the simulator is killed": Role.SIMULATOR,
    "the launcher is killed": Role.LAUNCHER,
    "the sandbox is killed": Role.SANDBOX,
}
FAILURES = {
    "the host says Error:": ERROR,
    "the host answers 500": STATUS,
    "the host breaks the download off": BREAKS,
    "the host stalls": STALLS,
}
QUEUED, ASKED, FETCHING, RUNNING = "queued", "asked", "fetching", "running"
EARLY = "too early"
BATCHES = 4
"""How often the server's memory is looked at."""

_ERROR = r"^[^ ]+ \[[^ ]*#(?:error|critical)].*\n(?:(?![0-9]{4}-).*\n)*"
"""An error in the server's log, with its traceback."""


@attrs.frozen
class Plan:
    """What is to become of a session.

    @ivar project: what it starts.
    @ivar fails: whether its website host is the one that fails.
    @ivar seconds: after how long it is cut off, counted from its connection, unless its host fails first.
    @ivar way: how.
    """

    project: str
    fails: bool
    seconds: float
    way: str


@attrs.frozen
class Outcome:
    """What has become of a session.

    @ivar way: how it was cut off.
    @ivar phase: what its instance was doing then.
    @ivar complaint: what was not as it has to be; empty if nothing.
    @ivar queued: whether it had to wait for a place.
    @ivar url: where its simulation was; empty if it did not come to run.
    """

    way: str
    phase: str
    complaint: str
    queued: bool
    url: str


class Session:
    """A page that starts a simulation, with a world by which its processes are found."""

    def __init__(self, running: Stage, host: str, plan: Plan, world: str) -> None:
        """Connect and ask.

        @param host: URL of the website host.
        """
        self._running = running
        self._plan = plan
        self._world = world
        self._url = self._told = ""
        self._queued = self._killed = False
        self._page: WebSocket | None = None
        self._client = running.ask(running.init(plan.project, world, host))

    def live(self) -> Outcome:
        """Live until the session is cut off; give what has become of it."""
        way = self._plan.way
        phase, complaint = FETCHING if way in FAILURES else EARLY, ""
        try:
            self._listen(self._plan.seconds)
            if way in LEAVING:
                phase = self._phase()
                complaint = self._leave()
            else:
                phase = self._kill(KILLS[way]) if way in KILLS else phase
                self._listen(PATIENCE_SECONDS)
                complaint = "its socket was not closed"
        except Closed:
            # Whoever leaves is not told anything, and nobody is before it is cut off.
            complaint = "" if self._told and phase != EARLY else f"its socket was closed, saying {self._told!r}"
        self._client.drop()
        return Outcome(way, phase, complaint or self._end_page(), self._queued, self._url)

    def _listen(self, seconds: float) -> None:
        """Take what comes for some time.

        @raise Closed: if the server closes.
        """
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            message = self._client.receive(left) or ""
            if message.startswith("webots:"):
                self._url = message.removeprefix("webots:")
                if not self._killed:
                    self._page = open_page(self._url)
                    self._page.send("real-time:-1")
            elif message.startswith("error:"):
                self._told = message
            self._queued = self._queued or message.startswith("queue:")

    def _phase(self) -> str:
        if self._url:
            return RUNNING
        return self._running.phase(self._world) or (QUEUED if self._queued else ASKED)

    def _leave(self) -> str:
        if self._plan.way == HANDSHAKE and not self._client.close():
            return "its closing was not answered"
        self._client.drop()
        return ""

    def _kill(self, role: Role) -> str:
        """Kill a process of the instance, as soon as there is one; give the phase of the instance."""
        end = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < end:
            phase = self._phase()
            found = self._running.find(role, self._world)
            if found:
                with contextlib.suppress(psutil.NoSuchProcess):
                    found.kill()
                    self._killed = True
                    return phase
            self._listen(LOOK_SECONDS)
        raise SystemExit(f"there is no {role.value} to be killed")

    def _end_page(self) -> str:
        """See to it that the page is closed with its session; a client that vanishes does so with all it has."""
        if self._page is None:
            return ""
        if self._plan.way != DROP:
            end = time.monotonic() + PATIENCE_SECONDS
            try:
                while time.monotonic() < end:
                    self._page.receive(1)
                return "its page was not closed"
            except Closed:
                pass
        self._page.drop()
        return ""


@attrs.frozen
class Left:
    """What there is of instances.

    @ivar processes: of instances, of the whole machine.
    @ivar folders: of instances.
    @ivar descriptors: of the server.
    @ivar watched: descriptors of the guardian, which has one for each instance.
    @ivar sockets: of the server, of any kind.
    @ivar connections: TCP connections of the machine to or from server and website hosts, whoever has them.
    @ivar instances: that have a place, as the server says.
    @ivar waiting: clients in the queue, as the server says.
    """

    processes: int
    folders: int
    descriptors: int
    watched: int
    sockets: int
    connections: int
    instances: int
    waiting: int

    @classmethod
    def of(cls, running: Stage, ports: set[int]) -> Left:
        """Count.

        @param ports: of server and website hosts.
        """
        descriptors, sockets = running.supervisor.num_fds(), count_sockets(running.supervisor.pid)
        connections = count_connections(ports)
        totals = running.monitor()["totals"]
        return cls(
            len(running.processes()),
            len(running.instance_folders()),
            descriptors,
            running.guardian.num_fds(),
            sockets,
            connections,
            totals["instances"],
            totals["waiting"],
        )

    def more_than(self, other: Left) -> bool:
        """Tell whether there is more of anything."""
        return any(own > before for own, before in zip(attrs.astuple(self), attrs.astuple(other), strict=True))


def count_sockets(pid: int) -> int:
    """Count the sockets that a process of this user has open."""
    found = 0
    for name in os.listdir(f"/proc/{pid}/fd"):
        with contextlib.suppress(FileNotFoundError):
            found += os.readlink(f"/proc/{pid}/fd/{name}").startswith("socket:")
    return found


def count_connections(ports: set[int]) -> int:
    """Count TCP connections with one of these ports at either end; those that are over and only remembered do not."""
    over = (psutil.CONN_LISTEN, psutil.CONN_TIME_WAIT)
    return sum(
        any(end and end[1] in ports for end in (connection.laddr, connection.raddr))
        for connection in psutil.net_connections("tcp")
        if connection.status not in over
    )


def plans(count: int, seed: int) -> list[Plan]:
    """Make up what becomes of sessions."""
    chance = random.Random(seed)
    made = []
    for _ in range(count):
        way = chance.choice(chance.choice((LEAVING, tuple(KILLS), tuple(FAILURES))))
        projects = [FAILURES[way]] if way in FAILURES else [BASE_PROJECT, HOSTED_PROJECT]
        if way in LEAVING:
            projects.append(STALLS)
        project = chance.choice(projects)
        made.append(Plan(project, project in FAILURES.values(), chance.uniform(0, MOST_SECONDS), way))
    return made


def live_all(
    running: Stage, hostile: str, worlds: Sequence[str], at_once: int, planned: Sequence[Plan]
) -> list[Outcome]:
    """Live all sessions, so many at once; give what has become of them."""
    free: SimpleQueue[str] = SimpleQueue()
    for world in worlds:
        free.put(world)

    def live(plan: Plan) -> Outcome:
        world = free.get()
        try:
            return Session(running, hostile if plan.fails else running.host, plan, world).live()
        finally:
            free.put(world)

    with ThreadPoolExecutor(at_once) as threads:
        return list(threads.map(live, planned))


def steady(running: Stage, ports: set[int]) -> Left:
    """Wait until nothing changes for a while; give what there is then."""
    seen = [Left.of(running, ports)]
    while len(seen) < STEADY_LOOKS:
        time.sleep(LOOK_SECONDS)
        left = Left.of(running, ports)
        seen = [*seen, left] if left == seen[0] else [left]
    return seen[0]


def settled(running: Stage, ports: set[int], before: Left) -> tuple[Left, float]:
    """Wait until there is no more than before, but not for ever; give what there is, and after how many seconds."""
    begin = time.monotonic()
    left = Left.of(running, ports)
    while left.more_than(before) and time.monotonic() < begin + SETTLE_SECONDS:
        time.sleep(LOOK_SECONDS)
        left = Left.of(running, ports)
    return left, time.monotonic() - begin


def leads_nowhere(url: str) -> bool:
    """Tell whether the server knows nothing of a path that it has given."""
    try:
        with urlopen(url.replace("ws:", "http:", 1) + "/"):
            return False
    except HTTPError as error:
        return error.code == 404


def print_outcomes(outcomes: Sequence[Outcome]) -> None:
    """Print how many were cut off in which way and phase."""
    counts = Counter((outcome.way, outcome.phase) for outcome in outcomes)
    found = {phase for _, phase in counts}
    known = [phase for phase in (ASKED, QUEUED, FETCHING, "starting", RUNNING) if phase in found]
    phases = known + sorted(found - set(known))
    print(" " * 35 + "".join(f"{phase:>10}" for phase in phases))
    for way in [*LEAVING, *KILLS, *FAILURES]:
        print(f"{way:35}" + "".join(f"{counts[way, phase]:10}" for phase in phases))


def main() -> None:
    """Let sessions come and go, and print what is left."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sessions", type=int, default=200)
    parser.add_argument("--at-once", type=int, default=12)
    parser.add_argument("--places", type=int, default=6, help="how many of them run; the others wait")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    worlds = [f"world{number}.wbt" for number in range(WORLDS * arguments.at_once)]
    hostile_port = free_port()
    options = {"fetchTimeoutSeconds": FETCH_SECONDS}
    with (
        hostile_host(hostile_port) as hostile,
        stage(arguments.places, worlds, (hostile_port,), options) as running,
    ):
        ports = {running.port, hostile_port, int(running.host.rpartition(":")[2])}
        # The first few have the server load what it keeps.
        live_all(running, hostile, worlds, arguments.at_once, plans(2 * arguments.at_once, arguments.seed + 1))
        running.wait_until_empty()
        before, memory = steady(running, ports), [running.supervisor.memory_full_info().uss]
        begin = time.monotonic()
        planned = plans(arguments.sessions, arguments.seed)
        outcomes = []
        for batch in range(BATCHES):
            some = planned[batch * len(planned) // BATCHES : (batch + 1) * len(planned) // BATCHES]
            outcomes += live_all(running, hostile, worlds, arguments.at_once, some)
            memory.append(running.supervisor.memory_full_info().uss)
        took, load = time.monotonic() - begin, psutil.getloadavg()[0]
        after, waited = settled(running, ports, before)
        urls = [outcome.url for outcome in outcomes if outcome.url]
        routes = [url for url in urls if not leads_nowhere(url)]
        errors = re.findall(_ERROR, (running.folder / "simulation.log").read_text(), re.MULTILINE)
    complaints = [f"{outcome.way}: {outcome.complaint}\n" for outcome in outcomes if outcome.complaint]
    print(f"{machine()}; load average {load:.1f}")
    queued = sum(outcome.queued for outcome in outcomes)
    print(f"{len(outcomes)} sessions, {arguments.at_once} at once for {arguments.places} places, in {took:.0f} s")
    print(f"{queued} of them had to wait in the queue")
    print_outcomes(outcomes)
    print(f"{'':12}before   {waited:.1f} s after the last")
    for field in attrs.fields(Left):
        print(f"{field.name:12}{getattr(before, field.name):6}   {getattr(after, field.name):6}")
    print(f"routes left: {len(routes)} of {len(urls)}; clients that were not told: {len(complaints)}")
    grown = ", ".join(f"{(size - memory[0]) / 1000:+.0f} kB" for size in memory[1:])
    print(f"memory of the server after each quarter: {grown}; errors in its log: {len(errors)}")
    sys.stdout.writelines(complaints + errors)
    if after.more_than(before) or routes or complaints or errors:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
