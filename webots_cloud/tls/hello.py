"""What a client says first on an encrypted connection, as far as OpenSSL tells it too late: the protocols it offers."""

from __future__ import annotations

_HANDSHAKE_RECORD = 22
_CLIENT_HELLO = 1
_ALPN = 16
_VERSION_AND_RANDOM = 2 + 32


class _Reader:
    """Takes one thing after another off some bytes."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def __bool__(self) -> bool:
        return self._at < len(self._data)

    def take(self, count: int) -> bytes:
        """Take so many bytes.

        @raise ValueError: if there are fewer.
        """
        taken = self._data[self._at : self._at + count]
        if len(taken) < count:
            raise ValueError("it ends early")
        self._at += count
        return taken

    def number(self, size: int) -> int:
        """Take a number of so many bytes."""
        return int.from_bytes(self.take(size), "big")

    def vector(self, size: int) -> bytes:
        """Take bytes whose count comes first, as a number of C{size} bytes."""
        return self.take(self.number(size))


def offered_protocols(data: bytes) -> tuple[bytes, ...]:
    """Give the protocols that a client offers (ALPN, RFC 7301 section 3.1); none if it offers none.

    @param data: what it has sent from the first byte on, its whole ClientHello (RFC 8446 section 4.1.2) at least.
    """
    try:
        return _offered(_hello(_Reader(data)))
    except ValueError:
        return ()


def _hello(records: _Reader) -> _Reader:
    """Put the first message together, which may come in several records."""
    message = b""
    while len(message) < 4 or len(message) < 4 + int.from_bytes(message[1:4], "big"):
        if records.number(1) != _HANDSHAKE_RECORD:
            raise ValueError("it is no handshake")
        records.take(2)
        message += records.vector(2)
    hello = _Reader(message)
    if hello.number(1) != _CLIENT_HELLO:
        raise ValueError("it is no ClientHello")
    return _Reader(hello.vector(3))


def _offered(hello: _Reader) -> tuple[bytes, ...]:
    hello.take(_VERSION_AND_RANDOM)
    for size in (1, 2, 1):
        # The session, the cipher suites and the compression methods.
        hello.vector(size)
    extensions = _Reader(hello.vector(2))
    while extensions:
        kind, extension = extensions.number(2), _Reader(extensions.vector(2))
        if kind == _ALPN:
            names, offered = _Reader(extension.vector(2)), []
            while names:
                offered.append(names.vector(1))
            return tuple(offered)
    return ()
