"""What thousands of watchers cost a session server, and how long it takes until the last of them knows of a change."""

from __future__ import annotations

import argparse
import selectors
import socket
import time

from benchmarks.processes import cpu_seconds, machine
from benchmarks.session.processes import stage

HANDSHAKE = (
    b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nOrigin: http://localhost:8080\r\nCookie: visitor=%s\r\n"
    b"User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36\r\n"
    b"Accept-Encoding: gzip, deflate, br, zstd\r\nAccept-Language: en-GB,en;q=0.9\r\nCache-Control: no-cache\r\n"
    b"Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n\r\n"
) % (b"0123456789abcdef" * 30)
BATCH = 100


def connect(port: int, count: int) -> list[socket.socket]:
    """Connect watchers, and wait until each of them knows how it is."""
    watchers: list[socket.socket] = []
    while len(watchers) < count:
        batch = [socket.create_connection(("127.0.0.1", port)) for _ in range(min(BATCH, count - len(watchers)))]
        for watcher in batch:
            watcher.sendall(HANDSHAKE)
        for watcher in batch:
            answer = b""
            while not answer.endswith(b"\r\n\r\n\x81\x011"):
                answer += watcher.recv(4096)
        watchers += batch
    return watchers


def told(watchers: list[socket.socket], value: bytes) -> tuple[float, float]:
    """Wait until all are told C{value}; give the times of the first and the last, and answer pings."""
    frame = b"\x81\x01" + value
    waiting = set(watchers)
    first = 0.0
    with selectors.EpollSelector() as selector:
        for watcher in watchers:
            selector.register(watcher, selectors.EVENT_READ)
        while waiting:
            for key, _ in selector.select(30):
                assert isinstance(key.fileobj, socket.socket)
                received = key.fileobj.recv(256)
                assert received, "the session server has closed a watcher's connection"
                if b"\x89\x00" in received:
                    key.fileobj.sendall(b"\x8a\x80\x00\x00\x00\x00")
                if frame in received:
                    first = first or time.monotonic()
                    waiting.discard(key.fileobj)
    return first, time.monotonic()


def main() -> None:
    """Measure, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--watchers", type=int, default=10000)
    parser.add_argument("--changes", type=int, default=10)
    arguments = parser.parse_args()
    print(machine())
    with stage(servers=1, poll_seconds=1) as running:
        before = running.session.memory_info().rss
        begin = time.monotonic()
        watchers = connect(running.port, arguments.watchers)
        took = time.monotonic() - begin
        print(f"{len(watchers)} watchers connected in {took:.1f} s, {1000 * took / len(watchers):.2f} ms each")
        for change in range(arguments.changes):
            running.toggle_loads()
            answered, worked = running.told_at(), cpu_seconds(running.session)
            first, last = told(watchers, b"01"[change % 2 : change % 2 + 1])
            worked = cpu_seconds(running.session) - worked
            print(
                f"{change + 1}: told {1000 * (first - answered):.0f} to {1000 * (last - answered):.0f} ms after the "
                f"simulation server's answer, {1000 * worked:.0f} ms of work for the session server"
            )
        rss = running.session.memory_info().rss
        print(f"memory of the session server: {(rss - before) / len(watchers):.0f} bytes a watcher")


if __name__ == "__main__":
    main()
