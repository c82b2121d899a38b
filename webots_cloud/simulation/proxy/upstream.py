"""The connection to an instance's Webots: a socket that comes from a sandbox, and must never make the server wait."""

from __future__ import annotations

import socket
from typing import Protocol

from twisted.internet.abstract import FileDescriptor
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import IReactorFDSet
from twisted.internet.main import CONNECTION_DONE, CONNECTION_LOST
from twisted.python.failure import Failure

from webots_cloud.errors import BadAnswer
from webots_cloud.simulation.proxy.answer import HEAD_END, LONGEST_HEAD

READ_SIZE = 64 * 1024


class Receiver(Protocol):
    """Who takes what Webots sends."""

    def received(self, data: bytes) -> None:
        """Take data."""

    def lost(self, reason: Failure) -> None:
        """The connection was closed, not by us."""


class Upstream(FileDescriptor):
    """A connection to Webots, which is not read until it is told to.

    The other end may belong to a program that turns blocking on for both, so each call to the kernel says that it must
    not wait.

    @ivar receiver: who takes what comes.
    """

    def __init__(self, reactor: IReactorFDSet, connection: socket.socket, receiver: Receiver) -> None:
        """Take over a connected socket."""
        FileDescriptor.__init__(self, reactor)
        self._socket = connection
        self.fileno = connection.fileno  # type: ignore[method-assign]  # saves a call for each event
        self.receiver: Receiver | None = receiver
        self.connected = 1

    def doRead(self) -> ConnectionDone | Exception | None:
        """Take what has come, in one go."""
        try:
            data = self._socket.recv(READ_SIZE, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return None
        except OSError:
            return CONNECTION_LOST
        if not data:
            return CONNECTION_DONE
        if self.receiver is not None:
            self.receiver.received(data)
        return None

    def writeSomeData(self, data: bytes | memoryview) -> int | Exception:
        """Send what the kernel takes."""
        try:
            return self._socket.send(data, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return 0
        except OSError:
            return CONNECTION_LOST

    def send(self, data: bytes) -> bool:
        """Send data, at once if it can be.

        @return: whether nothing waits; the registered producer resumes when that is so again.
        """
        if self._tempDataBuffer or self.dataBuffer:
            self.write(data)
            return False
        sent = self.writeSomeData(data)
        # A connection that is lost is found out by the reactor, when it tries to send the rest.
        rest = data[sent:] if isinstance(sent, int) else data
        self.write(rest)
        return not rest

    def connectionLost(self, reason: Failure) -> None:
        """Tell the receiver."""
        receiver = self.receiver
        self.abort()
        if receiver is not None:
            receiver.lost(reason)

    def readConnectionLost(self, reason: Failure) -> None:
        """Half-closed is closed."""
        self.connectionLost(reason)

    def startReading(self) -> None:
        """Take what comes from now on."""
        self.reactor.addReader(self)

    def stopReading(self) -> None:
        """Let the rest wait."""
        self.reactor.removeReader(self)

    def resumeProducing(self) -> None:
        """Take what comes from now on, unless nothing will."""
        if self.connected:
            self.startReading()

    def pauseProducing(self) -> None:
        """Let the rest wait."""
        self.stopReading()

    def loseConnection(self) -> None:
        """Close at once: this is only called when the client has gone."""
        self.abort()

    def abort(self) -> None:
        """Close at once, and tell nobody."""
        self.receiver = None
        if self.disconnected:
            return
        self.producer = None
        FileDescriptor.connectionLost(self, Failure(CONNECTION_DONE))
        self._socket.close()


class _HeadReader:
    """Collects the head of an answer."""

    def __init__(self, upstream: Upstream) -> None:
        self.done: Deferred[tuple[bytes, bytes]] = Deferred()
        self._upstream = upstream
        self._data = b""

    def received(self, data: bytes) -> None:
        """Take data until the empty line."""
        searched = max(0, len(self._data) - len(HEAD_END))
        self._data += data
        end = self._data.find(HEAD_END, searched)
        if 0 <= end <= LONGEST_HEAD:
            self._end()
            self.done.callback((self._data[:end], self._data[end + len(HEAD_END) :]))
        elif end > LONGEST_HEAD or len(self._data) > LONGEST_HEAD:
            self._end()
            self.done.errback(BadAnswer(what="a head that is too long"))

    def lost(self, reason: Failure) -> None:
        """There will be no head."""
        self.done.errback(BadAnswer(what="none, but the end of the connection"))

    def _end(self) -> None:
        self._upstream.stopReading()
        self._upstream.receiver = None


def read_head(upstream: Upstream) -> Deferred[tuple[bytes, bytes]]:
    """Read the head of an answer; then the connection is not read any more until it is told to.

    @return: fires with the head without the empty line, and with what came after it; fails with L{BadAnswer}.
    """
    reader = _HeadReader(upstream)
    upstream.receiver = reader
    upstream.startReading()
    return reader.done
