"""Services that are made of parts which need each other, as every process of servers is."""

from __future__ import annotations

import gc
from collections.abc import Sequence
from typing import Any

from twisted.application.service import MultiService, Service
from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure


class InOrder(MultiService):
    """Parts that start in the order in which they need each other, and stop in the other, one after the other."""

    _log = Logger()

    def __init__(self, parts: Sequence[Any]) -> None:
        """Put them together."""
        MultiService.__init__(self)
        for part in parts:
            part.setServiceParent(self)

    def startService(self) -> None:
        """Start all."""
        MultiService.startService(self)
        # All that is there now stays: looking through it for garbage each time would keep everybody waiting.
        gc.collect()
        gc.freeze()

    def stopService(self) -> Deferred[None]:
        """Stop one after the other; fires when the last has stopped."""
        return Deferred.fromCoroutine(self._stop())

    async def _stop(self) -> None:
        Service.stopService(self)
        for part in reversed(list(self)):
            # Whatever keeps one from stopping must not keep the others: they have processes to end.
            await Deferred.fromCoroutine(_stopped(part)).addErrback(self._complain, type(part).__name__)

    def _complain(self, failure: Failure, part: str) -> None:
        self._log.failure("{part} did not stop as it should", failure, part=part)


async def _stopped(part: Any) -> None:
    stopping = part.stopService()
    if stopping is not None:
        await stopping
