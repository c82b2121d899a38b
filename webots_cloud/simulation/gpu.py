"""The graphics cards of the machine, as NVIDIA's library tells of them: each card's load once a second.

Drivers go away and come back, cards fall off the bus, and a card may not know what it is asked: all of it is told, and
none of it stops the rest. The machine's sensors and the metrics read it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from threading import Thread
from typing import Any, TypeVar

import attrs
import pynvml
from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall
from twisted.internet.task import LoopingCall
from twisted.internet.threads import deferToThreadPool
from twisted.logger import Logger
from twisted.python.threadpool import ThreadPool

T = TypeVar("T")

READ_SECONDS = 1.0
"""How often cards are asked."""

RETRY_SECONDS = 30.0
"""How often a driver or card that is not there is looked for."""

LATE_SECONDS = 10.0
"""How long the driver may take to answer, until nothing is known of its cards."""

STOP_SECONDS = 2.0
"""How long a driver that is being asked is waited for when the server stops."""

_OF_THE_DRIVER = frozenset(
    {
        pynvml.NVML_ERROR_UNINITIALIZED,
        pynvml.NVML_ERROR_DRIVER_NOT_LOADED,
        pynvml.NVML_ERROR_LIBRARY_NOT_FOUND,
        pynvml.NVML_ERROR_LIB_RM_VERSION_MISMATCH,
    }
)
"""Errors after which no card can be asked; all others are of the card that was asked."""

_NOT_KNOWN = frozenset({pynvml.NVML_ERROR_NOT_SUPPORTED, pynvml.NVML_ERROR_FUNCTION_NOT_FOUND})
"""Errors that say only that a question has no answer."""


@attrs.frozen
class Gpu:
    """A graphics card at one moment.

    @ivar index: its number, from 0.
    @ivar name: its model; empty while that is not known.
    @ivar compute: how busy it is, in percent; C{None}: it does not say.
    @ivar memory_used: in bytes; C{None}: it does not say.
    @ivar memory_total: in bytes; C{None}: it does not say.
    @ivar trouble: why nothing is known of it; empty if something is.
    """

    index: int
    name: str = ""
    compute: float | None = None
    memory_used: int | None = None
    memory_total: int | None = None
    trouble: str = ""

    @property
    def memory(self) -> float | None:
        """How much of its memory is used, in percent; C{None}: it does not say."""
        if self.memory_used is None or not self.memory_total:
            return None
        return 100.0 * self.memory_used / self.memory_total

    def __str__(self) -> str:
        return f"graphics card {self.index}" + (f" ({self.name})" if self.name else "")


@attrs.frozen
class Cards:
    """All graphics cards at one moment.

    @ivar gpus: in the order of their numbers; none where there is no driver.
    @ivar trouble: why there is no driver; empty if there is one.
    """

    gpus: tuple[Gpu, ...] = ()
    trouble: str = ""

    @property
    def compute(self) -> float:
        """The busiest card, in percent; 0 where there is none that says."""
        return max((gpu.compute for gpu in self.gpus if gpu.compute is not None), default=0.0)

    @property
    def memory(self) -> float:
        """The fullest card, in percent; 0 where there is none that says."""
        return max((gpu.memory for gpu in self.gpus if gpu.memory is not None), default=0.0)


class Nvml:
    """NVIDIA's library; its calls may block for seconds, so they belong in a thread, and in one at a time."""

    def __init__(self, seconds: Callable[[], float]) -> None:
        """Begin without asking anything.

        @param seconds: the time, by a clock that nobody sets.
        """
        self._seconds = seconds
        self._handles: list[Any] = []
        self._open = False
        self._read = Cards()
        self._next_try = 0.0

    def read(self) -> Cards:
        """Ask all cards; where the driver or a card is not there, look for it every L{RETRY_SECONDS}."""
        now = self._seconds()
        lacking = not self._open or any(gpu.trouble for gpu in self._read.gpus)
        if lacking and now >= self._next_try:
            self.close()
            self._next_try = now + RETRY_SECONDS
            self._begin()
        if self._open:
            self._ask()
        return self._read

    def close(self) -> None:
        """Let go of the library; C{read} begins again."""
        if self._open:
            self._open = False
            # Its driver may be gone, and then there is nothing to let go of.
            with suppress(pynvml.NVMLError):
                pynvml.nvmlShutdown()

    def _begin(self) -> None:
        try:
            pynvml.nvmlInit()
            self._open = True
            self._handles = [None] * pynvml.nvmlDeviceGetCount()
        except pynvml.NVMLError as error:
            self._fail(error)

    def _ask(self) -> None:
        try:
            self._read = Cards(tuple(self._gpus()))
        except pynvml.NVMLError as error:
            self._fail(error)

    def _fail(self, error: pynvml.NVMLError) -> None:
        self.close()
        self._read = Cards(trouble=_said(error))

    def _gpus(self) -> Iterator[Gpu]:
        """Ask one card after the other.

        @raise pynvml.NVMLError: if it is the driver that does not answer.
        """
        known = {gpu.index: gpu.name for gpu in self._read.gpus}
        for index in range(len(self._handles)):
            try:
                yield self._gpu(index, known.get(index, ""))
            except pynvml.NVMLError as error:
                if error.value in _OF_THE_DRIVER:
                    raise
                yield Gpu(index, known.get(index, ""), trouble=_said(error))

    def _gpu(self, index: int, name: str) -> Gpu:
        if self._handles[index] is None:
            self._handles[index] = pynvml.nvmlDeviceGetHandleByIndex(index)
        card = self._handles[index]
        utilization = _answer(pynvml.nvmlDeviceGetUtilizationRates, card)
        memory = _answer(pynvml.nvmlDeviceGetMemoryInfo, card)
        return Gpu(
            index,
            name or _text(_answer(pynvml.nvmlDeviceGetName, card)),
            None if utilization is None else float(utilization.gpu),
            None if memory is None else int(memory.used),
            None if memory is None else int(memory.total),
        )


