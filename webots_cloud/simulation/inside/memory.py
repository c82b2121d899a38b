"""How much memory is used: by processes, by file systems that are memory, and by what the kernel keeps for them."""

from __future__ import annotations

import contextlib
import os

from webots_cloud.simulation.inside.processes import tasks

_BYTES_OF_A_FILE = 1024
"""What the kernel takes for a file in memory, even if nothing is in it."""
_BYTES_OF_A_SEMAPHORE = 64
_OWN = (b"RssAnon:", b"RssShmem:", b"VmPTE:", b"VmSwap:")
"""What of a process is memory that no file on a disk backs, also while it is swapped out, and page tables (proc(5))."""
_MOUNTS = "/proc/self/mounts"


def private_memory(pid: int) -> int:
    """Give how many bytes of memory a process has that no file on a disk backs."""
    size = _of_a_task(f"/proc/{pid}")
    if size is None:
        # The first of its threads has ended; others still can have all the memory.
        sizes = (_of_a_task(f"/proc/{pid}/task/{task}") for task in tasks(pid))
        size = next((found for found in sizes if found is not None), 0)
    return size


def _of_a_task(folder: str) -> int | None:
    """Give what a task has, or C{None} if it has ended."""
    total = None
    with contextlib.suppress(OSError), open(f"{folder}/status", "rb") as file:
        for line in file:
            if line.startswith(_OWN):
                total = (total or 0) + int(line.split()[1]) * 1024
    return total


def memory_file_systems(mounted: str = _MOUNTS) -> int:
    """Give how many bytes are in file systems that are memory; those of the sandbox are its own.

    @param mounted: tells what is mounted.
    """
    used: dict[int, int] = {}
    with open(mounted, "rb") as mounts:
        for line in mounts:
            _, place, kind, options, *_ = line.split(b" ")
            if kind == b"tmpfs" and b"rw" in options.split(b","):
                # A space in a name is written as \040 (proc(5)).
                path = place.decode("unicode_escape").encode("latin-1")
                with contextlib.suppress(OSError):
                    size = os.statvfs(path)
                    content = (size.f_blocks - size.f_bfree) * size.f_frsize
                    used[os.stat(path).st_dev] = content + (size.f_files - size.f_ffree) * _BYTES_OF_A_FILE
    return sum(used.values())


def ipc_objects() -> int:
    """Give how many bytes System V's shared memory, messages and semaphores have; those of the sandbox are its own."""
    semaphores = _BYTES_OF_A_SEMAPHORE * _sum_of_column("sem", b"nsems")
    return _sum_of_column("shm", b"rss") + _sum_of_column("msg", b"cbytes") + semaphores


def _sum_of_column(kind: str, column: bytes) -> int:
    try:
        with open(f"/proc/sysvipc/{kind}", "rb") as file:
            heading, *lines = file.read().splitlines()
        index = heading.split().index(column)
    except (OSError, ValueError):
        # This kernel has none.
        return 0
    return sum(int(line.split()[index]) for line in lines)
