"""What a real simulation server tells Prometheus while instances come and go; and when it says that it is ready."""

from __future__ import annotations

import re
from typing import Any, cast

import treq
from twisted.internet.defer import Deferred
from twisted.web.client import HTTPConnectionPool

from tests.metrics.samples import Samples
from tests.simulation.stage import INSTANCES, KEY, NEVER_OPENS, NOTES_ITSELF, StageCase, reactor, until
from webots_cloud.errors import ClientError
from webots_cloud.secret import Secret
from webots_cloud.simulation.gpu import Cards, Gpu, Gpus
from webots_cloud.simulation.tally import FAILURES

ENDED, FAILED = "webots_cloud_instances_ended_total", "webots_cloud_instances_failed_total"
DURATIONS = "webots_cloud_instance_phase_duration_seconds_count"


class Server(StageCase):
    """A server that is asked."""

    async def get(self, path: str) -> tuple[int, str]:
        port = cast(Any, self.service.listener.ports[0]).getHost().port
        pool = HTTPConnectionPool(reactor, persistent=False)
        response = await treq.get(f"http://127.0.0.1:{port}{path}", pool=pool, reactor=reactor, timeout=60)
        return response.code, await response.text()

    async def samples(self) -> Samples:
        status, text = await self.get("/metrics")
        assert status == 200
        return Samples(text)

    async def measured(self) -> None:
        """Wait until the load of the machine is known."""
        while (await self.get("/readyz"))[1] == "the load of the machine is not known yet\n":
            pass


class TestMetrics(Server):
    async def test_an_instance_is_there_and_then_it_has_ended(self) -> None:
        self.start()
        client = await self.started()
        samples = await self.samples()
        assert samples("webots_cloud_instances", phase="running") == 1
        assert samples("webots_cloud_instances_idle") == 1
        assert samples("webots_cloud_instances_started_total") == 1
        assert samples("webots_cloud_clients") == 1
        assert [samples(DURATIONS, phase=phase) for phase in ("waiting", "fetching", "starting")] == [1, 1, 1]
        client.sendClose()
        await client.closed
        await until(lambda: len(self.service.instances) == 0, "it does not end")
        samples = await self.samples()
        assert samples("webots_cloud_instances", phase="running") == 0
        assert samples(ENDED, reason="ClientLeft") == 1
        assert samples(DURATIONS, phase="stopping") == 1
        assert samples("webots_cloud_instance_run_duration_seconds_count") == 1

    async def test_starts_that_fail_are_told_with_why(self) -> None:
        self.simulator_is(NEVER_OPENS)
        self.start(startTimeoutSeconds=0.2)
        await self.refused(await self.asked(self.init()))
        samples = await self.samples()
        assert samples(FAILED, reason="WebotsSilent") == samples(ENDED, reason="WebotsSilent") == 1
        assert samples("webots_cloud_instances_started_total") == 0

    async def test_every_reason_is_there_from_the_start(self) -> None:
        self.start()
        samples = await self.samples()
        assert {labels["reason"] for labels in samples.labels(FAILED)} == set(FAILURES)
        assert "WebotsSilent" in FAILURES
        assert ClientError.__name__ in FAILURES

    async def test_limits_are_told(self) -> None:
        self.start(maxQueue=7)
        samples = await self.samples()
        assert samples("webots_cloud_instances_limit") == INSTANCES
        assert samples("webots_cloud_queue_limit") == 7
        assert samples("webots_cloud_sandboxed") == 0

    async def test_those_who_wait_are_told(self) -> None:
        self.start(maxConnections=1, maxQueue=2)
        await self.started()
        waiting = await self.asked(self.init())
        await waiting.says("queue:")
        samples = await self.samples()
        assert samples("webots_cloud_queue_length") == 1
        assert samples("webots_cloud_instances_requested_total") == 2

    async def test_the_machine_is_told_in_shares(self) -> None:
        self.start()
        await self.measured()
        samples = await self.samples()
        for measure in ("load", "cpu", "memory", "network"):
            assert 0 <= samples(f"webots_cloud_machine_{measure}_ratio") <= 1

    async def test_graphics_cards_are_told_as_far_as_they_say(self) -> None:
        self.start()
        cards = Cards((Gpu(0, "A", 42.0, 1, 4), Gpu(1, "B", trouble="GPU is lost")))
        (gpus,) = (cast(Any, service) for service in self.service if isinstance(service, Gpus))
        gpus._nvml.read = lambda: cards
        await until(lambda: gpus.cards == cards, "the cards are not asked")
        samples = await self.samples()
        assert [samples("webots_cloud_gpu_up", gpu=gpu) for gpu in "01"] == [1, 0]
        assert samples("webots_cloud_gpu_utilization_ratio", gpu="0") == 0.42
        assert samples("webots_cloud_gpu_memory_bytes", gpu="0") == 4
        assert samples.labels("webots_cloud_gpu_memory_used_bytes") == [{"gpu": "0"}]
        assert samples("webots_cloud_gpu_info", gpu="1", name="B") == 1

    async def test_nothing_is_told_that_is_of_a_visitor(self) -> None:
        self.project("a-private-project", {"worlds/a-private-world.wbt": "", "controllers/go/go.py": ""})
        self.host.gives(b"Error: no such directory: a-private-project")
        self.start(network="isolated", gate="proxy", sandbox="firejail")
        client = await self.asked(self.init("a-private-project", "a-private-world.wbt", user="12345"))
        url = await client.says("webots:")
        _, text = await self.get("/metrics")
        token = re.findall(r"/webots/([^/]+)", url)[0]
        for secret in (token, "private", "12345", "Ada", "password", KEY, str(self.place)):
            assert secret not in text

    async def test_the_metrics_are_guarded_as_the_monitor_page_is(self) -> None:
        self.start(monitorPassword=Secret("open sesame"))
        assert (await self.get("/metrics"))[0] == 401
        assert (await self.get("/healthz"))[0] == 200


class TestReady(Server):
    async def test_it_is_when_the_load_of_the_machine_is_known(self) -> None:
        self.start()
        await self.measured()
        assert await self.get("/readyz") == (200, "ok\n")

    async def test_it_is_when_all_places_are_taken(self) -> None:
        self.start(maxConnections=1)
        await self.measured()
        await self.started()
        assert (await self.get("/readyz"))[0] == 200

    async def test_it_is_not_without_a_simulator(self) -> None:
        self.start()
        await self.measured()
        (self.webots_home / "webots").unlink()
        assert await self.get("/readyz") == (503, "the simulator cannot be started; the log of a start says why\n")

    async def test_it_is_not_while_it_waits_for_its_last_clients(self) -> None:
        self.start()
        await self.measured()
        client = await self.started()
        draining = Deferred.fromCoroutine(self.service.instances.drain(1000))
        assert await self.get("/readyz") == (503, "this server is being stopped\n")
        assert (await self.samples())("webots_cloud_draining") == 1
        assert (await self.get("/healthz")) == (200, "ok\n")
        client.vanish()
        await draining

    async def test_it_is_not_once_it_is_told_to_stop(self) -> None:
        self.simulator_is(NOTES_ITSELF + "echo open\nexec sleep 1000\n")
        self.start()
        await self.measured()
        stopping = self.service.stopService()
        assert self.service._trouble() == "this server is being stopped"
        await stopping
