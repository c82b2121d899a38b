"""The socket between the server and the launcher that stands beside a Webots (webots_cloud.simulation.inside).

Lines to the launcher: ``dial`` (connect to Webots' port), ``end`` (end Webots); the end of the socket ends everything
at once. Lines from it: ``connected`` (together with the connection) or ``refused REASON`` for each ``dial``, in order;
``uses MEMORY DISK FILES PROCESSES`` (what the instance uses, in bytes and numbers, at least every few seconds);
``ended HOW`` (Webots is gone); ``failed REASON``.
"""

from __future__ import annotations

import os
import re
import socket
import struct
from collections import deque
from typing import Any, Protocol

import attrs
from twisted.internet.abstract import FileDescriptor
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionDone, ConnectionLost
from twisted.python.failure import Failure

_CHUNK = 64 * 1024
_LONGEST_LINE = 4096
_DESCRIPTOR = struct.Struct("i")
_USES = re.compile(r"[0-9]{1,18}(?: [0-9]{1,18}){4}")
_NEVER_WAIT = socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL


@attrs.frozen
class Use:
    """What an instance uses, with all its processes together.

    @ivar memory: bytes.
    @ivar disk: bytes that its project takes, files without a name included.
    @ivar files: how many files and folders its project has.
    @ivar processes: its processes, the launcher not counted.
    @ivar milliseconds: processor time since it began.
    """

    memory: int
    disk: int
    files: int
    processes: int
    milliseconds: int


class LauncherEvents(Protocol):
    """Whom a launcher tells what happens."""

    def used(self, use: Use) -> None:
        """It has measured what the instance uses; that nothing has changed is told, too."""

    def ended(self, how: str) -> None:
        """Webots has ended; C{how} is for instance C{with exit code 1}."""

    def failed(self, reason: str) -> None:
        """Webots could not be started, or cannot go on."""


class _Nonsense(Exception):
    """A launcher does not say what it may: a program of its instance speaks in its place."""


class Channel(FileDescriptor):
    """The server's end of the socket."""

    def __init__(self, reactor: Any, own: socket.socket, events: LauncherEvents) -> None:
        """Begin to listen.

        @param own: one end of a pair; the other is the launcher's.
        """
        FileDescriptor.__init__(self, reactor)
        own.setblocking(False)
        self._socket = own
        self._events = events
        self._line = b""
        self._received: deque[socket.socket] = deque()
        self._dialled: deque[Deferred[socket.socket]] = deque()
        self.connected = True
        FileDescriptor.startReading(self)

    def fileno(self) -> int:
        """Give the descriptor to wait for; -1 when it is closed."""
        return self._socket.fileno()

    def dial(self) -> Deferred[socket.socket]:
        """Connect to Webots' port; fires with the connection, which is the receiver's, or fails with C{OSError}.

        Cancelling it closes the connection when it comes.
        """
        answer: Deferred[socket.socket] = Deferred()
        if not self.connected:
            answer.errback(ConnectionRefusedError("Webots has ended"))
            return answer
        self._dialled.append(answer)
        self.write(b"dial\n")
        return answer

    def end(self) -> None:
        """Have Webots ended: SIGTERM, and after its patience SIGKILL."""
        self.write(b"end\n")

    def close(self) -> None:
        """Let go; a launcher that still is there ends everything."""
        FileDescriptor.loseConnection(self)

    def doRead(self) -> Exception | None:
        """Take what the launcher sends."""
        try:
            data, descriptors = _receive(self._socket)
        except BlockingIOError:
            return None
        except OSError as error:
            return ConnectionLost(str(error))
        try:
            self._received.extend(map(_connection, descriptors))
            if not data:
                return ConnectionDone()
            self._take_lines(data)
        except _Nonsense:
            return ConnectionLost("the launcher talks nonsense")
        return None

    def writeSomeData(self, data: bytes) -> int | Exception:
        """Write as much as can be written."""
        try:
            return self._socket.send(data, _NEVER_WAIT)
        except BlockingIOError:
            return 0
        except OSError as error:
            return ConnectionLost(str(error))

    def connectionLost(self, reason: Failure) -> None:
        """Give everything back."""
        FileDescriptor.connectionLost(self, reason)
        self._socket.close()
        for connection in self._received:
            connection.close()
        self._received.clear()
        while self._dialled:
            self._refuse("Webots has ended")

    def _take_lines(self, data: bytes) -> None:
        *lines, self._line = (self._line + data).split(b"\n")
        if any(len(line) > _LONGEST_LINE for line in (*lines, self._line)):
            raise _Nonsense
        for line in lines:
            self._take(line.decode("utf-8", "replace"))
        if len(self._received) > len(self._dialled):
            # They would be kept until the server has no descriptor left for anybody.
            raise _Nonsense

    def _take(self, line: str) -> None:
        word, _, rest = line.partition(" ")
        if word == "connected":
            self._connect()
        elif word == "refused":
            self._refuse(rest)
        elif word == "uses":
            if not _USES.fullmatch(rest):
                raise _Nonsense
            self._events.used(Use(*map(int, rest.split())))
        elif word == "ended":
            self._events.ended(rest)
        elif word == "failed":
            self._events.failed(rest)

    def _connect(self) -> None:
        connection = self._received.popleft() if self._received else None
        answer = self._dialled.popleft() if self._dialled else None
        if connection is None or answer is None:
            self._close(connection)
            if answer is not None:
                answer.errback(ConnectionRefusedError("no descriptor is left for the connection"))
        elif answer.called:
            connection.close()
        else:
            connection.setblocking(False)
            answer.callback(connection)

    def _close(self, connection: socket.socket | None) -> None:
        if connection is not None:
            connection.close()

    def _refuse(self, reason: str) -> None:
        answer = self._dialled.popleft() if self._dialled else None
        if answer is not None and not answer.called:
            answer.errback(ConnectionRefusedError(reason))


def _receive(channel: socket.socket) -> tuple[bytes, list[int]]:
    """Receive data and a descriptor; programs that are started do not inherit it.

    C{socket.recv_fds} of Python 3.11 would ignore the flags that this takes.
    """
    size = socket.CMSG_LEN(_DESCRIPTOR.size)
    data, ancillary, _, _ = channel.recvmsg(_CHUNK, size, _NEVER_WAIT | socket.MSG_CMSG_CLOEXEC)
    return data, [
        descriptor
        for level, kind, content in ancillary
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS)
        for (descriptor,) in _DESCRIPTOR.iter_unpack(content)
    ]


def _connection(descriptor: int) -> socket.socket:
    """Make a connection of what a launcher has sent.

    @raise _Nonsense: if it is none; it is closed then.
    """
    try:
        connection = socket.socket(fileno=descriptor)
    except OSError as error:
        os.close(descriptor)
        raise _Nonsense from error
    if (connection.family, connection.type) != (socket.AF_INET, socket.SOCK_STREAM):
        connection.close()
        raise _Nonsense
    return connection


def channel_pair() -> tuple[socket.socket, socket.socket]:
    """Make the two ends of a channel: the server's, and the launcher's."""
    return socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
