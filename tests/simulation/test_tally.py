"""The simulation server's tally: what is counted when, and how long phases take; and that a real server feeds it."""

from __future__ import annotations

from twisted.internet.task import Clock

from tests.simulation.stage import NEVER_OPENS, StageCase, until
from webots_cloud.errors import FetchTimedOut, ServerFull, TimeIsUp, WebotsSilent
from webots_cloud.simulation.instance import Phase
from webots_cloud.simulation.tally import CLIENT_LEFT, FAILURES, Passage, Tally


def counted() -> tuple[Tally, Clock]:
    clock = Clock()
    return Tally(clock.seconds), clock


def running(tally: Tally) -> Passage:
    passage = tally.begin()
    for phase in (Phase.FETCHING, Phase.STARTING, Phase.RUNNING):
        passage.enter(phase)
    return passage


class TestTally:
    def test_an_instance_counts_as_started_when_it_runs(self) -> None:
        tally, _ = counted()
        passage = tally.begin()
        passage.enter(Phase.FETCHING)
        passage.enter(Phase.STARTING)
        assert (tally.asked, tally.started) == (1, 0)
        passage.enter(Phase.RUNNING)
        assert (tally.asked, tally.started) == (1, 1)

    def test_each_phase_takes_as_long_as_it_took(self) -> None:
        tally, clock = counted()
        passage = tally.begin()
        for seconds, phase in ((1, Phase.FETCHING), (2, Phase.STARTING), (3, Phase.RUNNING)):
            clock.advance(seconds)
            passage.enter(phase)
        clock.advance(400)
        passage.stop(None)
        clock.advance(5)
        passage.enter(Phase.ENDED)
        assert [durations.seconds for durations in tally.phases.values()] == [1, 2, 3, 400, 5]
        assert [len(durations) for durations in tally.phases.values()] == [1] * 5

    def test_a_clock_that_is_set_back_takes_no_time_off(self) -> None:
        times = [100.0, 50.0]
        tally = Tally(lambda: times.pop(0))
        tally.begin().enter(Phase.FETCHING)
        assert tally.phases[Phase.WAITING].seconds == 0

    def test_a_failure_before_it_runs_is_a_failed_start(self) -> None:
        tally, _ = counted()
        passage = tally.begin()
        passage.enter(Phase.FETCHING)
        passage.stop(FetchTimedOut(seconds=60))
        assert tally.failed == tally.ended == {"FetchTimedOut": 1}
        assert tally.started == 0

    def test_a_failure_after_that_is_an_end_only(self) -> None:
        tally, _ = counted()
        running(tally).stop(TimeIsUp(seconds=7200))
        assert tally.ended == {"TimeIsUp": 1}
        assert tally.failed == {}

    def test_a_client_that_leaves_is_no_failure(self) -> None:
        tally, _ = counted()
        tally.begin().stop(None)
        running(tally).stop(None)
        assert tally.ended == {CLIENT_LEFT: 2}
        assert tally.failed == {}

    def test_reasons_are_counted_one_by_one(self) -> None:
        tally, _ = counted()
        for error in (WebotsSilent(seconds=60), ServerFull(), WebotsSilent(seconds=60)):
            tally.begin().stop(error)
            tally.refuse(error)
        assert tally.failed == tally.refused == {"WebotsSilent": 2, "ServerFull": 1}
        assert tally.failed.keys() <= set(FAILURES)


class TestServer(StageCase):
    """A real simulation server."""

    async def test_counts_what_becomes_of_its_instances(self) -> None:
        self.start()
        tally = self.service.instances.tally
        client = await self.started()
        assert (tally.asked, tally.started, tally.ended) == (1, 1, {})
        client.vanish()
        await client.closed
        await until(lambda: bool(tally.ended), "its end is not counted")
        await self.nothing_runs()
        assert tally.ended == {CLIENT_LEFT: 1}
        assert [len(durations) for durations in tally.phases.values()] == [1] * 5

    async def test_counts_starts_that_fail(self) -> None:
        self.simulator_is(NEVER_OPENS)
        self.start(startTimeoutSeconds=0.2)
        await self.refused(await self.asked(self.init()))
        tally = self.service.instances.tally
        assert tally.failed == tally.ended == {"WebotsSilent": 1}
        assert (tally.asked, tally.started) == (1, 0)

    async def test_counts_requests_that_are_refused(self) -> None:
        self.start()
        await self.refused(await self.asked(b"no request"))
        tally = self.service.instances.tally
        assert (tally.asked, tally.refused) == (0, {"BadRequest": 1})
