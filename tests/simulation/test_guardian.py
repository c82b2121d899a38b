"""The guardian and who keeps it: real processes end where their server is killed, and only there."""

from __future__ import annotations

import contextlib
import os
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Any, cast

import psutil
import pytest
from twisted.internet import reactor as _reactor
from twisted.internet.defer import Deferred
from twisted.internet.error import ProcessTerminated
from twisted.internet.protocol import ProcessProtocol
from twisted.internet.task import Clock
from twisted.logger import capturedLogs, formatEvent
from twisted.python.failure import Failure
from twisted.trial.unittest import TestCase

from tests.simulation.sleepers import Sleeper
from tests.simulation.stage import until
from webots_cloud.simulation import guard
from webots_cloud.simulation.guard import LONGEST_DELAY_SECONDS, STEADY_SECONDS, STOP_SECONDS, Guard
from webots_cloud.simulation.guardian import Guardian, end_process, start_time

reactor = cast(Any, _reactor)

WITHIN_SECONDS = 2
WAIT_SECONDS = 60
STUBBORN = """
import os, signal
for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
    signal.signal(number, signal.SIG_IGN)
"""
INSTANCE = STUBBORN + "os.fork(); os.write(1, b'ready %d\\n' % os.getpid())\nwhile True: signal.pause()\n"
SERVER = """
import os, sys
from pathlib import Path
from twisted.internet import reactor
from twisted.internet.protocol import ProcessProtocol
from webots_cloud.simulation import guard
from webots_cloud.simulation.guard import Guard

class Instance(ProcessProtocol):
    def outReceived(self, data):
        os.write(1, data)

def start():
    command = ["setsid", sys.executable, "-S", "-c", sys.argv[1]]
    process = reactor.spawnProcess(Instance(), "/usr/bin/setsid", command, {})
    guard.watch(process.pid)
    return process.pid

def begin():
    os.write(1, b"guardian %d\\n" % guard.pid)
    first = [start() for number in range(3)][0]
    guard.forget(first)
    os.write(1, b"forgotten %d\\n" % first)

guard = Guard(reactor)
reactor.addSystemEventTrigger("during", "shutdown", guard.stopService)
reactor.callWhenRunning(guard.startService)
reactor.callWhenRunning(begin)
reactor.run()
"""


class Server:
    """A server that runs three instances of two processes each, and has its guardian forget the first of them.

    @ivar guardian: a descriptor of the guardian.
    @ivar forgotten: descriptors of the processes that the guardian has been told to forget.
    @ivar watched: those of the others.
    """

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", SERVER, INSTANCE], stdout=subprocess.PIPE, start_new_session=True, text=True
        )
        said: dict[str, list[int]] = {"ready": [], "guardian": [], "forgotten": []}
        while sum(map(len, said.values())) < 8:
            line = cast(IO[str], self.process.stdout).readline()
            assert line, "the server ended"
            what, pid = line.split()
            said[what].append(int(pid))
        groups = {pid: os.getpgid(pid) for pid in said["ready"]}
        (self.guardian,) = map(os.pidfd_open, said["guardian"])
        end = time.monotonic() + WAIT_SECONDS
        while os.getsid(said["guardian"][0]) != said["guardian"][0]:
            assert time.monotonic() < end, "the guardian does not get ready"
        self.forgotten = [os.pidfd_open(pid) for pid, group in groups.items() if group in said["forgotten"]]
        self.watched = [os.pidfd_open(pid) for pid, group in groups.items() if group not in said["forgotten"]]
        assert (len(self.forgotten), len(self.watched)) == (2, 4)

    def close(self) -> None:
        for pidfd in (*self.forgotten, *self.watched, self.guardian):
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(pidfd, signal.SIGKILL)
            os.close(pidfd)
        self.process.kill()
        self.process.communicate()


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.close()


def ends(pidfd: int, seconds: float) -> bool:
    """Tell whether a process ends within that time."""
    poll = select.poll()
    poll.register(pidfd, select.POLLIN)
    return bool(poll.poll(1000 * seconds))


