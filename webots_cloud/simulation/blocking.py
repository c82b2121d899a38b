"""Work that blocks (copying, unpacking, removing), done in threads and told to stop where a client leaves."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Concatenate, ParamSpec, TypeVar

from twisted.internet.defer import CancelledError, Deferred, DeferredList
from twisted.internet.interfaces import IReactorFromThreads
from twisted.internet.threads import deferToThreadPool
from twisted.python.threadpool import ThreadPool

T = TypeVar("T")
P = ParamSpec("P")

GoOn = Callable[[], None]
"""Called often by work in a thread; raises C{CancelledError} where the work is no longer wanted."""


class BlockingWork:
    """The blocking work of one instance."""

    def __init__(self, reactor: IReactorFromThreads, pool: ThreadPool) -> None:
        self._reactor = reactor
        self._pool = pool
        self._unwanted = threading.Event()
        self._running: set[Deferred[object]] = set()

    def start(self, work: Callable[Concatenate[GoOn, P], T], *args: P.args, **kwargs: P.kwargs) -> Deferred[T]:
        """Do C{work} in a thread; fires with what it returns or raises.

        Cancelling what is returned does not end the thread: see L{stop}.
        """
        result: Deferred[T] = Deferred()
        working = deferToThreadPool(self._reactor, self._pool, work, self._go_on, *args, **kwargs)
        ended: Deferred[object] = Deferred()
        self._running.add(ended)
        working.addBoth(self._ended, ended)
        working.chainDeferred(result)
        return result

    async def stop(self) -> None:
        """Tell all work that it is no longer wanted; returns when no thread does any of it."""
        self._unwanted.set()
        await DeferredList(list(self._running))

    def _go_on(self) -> None:
        if self._unwanted.is_set():
            raise CancelledError

    def _ended(self, outcome: T, ended: Deferred[object]) -> T:
        self._running.discard(ended)
        ended.callback(None)
        return outcome
