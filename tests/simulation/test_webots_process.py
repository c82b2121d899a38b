"""Webots as a process, with small real programs in its place: every end of it is noticed, and ends all it started.

All of this without a sandbox, where what happens can be seen; tests/simulation/test_sandbox.py has the same with one.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any, cast

import attrs
import psutil
from twisted.internet import reactor as _reactor
from twisted.internet.error import ProcessDone
from twisted.internet.protocol import ProcessProtocol
from twisted.internet.testing import MemoryReactorClock
from twisted.logger import LogEvent, capturedLogs, formatEvent
from twisted.python.failure import Failure
from twisted.trial.unittest import TestCase

from tests.simulation.heard import Events
from webots_cloud.config import read_config
from webots_cloud.simulation.channel import Use
from webots_cloud.simulation.folder import InstanceFolder
from webots_cloud.simulation.launch import Launch
from webots_cloud.simulation.process import LOGGED_CHARACTERS, LOGGED_LINES, WebotsProcess
from webots_cloud.simulation.sandbox import NoSandbox
from webots_cloud.simulation.webots import find_simulator

reactor = cast(Any, _reactor)

IGNORES_SIGTERM = "import signal, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('open', flush=True);"
FOR_EVER = "signal.pause()"
HAS_A_STUBBORN_CHILD = (
    "import os, signal\n"
    "if os.fork() == 0:\n"
    "    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT): signal.signal(number, signal.SIG_IGN)\n"
    "    print(f'child {os.getpid()}', flush=True)\n"
    "    print('open', flush=True)\n"
    "    while True: signal.pause()\n"
)


class ProcessCase(TestCase):
    """Starts programs; none may be left."""

    timeout = 60

    def setUp(self) -> None:
        self.folder = InstanceFolder(Path(self.enterContext(TemporaryDirectory())) / "instance")
        self.folder.create()
        self.events = Events()
        self.used: list[Use] = []
        self.process = WebotsProcess(reactor, "instance 1", self.events, self.used.append)

    def run_program(self, command: list[str], patience: float = 30) -> None:
        config = attrs.evolve(read_config(None, ()).simulation, endTimeoutSeconds=patience)
        launch = Launch(config, NoSandbox(), find_simulator(None))
        self.process.run(
            lambda channel: launch.command(self.folder, command, 1234, channel),
            launch.environment(self.folder),
            self.folder.project,
        )

    def run_python(self, script: str, patience: float = 30) -> None:
        self.run_program([sys.executable, "-c", script], patience)

    def pid(self) -> int:
        assert self.process.pid is not None
        return self.process.pid

    def logged(self, logs: Sequence[LogEvent]) -> list[str]:
        return [text for event in logs if (text := formatEvent(event)).startswith("instance 1: ")]


class TestEndings(ProcessCase):
    async def test_by_itself(self) -> None:
        self.run_python("print('open')")
        assert await self.events.gone == "by itself"
        assert self.events.events == ["opened", "exited by itself"]
        assert self.process.pid is None

    async def test_with_an_exit_code(self) -> None:
        self.run_python("raise SystemExit(3)")
        assert await self.events.gone == "with exit code 3"

    async def test_by_a_signal(self) -> None:
        self.run_python("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)")
        assert await self.events.gone == "by signal SIGSEGV"

    async def test_a_program_that_cannot_be_executed_is_noticed(self) -> None:
        self.run_program([str(self.folder.root / "absent")])
        assert await self.events.gone == "with exit code 127"

    async def test_what_it_says_last_is_logged_and_known_before_it_is_gone(self) -> None:
        with capturedLogs() as logs:
            self.run_python("import sys; sys.stderr.write('x' * 100 + '\\ncannot open display'); sys.exit(1)")
            await self.events.gone
        assert self.logged(logs)[:2] == ["instance 1: " + "x" * 100, "instance 1: cannot open display"]

    async def test_what_it_started_does_not_outlive_it_nor_hold_it_up(self) -> None:
        with capturedLogs() as logs:
            self.run_python(HAS_A_STUBBORN_CHILD + "os.wait()")
            await self.events.open
            child = int(self.logged(logs)[0].split()[-1])
            psutil.Process(child).parent().kill()  # type: ignore[union-attr]  # it has one
            assert await self.events.gone == "by signal SIGKILL"
        assert not is_running(child)

    async def test_by_a_signal_without_a_name(self) -> None:
        self.run_python("import os; os.kill(os.getpid(), 40)")
        assert await self.events.gone == "by signal 40"

    async def test_a_launcher_killed_by_a_signal_without_a_name_is_noticed(self) -> None:
        self.run_python("import signal; print('open', flush=True); signal.pause()")
        await self.events.open
        os.kill(self.pid(), 40)
        assert await self.events.gone == "by signal 40"

    async def test_nothing_outlives_a_launcher_that_is_killed(self) -> None:
        self.run_python("import signal; print('open', flush=True); signal.pause()")
        await self.events.open
        (webots,) = psutil.Process(self.pid()).children()
        os.kill(self.pid(), signal.SIGKILL)
        assert await self.events.gone == "by signal SIGKILL"
        assert not is_running(webots.pid)

    async def test_one_that_left_its_session_and_holds_its_output_does_not_outlive_it(self) -> None:
        script = (
            "import os, signal\n"
            "if os.fork() == 0:\n"
            "    os.setsid(); print(f'child {os.getpid()}', flush=True); print('open', flush=True); signal.pause()\n"
            "signal.pause()"
        )
        with capturedLogs() as logs:
            self.run_python(script)
            await self.events.open
            await self.process.end(30)
        assert await self.events.gone == "by signal SIGTERM"
        assert not is_running(int(self.logged(logs)[0].split()[-1]))


class TestEnding(ProcessCase):
    async def test_asks_first(self) -> None:
        self.run_python("import signal; print('open', flush=True); signal.pause()")
        await self.events.open
        await self.process.end(30)
        assert await self.events.gone == "by signal SIGTERM"

    async def test_kills_what_does_not_listen(self) -> None:
        self.run_python(IGNORES_SIGTERM + FOR_EVER, patience=0.2)
        await self.events.open
        await self.process.end(0.2)
        assert await self.events.gone == "by signal SIGKILL"

    async def test_kills_a_stubborn_child_of_one_that_listens(self) -> None:
        with capturedLogs() as logs:
            self.run_python(HAS_A_STUBBORN_CHILD + "signal.pause()")
            await self.events.open
            await self.process.end(30)
        assert await self.events.gone == "by signal SIGTERM"
        assert not is_running(int(self.logged(logs)[0].split()[-1]))

    async def test_ends_one_that_was_started_a_moment_ago(self) -> None:
        self.run_python("import signal; signal.pause()")
        pid = self.pid()
        await self.process.end(1)
        assert not is_running(pid)

    async def test_of_what_never_ran_or_has_ended_is_nothing(self) -> None:
        await self.process.end(30)
        self.run_python("pass")
        await self.events.gone
        await self.process.end(30)
        assert self.events.events == ["exited by itself"]


class TestOutput(ProcessCase):
    async def test_binary_is_logged_as_one_clean_line(self) -> None:
        with capturedLogs() as logs:
            self.run_python("import sys; sys.stdout.buffer.write(b'\\x00\\xff\\x1b[2Jred\\r\\n')")
            await self.events.gone
        (line, *_) = self.logged(logs)
        assert line.isprintable()
        assert line.endswith("[2Jred")

    async def test_a_flood_of_lines_is_logged_up_to_a_limit(self) -> None:
        with capturedLogs() as logs:
            self.run_python("for number in range(5000): print('line', number)")
            await self.events.gone
        assert len([line for line in self.logged(logs) if ": line " in line]) == LOGGED_LINES

    async def test_a_long_line_is_cut_in_the_log(self) -> None:
        with capturedLogs() as logs:
            self.run_python("print('x' * 100_000)")
            await self.events.gone
        assert len(self.logged(logs)[0]) == len("instance 1: ") + LOGGED_CHARACTERS

    async def test_it_has_no_input(self) -> None:
        self.run_python("import sys; sys.exit(7 if sys.stdin.read() == '' else 8)")
        assert await self.events.gone == "with exit code 7"

    async def test_it_leads_a_process_group_of_its_own(self) -> None:
        self.run_python("import os, sys; sys.exit(7 if os.getpgid(0) == os.getsid(0) == os.getpid() else 8)")
        assert await self.events.gone == "with exit code 7"


class EndedAlready(MemoryReactorClock):
    """A reactor whose processes have ended before it gives them to anybody, as can happen on a busy machine."""

    def spawnProcess(self, protocol: ProcessProtocol, *arguments: object, **more: object) -> object:
        protocol.processExited(Failure(ProcessDone(0)))
        return SimpleNamespace(pid=None)


class TestShortLife(ProcessCase):
    def test_nothing_is_waited_for(self) -> None:
        clock = EndedAlready()  # type: ignore[no-untyped-call]  # Twisted's
        self.process = WebotsProcess(clock, "instance 1", self.events, self.used.append)
        self.run_program(["true"])
        assert clock.getDelayedCalls() == []
        self.process.processEnded(Failure(ProcessDone(0)))
        assert self.events.events == ["exited by itself"]


class TestStandIn(ProcessCase):
    async def test_modules_in_a_project_do_not_take_the_place_of_its_own(self) -> None:
        for name in ("twisted", "webots_cloud", "attrs", "json", "runpy"):
            (self.folder.project / f"{name}.py").write_text("raise SystemExit(99)")
        self.run_program(find_simulator(None).arguments(1, self.folder.world("absent.wbt"), True))
        assert await self.events.gone != "with exit code 99"


def is_running(pid: int) -> bool:
    """Tell whether a process is there; one that nobody has asked for its exit status is not."""
    try:
        process = psutil.Process(pid)
        process.wait(30) if process.status() != psutil.STATUS_ZOMBIE else None
    except psutil.NoSuchProcess:
        return False
    except psutil.TimeoutExpired:
        return True
    return False
