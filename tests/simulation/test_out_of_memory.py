"""What a client is told when the kernel has ended its Webots, for the memory of its cgroup or otherwise."""

from __future__ import annotations

from typing import Any

import attrs

from tests.simulation.stage import NOTES_ITSELF, StageCase
from webots_cloud.simulation.cgroup import Cgroup, CgroupLimits, Cgroups

OPENS_AND_IS_KILLED = NOTES_ITSELF + "echo open\nkill -9 $$\n"


@attrs.frozen
class Prepared(Cgroups):
    """Gives a folder that looks like a cgroup in which something has happened.

    @ivar events: what the kernel tells of that.
    """

    events: str

    def create(self, name: str) -> Cgroup:
        self.root.mkdir()
        for file, content in (("memory.events", self.events), ("cgroup.procs", ""), ("cgroup.kill", "")):
            (self.root / file).write_text(content)
        return Cgroup(self.root)


class TestTelling(StageCase):
    def prepare(self, events: str) -> None:
        self.simulator_is(OPENS_AND_IS_KILLED)
        self.start(maxMemoryMegabytes=4000)
        limits = CgroupLimits(memory=1, cpu_weight=1, processes=1)
        instances: Any = self.service.instances
        instances._workplace = attrs.evolve(
            instances._workplace, cgroups=Prepared(limits, self.place / "cgroup", events)
        )

    async def told(self, events: str) -> str:
        self.prepare(events)
        client = await self.asked(self.init())
        await client.closed
        (told,) = client.errors
        return told

    async def test_more_memory_than_allowed(self) -> None:
        assert await self.told("max 9\noom 1\noom_kill 2\n") == (
            "error: The simulation uses more than the 4000 MB of memory that it may; start it again, with less in it."
        )

    async def test_any_other_end(self) -> None:
        assert await self.told("max 9\noom 0\noom_kill 0\n") == (
            "error: Webots ended by signal SIGKILL; start the simulation again."
        )
