"""Tells systemd that the servers of this process are ready, how they are, and that they are alive (sd_notify(3)).

The protocol is a datagram of C{NAME=VALUE} lines to a socket that the environment names; it is part of systemd's
interface stability promise.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.task import LoopingCall
from twisted.logger import Logger
from twisted.python.failure import Failure

STATUS_SECONDS = 5.0
"""How often it is told how the servers are, where that has changed."""
GRACE_SECONDS = 30
"""How much longer than it is known to take the end may take."""
_STATUS_CHARACTERS = 200


class Server(Protocol):
    """A server of the process."""

    @property
    def status(self) -> str:
        """How it is, in a few words for C{systemctl status}."""


class NotifySocket:
    """Where the service manager wants to be told; nothing is told where there is none."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        """Look into the environment."""
        path = environment.get("NOTIFY_SOCKET", "")
        # A name in the abstract namespace begins with a byte that no variable can have.
        self._address = "\0" + path[1:] if path.startswith("@") else path
        self._log = Logger(f"{__name__}.{type(self).__name__}")
        self._failed = False

    def __bool__(self) -> bool:
        return bool(self._address)

    def end_within(self, seconds: float) -> None:
        """Tell that the server is going to end, and have systemd wait for it.

        @param seconds: how long that is known to take at most.
        """
        self.tell(STOPPING=1, EXTEND_TIMEOUT_USEC=int((seconds + GRACE_SECONDS) * 10**6))

    def tell(self, **states: object) -> None:
        """Tell of states; it keeps nobody waiting.

        @param states: for instance C{READY=1}.
        """
        if not self._address:
            return
        message = "\n".join(f"{name}={value}" for name, value in states.items())
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sending:
                sending.setblocking(False)
                sending.sendto(message.encode(), self._address)
            self._failed = False
        except OSError as error:
            if not self._failed:
                self._failed = True
                self._log.warn("systemd cannot be told how this server is ({error})", error=error.strerror)


def watchdog_seconds(environment: Mapping[str, str]) -> float | None:
    """Give how long systemd waits for a sign of life before it takes this process for dead; C{None}: it does not."""
    microseconds = environment.get("WATCHDOG_USEC", "")
    meant = environment.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
    return int(microseconds) / 10**6 if meant and microseconds.isdecimal() and int(microseconds) else None


class Notifier(Service):
    """Tells the service manager of all servers of a process.

    It says that all are ready when the reactor runs, by when they listen. The sign of life comes from the reactor, so
    that one which hangs gives none; it goes on while the servers stop, before which this is to start and after which it
    is to stop.
    """

    _log = Logger()

    def __init__(self, reactor: Any, servers: Sequence[Server], environment: Mapping[str, str] = os.environ) -> None:
        """Prepare.

        @param reactor: tells the time, and when it runs and ends.
        @param servers: whose status is told.
        """
        self._reactor = reactor
        self._servers = servers
        self._socket = NotifySocket(environment)
        watchdog = watchdog_seconds(environment)
        self._signs = ["WATCHDOG"] if watchdog else []
        # Twice as often as it has to, as systemd recommends, and not at the last moment.
        self._seconds = min(STATUS_SECONDS, (watchdog or 2 * STATUS_SECONDS) / 2)
        self._status = ""
        self._looping = LoopingCall(self._tell_how_it_is)
        self._looping.clock = reactor

    def startService(self) -> None:
        """Tell that all is ready, as soon as the reactor runs."""
        Service.startService(self)
        if self._socket:
            self._reactor.callWhenRunning(self._ready)

    def stopService(self) -> None:
        """Tell nothing any more."""
        Service.stopService(self)
        if self._looping.running:
            self._looping.stop()

    def _ready(self) -> None:
        if not self.running:
            return
        self._reactor.addSystemEventTrigger("before", "shutdown", self._stopping)
        self._status = self._current()
        self._socket.tell(READY=1, STATUS=self._status)
        looping: Deferred[Any] = self._looping.start(self._seconds)
        looping.addErrback(self._complain)

    def _stopping(self) -> None:
        self._socket.tell(STOPPING=1, STATUS=f"ending: {self._current()}")

    def _tell_how_it_is(self) -> None:
        states: dict[str, object] = dict.fromkeys(self._signs, 1)
        status = self._current()
        if status != self._status:
            self._status = states["STATUS"] = status
        if states:
            self._socket.tell(**states)

    def _current(self) -> str:
        return "; ".join(server.status for server in self._servers)[:_STATUS_CHARACTERS]

    def _complain(self, failure: Failure) -> None:
        self._log.failure("systemd is not told any more how this server is, and will start it anew", failure)
