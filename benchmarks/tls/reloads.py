"""Open WebSockets while certificates are replaced: how many are dropped, and how long each replacement takes."""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import socket
import ssl
import subprocess
import tempfile
import time
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding

from benchmarks.gate.loads import allow_many_connections
from benchmarks.processes import machine, process
from benchmarks.tls.files import Files

_HANDSHAKE = (
    b"GET /echo HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
_PATIENCE_SECONDS = 60
# An empty mask changes nothing, so that what comes back is what was sent.
_PING = b"\x82\x84\0\0\0\0ping"
_ECHO = b"\x82\x04ping"


class Socket:
    """A WebSocket over TLS.

    @ivar certificate: what the server showed, in DER.
    """

    def __init__(self, port: int, context: ssl.SSLContext) -> None:
        connected = socket.create_connection(("127.0.0.1", port), _PATIENCE_SECONDS)
        self._socket = context.wrap_socket(connected, server_hostname="localhost")
        self.certificate = self._socket.getpeercert(binary_form=True)
        self._socket.sendall(_HANDSHAKE)
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            piece = self._socket.recv(1)
            assert piece, head
            head += piece
        assert head.startswith(b"HTTP/1.1 101 "), head

    def answers(self) -> bool:
        """Tell whether it is open still."""
        try:
            self._socket.sendall(_PING)
            got = b""
            while len(got) < len(_ECHO):
                piece = self._socket.recv(len(_ECHO) - len(got))
                if not piece:
                    return False
                got += piece
        except OSError:
            return False
        return got == _ECHO

    def close(self) -> None:
        """Go."""
        self._socket.close()


def taken_up(port: int, context: ssl.SSLContext, wanted: bytes) -> float:
    """Connect until the server shows a certificate; give the seconds that took."""
    begin = time.monotonic()
    while time.monotonic() - begin < _PATIENCE_SECONDS:
        with contextlib.closing(Socket(port, context)) as new:
            if new.certificate == wanted:
                return time.monotonic() - begin
    raise SystemExit("the certificate is not taken up")


def main() -> None:
    """Replace certificates, and count."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sockets", type=int, default=1000)
    parser.add_argument("--reloads", type=int, default=20)
    arguments = parser.parse_args()
    allow_many_connections()
    print(machine())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as ending:
        files = Files.in_folder(Path(folder))
        files.renew()
        server = ending.enter_context(
            process("-m", "benchmarks.tls.own", str(files.certificate), str(files.key), stdout=subprocess.PIPE)
        )
        assert server.stdout
        port = int(server.stdout.readline())
        sockets = [Socket(port, context) for _ in range(arguments.sockets)]
        for one in sockets:
            ending.callback(one.close)
        seconds, unanswered = [], 0
        for _ in range(arguments.reloads):
            certificate = files.renew()
            os.kill(server.pid, signal.SIGHUP)
            seconds.append(taken_up(port, context, certificate.public_bytes(Encoding.DER)))
            unanswered = sum(not one.answers() for one in sockets)
    print(f"{len(sockets)} open WebSockets, {len(seconds)} reloads: {unanswered} dropped")
    print(f"a new certificate is used within {max(seconds) * 1e3:.1f} ms of SIGHUP")


if __name__ == "__main__":
    main()
