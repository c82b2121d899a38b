"""The machine's load: how it is averaged and recorded, with given sensors; and real sensors on a machine as it is."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import attrs
import psutil
import pytest
from twisted.internet.task import Clock
from twisted.logger import capturedLogs
from twisted.python.threadpool import ThreadPool

from webots_cloud.simulation.gpu import Cards, Gpu, Gpus
from webots_cloud.simulation.machine import HISTORY_SAMPLES, Machine, Sensors, Snapshot


@attrs.frozen
class Counters:
    """What psutil counts of a link."""

    bytes_recv: int
    bytes_sent: int


@attrs.frozen
class Written:
    """What psutil counts of all disks."""

    read_bytes: int
    write_bytes: int


@attrs.frozen
class Link:
    """What psutil knows of a link, in Mbit/s."""

    speed: int


class AtOnce:
    """Does a thread's work when it is asked to."""

    def callInThreadWithCallback(self, done: Any, work: Any, *args: Any, **kwargs: Any) -> None:
        try:
            result = work(*args, **kwargs)
        except Exception as error:
            from twisted.python.failure import Failure

            done(False, Failure(error))
        else:
            done(True, result)


class ClockWithThreads(Clock):
    """A clock that also takes results from threads."""

    def callFromThread(self, function: Any, *args: Any) -> None:
        function(*args)


class GivenSensors:
    """Sensors that show what a test says."""

    def __init__(self, *shown: Snapshot | Exception) -> None:
        self.shown = list(shown)

    def read(self) -> Snapshot:
        shown = self.shown.pop(0) if len(self.shown) > 1 else self.shown[0]
        if isinstance(shown, Exception):
            raise shown
        return shown


def shown(**measures: float) -> Snapshot:
    return Snapshot(
        **{**dict.fromkeys(("time", "cpu", "memory", "gpu_compute", "gpu_memory", "network"), 0.0), **measures}
    )


def running(sensors: GivenSensors, log_folder: Path | None = None) -> tuple[Machine, ClockWithThreads]:
    clock = ClockWithThreads()
    machine = Machine(clock, cast(ThreadPool, AtOnce()), log_folder, cast(Sensors, sensors))
    machine.startService()
    return machine, clock


class TestLoad:
    def test_is_nothing_before_the_first_measure(self) -> None:
        machine = Machine(Clock(), cast(ThreadPool, AtOnce()), None, cast(Sensors, GivenSensors()))
        assert machine.load == 0

    @pytest.mark.parametrize("measure", ["cpu", "memory", "gpu_compute", "gpu_memory", "network"])
    def test_is_the_highest_of_all_measures(self, measure: str) -> None:
        others = {"cpu": 10.0, "memory": 20.0, "gpu_compute": 5.0, "gpu_memory": 1.0, "network": 2.0}
        machine, _ = running(GivenSensors(shown(**{**others, measure: 55.0})))
        assert machine.load == 55

    def test_is_averaged_over_five_seconds(self) -> None:
        sensors = GivenSensors(*(shown(cpu=cpu) for cpu in (100, 100, 0, 0, 0, 0, 0, 50)))
        machine, clock = running(sensors)
        loads = [machine.load]
        for _ in range(7):
            clock.advance(1)
            loads.append(machine.load)
        assert loads == [100, 100, pytest.approx(200 / 3), 50, 40, 20, 0, 10]

    def test_each_measure_is_averaged_before_the_highest_is_taken(self) -> None:
        machine, clock = running(GivenSensors(shown(cpu=100), shown(memory=100)))
        clock.advance(1)
        assert machine.load == 50

    def test_the_history_is_ten_minutes(self) -> None:
        machine, clock = running(GivenSensors(*(shown(time=number) for number in range(700))))
        clock.pump([1] * 699)
        assert len(machine.history) == HISTORY_SAMPLES
        assert (machine.history[0].time, machine.history[-1].time) == (100, 699)

    def test_nothing_is_measured_after_it_has_stopped(self) -> None:
        machine, clock = running(GivenSensors(shown()))
        machine.stopService()
        clock.advance(10)
        assert len(machine.history) == 1
        assert clock.getDelayedCalls() == []

    def test_sensors_that_fail_are_read_again_and_complained_of_once(self) -> None:
        with capturedLogs() as logs:
            machine, clock = running(GivenSensors(shown(cpu=10), *[OSError("no /proc")] * 3, shown(cpu=30)))
            clock.pump([1] * 4)
        assert [snapshot.cpu for snapshot in machine.history] == [10, 30]
        assert [(event["log_level"].name, str(event["error"])) for event in logs] == [("error", "no /proc")]


class TestLog:
    def test_has_a_line_for_each_second_below_a_heading(self, tmp_path: Path) -> None:
        machine, clock = running(GivenSensors(shown(time=1, cpu=12.34), shown(time=2, network=99.99)), tmp_path)
        clock.advance(1)
        machine.stopService()
        with (tmp_path / "monitor.csv").open() as file:
            lines = list(csv.DictReader(file))
        assert [(line["time"], line["cpu"], line["network"]) for line in lines] == [
            ("1.0", "12.3", "0.0"),
            ("2.0", "0.0", "100.0"),
        ]

    def test_is_continued_after_a_restart(self, tmp_path: Path) -> None:
        for _ in range(2):
            running(GivenSensors(shown()), tmp_path)[0].stopService()
        lines = (tmp_path / "monitor.csv").read_text().splitlines()
        assert len(lines) == 3
        assert [line.startswith("time") for line in lines] == [True, False, False]


