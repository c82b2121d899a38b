"""All instances of a simulation server: who is admitted, who waits, and what ends when the server does."""

from __future__ import annotations

from collections.abc import Iterator

from twisted.internet.defer import DeferredList

from webots_cloud.errors import ServerDraining, ServerFull, ServerStopping
from webots_cloud.simulation.queue import Queue
from webots_cloud.simulation.request import StartRequest
from webots_cloud.simulation.runner import Client, Runner, Workplace
from webots_cloud.simulation.tally import Tally


class Instances:
    """The instances, from their request until nothing is left of them.

    Iterating gives those that have a place; those that wait for one are in the queue.

    @ivar closing: whether nobody is admitted any more, as the server ends.
    @ivar draining: whether nobody is admitted for now, as the operator wants it.
    """

    def __init__(self, workplace: Workplace) -> None:
        self._workplace = workplace
        self._running: dict[int, Runner] = {}
        self._queue: Queue[Runner] = Queue(workplace.reactor, lambda runner, ahead: runner.instance.queued(ahead))
        self._number = 0
        self.closing = False
        self.draining = False

    @property
    def capacity(self) -> int:
        """How many instances there may be at once."""
        return self._workplace.config.maxConnections

    @property
    def tally(self) -> Tally:
        """What has become of them since the server began."""
        return self._workplace.tally

    @property
    def full(self) -> bool:
        """Whether nobody gets a place at the moment."""
        return self.closing or self.draining or len(self._running) >= self.capacity

    @property
    def waiting(self) -> int:
        """How many clients wait for a place."""
        return len(self._queue)

    def __len__(self) -> int:
        return len(self._running)

    def __iter__(self) -> Iterator[Runner]:
        return iter(list(self._running.values()))

    @property
    def queue(self) -> Iterator[Runner]:
        """Those that wait for a place, in their order."""
        return iter(self._queue)

    def find(self, number: int) -> Runner | None:
        """Give the one of that number, whether it has a place or waits for one; C{None}: there is none."""
        waiting = (runner for runner in self._queue if runner.number == number)
        return self._running.get(number) or next(waiting, None)

    def start(self, request: StartRequest, client: Client) -> Runner:
        """Start an instance for a client, or let it wait for its turn.

        @raise ClientError: if the server is being stopped or drained, or so many wait already, or it would wait in
            vain.
        """
        if self.closing:
            raise ServerStopping
        if self.draining:
            raise ServerDraining
        queued = self.full
        if queued:
            self._check_before_waiting(request)
        self._number += 1
        runner = Runner(self._workplace, self._number, request, client)
        runner.ended.addCallback(self._ended, self._number)
        if queued:
            self._queue.add(self._number, runner)
        else:
            self._running[self._number] = runner
            runner.instance.start()
        return runner

    async def close_doors(self) -> None:
        """Admit nobody until C{open_doors}; those that have a place keep it, and those that wait are sent elsewhere."""
        self.draining = True
        await self._queue.dismiss(lambda runner: runner.instance.fail(ServerDraining()))

    def open_doors(self) -> None:
        """Admit clients again."""
        self.draining = False

    async def drain(self, seconds: float) -> None:
        """Admit nobody any more, and let those that have a place go on; returns when nothing is left of them.

        @param seconds: how long they may go on.
        """
        self.closing = True
        runners = list(self)
        for runner in runners:
            runner.instance.drain(seconds)
        await self._queue.dismiss(lambda runner: runner.instance.drain(seconds))
        await DeferredList([runner.ended for runner in runners])

    async def stop(self) -> None:
        """Admit nobody any more and end all instances; returns when nothing is left of them."""
        self.closing = True
        runners = list(self)
        for runner in runners:
            runner.instance.fail(ServerStopping())
        await self._queue.dismiss(lambda runner: runner.instance.fail(ServerStopping()))
        await DeferredList([runner.ended for runner in runners])

    def _check_before_waiting(self, request: StartRequest) -> None:
        if self.waiting >= self._workplace.config.maxQueue:
            raise ServerFull(detail=f"maxConnections is {self.capacity}, maxQueue {self._workplace.config.maxQueue}")
        self._workplace.launch.simulator.check()
        self._workplace.projects.check(request)

    def _ended(self, result: None, number: int) -> None:
        if self._running.pop(number, None) is None:
            self._queue.remove(number)
        while self.waiting and not self.full:
            self._start_next()

    def _start_next(self) -> None:
        number, runner = self._queue.take()
        self._running[number] = runner
        runner.instance.start()
