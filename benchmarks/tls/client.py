"""A client: a process that shakes hands with a server over and over again, and tells how often.

It prints C{begin} and C{end} when it begins and ends to count, and then how many handshakes there were.
"""

from __future__ import annotations

import argparse
import socket
import ssl
import sys
import time

VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}
WARM_UP_SECONDS = 1.0
_PATIENCE_SECONDS = 60
_REQUEST = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


class Client:
    """Shakes hands, each time on a new connection."""

    def __init__(self, port: int, version: ssl.TLSVersion) -> None:
        self._address = ("127.0.0.1", port)
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self._context.check_hostname, self._context.verify_mode = False, ssl.CERT_NONE
        self._context.minimum_version = self._context.maximum_version = version
        self._context.set_alpn_protocols(["http/1.1"])

    def session(self) -> ssl.SSLSession:
        """Begin a session that can be resumed."""
        with self._connect(None) as encrypted:
            encrypted.sendall(_REQUEST)
            # In TLS 1.3, tickets come before the answer.
            while encrypted.recv(65536):
                pass
            assert encrypted.session
            assert encrypted.session.has_ticket
            return encrypted.session

    def shake_hands(self, session: ssl.SSLSession | None) -> None:
        """Connect and shake hands, and wait until the server has done so too and gone.

        @param session: what is resumed; C{None}: nothing.
        """
        with self._connect(session) as encrypted:
            assert encrypted.session_reused == (session is not None)
            # As a plain socket's: no more is to be written, but what comes is still decrypted.
            socket.socket.shutdown(encrypted, socket.SHUT_WR)
            assert encrypted.recv(1) == b""

    def _connect(self, session: ssl.SSLSession | None) -> ssl.SSLSocket:
        connected = socket.create_connection(self._address, _PATIENCE_SECONDS)
        return self._context.wrap_socket(connected, server_hostname="localhost", session=session)

    def count(self, session: ssl.SSLSession | None, seconds: float) -> tuple[int, float]:
        """Shake hands for some time.

        @return: how often, and how many seconds it took.
        """
        begin, handshakes = time.monotonic(), 0
        while time.monotonic() - begin < seconds:
            self.shake_hands(session)
            handshakes += 1
        return handshakes, time.monotonic() - begin


def main() -> None:
    """Shake hands, and count."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("port", type=int)
    parser.add_argument("version", choices=VERSIONS)
    parser.add_argument("kind", choices=["full", "resumed"])
    parser.add_argument("seconds", type=float)
    arguments = parser.parse_args()
    client = Client(arguments.port, VERSIONS[arguments.version])
    session = client.session() if arguments.kind == "resumed" else None
    client.count(session, WARM_UP_SECONDS)
    print("begin", flush=True)
    handshakes, seconds = client.count(session, arguments.seconds)
    print("end", flush=True)
    print(handshakes, seconds, flush=True)
    sys.stdin.readline()


if __name__ == "__main__":
    main()
