"""A website host that fails, each time in the way that the name of the project says."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import parse_qs

ERROR, STATUS, BREAKS, STALLS = "error", "status", "breaks", "stalls"
"""Projects: it says C{Error:}, answers with status 500, breaks the download off, or does not go on with it."""
_PIECE = b"PK\x03\x04".ljust(64 * 1024, b"\0")
"""How an archive could begin."""


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        """Fail."""
        form = parse_qs(self.rfile.read(int(self.headers["content-length"])).decode())
        failures: dict[str, Callable[[], None]] = {
            ERROR: lambda: self._answer(200, b"Error: this host fails."),
            STATUS: lambda: self._answer(500, b"This host fails."),
            BREAKS: lambda: self._answer(200, _PIECE, length=2 * len(_PIECE)),
            STALLS: self._stall,
        }
        # The server may hang up at any moment.
        with contextlib.suppress(ConnectionError):
            failures[form["project"][0]]()

    def log_message(self, *what: object) -> None:
        """Say nothing."""

    def _answer(self, status: int, content: bytes, length: int | None = None) -> None:
        self.send_response(status)
        self.send_header("content-length", str(length or len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _stall(self) -> None:
        self._answer(200, _PIECE, length=2 * len(_PIECE))
        self.rfile.read(1)


class _Server(ThreadingHTTPServer):
    request_queue_size = socket.SOMAXCONN


@contextlib.contextmanager
def hostile_host(port: int) -> Iterator[str]:
    """Run it in threads of this process; give its URL."""
    with _Server(("127.0.0.1", port), _Handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://localhost:{port}"
        finally:
            server.shutdown()
            thread.join()
