"""How long C{GET /session} takes at a given rate, some simulation servers hanging: requests come when they come.

The load is open-loop: each request has its time and is measured from then on, whether or not earlier ones have been
answered.
"""

from __future__ import annotations

import argparse
import selectors
import socket
import time
from collections import deque

import attrs

from benchmarks.processes import machine
from benchmarks.session.processes import stage

REQUEST = b"GET /session HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: %s\r\n\r\n"


@attrs.define
class Load:
    """Requests at a fixed rate, over kept connections or each over its own."""

    port: int
    rate: float
    seconds: float
    fresh: bool
    latencies: list[float] = attrs.field(factory=list)
    _idle: deque[socket.socket] = attrs.field(factory=deque)
    _due: dict[socket.socket, float] = attrs.field(factory=dict)
    _selector: selectors.BaseSelector = attrs.field(factory=selectors.DefaultSelector)

    def run(self) -> None:
        """Send all requests, and wait for all answers."""
        begin = time.monotonic()
        sent = 0
        while sent < self.rate * self.seconds or self._due:
            due = begin + sent / self.rate
            if sent < self.rate * self.seconds and time.monotonic() >= due:
                self._send(due)
                sent += 1
            elif sent < self.rate * self.seconds:
                self._receive(max(0.0, due - time.monotonic()))
            else:
                self._receive(1.0)

    def _send(self, due: float) -> None:
        if self._idle and not self.fresh:
            client = self._idle.popleft()
        else:
            client = socket.create_connection(("127.0.0.1", self.port))
            self._selector.register(client, selectors.EVENT_READ)
        self._due[client] = due
        client.sendall(REQUEST % (b"close" if self.fresh else b"keep-alive"))

    def _receive(self, timeout: float) -> None:
        for key, _ in self._selector.select(timeout):
            client = key.fileobj
            assert isinstance(client, socket.socket)
            answer = client.recv(4096)
            assert b"\r\n\r\nws://" in answer, answer
            self.latencies.append(time.monotonic() - self._due.pop(client))
            if self.fresh:
                self._selector.unregister(client)
                client.close()
            else:
                self._idle.append(client)


def main() -> None:
    """Measure, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--servers", type=int, default=100, help="simulation servers in the list")
    parser.add_argument("--hanging", type=int, default=10, help="how many of them hang")
    parser.add_argument("--rate", type=float, default=500, help="requests a second")
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--fresh", action="store_true", help="a connection for each request, as new visitors have")
    arguments = parser.parse_args()
    with stage(arguments.servers, arguments.hanging) as running:
        load = Load(running.port, arguments.rate, arguments.seconds, arguments.fresh)
        load.run()
    latencies = sorted(load.latencies)
    print(machine())
    print(f"{len(latencies)} requests at {arguments.rate:g}/s, {arguments.hanging} of {arguments.servers} servers hang")
    for share in (0.5, 0.9, 0.99, 0.999, 1.0):
        print(f"{share:6.1%} within {1000 * latencies[max(0, round(share * len(latencies)) - 1)]:.1f} ms")


if __name__ == "__main__":
    main()
