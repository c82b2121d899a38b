"""What an earlier run has left in C{instancesDir}: removed before this run begins, and nothing that is not ours.

The simulation server asks L{InstancesFolder} once, at its start; who starts an instance's process has it remembered.
"""

from __future__ import annotations

import fcntl
import os
import re
import select
import stat
from contextlib import suppress
from pathlib import Path

import attrs
from twisted.logger import Logger

from webots_cloud.simulation.folder import InstanceFolder, disk_space_is_finite
from webots_cloud.simulation.guardian import end_process, start_time

END_SECONDS = 5
"""How long a killed process is waited for before its folder is removed."""
_INSTANCE = re.compile(r"[0-9]+-[0-9a-f]{16}")
_PROCESS = "process"
_REMEMBERED = re.compile(rb"([1-9][0-9]{0,6}) ([0-9]{1,20}) ([0-9a-f-]{36})")
_MAX_REMEMBERED_BYTES = 128
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


def remember_process(folder: InstanceFolder, pid: int) -> None:
    """Write down which process an instance runs in, for the case that this server does not live to end it.

    @param pid: leads a process group of its own.
    @raise OSError: if it cannot be written.
    @raise NoDiskSpace: if the disk is full.
    """
    started = start_time(pid)
    if started is None:
        return
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW
    with disk_space_is_finite(), open(os.open(folder.root / _PROCESS, flags, 0o600), "wb") as file:
        file.write(b"%d %d %s\n" % (pid, started, _boot_id()))


class InstancesFolder:
    """The folder that has the folders of all instances of one server; all methods block.

    @ivar path: C{instancesDir}.
    """

    _log = Logger()

    def __init__(self, path: Path) -> None:
        self.path = path
        self._locked: int | None = None

    def lock(self) -> None:
        """Make it this server's own until L{unlock}, or until this process ends in whatever way.

        @raise ValueError: if another server has it.
        @raise OSError: if the folder cannot be opened.
        """
        lock = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(lock)
            if not isinstance(error, BlockingIOError):
                raise
            raise ValueError(
                f"another simulation server uses {self.path}; give each server an instancesDir of its own"
            ) from error
        self._locked = lock

    def unlock(self) -> None:
        """Let others have it; that it is not locked is fine."""
        lock, self._locked = self._locked, None
        if lock is not None:
            os.close(lock)

    def clean(self) -> int:
        """End and remove the instances of an earlier run; it must be locked. What else is in there is left alone.

        @return: how many folders have been removed.
        @raise OSError: if the folder cannot be read.
        """
        with os.scandir(self.path) as entries:
            found = sorted(entries, key=lambda entry: entry.name)
        leftovers = []
        for entry in found:
            if _is_instance(entry):
                leftovers.append(InstanceFolder(Path(entry.path)))
            else:
                self._log.warn("{path} is no instance's folder; it is left alone", path=entry.path)
        killed = [self._end(folder) for folder in leftovers].count(True)
        removed = [self._remove(folder) for folder in leftovers].count(True)
        if leftovers:
            self._log.info(
                "Removed what an earlier run has left in {path}: {removed} folders, {killed} processes",
                path=str(self.path),
                removed=removed,
                killed=killed,
            )
        return removed

    def _end(self, folder: InstanceFolder) -> bool:
        remembered = _remembered(folder)
        if remembered is None:
            return False
        try:
            killed = remembered.kill()
        except OSError as error:
            self._log.error(
                "Process {pid}, left by an earlier run, cannot be ended ({error}); end it by hand",
                pid=remembered.pid,
                error=error,
            )
            return False
        return killed

    def _remove(self, folder: InstanceFolder) -> bool:
        try:
            folder.remove()
        except OSError as error:
            self._log.error(
                "The folder {path}, left by an earlier run, cannot be removed ({error}); remove it by hand",
                path=str(folder.root),
                error=error,
            )
            return False
        return True


def _is_instance(entry: os.DirEntry[str]) -> bool:
    if _INSTANCE.fullmatch(entry.name) is None or not entry.is_dir(follow_symlinks=False):
        return False
    return entry.stat(follow_symlinks=False).st_uid == os.getuid()


@attrs.frozen
class _Remembered:
    """A process as it was written down.

    @ivar started: in clock ticks since the machine was.
    @ivar boot_id: of the machine's start.
    """

    pid: int
    started: int
    boot_id: bytes

    def kill(self) -> bool:
        """Kill it and its group, and wait for it; only if it is still the same process, and this user's.

        @return: whether there was anything to kill.
        @raise OSError: if it may not be killed, or does not end.
        """
        try:
            pidfd = os.pidfd_open(self.pid)
        except ProcessLookupError:
            return False
        try:
            # From here on the id may come to mean another process, but the descriptor does not.
            if not self._is_meant():
                return False
            end_process(self.pid, pidfd)
            _wait(pidfd)
        except ProcessLookupError:
            return False
        finally:
            os.close(pidfd)
        return True

    def _is_meant(self) -> bool:
        if self.pid in (1, os.getpid(), os.getpgrp(), os.getppid()):
            return False
        same = self.boot_id == _boot_id() and self.started == start_time(self.pid)
        return same and _real_user(self.pid) == os.getuid()


def _remembered(folder: InstanceFolder) -> _Remembered | None:
    """Read which process an instance ran in; what is in its folder may be anything by now."""
    try:
        folder.root.chmod(0o700)
        file = os.open(folder.root / _PROCESS, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        if not stat.S_ISREG(os.fstat(file).st_mode):
            return None
        found = _REMEMBERED.fullmatch(os.read(file, _MAX_REMEMBERED_BYTES).removesuffix(b"\n"))
    finally:
        os.close(file)
    return _Remembered(int(found[1]), int(found[2]), found[3]) if found else None


def _real_user(pid: int) -> int | None:
    """Give whose process it is: of a setuid program the user who started it, so not the owner of its C{/proc} files."""
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_bytes().splitlines():
            if line.startswith(b"Uid:"):
                return int(line.split()[1])
    return None


def _wait(pidfd: int) -> None:
    """Wait until a process has ended.

    @raise TimeoutError: if it does not.
    """
    poll = select.poll()
    poll.register(pidfd, select.POLLIN)
    if not poll.poll(1000 * END_SECONDS):
        raise TimeoutError(f"it does not end within {END_SECONDS} s of SIGKILL")


def _boot_id() -> bytes:
    return _BOOT_ID.read_bytes().strip()
