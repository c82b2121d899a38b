"""What processes hold that no folder shows: files without a name, on the disk or in memory, and what is under way.

A thread may have files of its own, and outlive the first of its process; so each thread is looked at.
"""

from __future__ import annotations

import contextlib
import errno
import os

from webots_cloud.simulation.inside.disk import BLOCK
from webots_cloud.simulation.inside.processes import has_ended, tasks

_DELETED = " (deleted)"
_UNCOUNTED_MEMORY = "/secretmem (deleted)"
"""What memory of memfd_secret(2) is called, whose number of blocks is not told."""
_SHARED_MEMORY = (b" /memfd:", b" /dev/zero", b" /secretmem")
"""What C{/proc/PID/maps} calls memory that processes share, and that is in no file system and no segment."""
_MOST_WATCHES = 50_000
"""What an instance may watch with epoll: all processes of a user together may watch only so much (epoll(7)), and a
server that cannot watch its connections hears nobody."""


class CannotBeSeen(Exception):
    """A process does not let itself be looked at, or holds more than can be told."""


class Holdings:
    """What the processes of an instance hold together.

    @ivar senders: processes with a socket in which descriptors wait to be received: what they refer to, nobody has.
    """

    def __init__(self, project: str) -> None:
        """Begin with nothing.

        @param project: the folder whose files are on the disk; other files without a name are memory.
        """
        self.senders: set[int] = set()
        self._project = project
        self._watches = 0
        self._open: dict[tuple[int, int], tuple[bool, int]] = {}
        self._mapped: dict[tuple[int, int], tuple[bool, int]] = {}
        self._mappers: dict[int, set[int]] = {}

    @property
    def hiders(self) -> set[int]:
        """Processes that may hold any amount: senders, and who has mapped files of the project that nobody has open.

        Of such a file only what is mapped is known, which may be a page of gigabytes.
        """
        # All are on one disk; what that is called differs between a file that is open and one that is mapped.
        known = {number for (_, number), (of_project, _) in self._open.items() if of_project}
        return self.senders.union(*(pids for number, pids in self._mappers.items() if number not in known))

    @property
    def disk(self) -> int:
        """Bytes on the disk."""
        return self._size(on_disk=True)

    @property
    def memory(self) -> int:
        """Bytes of memory."""
        return self._size(on_disk=False)

    def add(self, pid: int) -> None:
        """Look at a process; one that has ended has nothing.

        @raise CannotBeSeen: if it may hold anything.
        """
        mapped = False
        for task in tasks(pid):
            self._add_open(pid, task)
            if not mapped:
                # Threads have the same memory, but one that has ended has none any more.
                with contextlib.suppress(OSError):
                    mapped = self._add_mapped(pid, f"/proc/{pid}/task/{task}")

    def _size(self, on_disk: bool) -> int:
        # Of a file that is open it is known how much of it there is, of one that is mapped only what is mapped.
        files = (self._mapped | self._open).values()
        return sum(size for of_project, size in files if of_project == on_disk)

    def _add_open(self, pid: int, task: int) -> None:
        folder = f"/proc/{pid}/task/{task}"
        try:
            for name in os.listdir(f"{folder}/fd"):
                self._add_descriptor(pid, folder, name)
        except PermissionError as error:
            # It may close itself to others also while it is looked at.
            if not has_ended(pid, task):
                raise CannotBeSeen(pid) from error
        except OSError:
            # It has just ended.
            return

    def _add_descriptor(self, pid: int, folder: str, name: str) -> None:
        try:
            self._add_target(pid, folder, name, self._target(f"{folder}/fd/{name}"))
        except PermissionError:
            raise
        except OSError:
            # It has just been closed.
            return

    def _target(self, link: str) -> str:
        try:
            return os.readlink(link)
        except OSError as error:
            if error.errno == errno.ENAMETOOLONG:
                # Only in a project somebody can have made a folder so deep, and its path stays when it is removed.
                return self._project + _DELETED
            raise

    def _add_target(self, pid: int, folder: str, name: str, target: str) -> None:
        if target.endswith(_DELETED):
            self._add_file(f"{folder}/fd/{name}", target)
        elif target.startswith("socket:"):
            if any(int(line.split()[1]) for line in _details(folder, name, b"scm_fds:")):
                self.senders.add(pid)
        elif target == "anon_inode:[eventpoll]":
            self._watches += len(_details(folder, name, b"tfd:"))
            if self._watches > _MOST_WATCHES:
                raise CannotBeSeen(pid)

    def _add_file(self, path: str, target: str) -> None:
        status = os.stat(path)
        size = status.st_size if target == _UNCOUNTED_MEMORY else status.st_blocks * BLOCK
        self._open[status.st_dev, status.st_ino] = self._is_of_project(target), size

    def _add_mapped(self, pid: int, folder: str) -> bool:
        """Add what is mapped (proc(5), C{/proc/PID/maps}); tell whether there was anything."""
        found = False
        with contextlib.suppress(OSError):
            program = self._target(f"{folder}/exe")
            if program.endswith(_DELETED):
                self._add_file(f"{folder}/exe", program)
        with open(f"{folder}/maps", "rb") as file:
            for line in file:
                found = True
                if line.endswith(b" (deleted)\n"):
                    self._add_mapping(pid, line)
        return found

    def _add_mapping(self, pid: int, line: bytes) -> None:
        place, _, _, device, number, path = line.split(maxsplit=5)
        of_project = self._is_of_project(os.fsdecode(path))
        if of_project or any(name in line for name in _SHARED_MEMORY):
            first, _, last = place.partition(b"-")
            major, _, minor = device.partition(b":")
            key = os.makedev(int(major, 16), int(minor, 16)), int(number)
            size = int(last, 16) - int(first, 16) + self._mapped.get(key, (False, 0))[1]
            self._mapped[key] = of_project, size
            if of_project:
                self._mappers.setdefault(int(number), set()).add(pid)

    def _is_of_project(self, path: str) -> bool:
        return path.startswith(self._project)


def _details(folder: str, descriptor: str, name: bytes) -> list[bytes]:
    """Give the lines of C{/proc/PID/fdinfo} that begin with a name.

    @raise CannotBeSeen: if there are more than the kernel can tell.
    """
    try:
        with open(f"{folder}/fdinfo/{descriptor}", "rb") as file:
            return [line for line in file if line.startswith(name)]
    except PermissionError:
        raise
    except OSError as error:
        if error.errno == errno.ENOMEM:
            raise CannotBeSeen(descriptor) from error
        return []
