"""Graphics cards: the real binding to a library of two cards, drivers and cards that go, and drivers that hang."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from twisted.internet.task import Clock
from twisted.logger import capturedLogs, formatEvent
from twisted.python.threadpool import ThreadPool

from tests.simulation.nvidia import CHECKOUT, Library, Reading
from webots_cloud.simulation.gpu import LATE_SECONDS, RETRY_SECONDS, STOP_SECONDS, Cards, Gpu, Gpus, Journal, Nvml

GIBIBYTE = 2**30
FIRST = {
    "index": 0,
    "name": "Model A",
    "compute": 42.0,
    "memory_used": 4 * GIBIBYTE,
    "memory_total": 16 * GIBIBYTE,
    "trouble": "",
}
SECOND = FIRST | {"index": 1, "name": "Model B", "compute": None, "memory_used": 8 * GIBIBYTE}
NAMES = "graphics card 0 (Model A), graphics card 1 (Model B)"


@pytest.fixture
def library(tmp_path: Path) -> Library:
    return Library(tmp_path)


@pytest.fixture
def reading(library: Library) -> Iterator[Reading]:
    with Reading(library.environment) as reading:
        yield reading


class TestLibrary:
    """What the real binding makes of it, in a process of its own."""

    def test_every_card_is_told_with_what_it_knows(self, reading: Reading) -> None:
        assert reading.after(0) == {
            "gpus": [FIRST, SECOND],
            "trouble": "",
            "compute": 42.0,
            "memory": 50.0,
            "logged": [f"info: graphics cards: {NAMES}"],
        }

    def test_nothing_is_written_while_nothing_changes(self, reading: Reading) -> None:
        reading.after(0)
        assert [reading.after(1)["logged"] for _ in range(100)] == [[]] * 100

    def test_a_card_that_falls_off_the_bus_leaves_the_other(self, library: Library, reading: Reading) -> None:
        reading.after(0)
        library.is_now("lost")
        read = reading.after(1)
        assert read["gpus"][0] == FIRST
        assert (read["gpus"][1]["name"], read["gpus"][1]["trouble"]) == ("Model B", "GPU is lost")
        assert (read["compute"], read["memory"]) == (42, 25)
        assert read["logged"] == [
            "warn: graphics card 1 (Model B) does not answer (GPU is lost): it has no share in the load"
        ]
        assert [reading.after(1)["logged"] for _ in range(100)] == [[]] * 100

    def test_a_card_that_comes_back_is_told_again(self, library: Library, reading: Reading) -> None:
        library.is_now("lost")
        assert len(reading.after(0)["logged"]) == 2
        library.is_now("ok")
        read = reading.after(RETRY_SECONDS)
        assert read["gpus"] == [FIRST, SECOND]
        assert read["logged"] == ["info: graphics card 1 (Model B) answers again"]

    def test_a_driver_that_goes_and_comes_back_is_told_of_once_each(self, library: Library, reading: Reading) -> None:
        reading.after(0)
        library.is_now("no-driver")
        read = reading.after(1)
        assert (read["gpus"], read["compute"], read["memory"]) == ([], 0, 0)
        assert read["trouble"]
        (line,) = read["logged"]
        assert line.startswith("warn: the driver of the graphics cards does not answer (")
        assert [reading.after(1)["logged"] for _ in range(100)] == [[]] * 100
        library.is_now("ok")
        read = reading.after(RETRY_SECONDS)
        assert read["gpus"] == [FIRST, SECOND]
        assert read["logged"] == [f"info: the driver of the graphics cards answers again: {NAMES}"]

    def test_a_driver_that_is_there_later_is_found(self, library: Library, reading: Reading) -> None:
        library.is_now("no-driver")
        assert reading.after(0)["logged"] == ["info: graphics cards: Driver Not Loaded"]
        library.is_now("ok")
        assert reading.after(RETRY_SECONDS / 2)["gpus"] == []
        assert reading.after(RETRY_SECONDS / 2)["gpus"] == [FIRST, SECOND]

    def test_a_machine_without_the_library_has_no_cards(self, tmp_path: Path) -> None:
        (tmp_path / "libnvidia-ml.so.1").write_text("no library, whatever this machine has")
        with Reading({"LD_LIBRARY_PATH": str(tmp_path)}) as reading:
            read = reading.after(0)
        assert read["gpus"] == []
        assert read["logged"] == ["info: graphics cards: NVML Shared Library Not Found"]


BUSY = """
import time
from twisted.internet import reactor
from twisted.internet.task import LoopingCall
from webots_cloud.simulation.gpu import Gpus

def turn():
    global last, longest
    now = time.monotonic()
    last, longest = now, max(longest, now - last)
    if gpus.cards.gpus:
        gpus.stopService().addCallback(lambda _: reactor.stop())
        turns.stop()