def _answer(question: Callable[[Any], Any], card: Any) -> Any:
    """Ask a card something; C{None}: it does not know."""
    try:
        return question(card)
    except pynvml.NVMLError as error:
        if error.value in _NOT_KNOWN:
            return None
        raise


def _said(error: pynvml.NVMLError) -> str:
    """Give an error's words; it has some of its own for those that are older than the binding only."""
    return f"NVML's error {error.value}" if type(error) is pynvml.NVMLError else str(error)


def _text(answer: bytes | str | None) -> str:
    """Give a text of the library, which has been of both kinds."""
    return answer.decode(errors="replace") if isinstance(answer, bytes) else answer or ""


class Journal:
    """Writes into the log what changes of the cards: a line when something goes, and one when it is back."""

    _log = Logger()

    def __init__(self) -> None:
        self._trouble: str | None = None
        self._known: dict[int, Gpu] = {}
        self._silent: set[int] = set()

    def note(self, cards: Cards) -> None:
        """Take note of how the cards are now."""
        before, self._trouble = self._trouble, cards.trouble
        named = ", ".join(map(str, cards.gpus)) or "none"
        if before is None:
            self._log.info("graphics cards: {named}", named=cards.trouble or named)
        elif cards.trouble and not before:
            self._log.warn(
                "the driver of the graphics cards does not answer ({error}): they have no share in the load; it is "
                "tried again every {seconds:g} s",
                error=cards.trouble,
                seconds=RETRY_SECONDS,
            )
        elif before and not cards.trouble:
            self._log.info("the driver of the graphics cards answers again: {named}", named=named)
        if not cards.trouble:
            self._note_each({gpu.index: gpu for gpu in cards.gpus})

    def _note_each(self, gpus: dict[int, Gpu]) -> None:
        for index, gpu in (self._known | gpus).items():
            error = gpu.trouble if index in gpus else "it is not there any more"
            if error and index not in self._silent:
                self._silent.add(index)
                self._log.warn("{gpu} does not answer ({error}): it has no share in the load", gpu=gpu, error=error)
            elif not error and index in self._silent:
                self._silent.remove(index)
                self._log.info("{gpu} answers again", gpu=gpu)
        self._known |= gpus


class Gpus(Service):
    """The graphics cards, which are asked while it runs; whoever wants to know of them is never kept waiting.

    @ivar cards: as they were last told.
    """

    _log = Logger()

    def __init__(self, reactor: Any, nvml: Nvml | None = None, pool: ThreadPool | None = None) -> None:
        """Prepare to ask.

        @param nvml: what is asked; C{None}: the real thing.
        @param pool: the thread that it is asked in; C{None}: one of its own, as a driver may not answer for ever, which
            must keep neither the other work of the server nor its end.
        """
        self.cards = Cards()
        self._reactor = reactor
        self._nvml = nvml or Nvml(time.monotonic)
        self._pool = pool or _pool()
        self._journal = Journal()
        self._late: IDelayedCall | None = None
        self._sampling = LoopingCall(self._ask)
        self._sampling.clock = reactor

    def startService(self) -> None:
        """Begin to ask."""
        Service.startService(self)
        self._pool.start()
        self._sampling.start(READ_SECONDS).addErrback(
            lambda failure: self._log.failure("graphics cards are not asked any more", failure)
        )

    def stopService(self) -> Deferred[None]:
        """Ask no more; fires when the thread has ended, or is given up."""
        Service.stopService(self)
        if self._sampling.running:
            self._sampling.stop()
        return Deferred.fromCoroutine(self._stop())

    async def _stop(self) -> None:
        # It has its turn after what is still asked.
        closing = self._in_thread(self._nvml.close)
        if await _within(self._reactor, closing, STOP_SECONDS):
            self._pool.stop()
        self._no_longer_late()

    def _ask(self) -> Deferred[None]:
        return Deferred.fromCoroutine(self._ask_once())

    async def _ask_once(self) -> None:
        self._late = self._reactor.callLater(LATE_SECONDS, self._is_late)
        cards = await self._in_thread(self._nvml.read)
        self._no_longer_late()
        self._take(cards)

    def _in_thread(self, work: Callable[[], T]) -> Deferred[T]:
        return deferToThreadPool(self._reactor, self._pool, work)

    def _is_late(self) -> None:
        self._take(Cards(trouble=f"it has been asked for {LATE_SECONDS:g} s"))

    def _no_longer_late(self) -> None:
        timer, self._late = self._late, None
        if timer is not None and timer.active():
            timer.cancel()

    def _take(self, cards: Cards) -> None:
        self.cards = cards
        self._journal.note(cards)


def _pool() -> ThreadPool:
    pool = ThreadPool(0, 1, "gpu")
    # One that never comes back from the driver must not keep the process.
    pool.threadFactory = partial(Thread, daemon=True)  # type: ignore[assignment]  # said to be the class itself
    return pool


async def _within(reactor: Any, deferred: Deferred[None], seconds: float) -> bool:
    """Wait for something, but no longer than that; tell whether it has come."""
    waiting: Deferred[bool] = Deferred()
    timer = reactor.callLater(seconds, waiting.callback, False)

    def done(result: T) -> T:
        if timer.active():
            timer.cancel()
            waiting.callback(True)
        return result

    deferred.addBoth(done)
    return await waiting
