"""All that the simulation server's monitor page shows, as JSON: the whole, and what has changed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress

from webots_cloud import __version__
from webots_cloud.encrypting import AnyEncryption, certificate_of
from webots_cloud.monitor.merging import Document, known, merge_patch
from webots_cloud.monitor.summary import Summary
from webots_cloud.simulation.curves import NAMES, Counted, Curves, Point
from webots_cloud.simulation.gpu import Gpu, Gpus
from webots_cloud.simulation.instance import Phase
from webots_cloud.simulation.instances import Instances
from webots_cloud.simulation.launch import Launch
from webots_cloud.simulation.machine import Machine, Snapshot
from webots_cloud.simulation.runner import Runner

USE_SECONDS = 5.0
"""How often is looked at what each instance uses."""

FULL = 100.0
TOO_BUSY = 99.0
"""From this load on the session server sends nobody (docs/protocol.md section 1)."""

_BUSY = (Phase.FETCHING, Phase.STARTING, Phase.STOPPING)
_ROUNDED_BYTES = 100_000


class Overview:
    """Watches machine and instances from the beginning, and keeps what was."""

    def __init__(
        self,
        seconds: Callable[[], float],
        machine: Machine,
        gpus: Gpus,
        instances: Instances,
        launch: Launch,
        facts: Document,
        encryption: AnyEncryption | None = None,
    ) -> None:
        """Prepare to tell.

        @param seconds: the time, in seconds since the epoch.
        @param facts: what there is to know of the machine.
        @param encryption: what this server encrypts with; C{None}: it does not.
        """
        self._seconds = seconds
        self._machine = machine
        self._gpus = gpus
        self._instances = instances
        self._launch = launch
        self._facts = facts
        self._encryption = encryption
        self._began = round(seconds())
        self._curves = Curves()
        self._uses: dict[str, Document] = {}
        self._looked = -USE_SECONDS
        self._told: Document = {}
        machine.watch(self._note)

    @property
    def load(self) -> float:
        """The load in percent that the session server is told."""
        return FULL if self._instances.full else self._machine.load

    @property
    def summary(self) -> Summary:
        """What the session server is told beside it."""
        instances = self._instances
        return Summary(
            instances=len(instances),
            idle=sum(map(_is_idle, instances)),
            capacity=instances.capacity,
            waiting=instances.waiting,
            version=__version__,
            simulator=self._launch.simulator.name,
            queue=self._launch.config.maxQueue,
            attention=int(bool(self._encryption and self._encryption.status.notice)),
        )

    def whole(self) -> Document:
        """Give all that there is."""
        self.changes()
        curves = {
            "names": list(NAMES),
            "seconds": [list(point) for point in self._curves.seconds],
            "minutes": [list(point) for point in self._curves.minutes],
        }
        return {"time": round(self._seconds(), 1), **self._told, "curves": curves}

    def changes(self) -> Document:
        """Give what has changed since this or L{whole} was asked last, as a merge patch; empty: nothing.

        Curves are not in it: they go on with C{second} and C{minute}.
        """
        state = self._describe()
        patch, self._told = merge_patch(self._told, state), state
        return patch

    def _note(self, snapshot: Snapshot) -> None:
        instances, tally = list(self._instances), self._instances.tally
        idle = sum(map(_is_idle, instances))
        counted = Counted(
            len(instances) - idle, idle, self._instances.waiting, tally.started, sum(tally.failed.values())
        )
        self._curves.add(snapshot, self.load, counted)

    def _describe(self) -> Document:
        config, sandbox = self._launch.config, self._launch.sandbox
        return known(
            server=known(
                name=config.url("http").partition("://")[2],
                version=__version__,
                simulator=self._launch.simulator.name,
                began=self._began,
                state=self._state(),
            ),
            machine=self._facts,
            gpus=[_card(gpu) for gpu in self._gpus.cards.gpus],
            sandbox=known(
                kind=config.sandbox, network=config.network, gate=config.gate, warning=sandbox.warning or None
            ),
            certificate=certificate_of(self._encryption),
            totals=self._totals(),
            instances=self._rows(),
            second=_last(self._curves.seconds),
            minute=_last(self._curves.minutes),
        )

    def _state(self) -> str:
        """Say whether clients are sent here, and why not."""
        if self._instances.closing:
            return "ending"
        if self._instances.draining:
            return "drained"
        if self._instances.full:
            return "full"
        return "busy" if self.load >= TOO_BUSY else "available"

    def _totals(self) -> Document:
        summary, tally = self.summary, self._instances.tally
        return {
            "load": round(self.load, 1),
            "instances": summary.instances,
            "idle": summary.idle,
            "capacity": summary.capacity,
            "waiting": summary.waiting,
            "asked": tally.asked,
            "started": tally.started,
            "failed": dict(tally.failed),
            "refused": dict(tally.refused),
        }

    def _rows(self) -> Document:
        runners = list(self._instances)
        now = self._seconds()
        if now >= self._looked + USE_SECONDS:
            self._looked = now
            self._uses = {}
        self._uses |= {runner.name: _use(runner) for runner in runners if runner.name not in self._uses}
        return {runner.name.rpartition(" ")[2]: _row(runner) | self._uses[runner.name] for runner in runners}


def _card(gpu: Gpu) -> Document:
    return known(name=gpu.name or None, memoryTotal=gpu.memory_total, trouble=gpu.trouble or None)


def _row(runner: Runner) -> Document:
    return {
        "project": runner.request.project,
        "world": runner.request.world,
        "host": runner.request.host.url,
        "phase": runner.life.phase.value,
        "idle": _is_idle(runner),
        "began": round(runner.began, 1),
    }


def _is_idle(runner: Runner) -> bool:
    """Tell whether an instance is paused; one that is being made or ended has work to do."""
    return runner.life.idle and runner.life.phase not in _BUSY


def _use(runner: Runner) -> Document:
    """Tell what an instance uses: by its cgroup, or as its launcher has measured."""
    use, share = runner.use, runner.processor.percent
    measured = known(
        memory=None if use is None else _rounded(use.memory),
        processes=None if use is None else use.processes,
        disk=None if use is None else _rounded(use.disk),
        cpu=None if share is None else round(share, 1),
    )
    if runner.cgroup is not None:
        # Between two looks at it, it may have been removed.
        with suppress(OSError):
            of_cgroup = runner.cgroup.use()
            measured |= {"memory": _rounded(of_cgroup.memory), "processes": of_cgroup.processes}
    return measured


def _rounded(size: int) -> int:
    """Give a number of bytes as exactly as is shown, so that what changes less is not told."""
    return round(size / _ROUNDED_BYTES) * _ROUNDED_BYTES


def _last(points: Sequence[Point]) -> list[float] | None:
    return list(points[-1]) if points else None
