"""Programs are started within limits, and ended with all that they have left behind."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.simulation.inside.children import child
from webots_cloud.simulation.inside.processes import (
    has_ended,
    how_it_ended,
    processor_ticks,
    signal_group,
    start,
    stat_fields,
    tasks,
)

LIMITS = {resource.RLIMIT_NOFILE: 100, resource.RLIMIT_CORE: 0, resource.RLIMIT_FSIZE: 5_000_000}
TELLS = """
import ctypes, json, os, resource, signal, sys
death = ctypes.c_int()
ctypes.CDLL(None).prctl(2, ctypes.byref(death))
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
print(json.dumps({
    "pid": os.getpid(),
    "session": os.getsid(0),
    "group": os.getpgid(0),
    "death": death.value,
    "niceness": os.nice(0),
    "victim": int(open("/proc/self/oom_score_adj").read()),
    "blocked": int(status["SigBlk"], 16),
    "ignored": int(status["SigIgn"], 16),
    "input": os.readlink("/proc/self/fd/0"),
    "open": [name for name in os.listdir("/proc/self/fd") if os.path.exists(f"/proc/self/fd/{name}")],
    "dumpable": ctypes.CDLL(None).prctl(3),
    "environment": dict(os.environ),
    "limits": [resource.getrlimit(limit) for limit in map(int, sys.argv[1:])],
}), flush=True)
"""
ENDS_ALL = """
import os, signal, sys, time
from webots_cloud.simulation.inside.processes import become_keeper, descendants, end_descendants
become_keeper()
reading, writing = os.pipe()
for pieces in range(3):
    if os.fork() == 0:
        {what}
        os.write(writing, b".")
        while True:
            signal.pause()