class Network:
    """What psutil counts, as a test says."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 100.0
        self.counted: dict[str, Counters] = {}
        self.links: dict[str, Link] = {}
        monkeypatch.setattr(psutil, "net_io_counters", lambda pernic: dict(self.counted))
        monkeypatch.setattr(psutil, "net_if_stats", lambda: dict(self.links))
        monkeypatch.setattr("time.monotonic", lambda: self.now)

    def after(self, seconds: float, **counted: tuple[int, int]) -> None:
        self.now += seconds
        self.counted = {name: Counters(*both) for name, both in counted.items()}


@pytest.fixture
def network(monkeypatch: pytest.MonkeyPatch) -> Iterator[Network]:
    with monkeypatch.context() as patches:
        yield Network(patches)


class TestNetwork:
    def test_is_the_share_of_the_links_speed_in_its_busier_direction(self, network: Network) -> None:
        network.links = {"eth0": Link(100)}
        network.after(0, eth0=(0, 0))
        sensors = Sensors()
        network.after(2, eth0=(2_500_000, 12_500_000))
        assert sensors.read().network == pytest.approx(50)

    def test_is_that_of_the_busiest_link(self, network: Network) -> None:
        network.links = {"eth0": Link(100), "eth1": Link(10)}
        network.after(0, eth0=(0, 0), eth1=(0, 0))
        sensors = Sensors()
        network.after(1, eth0=(1_250_000, 0), eth1=(250_000, 0))
        assert sensors.read().network == pytest.approx(20)

    def test_does_not_count_the_machine_talking_to_itself(self, network: Network) -> None:
        network.links = {"lo": Link(0)}
        network.after(0, lo=(0, 0))
        sensors = Sensors()
        network.after(1, lo=(10**9, 10**9))
        assert sensors.read().network == 0

    def test_a_link_of_unknown_speed_counts_as_a_gigabit(self, network: Network) -> None:
        network.links = {"wlan0": Link(0)}
        network.after(0, wlan0=(0, 0))
        sensors = Sensors()
        network.after(1, wlan0=(12_500_000, 0))
        assert sensors.read().network == pytest.approx(10)

    def test_links_that_come_go_or_count_from_the_start_again_do_no_harm(self, network: Network) -> None:
        network.links = {"eth0": Link(100), "usb0": Link(100)}
        network.after(0, eth0=(10**9, 10**9), tun0=(0, 0))
        sensors = Sensors()
        network.after(1, eth0=(0, 0), usb0=(10**9, 0))
        assert sensors.read().network == 0

    def test_is_never_more_than_all_of_it(self, network: Network) -> None:
        network.links = {"eth0": Link(10)}
        network.after(0, eth0=(0, 0))
        sensors = Sensors()
        network.after(0, eth0=(10**9, 0))
        assert sensors.read().network == 100

    def test_traffic_is_that_of_all_links_in_bytes_a_second(self, network: Network) -> None:
        network.after(0, eth0=(0, 0), eth1=(100, 100), lo=(0, 0))
        sensors = Sensors()
        network.after(2, eth0=(2000, 400), eth1=(300, 0), lo=(10**9, 10**9))
        read = sensors.read()
        assert (read.received, read.sent) == (1100, 200)


class TestDisk:
    def test_what_is_read_and_written_is_in_bytes_a_second(
        self, network: Network, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        counted = [Written(0, 100), Written(3000, 100), None]
        monkeypatch.setattr(psutil, "disk_io_counters", lambda: counted.pop(0))
        sensors = Sensors()
        network.after(2)
        read = sensors.read()
        assert (read.disk_read, read.disk_written) == (1500, 0)
        network.after(2)
        assert sensors.read().disk_written == 0

    def test_that_is_looked_at_is_the_one_of_the_folder_which_need_not_be_there(self, tmp_path: Path) -> None:
        assert 0 < Sensors(folder=tmp_path / "absent").read().disk <= 100


class TestWatching:
    def test_each_snapshot_is_told(self) -> None:
        machine, clock = running(GivenSensors(shown(cpu=1), shown(cpu=2)))
        told: list[float] = []
        machine.watch(lambda snapshot: told.append(snapshot.cpu))
        clock.pump([1, 1])
        assert told == [2, 2]


class TestRealSensors:
    def test_every_measure_is_in_percent(self) -> None:
        sensors = Sensors()
        read = sensors.read()
        for name in ("cpu", "memory", "gpu_compute", "gpu_memory", "network"):
            assert 0 <= getattr(read, name) <= 100
        assert read.memory > 0

    def test_the_busiest_and_the_fullest_graphics_card_count(self) -> None:
        gpus = Gpus(Clock())
        gpus.cards = Cards((Gpu(0, "A", 42.0, 1, 4), Gpu(1, "B", None, 1, 2), Gpu(2, trouble="GPU is lost")))
        read = Sensors(gpus).read()
        assert (read.gpu_compute, read.gpu_memory) == (42, 50)

    def test_a_machine_without_graphics_cards_has_no_load_of_them(self) -> None:
        read = Sensors(Gpus(Clock())).read()
        assert (read.gpu_compute, read.gpu_memory) == (0, 0)
