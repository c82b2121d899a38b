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
_ENDING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
_PARENT, _TIMES, _ADDRESS_SPACE = 4 - 3, slice(14 - 3, 18 - 3), 23 - 3
"""Where C{/proc/PID/stat} has these, counted from its third field (proc(5))."""

_libc = ctypes.CDLL(None, use_errno=True)


def become_keeper() -> None:
    """Close this process to others of its user, and become the parent of what is left behind below it (prctl(2)).

    It may also have as many files open as the system lets it: the kernel counts the descriptors that all processes of a
    user are sending one another, and refuses whoever has a lower limit than that (unix(7), C{ETOOMANYREFS}). So no
    program, with its own limit, can keep this process from sending a connection.
    """
    _libc.prctl(_PR_SET_DUMPABLE, 0)
    _libc.prctl(_PR_SET_CHILD_SUBREAPER, 1)
    highest = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (highest, highest))


def start(command: Sequence[str], environment: dict[str, str], outputs: Sequence[int], limits: dict[int, int]) -> int:
    """Start a program as leader of a session of its own, that ends with this process.

    @param outputs: descriptors of its standard output and error.
    @return: its process id.
    """
    parent = os.getpid()
    # What ends it waits until it listens to that: a signal that comes before would be lost, as they are ignored here.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _ENDING)
    pid = os.fork()
    if pid:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        return pid
    try:
        os.setsid()
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)
        null = os.open(os.devnull, os.O_RDONLY)
        for standard, descriptor in enumerate([null, *outputs]):
            os.dup2(descriptor, standard)
        for number in (*_ENDING, signal.SIGPIPE):
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
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
    # What is closed to others of its user cannot write into its own folder of /proc either; the program is not closed.
    _libc.prctl(_PR_SET_DUMPABLE, 1)
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
        return f"by signal {signal_name(-code)}"
    return f"with exit code {code}" if code else "by itself"


def signal_name(number: int) -> str:
    """Give the name of a signal, or its number, as most of those for real-time use have no name."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return str(number)


def descendants() -> list[int]:
    """Give the processes below this one, parents first."""
    return list(processor_ticks())


def processor_ticks() -> dict[int, int]:
    """Give how many ticks of processor time the processes below this one have used, with children that have ended."""
    children: dict[int, list[int]] = {}
    ticks: dict[int, int] = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            with contextlib.suppress(OSError, IndexError):
                pid, fields = int(name), stat_fields(f"/proc/{name}")
                children.setdefault(int(fields[_PARENT]), []).append(pid)
                ticks[pid] = sum(map(int, fields[_TIMES]))
    found: dict[int, int] = {}
    new = [os.getpid()]
    while new:
        new = [child for pid in new for child in children.get(pid, ())]
        found.update((pid, ticks[pid]) for pid in new)
    return found


def stat_fields(folder: str) -> list[bytes]:
    """Give the fields of C{/proc/PID/stat} from the third on (proc(5)): state, parent and so on.

    @param folder: of a process or a thread, in C{/proc}.
    @raise OSError: if there is no such process.
    """
    with open(f"{folder}/stat", "rb") as file:
        return file.read().rpartition(b")")[2].split()


def tasks(pid: int) -> list[int]:
    """Give the threads of a process; none, if it has ended."""
    try:
        return [int(name) for name in os.listdir(f"/proc/{pid}/task")]
    except OSError:
        return []


def has_ended(pid: int, task: int) -> bool:
    """Tell whether a thread is gone, or has given its memory back, after which it closes its files and is gone."""
    try:
        return stat_fields(f"/proc/{pid}/task/{task}")[_ADDRESS_SPACE] == b"0"
    except (OSError, IndexError):
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
    """Send a signal to the process group of a child, or if it does not lead one yet, to the child itself."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        try:
            os.killpg(leader, number)
        except ProcessLookupError:
            os.kill(leader, number)