class TestAServerThatIsKilled:
    @pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGABRT])
    def test_its_instances_end(self, server: Server, how: signal.Signals) -> None:
        server.process.send_signal(how)
        assert all(ends(pidfd, WITHIN_SECONDS) for pidfd in server.watched)
        assert ends(server.guardian, WITHIN_SECONDS)
        assert not any(ends(pidfd, 0) for pidfd in server.forgotten)

    def test_with_its_whole_group(self, server: Server) -> None:
        os.killpg(server.process.pid, signal.SIGKILL)
        assert all(ends(pidfd, WITHIN_SECONDS) for pidfd in server.watched)

    def test_what_asks_a_guardian_to_end_does_not_hurt_it(self, server: Server) -> None:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT):
            signal.pidfd_send_signal(server.guardian, number)
        server.process.kill()
        assert all(ends(pidfd, WITHIN_SECONDS) for pidfd in server.watched)

    def test_one_that_was_stopped_before(self, server: Server) -> None:
        server.process.send_signal(signal.SIGSTOP)
        server.process.kill()
        assert all(ends(pidfd, WITHIN_SECONDS) for pidfd in server.watched)


def test_a_server_that_stops_in_order_leaves_its_instances_alone(server: Server) -> None:
    server.process.terminate()
    assert server.process.wait(WAIT_SECONDS) == 0
    assert ends(server.guardian, WITHIN_SECONDS)
    assert not any(ends(pidfd, 0) for pidfd in (*server.watched, *server.forgotten))


class Gone(ProcessProtocol):
    """A process.

    @ivar said: fires with what it says first.
    @ivar gone: fires with the signal that ended it.
    """

    def __init__(self) -> None:
        self.said: Deferred[bytes] = Deferred()
        self.gone: Deferred[int | None] = Deferred()

    def outReceived(self, data: bytes) -> None:
        self.said.callback(data)

    def processEnded(self, reason: Failure) -> None:
        self.gone.callback(cast(ProcessTerminated, reason.value).signal)


class TestGuard(TestCase):
    """Keeps a guardian in this process."""

    timeout = WAIT_SECONDS

    def setUp(self) -> None:
        self.folder = Path(self.enterContext(TemporaryDirectory()))
        self.guard = Guard(reactor)
        self.guard.startService()
        self.addCleanup(self.stop)

    async def stop(self) -> None:
        if self.guard.running:
            await self.guard.stopService()
        assert self.guard.pid is None

    def guardian(self) -> int:
        assert self.guard.pid is not None
        return self.guard.pid

    async def start(self, script: str) -> tuple[int, Gone]:
        protocol = Gone()
        process = reactor.spawnProcess(protocol, "/usr/bin/setsid", ["setsid", sys.executable, "-S", "-c", script], {})
        self.guard.watch(process.pid)
        return process.pid, protocol

    async def test_is_in_a_session_of_its_own_and_small(self) -> None:
        guardian = psutil.Process(self.guardian())
        await until(lambda: os.getsid(guardian.pid) == guardian.pid, "a session")
        assert guardian.memory_info().rss < 20 * 10**6

    async def test_what_asks_it_to_end_while_it_starts_does_not_hurt_it(self) -> None:
        guardian = self.guardian()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            os.kill(guardian, number)
        await until(lambda: self.guard.pid != guardian or os.getsid(guardian) == guardian, "a session")
        assert self.guard.pid == guardian

    async def test_a_guardian_that_is_killed_is_replaced_and_told_all(self) -> None:
        pid, protocol = await self.start("import os, signal; os.write(1, b'ready'); signal.pause()")
        await protocol.said
        first = self.guardian()
        with capturedLogs() as logs:
            os.kill(first, signal.SIGKILL)
            await until(lambda: self.guard.pid not in (first, None), "another guardian")
        assert any(
            re.match(r"The guardian ended .*signal 9.*; another is started in 0 s", str(formatEvent(log)))
            for log in logs
        )
        self.lose_the_pipe()
        assert await protocol.gone == signal.SIGKILL
        self.guard.forget(pid)

    async def test_all_is_told_however_much_it_is(self) -> None:
        folder = self.folder / ("with a space " + "x" * 200)
        folder.mkdir()
        (folder / "cgroup.kill").touch()
        pids = range(4_000_000, 4_001_000)
        for pid in pids:
            self.guard.watch(pid)
        os.kill(self.guardian(), signal.SIGSTOP)
        for pid in pids:
            self.guard.watch(pid, folder)
        os.kill(self.guardian(), signal.SIGCONT)
        await until(lambda: not self.unsent(), "all is told")
        self.lose_the_pipe()
        await until(lambda: (folder / "cgroup.kill").read_bytes() == b"1", "the cgroup is killed")

    async def test_a_stop_leaves_what_was_watched_alone(self) -> None:
        pid, protocol = await self.start("import os, signal; os.write(1, b'ready'); signal.pause()")
        await protocol.said
        guardian = psutil.Process(self.guardian())
        await self.guard.stopService()
        assert not guardian.is_running()
        assert not protocol.gone.called
        os.kill(pid, signal.SIGKILL)
        assert await protocol.gone == signal.SIGKILL

    async def test_a_stop_leaves_nothing_open(self) -> None:
        await self.guard.stopService()
        descriptors = os.listdir("/proc/self/fd")
        self.guard.startService()
        await self.guard.stopService()
        assert os.listdir("/proc/self/fd") == descriptors

    async def test_a_guardian_that_hangs_does_not_hold_up_a_stop(self) -> None:
        cast(Any, self).patch(guard, "STOP_SECONDS", 0.1)
        os.kill(self.guardian(), signal.SIGSTOP)
        await self.guard.stopService()

    async def test_a_process_does_not_inherit_the_pipe(self) -> None:
        _, protocol = await self.start(
            "import os\n"
            "numbers = os.listdir('/proc/self/fd')\n"
            "print([os.readlink(path) for fd in numbers if os.path.lexists(path := f'/proc/self/fd/{fd}')])"
        )
        inherited = (await protocol.said).decode()
        assert os.readlink(f"/proc/{self.guardian()}/fd/0") not in inherited
        assert "pipe:" in inherited
        await protocol.gone

    def orders(self) -> Any:
        assert self.guard._orders is not None
        return self.guard._orders

    def unsent(self) -> bool:
        orders = self.orders()
        return bool(orders.dataBuffer or orders._tempDataBuffer)

    def lose_the_pipe(self) -> None:
        """Do to the guardian what the death of this process would do."""
        self.orders().connectionLost(Failure(ConnectionError()))


