"""Answers of /metrics as tests read them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from prometheus_client.core import Metric
from prometheus_client.parser import text_string_to_metric_families


class Samples:
    """All samples of an answer.

    @ivar names: those that have samples, or that are announced for when there are some.
    """

    def __init__(self, text: str) -> None:
        """Read an answer."""
        families = list(text_string_to_metric_families(text))
        self._values = {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for family in families
            for sample in family.samples
        }
        announced = {line.split(" ")[2] for line in text.splitlines() if line.startswith("# HELP ")}
        self.names = announced | {name for name, _ in self._values}

    def __call__(self, name: str, /, **labels: str) -> float:
        """Give a value."""
        return self._values[name, frozenset(labels.items())]

    def labels(self, name: str) -> list[dict[str, str]]:
        """Give the labels of all samples of a name."""
        return [dict(labels) for sample, labels in self._values if sample == name]


def collected(families: Iterable[Metric]) -> Samples:
    """Give what a collector gives, as it would be read."""
    from prometheus_client import CollectorRegistry, generate_latest
    from prometheus_client.registry import Collector

    class Given(Collector):
        def collect(self) -> Iterator[Metric]:
            yield from families

    registry = CollectorRegistry(auto_describe=False)
    registry.register(Given())
    return Samples(generate_latest(registry).decode())
