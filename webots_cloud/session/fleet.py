"""The simulation servers, the load that each of them last told, and which one the next client is sent to.

No I/O: whoever hears from a simulation server reports it here, and whoever wants to know of changes subscribes.
"""

from __future__ import annotations

import bisect
import math
from collections.abc import Callable, Iterable
from enum import Enum

import attrs

from webots_cloud.address import ServerAddress
from webots_cloud.monitor.summary import NOTHING, Summary

FULL_LOAD = 99.0
"""A server with this load in percent, or more, is not available (docs/protocol.md section 1)."""

EXPECTED_LOAD = 5.0
"""How much load in percent a client is expected to bring, until its server has told of it."""

SETTLE_SECONDS = 10.0
"""How long it takes until a client shows in its server's load: about 5 s until its world runs, and the load that a
server tells is an average over 5 s."""


class State(Enum):
    """What is known of a simulation server."""

    UNKNOWN = "not asked yet"
    AVAILABLE = "available"
    FULL = "full"
    FAILED = "failed"


@attrs.define(eq=False)
class Server:
    """A simulation server; only the fleet changes it.

    @ivar load: the load in percent as it was last told; C{None} unless the state is available or full.
    @ivar reason: why it failed; empty otherwise.
    @ivar reserved: how many clients were sent there that do not show in C{load} yet.
    @ivar turn: which hand-out its last one was, counted over all servers.
    @ivar since: since when it has been in its state, in seconds of the fleet's clock.
    @ivar asked: when it was asked what it answered last, by the same clock; C{None}: it has never answered.
    @ivar summary: what it says of itself beside its load; nothing unless the state is available or full.
    @ivar sent: how many clients were ever sent there.
    @ivar failures: how many times it gave no load when it was asked.
    """

    address: ServerAddress
    state: State = State.UNKNOWN
    load: float | None = None
    reason: str = ""
    reserved: int = 0
    turn: int = 0
    since: float = 0.0
    asked: float | None = None
    summary: Summary = NOTHING
    sent: int = 0
    failures: int = 0
    _handed_out: dict[int, int] = attrs.field(factory=dict)

    @property
    def expected_load(self) -> float:
        """The load in percent with those clients in it that do not show yet."""
        return (self.load or 0.0) + self.reserved * EXPECTED_LOAD

    def reserve(self, second: int) -> None:
        """Note that a client was sent there at C{second}."""
        self.reserved += 1
        self.sent += 1
        self._handed_out[second] = self._handed_out.get(second, 0) + 1

    def release(self, until: float) -> None:
        """Forget the clients that were sent there until then, in seconds of the fleet's clock."""
        for second in [second for second in self._handed_out if second <= until]:
            self.reserved -= self._handed_out.pop(second)


class Fleet:
    """All simulation servers of one session server.

    Clients go to the server with the lowest expected load, and among equals to the one whose last client is longest
    ago. A client that is sent to a server reserves L{EXPECTED_LOAD} there. The reservation ends with the first answer
    to a question asked L{SETTLE_SECONDS} later: an earlier answer cannot have the client in it. It is a guess, so it
    decides only the order of servers; whether a server is available is what the server itself says.

    @ivar refused: how many clients could be sent nowhere.
    """

    def __init__(self, addresses: Iterable[ServerAddress], seconds: Callable[[], float]) -> None:
        """Begin with servers of which nothing is known.

        @param seconds: the clock, in seconds.
        """
        self._seconds = seconds
        now = seconds()
        self._servers = {address: Server(address, turn=turn, since=now) for turn, address in enumerate(addresses)}
        self._turns = len(self._servers)
        self.refused = 0
        self._queue: list[tuple[float, int, Server]] = []
        self._watch_availability: list[Callable[[bool], None]] = []
        self._watch_servers: list[Callable[[Server], None]] = []
        self._watch_figures: list[Callable[[Server], None]] = []

    @property
    def servers(self) -> tuple[Server, ...]:
        """All servers, in the order in which they were given."""
        return tuple(self._servers.values())

    @property
    def available(self) -> bool:
        """Whether some server is available."""
        return bool(self._queue)

    @property
    def answers(self) -> bool:
        """Whether some server answers, be it that it is full."""
        return any(server.load is not None for server in self._servers.values())

    @property
    def mean_load(self) -> float | None:
        """The mean load in percent of the servers that answer; C{None} if none does."""
        loads = [server.load for server in self._servers.values() if server.load is not None]
        return sum(loads) / len(loads) if loads else None

    def watch_availability(self, changed: Callable[[bool], None]) -> None:
        """Have C{changed} called with the new L{available} at each change."""
        self._watch_availability.append(changed)

    def watch_servers(self, changed: Callable[[Server], None]) -> None:
        """Have C{changed} called with each server whose state changes."""
        self._watch_servers.append(changed)

    def watch_figures(self, changed: Callable[[Server], None]) -> None:
        """Have C{changed} called with each server of which something has changed, be it only its load."""
        self._watch_figures.append(changed)

    def first(self) -> ServerAddress | None:
        """The server that the next client would be sent to; C{None} if none is available."""
        return self._queue[0][2].address if self._queue else None

    def choose(self) -> ServerAddress | None:
        """Send a client to a server: give its address and reserve a place; C{None} if none is available."""
        if not self._queue:
            self.refused += 1
            return None
        server = self._queue.pop(0)[2]
        server.reserve(math.ceil(self._seconds()))
        server.turn = self._turns
        self._turns += 1
        self._enqueue(server)
        self._tell_figures(server)
        return server.address

    def report(self, address: ServerAddress, load: float, asked: float, summary: Summary = NOTHING) -> None:
        """Take in what a server said.

        @param load: its load in percent.
        @param asked: when it was asked, in seconds of the fleet's clock.
        @param summary: what it says of itself beside that.
        """
        server = self._servers[address]
        self._dequeue(server)
        server.load, server.reason, server.asked, server.summary = load, "", asked, summary
        server.release(asked - SETTLE_SECONDS)
        self._change(server, State.FULL if load >= FULL_LOAD else State.AVAILABLE)

    def report_failure(self, address: ServerAddress, reason: str) -> None:
        """Take in that a server gave no load.

        @param reason: what it did instead, as part of a sentence for the operator.
        """
        server = self._servers[address]
        self._dequeue(server)
        server.load, server.reason, server.summary = None, reason, NOTHING
        server.failures += 1
        self._change(server, State.FAILED)

    def _change(self, server: Server, state: State) -> None:
        """Give a server that is not in the queue its new state, and tell all who watch."""
        was_available = self.available or server.state is State.AVAILABLE
        changed = server.state is not state
        server.state = state
        if state is State.AVAILABLE:
            self._enqueue(server)
        if changed:
            server.since = self._seconds()
        self._tell_figures(server)
        if changed:
            for server_changed in self._watch_servers:
                server_changed(server)
        if self.available != was_available:
            for availability_changed in self._watch_availability:
                availability_changed(self.available)

    def _tell_figures(self, server: Server) -> None:
        for figures_changed in self._watch_figures:
            figures_changed(server)

    def _enqueue(self, server: Server) -> None:
        bisect.insort(self._queue, (server.expected_load, server.turn, server))

    def _dequeue(self, server: Server) -> None:
        if server.state is State.AVAILABLE:
            del self._queue[bisect.bisect_left(self._queue, (server.expected_load, server.turn, server))]
