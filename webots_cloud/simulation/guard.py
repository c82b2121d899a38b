"""Keeps a guardian running, which ends this server's instances where this server is killed; told by who runs them."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

from twisted.application.service import Service
from twisted.internet.abstract import FileDescriptor
from twisted.internet.defer import Deferred
from twisted.internet.fdesc import setNonBlocking, writeToFD
from twisted.internet.interfaces import IDelayedCall, IProcessTransport
from twisted.internet.protocol import ProcessProtocol, connectionDone
from twisted.logger import Logger
from twisted.python.failure import Failure

from webots_cloud.errors import quoted
from webots_cloud.simulation import guardian
from webots_cloud.simulation.guardian import start_time

STEADY_SECONDS = 60
"""A guardian that has lived this long is not one that cannot be started."""
LONGEST_DELAY_SECONDS = 60
STOP_SECONDS = 5
"""How long a guardian may take to end when it is no longer needed."""


class Guard(Service):
    """Runs the guardian, and starts another where it is killed.

    @ivar pid: the guardian's process id; C{None} while there is none.
    @ivar watched: what the guardian has been told of each process that it watches.
    """

    _log = Logger()

    def __init__(self, reactor: Any) -> None:
        self.pid: int | None = None
        self._reactor = reactor
        self._orders: _Orders | None = None
        self.watched: dict[int, bytes] = {}
        self._started = 0.0
        self._quick_deaths = 0
        self._next: IDelayedCall | None = None
        self._gone: Deferred[None] | None = None

    def startService(self) -> None:
        """Start the guardian."""
        Service.startService(self)
        self._start()

    def stopService(self) -> Deferred[None]:
        """End the guardian; whatever it watches is left alone. Fires when it is gone."""
        Service.stopService(self)
        return Deferred.fromCoroutine(self._stop())

    def watch(self, pid: int, cgroup: Path | None = None) -> None:
        """Have an instance ended if this server does not live to do it.

        The guardian has been told when this returns.

        @param pid: a child of this process that leads a process group of its own, and has not been waited for.
        @param cgroup: the folder of its cgroup, all of which is killed.
        """
        order = b"watch %d %d %s" % (pid, start_time(pid) or 0, os.fsencode(cgroup or ""))
        self.watched[pid] = order
        self._tell(order)

    def forget(self, pid: int) -> None:
        """Leave an instance to itself; that it is not watched is fine."""
        if self.watched.pop(pid, None) is not None:
            self._tell(b"forget %d" % pid)

    def _tell(self, order: bytes) -> None:
        if self._orders is not None:
            self._orders.write(order + b"\n")

    def _start(self) -> None:
        self._next = None
        self._started = self._reactor.seconds()
        try:
            self._orders, process = _start_guardian(self._reactor, self._log_line, self._ended)
        except OSError as error:
            self._ended(f"could not be started ({error.strerror})")
            return
        self.pid = process.pid
        for order in self.watched.values():
            self._tell(order)

    def _ended(self, how: str) -> None:
        self.pid = None
        orders, self._orders = self._orders, None
        if orders is not None:
            orders.connectionLost(Failure(connectionDone.value))
        gone, self._gone = self._gone, None
        if gone is not None:
            gone.callback(None)
        if self.running:
            self._start_again(how)

    def _start_again(self, how: str) -> None:
        steady = self._reactor.seconds() - self._started >= STEADY_SECONDS
        self._quick_deaths = 0 if steady else self._quick_deaths + 1
        delay = 0 if self._quick_deaths < 2 else min(2 ** (self._quick_deaths - 2), LONGEST_DELAY_SECONDS)
        self._log.warn(
            "The guardian {how}; another is started in {delay} s. If this server is killed before that, the next start "
            "ends what is left.",
            how=how,
            delay=delay,
        )
        self._next = self._reactor.callLater(delay, self._start)

    async def _stop(self) -> None:
        if self._next is not None:
            self._next.cancel()
            self._next = None
        for pid in tuple(self.watched):
            self.forget(pid)
        if self._orders is not None:
            gone: Deferred[None] = Deferred()
            self._gone = gone
            cast(Any, self._orders).loseConnection()
            kill = self._reactor.callLater(STOP_SECONDS, self._kill)
            await gone
            if kill.active():
                kill.cancel()

    def _kill(self) -> None:
        if self.pid is not None:
            os.kill(self.pid, signal.SIGKILL)

    def _log_line(self, text: str) -> None:
        self._log.error("The guardian says: {text}", text=text)


def _start_guardian(
    reactor: Any, says: Callable[[str], None], ended: Callable[[str], None]
) -> tuple[_Orders, IProcessTransport]:
    """Start a guardian; gives also the pipe to it, whose other end it has alone.

    @raise OSError: if no process or pipe can be made.
    """
    # Isolated and without site packages: a smaller and faster Python, which nothing in a folder or variable changes.
    command = [sys.executable, "-I", "-S", str(guardian.__file__)]
    reading, writing = os.pipe()
    # Until it listens to none of them itself, what a terminal sends to the server's whole group waits.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, guardian.DEAF_TO)
    try:
        process = reactor.spawnProcess(
            _GuardianProcess(says, ended), command[0], command, os.environ, "/", childFDs={0: reading, 1: "r", 2: "r"}
        )
    except OSError:
        os.close(writing)
        raise
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        os.close(reading)
    return _Orders(reactor, writing), process


class _Orders(FileDescriptor):
    """The pipe to a guardian.

    It is written to at once, not when the reactor comes round to it: this process may have been killed by then.
    """

    connected = True

    def __init__(self, reactor: Any, descriptor: int) -> None:
        FileDescriptor.__init__(self, reactor)
        self._descriptor = descriptor
        setNonBlocking(descriptor)

    def fileno(self) -> int:
        return self._descriptor

    def write(self, data: bytes) -> None:
        FileDescriptor.write(self, data)
        # What the pipe does not take is written later; that nobody reads it is known when the guardian is waited for.
        cast(Any, self).doWrite()

    def writeSomeData(self, data: bytes) -> int | Exception:
        return cast("int | Exception", writeToFD(self._descriptor, data))

    def connectionLost(self, reason: Failure) -> None:
        if self.connected:
            FileDescriptor.connectionLost(self, reason)
            os.close(self._descriptor)
            self._descriptor = -1


class _GuardianProcess(ProcessProtocol):
    """A running guardian: it says nothing unless it has a fault."""

    def __init__(self, says: Callable[[str], None], ended: Callable[[str], None]) -> None:
        self._says = says
        self._has_ended = ended

    def outReceived(self, data: bytes) -> None:
        self._says(quoted(data.decode("utf-8", "replace"), 500))

    errReceived = outReceived

    def processEnded(self, reason: Failure) -> None:
        self._has_ended(f"ended ({quoted(reason.value)})")