count = 0
while count < {processes}:
    count += len(os.read(reading, 100))
{then}
end_descendants()
print(descendants())
"""


def output_of(command: list[str], limits: dict[int, int], errors: bool = False) -> tuple[str, int]:
    """Start a program; give what it says, and its exit code."""
    reading, writing = os.pipe()
    with open(os.devnull, "wb") as null, open(reading) as said:
        outputs = [null.fileno(), writing] if errors else [writing, null.fileno()]
        pid = start(command, {"PATH": "/usr/bin:/bin", "ONLY": "this"}, outputs, limits)
        os.close(writing)
        text = said.read()
    return text, os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


class TestStarting:
    @pytest.fixture(scope="class")
    @classmethod
    def told(cls) -> dict[str, Any]:
        """Give what a program has found around it that is started by a process as deaf as the launcher."""
        deaf = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGPIPE)
        before = [signal.signal(number, signal.SIG_IGN) for number in deaf]
        try:
            text, code = output_of(["python3", "-S", "-c", TELLS, *map(str, LIMITS)], LIMITS)
        finally:
            for number, handler in zip(deaf, before, strict=True):
                signal.signal(number, handler)
        assert code == 0
        told: dict[str, Any] = json.loads(text)
        return told

    def test_it_leads_a_session(self, told: dict[str, Any]) -> None:
        assert told["pid"] == told["session"] == told["group"]

    def test_it_dies_with_its_parent(self, told: dict[str, Any]) -> None:
        assert told["death"] == signal.SIGKILL

    def test_it_gives_way_to_others(self, told: dict[str, Any]) -> None:
        assert told["niceness"] == min(19, os.nice(0) + 5)
        assert told["victim"] == 1000

    def test_it_hears_what_ends_it(self, told: dict[str, Any]) -> None:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            assert not told["blocked"] & 1 << number - 1
        assert not told["ignored"] & (1 << signal.SIGTERM - 1 | 1 << signal.SIGHUP - 1)

    def test_it_has_no_input_and_no_files_of_its_parents(self, told: dict[str, Any]) -> None:
        assert told["input"] == "/dev/null"
        # Whoever runs the tests may have left something open for all that they start.
        left = {name for name in os.listdir("/proc/self/fd") if os.path.exists(f"/proc/self/fd/{name}")}
        assert {"0", "1", "2"} <= set(told["open"])
        assert not any(int(name) > 2 and not os.get_inheritable(int(name)) for name in left.intersection(told["open"]))
        assert set(told["open"]) - {"0", "1", "2"} <= left

    def test_it_has_the_environment_it_is_given(self, told: dict[str, Any]) -> None:
        assert told["environment"].items() >= {"PATH": "/usr/bin:/bin", "ONLY": "this"}.items()
        assert "HOME" not in told["environment"]

    def test_it_has_its_limits_and_can_be_looked_at(self, told: dict[str, Any]) -> None:
        assert told["limits"] == [[value, value] for value in LIMITS.values()]
        assert told["dumpable"] == 1

    def test_a_limit_beyond_the_own_is_the_own(self) -> None:
        highest = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        text, _ = output_of(["sh", "-c", "ulimit -Hn"], {resource.RLIMIT_NOFILE: 2**40})
        assert text == ("unlimited\n" if highest == resource.RLIM_INFINITY else f"{highest}\n")

    @pytest.mark.parametrize(
        ("command", "why"),
        [
            ("absent-program", "No such file or directory"),
            ("/etc/passwd", "Permission denied"),
            ("/", "Permission denied"),
        ],
    )
    def test_one_that_is_none_says_so(self, command: str, why: str) -> None:
        assert output_of([command], {}, errors=True) == (f"{command} cannot be started: {why}\n", 127)


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (0, "by itself"),
        (3 << 8, "with exit code 3"),
        (127 << 8, "with exit code 127"),
        (signal.SIGKILL, "by signal SIGKILL"),
        (signal.SIGSEGV | 0x80, "by signal SIGSEGV"),
        (35, "by signal 35"),
        (63, "by signal 63"),
    ],
)
def test_an_end_is_told_in_words(status: int, words: str) -> None:
    assert how_it_ended(status) == words


class TestLooking:
    @pytest.mark.parametrize("name", [b"plain", b"a b", b") Z 1 (", b"))))", b"(\n)"])
    def test_a_name_cannot_hide_a_process(self, name: bytes) -> None:
        with child(f"libc.prctl(15, {name!r})\nwait()") as running:
            assert stat_fields(f"/proc/{running.pid}")[1] == str(os.getpid()).encode()
            assert running.pid in processor_ticks()

    def test_work_is_seen(self) -> None:
        with child("wait()\nimport time\nwhile time.process_time() < 0.3: pass\nwait()") as running:
            before = processor_ticks()[running.pid]
            running.go_on()
            running.ready()
            assert processor_ticks()[running.pid] - before >= 0.2 * os.sysconf("SC_CLK_TCK")

    def test_threads_and_ends_are_seen(self) -> None:
        with child("threading.Thread(target=signal.pause, daemon=True).start()\nwait()") as running:
            pid = running.pid
            assert pid in tasks(pid)
            assert len(tasks(pid)) == 2
            assert not any(has_ended(pid, task) for task in tasks(pid))
        assert tasks(pid) == []
        assert has_ended(pid, pid)

    def test_one_that_closes_itself_or_is_stopped_has_not_ended(self) -> None:
        with child("libc.prctl(4, 0)\nwait()") as running:
            assert not has_ended(running.pid, running.pid)
            os.kill(running.pid, signal.SIGSTOP)
            assert not has_ended(running.pid, running.pid)

    def test_one_that_nobody_waits_for_has_ended(self) -> None:
        process = subprocess.Popen(["true"])
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert has_ended(process.pid, process.pid)
        process.wait()


class TestEnding:
    @pytest.mark.parametrize(
        ("what", "processes", "then"),
        [
            ("pass", 3, ""),
            ("os.setsid(); os.fork(); os.fork()", 12, ""),
            ("[signal.signal(number, signal.SIG_IGN) for number in range(1, 32) if number not in (9, 19)]", 3, ""),
            ("os.fork() and os._exit(0); os.setsid(); os.fork() and os._exit(0)", 3, ""),
            ("os.setsid()", 3, "for pid in descendants(): os.kill(pid, signal.SIGSTOP)"),
            ("os.fork() or os._exit(0)", 3, ""),
            ("__import__('ctypes').CDLL(None).prctl(4, 0)", 3, ""),
        ],
        ids=["children", "trees", "deaf", "daemons", "stopped", "with zombies", "closed"],
    )
    def test_nothing_is_left(self, what: str, processes: int, then: str) -> None:
        script = ENDS_ALL.format(what=what, processes=processes, then=then)
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)
        assert (done.stdout, done.stderr) == ("[]\n", "")

    def test_a_group_is_ended_as_one(self, tmp_path: Path) -> None:
        script = "(trap '' HUP; sleep 1000; echo survived) & echo ready; wait"
        with subprocess.Popen(["sh", "-c", script], start_new_session=True, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == b"ready\n"
            signal_group(process.pid, signal.SIGKILL)
            # Its end is told only when no process of the group has it any more.
            assert process.stdout.read() == b""
        assert process.returncode == -signal.SIGKILL

    def test_one_that_leads_no_group_yet_is_ended_itself(self) -> None:
        with child("wait()") as running:
            signal_group(running.pid, signal.SIGTERM)
            assert os.waitid(os.P_PID, running.pid, os.WEXITED | os.WNOWAIT).si_status == signal.SIGTERM  # type: ignore[union-attr]  # it has ended
            signal_group(running.pid, signal.SIGTERM)