class Unlucky(Clock):
    """A reactor that starts processes of which none lives.

    @ivar starts: when each was started.
    """

    def __init__(self, live_seconds: float) -> None:
        super().__init__()
        self.starts: list[float] = []
        self.killed: list[int] = []
        self._live_seconds = live_seconds

    def spawnProcess(self, protocol: ProcessProtocol, *args: object, **kwargs: object) -> Unlucky:
        if self.starts and self._live_seconds < 0:
            raise BlockingIOError(11, "Resource temporarily unavailable")
        self.starts.append(self.seconds())
        self.callLater(abs(self._live_seconds), protocol.processEnded, Failure(ProcessTerminated(1)))
        return self

    @property
    def pid(self) -> int:
        return 0

    def addWriter(self, writer: object) -> None: ...

    def removeWriter(self, writer: object) -> None: ...

    def removeReader(self, reader: object) -> None: ...


class TestGuardiansThatDie:
    def test_quickly_are_started_less_and_less_often(self) -> None:
        clock = Unlucky(live_seconds=0.5)
        service = Guard(clock)
        service.startService()
        clock.pump([0.5] * 600)
        waited = [later - earlier for earlier, later in zip(clock.starts, clock.starts[1:], strict=False)]
        assert waited[:8] == [0.5, 1.5, 2.5, 4.5, 8.5, 16.5, 32.5, LONGEST_DELAY_SECONDS + 0.5]

    def test_after_a_long_life_are_replaced_at_once(self) -> None:
        clock = Unlucky(live_seconds=STEADY_SECONDS)
        service = Guard(clock)
        service.startService()
        clock.pump([STEADY_SECONDS] * 5)
        assert clock.starts == [STEADY_SECONDS * number for number in range(6)]

    def test_one_that_cannot_be_started_is_tried_again_and_leaves_no_pipe(self) -> None:
        descriptors = os.listdir("/proc/self/fd")
        clock = Unlucky(live_seconds=-1)
        service = Guard(clock)
        service.startService()
        with capturedLogs() as logs:
            clock.pump([1, 0, 1, 2])
        assert os.listdir("/proc/self/fd") == descriptors
        assert "could not be started (Resource temporarily unavailable)" in str(formatEvent(logs[-1]))

    def test_are_not_replaced_once_the_service_is_stopped(self) -> None:
        clock = Unlucky(live_seconds=0.5)
        service = Guard(clock)
        service.startService()
        clock.pump([0.5, 0.5])
        service.stopService()
        clock.advance(STOP_SECONDS + 1)
        assert clock.starts == [0, 0.5]
        assert clock.getDelayedCalls() == []


