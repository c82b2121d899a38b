"""In Webots' place: a process that opens WebSockets and sends frames as fast as they are taken, or at a rate."""

from __future__ import annotations

import argparse
import base64
import hashlib
import heapq
import random
import select
import socket
import time

from benchmarks.gate.loads import LOADS, SILENT, Load, allow_many_connections, stamp

_MAGIC = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_FRAMES_AT_ONCE = 8


class Connection:
    """A client's connection: first its handshake and its first message, then frames."""

    def __init__(self, connected: socket.socket) -> None:
        self.socket = connected
        self.load: Load | None = None
        self._received = b""
        self._buffer = bytearray()
        self._view = memoryview(self._buffer)
        self._left = 0

    def read(self) -> bool:
        """Take what has come; tell whether the client is still there."""
        try:
            data = self.socket.recv(65536)
        except OSError:
            return False
        if not data:
            return False
        if self.load is None:
            self._received += data
            self._shake_hands()
        return True

    def _shake_hands(self) -> None:
        """Answer the handshake; the load begins with the first message."""
        head, end, first = self._received.partition(b"\r\n\r\n")
        if end and not self._buffer:
            lines = [line.partition(": ") for line in head.decode("latin-1").split("\r\n")]
            key = next(value for name, _, value in lines if name.lower() == "sec-websocket-key")
            accept = base64.b64encode(hashlib.sha1((key + _MAGIC).encode(), usedforsecurity=False).digest()).decode()
            self.socket.sendall(
                "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                f"Sec-WebSocket-Accept: {accept}\r\n\r\n".encode()
            )
            self._asked = LOADS[head.split(b" ")[1].rpartition(b"/")[2].decode()]
            count = 1 if self._asked.rate else _FRAMES_AT_ONCE
            self._buffer = self._asked.frame() * count
            self._view = memoryview(self._buffer)
        if first:
            self.load = self._asked

    def write(self) -> None:
        """Send frames, or what is left of them."""
        assert self.load
        if not self._left:
            for at in range(0, len(self._buffer), len(self.load.header) + self.load.payload):
                stamp(self._buffer, self.load, at)
            self._left = len(self._buffer)
        try:
            self._left -= self.socket.send(self._view[-self._left :])
        except BlockingIOError:
            return
        except OSError:
            self._left = 0


class Source:
    """All connections."""

    def __init__(self) -> None:
        self._poll = select.epoll()
        self._connections: dict[int, Connection] = {}
        self._due: list[tuple[float, int]] = []
        self._listening = socket.socket()
        self._listening.bind(("127.0.0.1", 0))
        self._listening.listen(4096)
        self._poll.register(self._listening, select.EPOLLIN)
        self.port: int = self._listening.getsockname()[1]

    def serve(self) -> None:
        """Go on until the process is ended."""
        while True:
            wait = self._due[0][0] - time.monotonic() if self._due else -1
            for descriptor, event in self._poll.poll(max(wait, 0) if self._due else -1):
                if descriptor == self._listening.fileno():
                    self._accept()
                elif event & select.EPOLLOUT:
                    self._connections[descriptor].write()
                elif event:
                    self._read(descriptor)
            self._send_what_is_due()

    def _accept(self) -> None:
        connected, _ = self._listening.accept()
        connected.setblocking(False)
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._connections[connected.fileno()] = Connection(connected)
        self._poll.register(connected, select.EPOLLIN)

    def _read(self, descriptor: int) -> None:
        connection = self._connections[descriptor]
        was_asked = connection.load is not None
        if not connection.read():
            self._poll.unregister(descriptor)
            del self._connections[descriptor]
            connection.socket.close()
            return
        load = connection.load
        if load is None or was_asked or load in SILENT:
            return
        if load.rate:
            heapq.heappush(self._due, (time.monotonic() + random.random() / load.rate, descriptor))
        else:
            self._poll.modify(descriptor, select.EPOLLIN | select.EPOLLOUT)

    def _send_what_is_due(self) -> None:
        now = time.monotonic()
        while self._due and self._due[0][0] <= now:
            due, descriptor = self._due[0]
            connection = self._connections.get(descriptor)
            if connection is None or connection.load is None or not connection.load.rate:
                heapq.heappop(self._due)
                continue
            connection.write()
            heapq.heapreplace(self._due, (due + 1 / connection.load.rate, descriptor))


def main() -> None:
    """Say the port, and serve."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    allow_many_connections()
    source = Source()
    print(source.port, flush=True)
    source.serve()


if __name__ == "__main__":
    main()
