"""SIGTERM as the beginning of a gentle end: clients may go on for a while before the server ends."""

from __future__ import annotations

import signal
from types import FrameType
from typing import Any

from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger
from twisted.python.failure import Failure

from webots_cloud.notify import ServiceManager
from webots_cloud.simulation.instances import Instances


class DrainOnSigterm(Service):
    """Drains a simulation server at the first SIGTERM, and ends the process when that is done.

    The process ends as it would have at the first SIGTERM without this, and with the same status: by what the reactor
    does about SIGTERM. A second one, or Ctrl-C, does not wait.
    """

    _log = Logger()

    def __init__(self, reactor: Any, instances: Instances, seconds: float, ends: float = 0) -> None:
        """Prepare.

        @param reactor: the real one, which has a handler for SIGTERM while it runs.
        @param seconds: how long clients may go on.
        @param ends: how many seconds it takes at most until instances have ended that are not waited for any more.
        """
        self._manager = ServiceManager()
        self._ends = ends
        self._reactor = reactor
        self._instances = instances
        self._seconds = seconds
        self._reactors_handler: Any = None
        self._shutdown: Any = None
        self._timer: IDelayedCall | None = None
        self._draining = False
        self._ending = False

    def startService(self) -> None:
        """Take SIGTERM over from the reactor, once it has taken it."""
        Service.startService(self)
        self._reactor.callWhenRunning(self._install)

    def stopService(self) -> None:
        """Give SIGTERM back."""
        Service.stopService(self)
        if self._reactors_handler is not None:
            signal.signal(signal.SIGTERM, self._reactors_handler)
        self._manager.close()
        if self._shutdown is not None and not self._ending:
            self._reactor.removeSystemEventTrigger(self._shutdown)
        self._shutting_down()

    def _install(self) -> None:
        if self.running:
            self._reactors_handler = signal.signal(signal.SIGTERM, self._signalled)
            self._shutdown = self._reactor.addSystemEventTrigger("before", "shutdown", self._shutting_down)

    def _signalled(self, number: int, frame: FrameType | None) -> None:
        self._reactor.callFromThread(self._terminate)

    def _terminate(self) -> None:
        if self._ending:
            self._log.info("SIGTERM: the server is ending already")
        elif self._draining:
            self._end("SIGTERM again: the server ends at once")
        else:
            self._draining = True
            self._manager.end_within(self._seconds + self._ends)
            Deferred.fromCoroutine(self._drain()).addErrback(self._complain)

    async def _drain(self) -> None:
        if len(self._instances):
            self._log.info(
                "SIGTERM: no new clients; the server ends when the {count} that have a simulation have left, at the "
                "latest in {seconds:g} s; another SIGTERM ends it at once",
                count=len(self._instances),
                seconds=self._seconds,
            )
        # Later than the instances' own deadlines, which are as long: their clients are told more.
        drained = Deferred.fromCoroutine(self._instances.drain(self._seconds))
        self._timer = self._reactor.callLater(self._seconds, self._expire)
        await drained
        self._end("SIGTERM: no client has a simulation; the server ends")

    def _expire(self) -> None:
        self._end(f"SIGTERM was {self._seconds:g} s ago: the server ends")

    def _complain(self, failure: Failure) -> None:
        self._log.failure("clients cannot be waited for", failure)
        self._end("the server ends at once")

    def _end(self, why: str) -> None:
        if not self._ending:
            self._shutting_down()
            self._log.info("{why}", why=why)
            self._reactors_handler(signal.SIGTERM, None)

    def _shutting_down(self) -> None:
        self._ending = True
        self._stop_timer()

    def _stop_timer(self) -> None:
        timer, self._timer = self._timer, None
        if timer is not None and timer.active():
            timer.cancel()
