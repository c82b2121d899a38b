"""SIGHUP as the wish that files are read again: certificates that were replaced."""

from __future__ import annotations

import signal
from collections.abc import Callable
from types import FrameType
from typing import Any

from twisted.application.service import Service
from twisted.internet.interfaces import IReactorFromThreads
from twisted.logger import Logger


class ReloadOnHangup(Service):
    """Calls what was registered at each SIGHUP, while it runs; there is one for a process."""

    _log = Logger()

    def __init__(self, reactor: IReactorFromThreads) -> None:
        self._reactor = reactor
        self._reloads: list[Callable[[], object]] = []
        self._handler: Any = None

    def register(self, reload: Callable[[], object]) -> None:
        """Have something called at SIGHUP, in the reactor's thread; it looks after its own errors."""
        self._reloads.append(reload)

    def startService(self) -> None:
        """Take SIGHUP, which would end the process."""
        Service.startService(self)
        self._handler = signal.signal(signal.SIGHUP, self._signalled)

    def stopService(self) -> None:
        """Give SIGHUP back."""
        Service.stopService(self)
        signal.signal(signal.SIGHUP, self._handler)

    def _signalled(self, number: int, frame: FrameType | None) -> None:
        self._reactor.callFromThread(self._reload)

    def _reload(self) -> None:
        self._log.info("SIGHUP: certificate files are read again")
        for reload in self._reloads:
            # What goes wrong with one must not keep the others.
            with self._log.failuresHandled("SIGHUP: a reload failed"):
                reload()
