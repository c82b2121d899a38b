"""How long /metrics of a session server takes that asks a thousand simulation servers, and what others wait for it."""

from __future__ import annotations

import argparse
import http.client
import statistics
import threading
import time

from benchmarks.processes import cpu_seconds, machine
from benchmarks.session.processes import stage

PAUSE_SECONDS = 0.01
WANTED_MILLISECONDS = 50


class Client:
    """Asks for one path, on a connection that is kept, as Prometheus does."""

    def __init__(self, port: int, path: str) -> None:
        """Prepare to ask."""
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self._path = path

    def ask(self) -> tuple[float, bytes]:
        """Give how many milliseconds the answer took, and the answer."""
        begin = time.perf_counter()
        self._connection.request("GET", self._path)
        body = self._connection.getresponse().read()
        return 1000 * (time.perf_counter() - begin), body


class Visitors(threading.Thread):
    """Somebody else asks whether a simulation can be had, again and again.

    @ivar waits: how many milliseconds each answer took.
    """

    def __init__(self, port: int) -> None:
        """Prepare to ask."""
        super().__init__(daemon=True)
        self.waits: list[float] = []
        self._client = Client(port, "/")
        self._over = threading.Event()

    def run(self) -> None:
        """Ask until it is over."""
        while not self._over.wait(PAUSE_SECONDS):
            self.waits.append(self._client.ask()[0])

    def stop(self) -> None:
        """Have it be over."""
        self._over.set()
        self.join()


def spread(milliseconds: list[float]) -> str:
    """Describe times in a few numbers."""
    cuts = statistics.quantiles(milliseconds, n=100)
    return f"median {cuts[49]:.1f} ms, 99 % {cuts[98]:.1f} ms, longest {max(milliseconds):.1f} ms"


def main() -> None:
    """Measure, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--servers", type=int, default=1000, help="simulation servers in the list")
    parser.add_argument("--scrapes", type=int, default=100)
    parser.add_argument("--pause", type=float, default=0.3, help="seconds between two of them")
    arguments = parser.parse_args()
    print(machine())
    with stage(arguments.servers) as running:
        prometheus = Client(running.port, "/metrics")
        while f'{{state="available"}} {arguments.servers}.0\n'.encode() not in prometheus.ask()[1]:
            time.sleep(arguments.pause)
        began, worked = time.perf_counter(), cpu_seconds(running.session)
        time.sleep(10)
        alone = (cpu_seconds(running.session) - worked) / (time.perf_counter() - began)
        times = []
        began, worked = time.perf_counter(), cpu_seconds(running.session)
        for _ in range(arguments.scrapes):
            took, answer = prometheus.ask()
            times.append(took)
            time.sleep(arguments.pause)
        passed, worked = time.perf_counter() - began, cpu_seconds(running.session) - worked
        visitors = Visitors(running.port)
        visitors.start()
        for _ in range(arguments.scrapes):
            prometheus.ask()
            time.sleep(arguments.pause)
        visitors.stop()
    lines = sum(not line.startswith(b"#") for line in answer.splitlines())
    print(f"{arguments.servers} simulation servers: {lines} samples, {len(answer) / 1000:.0f} kB")
    within = sum(took <= WANTED_MILLISECONDS for took in times)
    print(f"/metrics: {spread(times)}; {within} of {len(times)} within {WANTED_MILLISECONDS} ms")
    print(f"processor time of the session server: {1000 * (worked - alone * passed) / arguments.scrapes:.1f} ms each")
    print(f"others who ask for / meanwhile: {spread(visitors.waits)}")


if __name__ == "__main__":
    main()
