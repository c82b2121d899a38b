"""How many C{GET /session} a session server answers in a second: clients that ask again as soon as they are told."""

from __future__ import annotations

import argparse
import selectors
import socket
import time
from collections import Counter

from benchmarks.processes import machine
from benchmarks.session.processes import stage

REQUEST = b"GET /session HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"


def measure(port: int, clients: int, seconds: float) -> tuple[int, Counter[bytes]]:
    """Ask for some seconds; give the number of answers, and how often each of them came."""
    selector = selectors.DefaultSelector()
    for _ in range(clients):
        client = socket.create_connection(("127.0.0.1", port))
        selector.register(client, selectors.EVENT_READ)
        client.sendall(REQUEST)
    answers: Counter[bytes] = Counter()
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for key, _ in selector.select(1):
            ready = key.fileobj
            assert isinstance(ready, socket.socket)
            answer = ready.recv(4096)
            assert answer.startswith(b"HTTP/1.1 200"), answer
            answers[answer.rpartition(b"\n")[2]] += 1
            ready.sendall(REQUEST)
    for key in list(selector.get_map().values()):
        assert isinstance(key.fileobj, socket.socket)
        key.fileobj.close()
    return answers.total(), answers


def main() -> None:
    """Measure, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--servers", type=int, default=100, help="simulation servers in the list")
    parser.add_argument("--clients", type=int, default=32)
    parser.add_argument("--seconds", type=float, default=10)
    arguments = parser.parse_args()
    with stage(arguments.servers) as running:
        total, answers = measure(running.port, arguments.clients, arguments.seconds)
    print(machine())
    print(f"{arguments.clients} clients, {arguments.servers} servers: {total / arguments.seconds:.0f} answers/s")
    print(f"clients per simulation server: {min(answers.values())} to {max(answers.values())}")


if __name__ == "__main__":
    main()
