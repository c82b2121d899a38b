"""Measures what an instance uses: memory, processes, and what its project takes on the disk."""

from __future__ import annotations

import contextlib
import os
import time

from webots_cloud.simulation.inside.processes import descendants, has_ended, kill
from webots_cloud.simulation.inside.settings import MEGABYTE, Settings

_BLOCK = 512
_REPORT_SECONDS = 5.0
_LEAST_SECONDS = 1.0
_LARGEST_SHARE_OF_TIME = 0.03


class Meter:
    """Measures, the less often the longer it takes.

    @ivar due: when it is to be measured again, by the monotonic clock.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.due = time.monotonic() + _LEAST_SECONDS
        self._reported: tuple[str, ...] = ()
        self._reported_at = 0.0

    def measure(self) -> tuple[str, ...]:
        """Measure; give the words of a report: memory and disk in bytes, files, processes. No words: nothing is new."""
        begin = time.monotonic()
        settings = self._settings
        memory, unlinked, processes = self._processes()
        disk, files = folder_size(settings.project, settings.megabytes * MEGABYTE, settings.files)
        if settings.sandboxed:
            memory += memory_file_systems() + shared_segments()
        report = ("uses", *map(str, (memory, disk + unlinked, files, processes)))
        now = time.monotonic()
        self.due = now + max(_LEAST_SECONDS, (now - begin) / _LARGEST_SHARE_OF_TIME)
        if report == self._reported and now < self._reported_at + _REPORT_SECONDS:
            return ()
        self._reported, self._reported_at = report, now
        return report

    def _processes(self) -> tuple[int, int, int]:
        """Give bytes of memory, bytes on the disk in files that have no name any more, and the number of processes."""
        memory = 0
        unlinked: dict[tuple[int, int], tuple[bool, int]] = {}
        pids = descendants()
        for pid in pids:
            memory += private_memory(pid)
            try:
                unlinked.update(unlinked_files(pid, self._settings.project))
            except PermissionError:
                # It does not let itself be looked at, and may hold any number of files without a name.
                if self._settings.sandboxed:
                    kill(pid)
        on_disk = sum(size for in_project, size in unlinked.values() if in_project)
        return memory + sum(size for _, size in unlinked.values()) - on_disk, on_disk, len(pids)


def private_memory(pid: int) -> int:
    """Give how many bytes of memory a process has that no file on a disk backs."""
    total = 0
    with contextlib.suppress(OSError), open(f"/proc/{pid}/status", "rb") as file:
        for line in file:
            if line.startswith((b"RssAnon:", b"RssShmem:")):
                total += int(line.split()[1]) * 1024
    return total


def unlinked_files(pid: int, project: str) -> dict[tuple[int, int], tuple[bool, int]]:
    """Find the files without a name that a process has open, and those of the project that it has mapped.

    @return: by device and number, whether the file is the project's, and how many bytes it takes.
    @raise PermissionError: if the process does not let itself be looked at.
    """
    found: dict[tuple[int, int], tuple[bool, int]] = {}
    folder = f"/proc/{pid}/fd"
    try:
        names = os.listdir(folder)
    except PermissionError:
        if has_ended(pid):
            return found
        raise
    except OSError:
        # It has just ended.
        return found
    for name in names:
        with contextlib.suppress(OSError):
            target = os.readlink(f"{folder}/{name}")
            if target.endswith(" (deleted)"):
                status = os.stat(f"{folder}/{name}")
                found[status.st_dev, status.st_ino] = target.startswith(project), status.st_blocks * _BLOCK
    with contextlib.suppress(OSError):
        found.update(_mapped_files(pid, project.encode()))
    return found


def _mapped_files(pid: int, project: bytes) -> dict[tuple[int, int], tuple[bool, int]]:
    """Find what is mapped of the project's files without a name (proc(5), C{/proc/PID/maps})."""
    found: dict[tuple[int, int], tuple[bool, int]] = {}
    with open(f"/proc/{pid}/maps", "rb") as file:
        for line in file:
            if line.endswith(b" (deleted)\n") and project in line:
                place, _, _, device, number, _ = line.split(maxsplit=5)
                first, _, last = place.partition(b"-")
                major, _, minor = device.partition(b":")
                key = os.makedev(int(major, 16), int(minor, 16)), int(number)
                found[key] = True, found.get(key, (True, 0))[1] + int(last, 16) - int(first, 16)
    return found


def memory_file_systems() -> int:
    """Give how many bytes are in file systems that are memory; those of the sandbox are its own."""
    used: dict[int, int] = {}
    with open("/proc/self/mounts", "rb") as mounts:
        for line in mounts:
            _, place, kind, options, *_ = line.split()
            if kind == b"tmpfs" and b"rw" in options.split(b","):
                # A space in a name is written as \040 (proc(5)).
                path = place.decode("unicode_escape").encode("latin-1")
                with contextlib.suppress(OSError):
                    size = os.statvfs(path)
                    used[os.stat(path).st_dev] = (size.f_blocks - size.f_bfree) * size.f_frsize
    return sum(used.values())


def shared_segments() -> int:
    """Give how many bytes are in segments of shared memory (System V)."""
    try:
        with open("/proc/sysvipc/shm", "rb") as file:
            heading, *lines = file.read().splitlines()
        column = heading.split().index(b"rss")
    except (OSError, ValueError):
        return 0
    return sum(int(line.split()[column]) for line in lines)


def folder_size(folder: str, most_bytes: int, most_files: int) -> tuple[int, int]:
    """Give how many bytes and files a folder has; beyond a limit it is not looked at further.

    Where it cannot be looked into, whatever it may hold counts as too many files.
    """
    size = files = 0
    folders = [folder]
    while folders and size <= most_bytes and files <= most_files:
        path = folders.pop()
        try:
            with os.scandir(path) as entries:
                for entry in entries:
                    files += 1
                    with contextlib.suppress(FileNotFoundError):
                        size += entry.stat(follow_symlinks=False).st_blocks * _BLOCK
                    if entry.is_dir(follow_symlinks=False):
                        folders.append(entry.path)
        except (FileNotFoundError, NotADirectoryError):
            # It has been removed since it was seen.
            continue
        except PermissionError:
            if not _open_up(path):
                return size, most_files + 1
            folders.append(path)
        except OSError:
            return size, most_files + 1
    return size, files


def _open_up(path: str) -> bool:
    """Let a folder be looked into; tell whether that can have changed anything."""
    try:
        if os.stat(path, follow_symlinks=False).st_mode & 0o700 == 0o700:
            return False
        os.chmod(path, 0o700)
    except OSError:
        return False
    return True
