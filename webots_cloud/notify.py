"""Tells systemd that the servers of this process are ready, how they are, and that they are alive (sd_notify(3))."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Protocol

from systemd_watchdog.systemd_watchdog import WatchDog
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


class ServiceManager(WatchDog):
    """Whoever has started this process, if that wants to be told: the environment says so.

    It keeps nobody waiting, and where it cannot be told, the log is, once.
    """

    def __init__(self) -> None:
        """Look into the environment."""
        sending = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        sending.setblocking(False)
        super().__init__(sending)
        self._log = Logger(f"{__name__}.{type(self).__name__}")
        self._failed = False

    @property
    def watchdog_seconds(self) -> float | None:
        """How long it waits for a sign of life before it takes this process for dead; C{None}: it does not."""
        return self.timeout_td.total_seconds() if timedelta(0) < self.timeout_td < self._default_timeout else None

    def end(self) -> None:
        """Tell that the servers end."""
        self._send("STOPPING=1\n")

    def end_within(self, seconds: float) -> None:
        """Tell that the servers are going to end, and have that waited for.

        @param seconds: how long it is known to take at most.
        """
        self._send(f"STOPPING=1\nEXTEND_TIMEOUT_USEC={int((seconds + GRACE_SECONDS) * 10**6)}\n")

    def close(self) -> None:
        """Tell nothing any more."""
        self._socket.close()
        self._address = None

    def _send(self, msg: str) -> None:
        try:
            super()._send(msg)
            self._failed = False
        except OSError as error:
            if not self._failed:
                self._failed = True
                self._log.warn("systemd cannot be told how this server is ({error})", error=error.strerror)


class Notifier(Service):
    """Tells the service manager of all servers of a process.

    It says that all are ready when the reactor runs, by when they listen. The sign of life comes from the reactor, so
    that one which hangs gives none; it goes on while the servers stop, before which this is to start and after which it
    is to stop.
    """

    _log = Logger()

    def __init__(self, reactor: Any, servers: Sequence[Server]) -> None:
        """Prepare.

        @param reactor: tells the time, and when it runs and ends.
        @param servers: whose status is told.
        """
        self._reactor = reactor
        self._servers = servers
        self._manager = ServiceManager()
        watchdog = self._manager.watchdog_seconds
        self._is_watched = watchdog is not None
        # Twice as often as it has to, as systemd recommends, and not at the last moment.
        self._seconds = min(STATUS_SECONDS, (watchdog or 2 * STATUS_SECONDS) / 2)
        self._status = ""
        self._looping = LoopingCall(self._tell_how_it_is)
        self._looping.clock = reactor

    def startService(self) -> None:
        """Tell that all is ready, as soon as the reactor runs."""
        Service.startService(self)
        if self._manager.is_enabled:
            self._reactor.callWhenRunning(self._ready)

    def stopService(self) -> None:
        """Tell nothing any more."""
        Service.stopService(self)
        if self._looping.running:
            self._looping.stop()
        self._manager.close()

    def _ready(self) -> None:
        if not self.running:
            return
        self._reactor.addSystemEventTrigger("before", "shutdown", self._stopping)
        self._manager.ready()
        looping: Deferred[Any] = self._looping.start(self._seconds)
        looping.addErrback(self._complain)

    def _stopping(self) -> None:
        self._manager.end()
        self._manager.status(f"ending: {self._current()}")

    def _tell_how_it_is(self) -> None:
        if self._is_watched:
            self._manager.notify()
        status = self._current()
        if status != self._status:
            self._status = status
            self._manager.status(status)

    def _current(self) -> str:
        return "; ".join(server.status for server in self._servers)[:_STATUS_CHARACTERS]

    def _complain(self, failure: Failure) -> None:
        self._log.failure("systemd is not told any more how this server is, and will start it anew", failure)