def watch(process: subprocess.Popen[bytes], started: int | None = None) -> Guardian:
    guardian = Guardian()
    guardian.obey(b"watch %d %d \n" % (process.pid, (start_time(process.pid) or 0) if started is None else started))
    return guardian


class TestWhichProcessIsMeant:
    def test_what_is_watched_is_killed(self, sleeper: Sleeper) -> None:
        process = sleeper()
        watch(process).end_all()
        assert process.wait() == -signal.SIGKILL

    def test_one_whose_start_is_not_known_is_killed(self, sleeper: Sleeper) -> None:
        process = sleeper()
        watch(process, started=0).end_all()
        assert process.wait() == -signal.SIGKILL

    def test_one_that_has_the_id_of_another_is_not_watched(self, sleeper: Sleeper) -> None:
        process = sleeper()
        watch(process, started=(start_time(process.pid) or 0) - 1).end_all()
        assert process.poll() is None

    def test_another_that_gets_the_id_later_is_not_killed(self, sleeper: Sleeper) -> None:
        ended, other = sleeper(), sleeper()
        pidfd = os.pidfd_open(ended.pid)
        ended.kill()
        ended.wait()
        # The descriptor still means the one that has ended; that its id is another's by now is played by the other id.
        with pytest.raises(ProcessLookupError):
            end_process(other.pid, pidfd)
        os.close(pidfd)
        assert other.poll() is None

    def test_the_group_of_a_leader_that_has_not_been_waited_for_is_killed(self) -> None:
        script = "import os, signal\nif os.fork(): os._exit(0)\nos.write(1, b'%d\\n' % os.getpid())\nsignal.pause()"
        with subprocess.Popen(
            [sys.executable, "-S", "-c", script], stdout=subprocess.PIPE, start_new_session=True
        ) as leader:
            child = os.pidfd_open(int(cast(IO[bytes], leader.stdout).readline()))
            os.waitid(os.P_PID, leader.pid, os.WEXITED | os.WNOWAIT)
            watch(leader).end_all()
            assert ends(child, WITHIN_SECONDS)
            os.close(child)

    def test_one_that_is_gone_already_is_no_fault(self, sleeper: Sleeper) -> None:
        process = sleeper()
        process.kill()
        process.wait()
        assert start_time(process.pid) is None
        watch(process).end_all()

    def test_what_is_forgotten_is_left_alone(self, sleeper: Sleeper, tmp_path: Path) -> None:
        (tmp_path / "cgroup.kill").touch()
        process = sleeper()
        descriptors = os.listdir("/proc/self/fd")
        guardian = watch(process)
        guardian.obey(b"watch %d 0 %s\n" % (process.pid, os.fsencode(tmp_path)))
        guardian.obey(b"forget %d\n" % process.pid)
        guardian.obey(b"forget 4000000\n")
        assert os.listdir("/proc/self/fd") == descriptors
        guardian.end_all()
        assert process.poll() is None
        assert (tmp_path / "cgroup.kill").read_bytes() == b""

    def test_cgroups_are_killed_also_those_beside_one_that_is_gone(self, tmp_path: Path) -> None:
        guardian = Guardian()
        for number, name in enumerate(["gone", "with a space", "other"]):
            folder = tmp_path / name
            folder.mkdir()
            (folder / "cgroup.kill").touch()
            guardian.obey(b"watch %d 0 %s\n" % (4_000_000 + number, os.fsencode(folder)))
        (tmp_path / "gone" / "cgroup.kill").unlink()
        guardian.end_all()
        killed = [(tmp_path / name / "cgroup.kill").read_bytes() for name in ("with a space", "other")]
        assert killed == [b"1", b"1"]

    def test_half_an_order_is_none(self, sleeper: Sleeper) -> None:
        process = sleeper()
        program = str(sys.modules[Guardian.__module__].__file__)
        order = b"watch %d 0 " % process.pid
        subprocess.run([sys.executable, "-I", "-S", program], input=order, check=True, timeout=WAIT_SECONDS)
        assert process.poll() is None
        subprocess.run([sys.executable, "-I", "-S", program], input=order + b"\n", check=True, timeout=WAIT_SECONDS)
        assert process.wait() == -signal.SIGKILL
