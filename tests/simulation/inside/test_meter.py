"""How much an instance uses, and how often that is looked at."""

from __future__ import annotations

import os
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.simulation.inside.children import child
from webots_cloud.simulation.inside import meter as meter_module
from webots_cloud.simulation.inside.meter import Meter
from webots_cloud.simulation.inside.processes import processor_ticks
from webots_cloud.simulation.inside.settings import Settings

SIZE = 30_000_000


class Clock:
    """The clock of a meter, which a test sets.

    @ivar seconds: what it says.
    @ivar used: processor time that the meter believes to have used.
    """

    def __init__(self) -> None:
        self.seconds = 1000.0
        self.used = 0.0

    def monotonic(self) -> float:
        return self.seconds

    def process_time(self) -> float:
        return self.used


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Other tests may have left something running, and others work on the disk."""
    older, space = processor_ticks().keys(), os.statvfs("/")
    monkeypatch.setattr(
        meter_module,
        "processor_ticks",
        lambda: {pid: ticks for pid, ticks in processor_ticks().items() if pid not in older},
    )
    monkeypatch.setattr(os, "statvfs", lambda path: space)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(meter_module, "time", clock)
    return clock


@pytest.fixture
def project(tmp_path: Path) -> Path:
    path = tmp_path / "project"
    path.mkdir()
    return path


def make_meter(project: Path, files: int = 20_000) -> Meter:
    words = {
        "channel": 0,
        "port": 1,
        "project": project,
        "home": project,
        "sandboxed": "no",
        "display": "no",
        "patience": 1,
        "megabytes": 500,
        "files": files,
        "openFiles": 1,
        "fileMegabytes": 1,
        "addressSpaceMegabytes": 1,
        "cpuSeconds": 1,
        "processes": 1,
    }
    return Meter(Settings([f"{name}={value}" for name, value in words.items()]))


def numbers(report: tuple[str, ...]) -> list[int]:
    assert report[0] == "uses"
    return [int(word) for word in report[1:]]


class TestReports:
    def test_say_what_is_used(self, project: Path, clock: Clock) -> None:
        (project / "file").write_bytes(bytes(SIZE))
        with child(f"held = bytearray(b'x') * {SIZE}; deleted({SIZE})\nwait()", project):
            memory, disk, files, processes, _ = numbers(make_meter(project).measure())
        assert SIZE <= memory < 3 * SIZE
        assert 2 * SIZE <= disk < 3 * SIZE
        assert (files, processes) == (1, 1)

    def test_are_repeated_now_and_then_even_if_nothing_changes(self, project: Path, clock: Clock) -> None:
        meter = make_meter(project)
        assert numbers(meter.measure())[1:3] == [0, 0]
        clock.seconds += 1
        assert meter.measure() == ()
        clock.seconds += 4
        assert len(meter.measure()) == 6

    def test_come_at_once_if_memory_changes(self, project: Path, clock: Clock) -> None:
        meter = make_meter(project)
        with child(f"wait()\nheld = bytearray(b'x') * {SIZE}\nwait()") as running:
            before = numbers(meter.measure())[0]
            clock.seconds += 1
            running.go_on()
            running.ready()
            assert numbers(meter.measure())[0] >= before + SIZE

    def test_say_how_much_processor_time_was_used_so_far(self, project: Path, clock: Clock) -> None:
        meter = make_meter(project)
        with child(
            "import time\nwait()\nbegin = time.process_time()\nwhile time.process_time() < begin + 0.3: pass\nwait()"
        ) as running:
            before = numbers(meter.measure())[4]
            running.go_on()
            running.ready()
            clock.seconds += 5
            assert before + 250 <= numbers(meter.measure())[4] <= before + 10_000

    def test_of_a_project_that_is_gone_are_of_nothing(self, project: Path, clock: Clock) -> None:
        meter = make_meter(project)
        project.rmdir()
        assert numbers(meter.measure())[1:3] == [0, 0]

    def test_say_that_there_are_too_many_files(self, project: Path, clock: Clock) -> None:
        for number in range(20):
            (project / f"{number}").touch()
        assert numbers(make_meter(project, files=10).measure())[2] == 11


class TestLooks:
    def test_are_not_taken_while_nothing_happens(self, project: Path, clock: Clock) -> None:
        meter = make_meter(project)
        meter.measure()
        (project / "small").write_bytes(b"x")
        clock.seconds += 4.9
        meter.measure()
        assert meter._folder[1] == 0
        clock.seconds += 0.2
        assert numbers(meter.measure())[2] == 1

    def test_are_taken_soon_when_programs_work(self, project: Path, clock: Clock) -> None:
        meter = make_meter(project)
        with child(
            "import time\nwait()\nwhile time.process_time() < 0.5: pass\nopen('file', 'w')\nwait()", project
        ) as running:
            meter.measure()
            running.go_on()
            running.ready()
            clock.seconds += 1.1
            assert numbers(meter.measure())[2] == 1

    @pytest.mark.parametrize("field", ["f_bfree", "f_ffree"])
    def test_are_taken_soon_when_the_disk_has_less_room(
        self, project: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch, field: str
    ) -> None:
        room = SimpleNamespace(f_bfree=10**6, f_frsize=4096, f_ffree=10**6)
        monkeypatch.setattr(os, "statvfs", lambda path: room)
        meter = make_meter(project)
        meter.measure()
        (project / "file").touch()
        setattr(room, field, 990_000)
        clock.seconds += 1.1
        assert numbers(meter.measure())[2] == 1

    def test_the_more_they_take_the_less_often_they_are_taken(self, project: Path, clock: Clock) -> None:
        meter = make_meter(project)

        def due_after(seconds: float) -> float:
            times = iter([0.0, seconds, 0.0, 0.0])
            clock.process_time = lambda: next(times, 0.0)  # type: ignore[method-assign]
            meter.measure()
            return meter.due - clock.seconds

        assert due_after(0.0) == pytest.approx(1)
        assert due_after(0.06) == pytest.approx(2)
        assert due_after(100.0) == pytest.approx(10)

    def test_many_files_take_no_time_that_would_be_missed(self, project: Path) -> None:
        for folder in range(100):
            (project / f"{folder}").mkdir()
            for number in range(100):
                (project / f"{folder}" / f"{number}").touch()
        script = "for _ in range(900): os.dup(0)\nwait()"
        with child(script), child(script):
            meter = make_meter(project)
            begin = time.process_time()
            assert numbers(meter.measure())[2] == 10_100
            assert time.process_time() - begin < 1

    def test_without_a_sandbox_nobody_is_ended(self, project: Path, clock: Clock) -> None:
        """There all processes of the server's user can be seen, and are none of its business."""
        with child("libc.prctl(4, 0)\nwait()\nwait()") as running:
            meter = make_meter(project)
            for _ in range(5):
                meter.measure()
                clock.seconds += 10
            running.go_on()
            running.ready()
            os.kill(running.pid, 0)