gpus, turns, last, longest = Gpus(reactor), LoopingCall(turn), time.monotonic(), 0
reactor.callWhenRunning(gpus.startService)
turns.start(0.01)
begun = time.monotonic()
reactor.run()
print(longest, time.monotonic() - begun)
"""


class Held:
    """A thread that does its work when the test says so."""

    def __init__(self) -> None:
        self.work: list[Any] = []
        self.stopped = False

    def start(self) -> None: ...

    def stop(self) -> None:
        self.stopped = True

    def callInThreadWithCallback(self, done: Any, work: Any) -> None:
        self.work.append(lambda: done(True, work()))

    def goes_on(self) -> None:
        while self.work:
            self.work.pop(0)()


class ClockWithThreads(Clock):
    """A clock that also takes results from threads."""

    def callFromThread(self, function: Any, *args: Any) -> None:
        function(*args)


class GivenCards:
    """A library that says what a test does."""

    def __init__(self, cards: Cards) -> None:
        self.cards = cards
        self.closed = False

    def read(self) -> Cards:
        return self.cards

    def close(self) -> None:
        self.closed = True


class TestWaiting:
    """A driver that takes its time, or for ever."""

    @pytest.fixture
    def held(self) -> Held:
        return Held()

    @pytest.fixture
    def clock(self) -> ClockWithThreads:
        return ClockWithThreads()

    @pytest.fixture
    def library(self) -> GivenCards:
        return GivenCards(Cards((Gpu(0, "Model A", 42.0),)))

    @pytest.fixture
    def gpus(self, held: Held, clock: ClockWithThreads, library: GivenCards) -> Gpus:
        gpus = Gpus(clock, cast(Nvml, library), cast(ThreadPool, held))
        gpus.startService()
        return gpus

    def test_cards_are_asked_once_a_second(self, gpus: Gpus, held: Held, clock: Clock, library: GivenCards) -> None:
        held.goes_on()
        assert gpus.cards.compute == 42
        library.cards = Cards((Gpu(0, "Model A", 43.0),))
        clock.advance(1)
        held.goes_on()
        assert gpus.cards.compute == 43

    def test_a_driver_that_hangs_is_asked_no_second_question(self, gpus: Gpus, held: Held, clock: Clock) -> None:
        clock.pump([1] * 30)
        assert len(held.work) == 1

    def test_nothing_is_known_of_cards_whose_driver_hangs_until_it_answers(
        self, gpus: Gpus, held: Held, clock: Clock
    ) -> None:
        held.goes_on()
        with capturedLogs() as logs:
            clock.advance(1)
            clock.advance(LATE_SECONDS - 1)
            assert gpus.cards.compute == 42
            clock.advance(1)
            assert gpus.cards.gpus == ()
            clock.pump([1] * 30)
            held.goes_on()
        assert gpus.cards.compute == 42
        assert [event["log_level"].name for event in logs] == ["warn", "info"]
        assert "it has been asked for 10 s" in formatEvent(logs[0])

    def test_it_stops_when_its_thread_has_ended(
        self, gpus: Gpus, held: Held, clock: Clock, library: GivenCards
    ) -> None:
        stopping = gpus.stopService()
        assert not stopping.called
        held.goes_on()
        assert stopping.called
        assert (held.stopped, library.closed, clock.getDelayedCalls()) == (True, True, [])

    def test_it_stops_without_a_thread_that_hangs(self, gpus: Gpus, held: Held, clock: Clock) -> None:
        stopping = gpus.stopService()
        clock.advance(STOP_SECONDS)
        assert stopping.called
        assert (held.stopped, clock.getDelayedCalls()) == (False, [])

    def test_its_own_thread_does_not_keep_the_process(self) -> None:
        asked, kept = threading.Event(), []

        class Hanging(GivenCards):
            def read(self) -> Cards:
                kept.append(threading.current_thread())
                asked.set()
                return self.cards

        clock = ClockWithThreads()
        gpus = Gpus(clock, cast(Nvml, Hanging(Cards())))
        gpus.startService()
        assert asked.wait(60)
        assert [thread.daemon for thread in kept] == [True]
        gpus._pool.stop()


def test_other_work_goes_on_while_a_driver_is_slow(tmp_path: Path) -> None:
    library = Library(tmp_path)
    library.is_now("slow")
    done = subprocess.run(
        [sys.executable, "-c", BUSY],
        cwd=CHECKOUT,
        env=os.environ | library.environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    longest, all_of_it = map(float, done.stdout.split())
    assert all_of_it > 3
    assert longest < 2


class TestJournal:
    @pytest.mark.parametrize(
        ("cards", "lines"),
        [
            (Cards((Gpu(0, "A"), Gpu(1, "B"))), []),
            (Cards((Gpu(0, "A"),)), ["graphics card 1 (B) does not answer (it is not there any more)"]),
            (
                Cards((Gpu(0, "A", trouble="x"), Gpu(1, "B", trouble="y"))),
                ["graphics card 0 (A) does not answer (x)", "graphics card 1 (B) does not answer (y)"],
            ),
            (Cards(trouble="z"), ["the driver of the graphics cards does not answer (z)"]),
        ],
    )
    def test_what_goes_has_a_line_and_another_when_it_is_back(self, cards: Cards, lines: list[str]) -> None:
        journal, all_is_well = Journal(), Cards((Gpu(0, "A"), Gpu(1, "B")))
        journal.note(all_is_well)
        with capturedLogs() as logs:
            for _ in range(3):
                journal.note(cards)
        assert [formatEvent(event).partition(":")[0] for event in logs] == lines
        with capturedLogs() as logs:
            for _ in range(3):
                journal.note(all_is_well)
        assert len(logs) == len(lines)
        assert all("again" in formatEvent(event) for event in logs)
