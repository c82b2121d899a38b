"""What a simulation server tells Prometheus: its instances, how they came to start and end, and the machine's load."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator

import attrs
from prometheus_client.core import Metric

from webots_cloud.connections import Connections
from webots_cloud.metrics.families import Values, counter, gauge, histogram, info, ratio
from webots_cloud.simulation.client import ClientProtocol
from webots_cloud.simulation.gate import Gate, ProxyGate
from webots_cloud.simulation.gpu import Gpu, Gpus
from webots_cloud.simulation.instance import Phase
from webots_cloud.simulation.instances import Instances
from webots_cloud.simulation.launch import Launch
from webots_cloud.simulation.machine import Machine
from webots_cloud.simulation.tally import CLIENT_LEFT, FAILURES

_WITH_A_PLACE = (Phase.FETCHING, Phase.STARTING, Phase.RUNNING, Phase.STOPPING)


@attrs.frozen
class SimulationMetrics:
    """Looks at the server's parts when it is asked.

    Its labels are phases, the names of failures, and the numbers and models of graphics cards; nothing that comes from
    a client is among them.

    @ivar max_queue: how many clients may wait for a place.
    @ivar clients: the WebSockets at C{/client}.
    @ivar connections: counts the connections that speak HTTP.
    """

    instances: Instances
    max_queue: int
    machine: Machine
    gpus: Gpus
    launch: Launch
    gate: Gate
    clients: Connections[ClientProtocol]
    connections: Callable[[], int]

    def collect(self) -> Iterator[Metric]:
        """Give all there is to tell."""
        yield from self._now()
        yield from self._since_the_start()
        yield from self._phases()
        yield from self._connections()
        yield from self._machine()
        yield from self._gpus()
        simulator = self.launch.simulator
        yield info("simulator", "What instances run.", {"name": simulator.name})
        yield gauge(
            "sandboxed",
            "Whether instances are kept from the machine and from each other as they should be.",
            not self.launch.sandbox.warning,
        )

    def _now(self) -> Iterator[Metric]:
        runners = list(self.instances)
        phases = Counter(runner.life.phase for runner in runners)
        running = [runner for runner in runners if runner.life.phase is Phase.RUNNING]
        uses = [runner.use for runner in runners if runner.use is not None]
        yield gauge(
            "instances",
            "Instances that have a place, by their phase.",
            {(phase.value,): phases[phase] for phase in _WITH_A_PLACE},
            ["phase"],
        )
        yield gauge("instances_idle", "Running instances that are paused.", sum(runner.life.idle for runner in running))
        yield gauge("instances_limit", "How many instances there may be at once.", self.instances.capacity)
        yield gauge("queue_length", "Clients that wait for a place.", self.instances.waiting)
        yield gauge("queue_limit", "How many clients may wait for a place.", self.max_queue)
        yield gauge(
            "draining", "Whether no client is taken any more.", self.instances.closing or self.instances.draining
        )
        yield gauge("instances_memory_bytes", "Memory of all instances together.", sum(use.memory for use in uses))
        yield gauge(
            "instances_disk_bytes", "What all instances' projects take on the disk.", sum(use.disk for use in uses)
        )
        yield gauge("instances_processes", "Processes of all instances together.", sum(use.processes for use in uses))

    def _since_the_start(self) -> Iterator[Metric]:
        """Tell what only rises; what may happen is there from the start, so that the first time is seen, too."""
        tally = self.instances.tally
        yield counter(
            "requests_refused",
            "Requests for an instance that were refused at once, by why.",
            _by_reason(tally.refused),
            ["reason"],
        )
        yield counter("instances_requested", "Instances that were given a place, or let wait for one.", tally.asked)
        yield counter("instances_started", "Instances that came to run.", tally.started)
        yield counter(
            "instances_failed",
            "Instances that failed before they ran, by why.",
            _by_reason(tally.failed),
            ["reason"],
        )
        yield counter(
            "instances_ended",
            "Instances that ended, by why, whether they had run or not.",
            _by_reason(tally.ended, CLIENT_LEFT),
            ["reason"],
        )

    def _phases(self) -> Iterator[Metric]:
        phases = dict(self.instances.tally.phases)
        yield histogram("instance_run_duration_seconds", "How long instances ran.", {"": phases.pop(Phase.RUNNING)})
        yield histogram(
            "instance_phase_duration_seconds",
            "How long instances were in the phases before and after that, whatever ended these.",
            {phase.value: durations for phase, durations in phases.items()},
            "phase",
        )

    def _connections(self) -> Iterator[Metric]:
        yield gauge("clients", "Pages that have asked for an instance, or are about to.", len(self.clients))
        yield gauge("http_connections", "Connections to this server that speak HTTP.", self.connections())
        yield gauge(
            "instance_connections",
            "Connections that are passed on to instances; none are known with gate = direct.",
            {(): self.gate.connections} if isinstance(self.gate, ProxyGate) else {},
        )

    def _machine(self) -> Iterator[Metric]:
        yield gauge("machine_load_ratio", "The highest of all loads of the machine.", ratio(self.machine.load))
        now = self.machine.history[-1] if self.machine.history else None
        shares = {
            "cpu": "How busy the processors are.",
            "memory": "How much of the memory is used.",
            "network": "How busy the busiest link is in its busier direction.",
        }
        for name, told in shares.items():
            yield gauge(f"machine_{name}_ratio", told, {(): ratio(getattr(now, name))} if now else {})

    def _gpus(self) -> Iterator[Metric]:
        gpus = self.gpus.cards.gpus
        yield info("gpu", "The graphics cards' models.", *({"gpu": str(gpu.index), "name": gpu.name} for gpu in gpus))
        yield gauge("gpu_up", "Whether a graphics card answers.", _each(gpus, lambda gpu: not gpu.trouble), ["gpu"])
        yield gauge(
            "gpu_utilization_ratio",
            "How busy a graphics card is.",
            _each(gpus, lambda gpu: None if gpu.compute is None else ratio(gpu.compute)),
            ["gpu"],
        )
        yield gauge(
            "gpu_memory_used_bytes",
            "How much of its memory a graphics card uses.",
            _each(gpus, lambda gpu: gpu.memory_used),
            ["gpu"],
        )
        yield gauge(
            "gpu_memory_bytes",
            "How much memory a graphics card has.",
            _each(gpus, lambda gpu: gpu.memory_total),
            ["gpu"],
        )


def _by_reason(counts: Counter[str], *others: str) -> Values:
    return {(reason,): counts[reason] for reason in (*others, *FAILURES)}


def _each(gpus: tuple[Gpu, ...], asked: Callable[[Gpu], float | None]) -> Values:
    """Give what each card says, without those that do not."""
    said = {(str(gpu.index),): asked(gpu) for gpu in gpus}
    return {label: value for label, value in said.items() if value is not None}
