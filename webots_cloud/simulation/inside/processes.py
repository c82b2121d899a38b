"""Processes: started with limits, found below this one, and ended with all that they have left behind."""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import signal
import time
from collections.abc import Sequence

_PR_SET_PDEATHSIG = 1
_PR_SET_DUMPABLE = 4
_PR_SET_CHILD_SUBREAPER = 36
_NICENESS = 5
_LIKELIEST_VICTIM = 1000
_LAST_KILLS_SECONDS = 2.0

_libc = ctypes.CDLL(None, use_errno=True)


def become_keeper() -> None:
    """Close this process to others of its user, and become the parent of what is left behind below it (prctl(2))."""
    _libc.prctl(_PR_SET_DUMPABLE, 0)
    _libc.prctl(_PR_SET_CHILD_SUBREAPER, 1)


def start(command: Sequence[str], environment: dict[str, str], outputs: Sequence[int], limits: dict[int, int]) -> int:
    """Start a program as leader of a session of its own, that ends with this process.

    @param outputs: descriptors of its standard output and error.
    @return: its process id.
    """
    parent = os.getpid()
    pid = os.fork()
    if pid:
        return pid
    try:
        os.setsid()
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)
        null = os.open(os.devnull, os.O_RDONLY)
        for standard, descriptor in enumerate([null, *outputs]):
            os.dup2(descriptor, standard)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGPIPE):
            signal.signal(number, signal.SIG_DFL)
        os.nice(_NICENESS)
        _be_the_first_to_go()
        for limit, value in limits.items():
            _limit(limit, value)
        os.execvpe(command[0], list(command), environment)  # noqa: S606 -- no shell is wanted
    except OSError as error:
        os.write(2, f"{command[0]} cannot be started: {error.strerror}\n".encode())
    finally:
        os._exit(127)


def _be_the_first_to_go() -> None:
    """Where the machine's memory ends, let the kernel end this process before others."""
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as score:
        score.write(str(_LIKELIEST_VICTIM))


def _limit(limit: int, value: int) -> None:
    highest = resource.getrlimit(limit)[1]
    allowed = value if highest == resource.RLIM_INFINITY else min(value, highest)
    resource.setrlimit(limit, (allowed, allowed))


def how_it_ended(status: int) -> str:
    """Say in words what C{waitpid} says of an end."""
    code = os.waitstatus_to_exitcode(status)
    if code < 0:
        return f"by signal {signal.Signals(-code).name}"
    return f"with exit code {code}" if code else "by itself"


def descendants() -> list[int]:
    """Give the processes below this one."""
    children: dict[int, list[int]] = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            with contextlib.suppress(OSError):
                children.setdefault(int(stat_fields(int(name))[1]), []).append(int(name))
    found: list[int] = []
    new = [os.getpid()]
    while new:
        new = [child for pid in new for child in children.get(pid, ())]
        found += new
    return found


def stat_fields(pid: int) -> list[bytes]:
    """Give the fields of C{/proc/PID/stat} from the third on (proc(5)): state, parent and so on.

    @raise OSError: if there is no such process.
    """
    with open(f"/proc/{pid}/stat", "rb") as file:
        return file.read().rpartition(b")")[2].split()


def has_ended(pid: int) -> bool:
    """Tell whether a process is gone, or waits for nothing but its parent's notice."""
    try:
        return stat_fields(pid)[0] in (b"Z", b"X")
    except OSError:
        return True


def end_descendants() -> None:
    """Kill everything below this process, also what is started meanwhile."""
    end = time.monotonic() + _LAST_KILLS_SECONDS
    while time.monotonic() < end:
        left = descendants()
        if not left:
            return
        for pid in left:
            kill(pid)
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                continue


def kill(pid: int) -> None:
    """Kill a process, unless it has ended."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, signal.SIGKILL)


def signal_group(leader: int, number: int) -> None:
    """Send a signal to a process group, if there still is one."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, number)
