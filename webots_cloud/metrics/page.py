"""C{/metrics}: all samples of a server in Prometheus' text format, written while others have their turns."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.core import Metric
from prometheus_client.registry import Collector
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.http import INTERNAL_SERVER_ERROR
from twisted.web.server import NOT_DONE_YET

from webots_cloud.monitor.access import Access, Guarded
from webots_cloud.monitor.waiting import Waiting

TURN_SECONDS = 0.005
"""After how long others have their turn; a family of a thousand samples, which is written at a stroke, takes 4 ms."""

Collect = Callable[[], Iterable[Metric]]
"""Gives what there is to be told now."""

_FAILED = b"This server met an error of its own; its log says more.\n"


class Families(Collector):
    """Families of samples, as C{prometheus_client} takes them."""

    def __init__(self, collect: Collect) -> None:
        """Prepare to give them.

        @param collect: gives them as they are when it is called.
        """
        self._collect = collect

    def collect(self) -> Iterable[Metric]:
        """Give them."""
        return self._collect()


class MetricsPage(Guarded):
    """Writes the samples when somebody asks; who asks meanwhile gets the same."""

    _log = Logger()

    def __init__(self, reactor: Any, access: Access, samples: Collector) -> None:
        """Prepare to answer.

        @param samples: gives all of them, as they are then.
        """
        Guarded.__init__(self, access)
        self._reactor = reactor
        self._samples = samples
        self._waiting = Waiting()
        self._is_writing = False

    def answer(self, request: Any) -> int:
        """Give them when they are written."""
        request.setHeader("content-type", CONTENT_TYPE_PLAIN_0_0_4)
        request.setHeader("cache-control", "no-store")
        request.setHeader("x-content-type-options", "nosniff")
        self._waiting.add(request)
        if not self._is_writing:
            self._is_writing = True
            Deferred.fromCoroutine(self._written()).addCallbacks(self._give, self._fail)
        return NOT_DONE_YET

    def _give(self, samples: bytes) -> None:
        self._is_writing = False
        self._waiting.answer(samples)

    def _fail(self, failure: Failure) -> None:
        self._log.failure("metrics cannot be written", failure)
        self._is_writing = False
        self._waiting.answer(_FAILED, INTERNAL_SERVER_ERROR)

    async def _written(self) -> bytes:
        pieces: list[bytes] = []
        families = iter(self._samples.collect())
        while not self._write_for_a_turn(families, pieces):
            await self._turn_of_others()
        return b"".join(pieces)

    async def _turn_of_others(self) -> None:
        """Wait until others are served: Twisted reads what they ask in one round, and sends the answer in the next."""
        for _ in range(2):
            await deferLater(self._reactor, 0)

    def _write_for_a_turn(self, families: Iterator[Metric], pieces: list[bytes]) -> bool:
        """Write until others are to have their turn; tell whether all is written."""
        end = self._reactor.seconds() + TURN_SECONDS
        with _nothing_collected():
            for family in families:
                pieces.append(_text(family))
                if self._reactor.seconds() >= end:
                    return False
        return True


def _text(family: Metric) -> bytes:
    return generate_latest(Families(lambda: [family]))


@contextmanager
def _nothing_collected() -> Iterator[None]:
    """Keep the garbage collector away while thousands of samples live for some milliseconds.

    It would take them for something that stays, and so look through all that the server has every few times: for a
    tenth of a second where there are a thousand simulation servers.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
