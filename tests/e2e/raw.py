"""Connections on which a test says what no proper client says, byte by byte (RFC 9112, RFC 6455)."""

from __future__ import annotations

import re
import socket
from collections.abc import Mapping
from types import TracebackType
from typing import NamedTuple, Self

from tests.e2e.program import PATIENCE

CONTINUATION, TEXT, CLOSE, PING, PONG = 0, 1, 8, 9, 10
FIN, MASKED = 0x80, 0x80
NO_MASK = b"\0\0\0\0"
"""Leaves a payload as it is."""
UPGRADE = {
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version": "13",
}
_HEAD_END = b"\r\n\r\n"


def request(target: str, headers: Mapping[str, str] | None = None, method: str = "GET") -> bytes:
    """Write a request's head."""
    lines = [f"{method} {target} HTTP/1.1", "Host: localhost", *(f"{n}: {v}" for n, v in (headers or {}).items())]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def frame(payload: bytes = b"", opcode: int = TEXT, flags: int = FIN, length: int | None = None) -> bytes:
    """Make a client's frame.

    @param flags: FIN and the reserved bits.
    @param length: what is announced; as a rule, what there is.
    """
    size = len(payload) if length is None else length
    if size < 126:
        head = bytes([MASKED | size])
    else:
        head = b"\xfe" + size.to_bytes(2, "big") if size < 65536 else b"\xff" + size.to_bytes(8, "big")
    return bytes([flags | opcode]) + head + NO_MASK + payload


class Answer(NamedTuple):
    """An answer to a request."""

    status: int
    headers: dict[str, str]
    body: bytes


class Raw:
    """A connection."""

    def __init__(self, port: int, source: str = "127.0.0.1") -> None:
        """Connect.

        @param source: the address to come from.
        """
        self.socket = socket.create_connection(("127.0.0.1", port), PATIENCE, (source, 0))
        self._data = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.socket.close()

    def say(self, *data: bytes) -> None:
        """Send something, as far as the other end still listens."""
        try:
            self.socket.sendall(b"".join(data))
        except (BrokenPipeError, ConnectionResetError):
            return

    def flood(self, data: bytes, most: int) -> None:
        """Send the same again and again, until the other end takes no more of it, or it is so many bytes."""
        block = data * (100000 // len(data) + 1)
        self.socket.settimeout(1)
        sent = 0
        try:
            while sent < most:
                # What did not fit is continued where it ended, as it may be in the middle.
                sent += self.socket.send(block[sent % len(data) :])
        except (TimeoutError, BrokenPipeError, ConnectionResetError):
            return
        finally:
            self.socket.settimeout(PATIENCE)

    def answer(self) -> Answer:
        """Read an answer of known length."""
        head = self._until(_HEAD_END).decode("latin-1")
        status, *lines = head.split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        return Answer(int(status.split(" ")[1]), headers, self._take(int(headers.get("content-length", "0"))))

    def upgraded(self, path: str, **headers: str) -> Answer:
        """Ask for a WebSocket."""
        self.say(request(path, UPGRADE | {name.replace("_", "-"): value for name, value in headers.items()}))
        return self.answer()

    def message(self) -> tuple[int, bytes]:
        """Read a server's frame: opcode and payload."""
        first, length = self._take(2)
        if length > 125:
            length = int.from_bytes(self._take(2 if length == 126 else 8), "big")
        return first & 0x0F, self._take(length)

    def closed(self) -> tuple[int, str]:
        """Read up to the frame that closes a WebSocket: its code and reason."""
        while True:
            opcode, payload = self.message()
            if opcode == CLOSE:
                return int.from_bytes(payload[:2], "big"), payload[2:].decode()

    def rest(self) -> bytes:
        """Read until the other end closes, in whichever way."""
        while self._more():
            pass
        return self._data

    def first(self) -> bytes:
        """Give what comes first; nothing if that is the end."""
        self._more()
        return self._data

    def is_over(self) -> bool:
        """Tell, without waiting for more than a second, whether the other end has closed."""
        self.socket.settimeout(1)
        try:
            return not self._more()
        except TimeoutError:
            return False
        finally:
            self.socket.settimeout(PATIENCE)

    def _more(self) -> bool:
        try:
            data = self.socket.recv(65536)
        except ConnectionResetError:
            return False
        self._data += data
        return bool(data)

    def _until(self, end: bytes) -> bytes:
        while end not in self._data:
            assert self._more(), f"the end came after {self._data[:500]!r}"
        taken, _, self._data = self._data.partition(end)
        return taken

    def _take(self, count: int) -> bytes:
        while len(self._data) < count:
            assert self._more(), f"the end came after {self._data[:500]!r}"
        taken, self._data = self._data[:count], self._data[count:]
        return taken


def ask(port: int, data: bytes, source: str = "127.0.0.1") -> bytes:
    """Send something, and give all that comes back; nothing, if one is not listened to."""
    try:
        with Raw(port, source) as raw:
            raw.say(data)
            return raw.rest()
    except ConnectionResetError:
        return b""


def get(port: int, target: str, source: str = "127.0.0.1", method: str = "GET", **headers: str) -> Answer:
    """Ask for something."""
    with Raw(port, source) as raw:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        raw.say(request(target, {"Connection": "close"} | named, method))
        return raw.answer()


def statuses(answers: bytes) -> list[int]:
    """Give the status of each answer in what has come."""
    return [int(status) for status in re.findall(rb"HTTP/1\.[01] ([0-9]{3})", answers)]
