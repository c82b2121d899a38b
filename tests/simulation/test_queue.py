"""Waiting for a place: who is told what and when, whose turn it is, and what it costs where very many wait."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import Any, cast

import psutil
import treq
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.defer import Deferred, DeferredList
from twisted.internet.task import Clock
from twisted.web.client import HTTPConnectionPool

from tests.simulation.stage import NOTES_ITSELF, OPENS, Client, StageCase, reactor, until
from webots_cloud.simulation.instance import Phase
from webots_cloud.simulation.queue import AT_ONCE, LEAVE_AT_ONCE, Queue


class Turns(Clock):
    """A clock at which what is ordered in one turn of the reactor is done in the next."""

    def turn(self) -> None:
        due, self.calls = self.calls, []
        for call in due:
            call.called = 1
            call.func(*call.args, **call.kw)


class Waiting:
    """A queue, and what those in it were told."""

    def __init__(self, count: int = 0) -> None:
        self.clock = Turns()
        self.told: dict[int, list[int]] = {}
        self.tells = 0
        self.queue: Queue[int] = Queue(self.clock, self.tell)
        self.numbers: Iterator[int] = iter(range(1_000_000))
        for _ in range(count):
            self.add()

    def tell(self, who: int, ahead: int) -> None:
        self.tells += 1
        self.told.setdefault(who, []).append(ahead)

    def add(self) -> None:
        number = next(self.numbers)
        self.queue.add(number, number)

    def settle(self) -> int:
        """Let all be told what they are to be told; give how many turns of the reactor that took."""
        turns = 0
        while self.clock.getDelayedCalls():
            before = self.tells
            self.clock.turn()
            assert self.tells - before <= AT_ONCE
            turns += 1
        return turns


class TestQueue:
    def test_everybody_is_told_at_once_how_many_are_ahead(self) -> None:
        waiting = Waiting(3)
        assert waiting.told == {0: [0], 1: [1], 2: [2]}

    def test_who_came_first_is_taken_first_and_the_others_are_told(self) -> None:
        waiting = Waiting(3)
        assert waiting.queue.take() == (0, 0)
        waiting.settle()
        assert waiting.told == {0: [0], 1: [1, 0], 2: [2, 1]}

    def test_only_those_behind_one_that_leaves_are_told(self) -> None:
        waiting = Waiting(4)
        assert waiting.queue.remove(1)
        waiting.settle()
        assert waiting.told == {0: [0], 1: [1], 2: [2, 1], 3: [3, 2]}

    def test_who_is_not_there_cannot_leave(self) -> None:
        waiting = Waiting(3)
        waiting.queue.take()
        assert not waiting.queue.remove(0)
        assert not waiting.queue.remove(3)
        assert list(waiting.queue) == [1, 2]

    def test_many_changes_at_once_are_told_as_one(self) -> None:
        waiting = Waiting(5)
        for number in (0, 1, 2):
            waiting.queue.remove(number)
        waiting.settle()
        assert (waiting.told[3], waiting.told[4]) == ([3, 0], [4, 1])

    def test_of_ten_thousand_some_are_told_at_a_time(self) -> None:
        waiting = Waiting(10_000)
        waiting.queue.take()
        assert waiting.settle() <= 10_000 / AT_ONCE + 1
        assert waiting.tells == 10_000 + 9_999
        assert waiting.told[9_999] == [9_999, 9_998]

    def test_of_ten_thousand_those_at_the_end_are_told_too_where_changes_never_stop(self) -> None:
        waiting = Waiting(10_000)
        for _ in range(2 * 10_000 // AT_ONCE):
            waiting.queue.take()
            waiting.clock.turn()
        assert len(waiting.told[9_999]) >= 2

    def test_who_leaves_when_it_hears_its_place_is_no_trouble(self) -> None:
        waiting = Waiting(5)
        told: list[int] = []

        def leave(who: int, ahead: int) -> None:
            told.append(who)
            waiting.queue.remove(who)

        waiting.queue._tell = leave
        waiting.queue.take()
        waiting.settle()
        assert sorted(told) == [1, 2, 3, 4]
        assert len(waiting.queue) == 0

    def test_all_are_dismissed_some_at_a_time_and_are_told_no_place_any_more(self) -> None:
        waiting = Waiting(1_000)
        waiting.queue.take()
        gone: list[int] = []
        dismissed = Deferred.fromCoroutine(waiting.queue.dismiss(gone.append))
        assert len(gone) == LEAVE_AT_ONCE
        while not dismissed.called:
            waiting.clock.turn()
        assert gone == list(range(1, 1_000))
        assert waiting.tells == 1_000

    @given(
        count=st.sampled_from([0, 5, 2 * AT_ONCE + 5]),
        steps=st.lists(st.sampled_from(["add", "take", "turn"]) | st.integers(0, 30), max_size=60),
    )
    def test_in_the_end_everybody_knows_its_place_and_was_never_told_the_same_twice(
        self, count: int, steps: list[Any]
    ) -> None:
        waiting = Waiting(count)
        for step in steps:
            if step == "add":
                waiting.add()
            elif step == "take" and len(waiting.queue):
                waiting.queue.take()
            elif step == "turn":
                waiting.clock.turn()
            elif isinstance(step, int):
                waiting.queue.remove(step)
        waiting.settle()
        assert [waiting.told[who][-1] for who in waiting.queue] == list(range(len(waiting.queue)))
        for told in waiting.told.values():
            assert told == sorted(set(told), reverse=True)


class TestServer(StageCase):
    async def full(self, **config: Any) -> Client:
        """Start a server with one place, and take it."""
        self.start(maxConnections=1, **{"maxQueue": 3, **config})
        return await self.started()

    async def queued(self, ahead: int) -> Client:
        client = await self.asked(self.init())
        assert await client.says("queue:") == f"queue:{ahead}"
        return client

    async def load_and_monitor(self) -> tuple[str, str]:
        port = cast(Any, self.service.listener.ports[0]).getHost().port
        pool = HTTPConnectionPool(reactor, persistent=False)
        load, page = [
            await (await treq.get(f"http://127.0.0.1:{port}{path}", pool=pool, reactor=reactor)).text()
            for path in ("/load", "/monitor.json")
        ]
        return load, page

    async def leave(self, client: Client) -> None:
        client.sendClose()
        await client.closed

    async def test_who_waits_starts_by_itself_when_its_turn_comes(self) -> None:
        first = await self.full()
        second, third = await self.queued(0), await self.queued(1)
        await self.leave(first)
        await second.says("webots:")
        await third.says("queue:0")
        assert (await self.load_and_monitor())[0] == "100.0"
        await self.leave(second)
        await third.says("webots:")
        assert third.messages[:3] == ["queue:1", "queue:0", "loading: It is your turn."]
        await self.leave(third)
        await self.nothing_left()
        assert self.warnings == []

    async def test_a_place_is_free_only_when_nothing_is_left_of_the_instance_before(self) -> None:
        self.simulator_is(NOTES_ITSELF + "trap '' TERM\necho open\nexec sleep 1000\n")
        first = await self.full(endTimeoutSeconds=0.5)
        second = await self.queued(0)
        (runner,) = self.service.instances
        first.sendClose()
        await until(lambda: runner.life.phase is Phase.STOPPING, "it does not end")
        assert self.service.instances.waiting == 1
        assert (await self.load_and_monitor())[0] == "100.0"
        await second.says("webots:")
        assert not psutil.pid_exists(self.pids[0])
        assert len(os.listdir(self.instances_dir)) == 1

    async def test_who_leaves_while_it_waits_lets_the_others_move_up_and_its_place_be_taken(self) -> None:
        first = await self.full()
        waiting = [await self.queued(ahead) for ahead in range(3)]
        for politely in (True, False):
            waiting[0].sendClose() if politely else waiting[0].vanish()
            await waiting.pop(0).closed
            await waiting[0].says("queue:0")
            await waiting[1].says("queue:1")
            waiting.append(await self.queued(2))
        assert len(self.pids) == 1
        assert first.errors == []

    async def test_over_it_clients_are_refused(self) -> None:
        first = await self.full()
        waiting = [await self.queued(ahead) for ahead in range(3)]
        refused = await self.asked(self.init())
        await refused.closed
        assert refused.errors == ["error: This server runs as many simulations as it can; try again later."]
        assert [client.messages for client in waiting] == [["queue:0"], ["queue:1"], ["queue:2"]]
        assert first.errors == []

    async def test_who_would_wait_in_vain_is_told_at_once(self) -> None:
        await self.full()
        stranger = await self.asked(self.init(host=f"http://example.org:{self.host.port}"))
        await stranger.closed
        assert "not known to this server" in stranger.errors[0]
        (self.webots_home / "webots").unlink()
        late = await self.asked(self.init())
        await late.closed
        assert "cannot be started" in late.errors[0]

    async def test_the_next_one_starts_also_where_the_one_before_could_not(self) -> None:
        first = await self.full()
        second, third = await self.queued(0), await self.queued(1)
        self.simulator_is("#!/bin/sh\nexit 3\n")
        await self.leave(first)
        await second.closed
        assert "exit code 3" in second.errors[0]
        await third.closed
        assert "exit code 3" in third.errors[0]
        self.simulator_is(OPENS)
        await self.started()

    async def test_a_server_that_stops_tells_those_that_wait(self) -> None:
        first = await self.full()
        second = await self.queued(0)
        await self.service.stopService()
        await DeferredList([first.closed, second.closed])
        assert first.errors == second.errors
        assert len(second.errors) == 1
        assert "is being stopped" in second.errors[0]
        assert len(self.pids) == 1

    async def test_a_second_request_of_one_that_waits_ends_its_waiting(self) -> None:
        await self.full()
        second, third = await self.queued(0), await self.queued(1)
        second.ask(self.init())
        await second.closed
        assert "a simulation already" in second.errors[0]
        await third.says("queue:0")

    async def test_operators_see_how_many_wait(self) -> None:
        await self.full()
        for ahead in range(2):
            await self.queued(ahead)
        data = (await self.load_and_monitor())[1]
        totals = json.loads(data)["totals"]
        assert (totals["instances"], totals["capacity"], totals["waiting"]) == (1, 1, 2)

    async def test_what_one_that_waits_says_of_watchers_holds_when_it_runs(self) -> None:
        first = await self.full()
        second = await self.queued(0)
        second.ask({"allowBroadcast": True})
        await self.leave(first)
        await second.says("webots:")
        await until(lambda: len(self.service.instances) == 1, "it has no place")
        (runner,) = self.service.instances
        assert runner._route is not None
        assert runner._route.allow_broadcast
        second.ask({"allowBroadcast": False})
        await until(lambda: not runner._route.allow_broadcast, "it is not forbidden")  # type: ignore[union-attr]
        assert second.errors == []
