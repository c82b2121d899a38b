"""What an operator has a simulation server do: let nobody in, let clients in again, end an instance."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
import treq
from twisted.internet.defer import Deferred
from twisted.web.client import HTTPConnectionPool

from tests.simulation.stage import NEVER_OPENS, StageCase, reactor, until
from webots_cloud.control import Refused
from webots_cloud.errors import EndedByOperator, ServerDraining, ServerStopping
from webots_cloud.simulation.control import Supervision


class Operating(StageCase):
    def open_office(self, **changed: Any) -> Supervision:
        """Start the server; give what its operator speaks to."""
        self.start(**changed)
        return Supervision(self.service.instances, self.service.machine, self.service.launch)

    async def get(self, page: str) -> str:
        port = self.service.listener.ports[0].getHost().port  # type: ignore[attr-defined]  # it is a TCP port
        pool = HTTPConnectionPool(reactor, persistent=False)
        response = await treq.get(f"http://127.0.0.1:{port}/{page}", pool=pool)
        return str(await response.text())

    async def load(self) -> float:
        return float(await self.get("load"))

    async def test_a_server_that_is_drained_takes_nobody_and_says_so(self) -> None:
        operator = self.open_office()
        assert await operator.drain("") == {"draining": True, "running": 0}
        assert await self.load() == 100
        assert json.loads(await self.get("monitor.json"))["server"]["state"] == "drained"
        assert "this server is drained" in await self.get("readyz")
        assert re.search(r"^webots_cloud[a-z_]*_draining 1.0$", await self.get("metrics"), re.MULTILINE)
        client = await self.asked(self.init())
        assert await client.says("error:") == f"error: {ServerDraining()}"
        await client.closed

    async def test_who_has_a_simulation_keeps_it(self) -> None:
        operator = self.open_office()
        client = await self.started()
        assert await operator.drain("") == {"draining": True, "running": 1}
        status = await operator.status()
        assert status["draining"]
        (instance,) = status["instances"]
        assert (instance["phase"], instance["project"], instance["world"]) == ("running", "simple", "simple.wbt")
        # Nor is it told of an end.
        assert not [message for message in client.messages if message.startswith("shutdownTimeout: 300")]
        assert not client.errors

    async def test_draining_is_taken_back(self) -> None:
        operator = self.open_office()
        await operator.drain("")
        assert await operator.undrain("") == {"draining": False, "running": 0}
        # What a busy machine tells of its load is another matter.
        assert not self.service.instances.full
        await self.started()
        assert not (await operator.status())["draining"]

    async def test_who_waits_for_a_place_is_sent_elsewhere(self) -> None:
        operator = self.open_office(maxConnections=1, maxQueue=5)
        await self.started()
        waiting = await self.asked(self.init())
        await waiting.says("queue:0")
        assert [instance["phase"] for instance in (await operator.status())["instances"]] == ["running", "waiting"]
        await operator.drain("")
        assert await waiting.says("error:") == f"error: {ServerDraining()}"
        await waiting.closed
        assert (await operator.status())["waiting"] == 0

    async def test_nobody_is_let_into_a_server_that_ends(self) -> None:
        operator = self.open_office()
        ending = Deferred.fromCoroutine(self.service.instances.drain(300))
        with pytest.raises(Refused):
            await operator.undrain("")
        await ending
        client = await self.asked(self.init())
        assert await client.says("error:") == f"error: {ServerStopping()}"
        await client.closed

    async def test_an_instance_is_ended_and_its_page_told_why(self) -> None:
        operator = self.open_office()
        client, other = await self.started(), await self.started()
        first, second = (instance["id"] for instance in (await operator.status())["instances"])
        assert await operator.kill(str(first)) == {"ended": first}
        # Nothing is left of it by then.
        assert [instance["id"] for instance in (await operator.status())["instances"]] == [second]
        assert await client.says("error:") == f"error: {EndedByOperator()}"
        await client.closed
        assert not other.errors

    async def test_one_that_starts_is_ended_as_well(self) -> None:
        self.simulator_is(NEVER_OPENS)
        operator = self.open_office()
        client = await self.asked(self.init())
        await until(lambda: bool(self.pids), "it starts")
        await operator.kill("1")
        assert await client.says("error:") == f"error: {EndedByOperator()}"
        await client.closed

    async def test_one_that_waits_waits_no_more(self) -> None:
        operator = self.open_office(maxConnections=1, maxQueue=5)
        await self.started()
        waiting = await self.asked(self.init())
        await waiting.says("queue:0")
        await operator.kill("2")
        assert await waiting.says("error:") == f"error: {EndedByOperator()}"
        await waiting.closed
        assert (await operator.status())["waiting"] == 0

    async def test_what_is_not_there_cannot_be_ended(self) -> None:
        operator = self.open_office()
        client = await self.started()
        for nothing in ("2", "0", "-1", "1.5", "", "²", "9" * 4000, "1/..", "x\n"):
            with pytest.raises(Refused) as refused:
                await operator.kill(nothing)
            assert str(refused.value).startswith("there is no instance")
            assert len(str(refused.value)) < 120
        assert not client.errors

    async def test_the_operator_is_told_no_secret(self) -> None:
        operator = self.open_office()
        client = await self.asked(self.init(user="12"))
        # The host has no version for this user, so the base project is run.
        url = (await client.says("webots:")).removeprefix("webots:")
        told = str(await operator.status())
        assert "Ada" not in told
        assert "password" not in told
        assert url not in told
