"""Families of samples: their names, labels and buckets."""

from __future__ import annotations

from tests.metrics.samples import collected
from webots_cloud.durations import Durations
from webots_cloud.metrics.families import counter, gauge, histogram, info, ratio


def test_a_number_stands_for_itself() -> None:
    samples = collected([gauge("watchers", "Who watches.", 3), counter("clients_refused", "Who was refused.", 4)])
    assert samples("webots_cloud_watchers") == 3
    assert samples("webots_cloud_clients_refused_total") == 4


def test_numbers_have_labels() -> None:
    samples = collected([gauge("instances", "Instances.", {("running",): 2, ("stopping",): 0}, ["phase"])])
    assert samples("webots_cloud_instances", phase="running") == 2
    assert samples("webots_cloud_instances", phase="stopping") == 0


def test_a_family_without_samples_is_announced() -> None:
    samples = collected([gauge("gpu_up", "Whether a card answers.", {}, ["gpu"])])
    assert samples.names == {"webots_cloud_gpu_up"}
    assert samples.labels("webots_cloud_gpu_up") == []


def test_buckets_count_all_that_is_not_longer() -> None:
    durations = Durations([1, 5])
    for seconds in (0.5, 1, 3, 7, 8):
        durations.add(seconds)
    samples = collected([histogram("wait_seconds", "Waiting.", {"long": durations}, "kind")])
    name = "webots_cloud_wait_seconds"
    assert [samples(f"{name}_bucket", kind="long", le=bound) for bound in ("1", "5", "+Inf")] == [2, 3, 5]
    assert samples(f"{name}_count", kind="long") == 5
    assert samples(f"{name}_sum", kind="long") == 19.5


def test_a_histogram_needs_no_label() -> None:
    samples = collected([histogram("wait_seconds", "Waiting.", {"": Durations([1])})])
    assert samples("webots_cloud_wait_seconds_bucket", le="+Inf") == 0


def test_texts_are_labels() -> None:
    samples = collected([info("gpu", "Models.", {"gpu": "0", "name": 'A "1"\n\\'}, {"gpu": "1", "name": "B"})])
    assert samples("webots_cloud_gpu_info", gpu="0", name='A "1"\n\\') == 1
    assert samples("webots_cloud_gpu_info", gpu="1", name="B") == 1


def test_a_ratio_is_all_at_one() -> None:
    assert (ratio(0), ratio(50), ratio(100)) == (0, 0.5, 1)
