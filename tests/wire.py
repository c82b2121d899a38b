"""A connection in memory, for tests of what is said on it byte by byte."""

from __future__ import annotations

from typing import Any

from twisted.internet.error import ConnectionDone
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure


class Wire(StringTransport):
    """A transport that, as a real one, knows its protocol: a client's side of a connection."""

    protocol: Any
    aborted = False

    def __init__(self) -> None:
        StringTransport.__init__(self)

    def say(self, data: str | bytes) -> bytes:
        """Have the client send something, and give what it gets back."""
        self.heard()
        self.protocol.dataReceived(data.encode("latin-1") if isinstance(data, str) else data)
        return self.heard()

    def heard(self) -> bytes:
        """Give what the client got since this was called last."""
        data = bytes(StringTransport.value(self))
        StringTransport.clear(self)
        return data

    def abortConnection(self) -> None:
        self.aborted = True

    def lose(self) -> None:
        """Have the client go."""
        self.protocol.connectionLost(Failure(ConnectionDone()))
