"""The guardian: a small program that ends what a simulation server has started, where that server has been killed.

Run by L{webots_cloud.simulation.guard.Guard}, whose orders it reads from a pipe. It is started for itself, without the
rest of this package, and imports next to nothing, so that it is small.

One order a line:

  - C{watch PID START CGROUP}: end this process when the server is gone. START is its L{start_time}, or 0; CGROUP is the
    folder of its cgroup, and may be missing.
  - C{forget PID}: it is none of your business any more.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys

_START_TIME = 22 - 3
"""Where proc_pid_stat(5) has C{starttime}, counted after the process's name and from 0."""

DEAF_TO = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
"""What is sent to whoever is to end; a guardian ends after its server."""


def start_time(pid: int) -> int | None:
    """Give when a process was started, in clock ticks since the machine was: with its id it means one process only.

    @return: C{None} where there is no such process, or none that may be seen.
    """
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            # The name is in brackets, and may itself have brackets and spaces.
            return int(file.read().rpartition(b")")[2].split()[_START_TIME])
    except OSError:
        return None


def end_process(pid: int, pidfd: int) -> None:
    """Kill a process and its group, unless the process has been waited for.

    While the process is there, be it as a zombie, no other process and no other group can have its id; so its group is
    killed first.

    @param pidfd: refers to the process, whatever its id means by now.
    @raise OSError: if it is gone, or may not be killed.
    """
    signal.pidfd_send_signal(pidfd, 0)
    with contextlib.suppress(OSError):
        os.killpg(pid, signal.SIGKILL)
    signal.pidfd_send_signal(pidfd, signal.SIGKILL)


class Guardian:
    """What is to be ended."""

    def __init__(self) -> None:
        self._processes: dict[int, int] = {}
        self._cgroups: dict[int, bytes] = {}

    def obey(self, order: bytes) -> None:
        """Carry out one order."""
        verb, pid, *more = order.rstrip(b"\n").split(b" ", 3)
        self._forget(int(pid))
        if verb == b"watch":
            self._watch(int(pid), int(more[0]), more[1] if len(more) > 1 else b"")

    def end_all(self) -> None:
        """End all that is watched."""
        for cgroup in self._cgroups.values():
            with contextlib.suppress(OSError):
                _kill_cgroup(cgroup)
        for pid, pidfd in self._processes.items():
            with contextlib.suppress(OSError):
                end_process(pid, pidfd)

    def _watch(self, pid: int, started: int, cgroup: bytes) -> None:
        if cgroup:
            self._cgroups[pid] = cgroup
        try:
            pidfd = os.pidfd_open(pid)
        except ProcessLookupError:
            return
        # A process that became another user's may be hidden; but then this is no other process of ours.
        if started and start_time(pid) not in (started, None):
            os.close(pidfd)
        else:
            self._processes[pid] = pidfd

    def _forget(self, pid: int) -> None:
        self._cgroups.pop(pid, None)
        pidfd = self._processes.pop(pid, None)
        if pidfd is not None:
            os.close(pidfd)


def _kill_cgroup(cgroup: bytes) -> None:
    file = os.open(cgroup + b"/cgroup.kill", os.O_WRONLY)
    try:
        os.write(file, b"1")
    finally:
        os.close(file)


def main() -> None:
    """Obey until the server is gone; then end what it has not told to forget."""
    for number in DEAF_TO:
        signal.signal(number, signal.SIG_IGN)
    with contextlib.suppress(PermissionError):
        # What is sent to the server's process group must not reach its guardian.
        os.setsid()
    guardian = Guardian()
    try:
        for order in sys.stdin.buffer:
            # Half an order is what a server has said that was killed while it spoke.
            if order.endswith(b"\n"):
                guardian.obey(order)
    finally:
        guardian.end_all()


if __name__ == "__main__":
    main()
