"""Clients: a process that opens WebSockets through a proxy, takes what comes, and tells how much and how late.

It prints C{begin} and C{end} when it begins and ends to count, and then its figures.
"""

from __future__ import annotations

import argparse
import json
import math
import select
import socket
import sys
import time

from benchmarks.gate.loads import LOADS, TIMESTAMP, Load, allow_many_connections

_HANDSHAKE = (
    "GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
_MASK = b"mask"
_FIRST = b"x3d;broadcast"
_READ_SIZE = 256 * 1024
WARM_UP_SECONDS = 1.0


def connect(port: int, path: str) -> socket.socket:
    """Open a WebSocket, and say what is wanted."""
    client = socket.create_connection(("127.0.0.1", port))
    client.settimeout(60)
    client.sendall(_HANDSHAKE.format(port=port, path=path).encode())
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        byte = client.recv(1)
        assert byte, head
        head += byte
    assert head.startswith(b"HTTP/1.1 101 "), head
    masked = bytes(byte ^ _MASK[index % 4] for index, byte in enumerate(_FIRST))
    client.sendall(bytes([0x81, 0x80 | len(_FIRST)]) + _MASK + masked)
    client.setblocking(False)
    return client


class Sink:
    """Takes what comes on all connections.

    @ivar received: bytes.
    @ivar latencies: of the first frame of each piece that came, in nanoseconds.
    """

    def __init__(self, clients: list[socket.socket], load: Load) -> None:
        self.received = 0
        self.latencies: list[int] = []
        self._clients = {client.fileno(): client for client in clients}
        self._header = len(load.header)
        self._length = self._header + load.payload
        self._positions = dict.fromkeys(self._clients, 0)
        self._buffer = bytearray(_READ_SIZE)
        self._poll = select.epoll()
        for client in clients:
            self._poll.register(client, select.EPOLLIN)

    def take(self, seconds: float) -> None:
        """Take what comes for some time."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            for descriptor, _ in self._poll.poll(left):
                self._read(descriptor)

    def _read(self, descriptor: int) -> None:
        count = self._clients[descriptor].recv_into(self._buffer)
        assert count, "a connection was closed"
        now = time.monotonic_ns()
        self.received += count
        position = self._positions[descriptor]
        begin = -position % self._length
        if begin + self._header + TIMESTAMP.size <= count:
            self.latencies.append(now - TIMESTAMP.unpack_from(self._buffer, begin + self._header)[0])
        self._positions[descriptor] = (position + count) % self._length


def quantile(values: list[int], share: float) -> float:
    """Give a quantile in milliseconds."""
    ordered = sorted(values)
    return ordered[min(math.floor(share * len(ordered)), len(ordered) - 1)] / 1e6 if ordered else math.nan


def main() -> None:
    """Connect, and count."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("port", type=int)
    parser.add_argument("path")
    parser.add_argument("load", choices=LOADS)
    parser.add_argument("seconds", type=float)
    arguments = parser.parse_args()
    allow_many_connections()
    load = LOADS[arguments.load]
    clients = [connect(arguments.port, f"{arguments.path}/{load.path}") for _ in range(load.connections)]
    sink = Sink(clients, load)
    sink.take(WARM_UP_SECONDS)
    sink.received, sink.latencies = 0, []
    print("begin", flush=True)
    begin = time.monotonic()
    sink.take(arguments.seconds)
    seconds = time.monotonic() - begin
    print("end", flush=True)
    figures = {
        "megabytes": sink.received / 1e6,
        "seconds": seconds,
        "p50": quantile(sink.latencies, 0.5),
        "p99": quantile(sink.latencies, 0.99),
    }
    print(json.dumps(figures), flush=True)
    sys.stdin.readline()


if __name__ == "__main__":
    main()
