"""Prometheus' families of samples, made from what is there at the moment; names and units are by its conventions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import accumulate

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)

from webots_cloud.durations import Durations

PREFIX = "webots_cloud_"
"""What the names of all families begin with."""

Values = Mapping[tuple[str, ...], float]
"""A number for each combination of the labels' values."""


def gauge(name: str, told: str, values: float | Values, labels: Sequence[str] = ()) -> Metric:
    """Make a family of numbers that rise and fall.

    @param told: what they are, for people.
    @param labels: the names of the labels.
    """
    family = GaugeMetricFamily(PREFIX + name, told, labels=labels)
    for label, value in _labelled(values).items():
        family.add_metric(label, value)
    return family


def counter(name: str, told: str, values: float | Values, labels: Sequence[str] = ()) -> Metric:
    """Make a family of numbers that only rise; C{_total} is added to its name."""
    family = CounterMetricFamily(PREFIX + name, told, labels=labels)
    for label, value in _labelled(values).items():
        family.add_metric(label, value)
    return family


def histogram(name: str, told: str, durations: Mapping[str, Durations], label: str = "") -> Metric:
    """Make a family of durations in seconds.

    @param durations: by the value of the label.
    @param label: its name; empty: there is none, and one duration.
    """
    family = HistogramMetricFamily(PREFIX + name, told, labels=[label] if label else [])
    for value, one in durations.items():
        bounds = [*map(str, one.bounds), "+Inf"]
        family.add_metric(
            [value] if label else [], list(zip(bounds, accumulate(one.counts), strict=True)), sum_value=one.seconds
        )
    return family


def info(name: str, told: str, *values: Mapping[str, str]) -> Metric:
    """Make a family of texts, each set of which is the labels of a 1; C{_info} is added to its name."""
    family = InfoMetricFamily(PREFIX + name, told)
    for one in values:
        family.add_metric([], dict(one))
    return family


def ratio(percent: float) -> float:
    """Give a share from 0 to 1."""
    return percent / 100.0


def _labelled(values: float | Values) -> Values:
    return values if isinstance(values, Mapping) else {(): values}
