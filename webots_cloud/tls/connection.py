"""A server's end of an encrypted connection, which C{twisted.protocols.tls} drives."""

from __future__ import annotations

from typing import Any

from OpenSSL import SSL

from webots_cloud.tls.hello import offered_protocols

_LONGEST_HELLO = 65536


class ServerConnection(SSL.Connection):
    """Knows what the client offers before a certificate is chosen, and may end with the handshake."""

    def __init__(self, context: SSL.Context, listen: bool) -> None:
        """Begin to wait for a client.

        @param context: what the connection begins with.
        @param listen: whether L{offers} will be asked.
        """
        SSL.Connection.__init__(self, context, None)
        # Another context takes its place, but OpenSSL goes on to call back into this one.
        self._first_context = context
        self._listen = listen
        self._heard = b""
        self._ending = False

    def offers(self, protocol: bytes) -> bool:
        """Tell whether the client, which has said its first message, offers a protocol (ALPN)."""
        return protocol in offered_protocols(self._heard)

    def end_after_handshake(self) -> None:
        """Let nothing pass: the connection ends when the handshake is done."""
        self._ending = True

    def do_handshake(self) -> None:
        """Go on with the handshake."""
        SSL.Connection.do_handshake(self)
        self._listen, self._heard = False, b""

    def bio_write(self, buf: bytes | bytearray | memoryview) -> int:
        """Take what the client has sent."""
        if self._listen and len(self._heard) < _LONGEST_HELLO:
            self._heard += buf
        return SSL.Connection.bio_write(self, buf)

    def recv(self, bufsiz: int, flags: int | None = None) -> Any:
        """Give what the client has sent, decrypted.

        @raise SSL.ZeroReturnError: if it has said that no more comes, or if it is not to be heard.
        """
        if self._ending:
            raise SSL.ZeroReturnError
        return SSL.Connection.recv(self, bufsiz, flags)
