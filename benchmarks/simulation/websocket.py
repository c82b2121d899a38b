"""A small WebSocket client (RFC 6455) over a blocking socket, for load generators that must cost little."""

from __future__ import annotations

import contextlib
import os
import socket
import struct
import time

_HANDSHAKE = (
    "GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
_TEXT, _CLOSE, _PING, _PONG = 1, 8, 9, 10
_NORMAL = struct.pack("!H", 1000)


class Closed(Exception):
    """The server has closed the connection."""


class WebSocket:
    """A connection to a server on this machine."""

    def __init__(self, port: int, path: str) -> None:
        """Connect, and shake hands."""
        self._socket = socket.create_connection(("127.0.0.1", port))
        self._socket.sendall(_HANDSHAKE.format(port=port, path=path).encode())
        self._received = b""
        while b"\r\n\r\n" not in self._received:
            self._receive_more()
        head, _, self._received = self._received.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 101 "), head

    @classmethod
    def at(cls, url: str) -> WebSocket:
        """Connect to C{ws://localhost:PORT/PATH}."""
        port, _, path = url.removeprefix("ws://localhost:").partition("/")
        return cls(int(port), f"/{path}")

    def fileno(self) -> int:
        """Give the socket, for selectors."""
        return self._socket.fileno()

    def send(self, text: str) -> None:
        """Send a message."""
        self._send(_TEXT, text.encode())

    def receive(self, seconds: float) -> str | None:
        """Wait for a message, and answer pings meanwhile.

        @return: C{None} if there was none in time.
        @raise Closed: if the server closes.
        """
        end = time.monotonic() + seconds
        while True:
            frame = self._frame()
            if frame is None:
                self._socket.settimeout(max(end - time.monotonic(), 0.000001))
                try:
                    self._receive_more()
                except TimeoutError:
                    return None
                continue
            kind, payload = frame
            if kind == _TEXT:
                return payload.decode()
            if kind == _CLOSE:
                self._send(_CLOSE, payload[:2])
                raise Closed
            if kind == _PING:
                self._send(_PONG, payload)

    def close(self) -> bool:
        """Close by handshake; tell whether the server has closed as well."""
        try:
            self._send(_CLOSE, _NORMAL)
            while self.receive(60) is not None:
                continue
        except Closed:
            return True
        finally:
            self._socket.close()
        return False

    def drop(self) -> None:
        """Close the TCP connection without a word, by a reset; that it is closed already is fine."""
        with contextlib.suppress(OSError):
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._socket.close()

    def _send(self, kind: int, payload: bytes) -> None:
        mask = os.urandom(4)
        length = len(payload)
        size = bytes([0x80 | length]) if length < 126 else b"\xfe" + struct.pack("!H", length)
        masked = bytes(byte ^ mask[index % 4] for index, byte in enumerate(payload))
        self._socket.settimeout(None)
        try:
            self._socket.sendall(bytes([0x80 | kind]) + size + mask + masked)
        except OSError as error:
            raise Closed from error

    def _receive_more(self) -> None:
        try:
            received = self._socket.recv(65536)
        except ConnectionError as error:
            raise Closed from error
        if not received:
            raise Closed
        self._received += received

    def _frame(self) -> tuple[int, bytes] | None:
        """Take a whole frame from what was received; servers neither mask nor, here, split messages."""
        data = self._received
        if len(data) < 2:
            return None
        length, begin = data[1], 2
        if length == 126:
            length, begin = int.from_bytes(data[2:4], "big"), 4
        elif length == 127:
            length, begin = int.from_bytes(data[2:10], "big"), 10
        if len(data) < begin + length:
            return None
        self._received = data[begin + length :]
        return data[0] & 0x0F, data[begin : begin + length]
