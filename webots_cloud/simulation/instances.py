"""All instances of a simulation server: who is admitted, and what ends when the server does."""

from __future__ import annotations

from collections.abc import Iterator

from twisted.internet.defer import DeferredList

from webots_cloud.errors import ServerFull, ServerStopping
from webots_cloud.simulation.request import StartRequest
from webots_cloud.simulation.runner import Client, Runner, Workplace


class Instances:
    """The instances, from their request until nothing is left of them."""

    def __init__(self, workplace: Workplace) -> None:
        self._workplace = workplace
        self._running: dict[int, Runner] = {}
        self._number = 0
        self._stopping = False

    @property
    def capacity(self) -> int:
        """How many instances there may be at once."""
        return self._workplace.config.maxConnections

    @property
    def full(self) -> bool:
        """Whether nobody can be admitted at the moment."""
        return self._stopping or len(self._running) >= self.capacity

    def __len__(self) -> int:
        return len(self._running)

    def __iter__(self) -> Iterator[Runner]:
        return iter(list(self._running.values()))

    def start(self, request: StartRequest, client: Client) -> Runner:
        """Start an instance for a client.

        @raise ClientError: if the server is full or being stopped.
        """
        if self._stopping:
            raise ServerStopping
        if self.full:
            raise ServerFull(detail=f"maxConnections is {self.capacity}")
        self._number += 1
        runner = Runner(self._workplace, self._number, request, client)
        self._running[self._number] = runner
        runner.ended.addCallback(self._ended, self._number)
        runner.instance.start()
        return runner

    async def stop(self) -> None:
        """Admit nobody any more and end all instances; returns when nothing is left of them."""
        self._stopping = True
        runners = list(self)
        for runner in runners:
            runner.instance.fail(ServerStopping())
        await DeferredList([runner.ended for runner in runners])

    def _ended(self, result: None, number: int) -> None:
        del self._running[number]
