"""What the session server tells Prometheus, from what its fleet knows; and when it says that it is ready."""

from __future__ import annotations

from typing import Any, cast

import attrs
import treq
from twisted.internet import reactor as _reactor
from twisted.internet.task import Clock, deferLater
from twisted.trial.unittest import TestCase
from twisted.web.client import HTTPConnectionPool
from twisted.web.resource import Resource
from twisted.web.server import Request, Site

from tests.metrics.samples import Samples, collected
from webots_cloud.address import ServerAddress
from webots_cloud.config import read_config
from webots_cloud.durations import Durations
from webots_cloud.session.fleet import Fleet
from webots_cloud.session.metrics import SessionMetrics
from webots_cloud.session.service import SessionService

reactor = cast(Any, _reactor)
SERVERS = tuple(ServerAddress(False, f"simulation{number}.org:2000") for number in range(4))
IDLE, BUSY, BROKEN, UNKNOWN = SERVERS


def fleet() -> Fleet:
    """Four servers, each in another state."""
    fleet = Fleet(SERVERS, Clock().seconds)
    fleet.report(IDLE, 12.5, 0)
    fleet.report(BUSY, 99.5, 0)
    for _ in range(3):
        fleet.report_failure(BROKEN, "it does not answer <b>at all</b>")
    return fleet


def told(fleet: Fleet, polls: Durations | None = None) -> Samples:
    return collected(SessionMetrics(fleet, polls or Durations([1]), lambda: 7, lambda: 8).collect())


class TestMetrics:
    def test_servers_are_counted_by_their_states(self) -> None:
        samples = told(fleet())
        for state in ("available", "full", "failed", "unknown"):
            assert samples("webots_cloud_simulation_servers", state=state) == 1

    def test_each_server_is_up_if_it_answers_and_available_if_it_is_not_full_either(self) -> None:
        samples = told(fleet())
        for server, up, available in ((IDLE, 1, 1), (BUSY, 1, 0), (BROKEN, 0, 0), (UNKNOWN, 0, 0)):
            assert samples("webots_cloud_simulation_server_up", simulation_server=str(server)) == up
            assert samples("webots_cloud_simulation_server_available", simulation_server=str(server)) == available

    def test_the_load_is_a_share_and_those_that_do_not_answer_have_none(self) -> None:
        samples, name = told(fleet()), "webots_cloud_simulation_server_load_ratio"
        assert samples(name, simulation_server=str(IDLE)) == 0.125
        assert samples(name, simulation_server=str(BUSY)) == 0.995
        assert len(samples.labels(name)) == 2

    def test_failures_are_counted_though_not_why(self) -> None:
        samples = told(fleet())
        name = "webots_cloud_simulation_server_poll_failures_total"
        assert samples(name, simulation_server=str(BROKEN)) == 3
        assert samples(name, simulation_server=str(IDLE)) == 0

    def test_clients_are_counted_where_they_were_sent(self) -> None:
        servers = fleet()
        for _ in range(3):
            servers.choose()
        samples = told(servers)
        assert samples("webots_cloud_simulation_server_clients_sent_total", simulation_server=str(IDLE)) == 3
        assert samples("webots_cloud_clients_on_their_way") == 3
        servers.report(IDLE, 20, 1000)
        samples = told(servers)
        assert samples("webots_cloud_simulation_server_clients_sent_total", simulation_server=str(IDLE)) == 3
        assert samples("webots_cloud_clients_on_their_way") == 0

    def test_clients_that_could_be_sent_nowhere_are_counted(self) -> None:
        nobody = Fleet(SERVERS, Clock().seconds)
        nobody.choose()
        assert told(nobody)("webots_cloud_clients_refused_total") == 1
        assert told(fleet())("webots_cloud_clients_refused_total") == 0

    def test_watchers_connections_and_answers_are_counted(self) -> None:
        polls = Durations([1])
        polls.add(0.5)
        samples = told(fleet(), polls)
        assert samples("webots_cloud_watchers") == 7
        assert samples("webots_cloud_http_connections") == 8
        assert samples("webots_cloud_poll_duration_seconds_bucket", le="1") == 1


class Load(Resource):
    """A simulation server that says what a test says."""

    isLeaf = True

    def __init__(self) -> None:
        Resource.__init__(self)
        self.said = b"nothing"

    def render_GET(self, request: Request) -> bytes:
        return self.said


class Ready(TestCase):
    """A real service with a simulation server."""

    timeout = 120

    def setUp(self) -> None:
        self.load = Load()
        site = Site(self.load)
        site.log = lambda request: None  # type: ignore[method-assign]  # tests need no access log
        listening = reactor.listenTCP(0, site, interface="127.0.0.1")
        self.addCleanup(listening.stopListening)
        config = attrs.evolve(
            read_config(None, ()).session,
            listen=("tcp:0:interface=127.0.0.1",),
            simulationServers=(ServerAddress(False, f"127.0.0.1:{listening.getHost().port}"),),
            pollIntervalSeconds=0.1,
        )
        self.service = SessionService(reactor, config)
        self.service.startService()
        self.addCleanup(lambda: self.service.stopService() if self.service.running else None)

    async def get(self, path: str) -> tuple[int, str]:
        port = cast(Any, self.service.listener.ports[0]).getHost().port
        pool = HTTPConnectionPool(reactor, persistent=False)
        response = await treq.get(f"http://127.0.0.1:{port}{path}", pool=pool, reactor=reactor, timeout=60)
        return response.code, await response.text()

    async def comes_to(self, expected: tuple[int, str]) -> None:
        while await self.get("/readyz") != expected:
            await deferLater(reactor, 0.05)

    async def test_it_is_when_a_server_answers_be_it_that_it_is_full(self) -> None:
        assert await self.get("/readyz") == (503, "no simulation server answers\n")
        self.load.said = b"100"
        await self.comes_to((200, "ok\n"))
        self.load.said = b"broken"
        await self.comes_to((503, "no simulation server answers\n"))
        samples = Samples((await self.get("/metrics"))[1])
        assert samples("webots_cloud_ready") == 0
        assert samples("webots_cloud_poll_duration_seconds_count") > 0

    async def test_it_is_not_while_it_stops(self) -> None:
        self.load.said = b"1"
        await self.comes_to((200, "ok\n"))
        stopping = self.service.stopService()
        assert self.service._trouble() == "this server is being stopped"
        await stopping
