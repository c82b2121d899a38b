"""Control groups of instances, where the service manager has delegated its part of the tree to the simulation server.

Who runs instances asks L{Cgroups} for one L{Cgroup} each. The rules are the kernel's, in
C{Documentation/admin-guide/cgroup-v2.rst}, whose sections are named where they matter. A cgroup may vanish at any
moment; what cannot be done is an C{OSError}.
"""

from __future__ import annotations

import errno
import os
import select
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import attrs
from twisted.logger import Logger

END_SECONDS = 5
"""How long the processes of a killed cgroup are waited for."""
_MOUNT = Path("/sys/fs/cgroup")
_OWN = Path("/proc/self/cgroup")
_CONTROLLERS = ("memory", "cpu", "pids")
_SUPERVISOR = "supervisor"
_INSTANCE = "instance-"


@attrs.frozen
class Use:
    """What an instance uses.

    @ivar memory: bytes, with those of its files that are kept in memory.
    @ivar cpu_seconds: processor time since it began.
    @ivar processes: its processes and threads.
    """

    memory: int
    cpu_seconds: float
    processes: int


@attrs.frozen
class CgroupLimits:
    """What an instance may use.

    @ivar memory: bytes, all processes together; beyond it all of them are killed.
    @ivar cpu_weight: its share of the processors beside the others', 1 to 10000; 100 is usual.
    @ivar processes: how many processes and threads it may have.
    """

    memory: int
    cpu_weight: int
    processes: int


@attrs.frozen
class NotDelegated:
    """The server has no cgroups to give.

    @ivar why: in words, for the log.
    """

    why: str


@attrs.frozen
class Cgroup:
    """The cgroup of an instance.

    An instance must not see the tree of cgroups: it belongs to the server's user, and so would the limits in it.

    @ivar path: its folder.
    """

    path: Path

    @property
    def procs(self) -> Path:
        """The file that a process writes its id to in order to join; all that it starts from then on belongs to it.

        It must be written by the server's user, who may, as the cgroup that is left and the one that is joined are
        both in the delegated subtree ("Delegation Containment"). A setuid program that is started afterwards, such as
        Firejail, stays in.
        """
        return self.path / "cgroup.procs"

    @property
    def populated(self) -> bool:
        """Whether it has a process that is alive ("(Un)populated Notification")."""
        with _gone_is_fine():
            return b"populated 1" in (self.path / "cgroup.events").read_bytes().splitlines()
        return False

    @property
    def out_of_memory(self) -> bool:
        """Whether it has been killed for its own limit of memory, not for another's ("Memory Interface Files")."""
        with _gone_is_fine():
            events = dict(line.split() for line in (self.path / "memory.events").read_bytes().splitlines())
            # A victim of the machine's end of memory, or of a limit further up, has not been at its own.
            return all(int(events.get(name, 0)) for name in (b"oom", b"oom_kill"))
        return False

    def use(self) -> Use:
        """Read what it uses.

        @raise OSError: if it is gone.
        """
        usage = dict(line.split() for line in (self.path / "cpu.stat").read_bytes().splitlines())
        return Use(
            memory=int((self.path / "memory.current").read_bytes()),
            cpu_seconds=int(usage[b"usage_usec"]) / 10**6,
            processes=int((self.path / "pids.current").read_bytes()),
        )

    def kill(self) -> None:
        """Kill all that is in it, also what is being forked ("Core Interface Files", C{cgroup.kill}).

        That it is gone is fine.

        @raise OSError: if this user may not.
        """
        with _gone_is_fine():
            _write(self.path / "cgroup.kill", "1")

    def wait(self, seconds: float) -> None:
        """Wait until it is not L{populated}, or for so long; blocks."""
        end = time.monotonic() + seconds
        with _gone_is_fine(), (self.path / "cgroup.events").open("rb", buffering=0) as events:
            changes = select.poll()
            changes.register(events, select.POLLPRI)
            while b"populated 1" in events.read().splitlines() and time.monotonic() < end:
                changes.poll(1000 * max(0, end - time.monotonic()))
                events.seek(0)

    def remove(self) -> None:
        """Remove it, once it is not L{populated}; that it is gone is fine.

        @raise OSError: if a process is in it.
        """
        for folder, _, _ in os.walk(self.path, topdown=False):
            with _gone_is_fine():
                os.rmdir(folder)


@attrs.frozen
class Cgroups:
    """The part of the tree that is the server's own.

    @ivar limits: of each instance.
    @ivar root: the folder of the delegated cgroup.
    """

    limits: CgroupLimits
    root: Path

    _log = Logger()

    @classmethod
    def find(cls, limits: CgroupLimits, mount: Path = _MOUNT, own: Path = _OWN) -> Cgroups | NotDelegated:
        """Look whether the cgroup of this process is delegated to its user, and if so, prepare it for instances.

        This process moves into a child C{supervisor}, as a cgroup that hands out resources to its children may have
        no process itself ("No Internal Process Constraint"). Where it cannot be done all is left as it was.

        @param mount: where cgroup v2 is mounted.
        @param own: tells the cgroup of this process.
        """
        try:
            root = _own_cgroup(mount, own)
            why = _unfit(root) if root else f"{own} names no cgroup below {mount}"
            if root is None or why:
                return NotDelegated(why)
            _prepare(root)
        except OSError as error:
            return NotDelegated(_why(error))
        return cls(limits, root)

    def create(self, name: str) -> Cgroup:
        """Make the cgroup of an instance.

        @param name: the instance's, fit for a file's name.
        @raise OSError: if it cannot be made, or is there already.
        """
        cgroup = Cgroup(self.root / f"{_INSTANCE}{name}")
        cgroup.path.mkdir()
        try:
            self._limit(cgroup.path)
        except OSError:
            with suppress(OSError):
                cgroup.remove()
            raise
        return cgroup

    def leftovers(self) -> list[Cgroup]:
        """Give the cgroups of instances that an earlier run has left.

        @raise OSError: if the tree cannot be read.
        """
        return [Cgroup(path) for path in sorted(self.root.glob(f"{_INSTANCE}*")) if path.is_dir()]

    def clean(self) -> int:
        """Kill and remove the cgroups that an earlier run has left; blocks.

        @return: how many have been removed; of each other the log says why.
        @raise OSError: if the tree cannot be read.
        """
        return [self._end(cgroup) for cgroup in self.leftovers()].count(True)

    def _end(self, cgroup: Cgroup) -> bool:
        try:
            cgroup.kill()
            cgroup.wait(END_SECONDS)
            cgroup.remove()
        except OSError as error:
            self._log.error(
                "The cgroup {path}, left by an earlier run, cannot be removed ({error}); look for what runs in it",
                path=str(cgroup.path),
                error=error,
            )
            return False
        return True

    def _limit(self, path: Path) -> None:
        _write(path / "memory.max", str(self.limits.memory))
        # There is none where the kernel does not account for swap.
        with suppress(FileNotFoundError):
            _write(path / "memory.swap.max", "0")
        # Half an instance is of no use.
        _write(path / "memory.oom.group", "1")
        _write(path / "cpu.weight", str(self.limits.cpu_weight))
        _write(path / "pids.max", str(self.limits.processes))


def _own_cgroup(mount: Path, own: Path) -> Path | None:
    """Find the cgroup that this server was started in ("Processes", C{/proc/$PID/cgroup})."""
    for line in own.read_text("utf-8", "surrogateescape").splitlines():
        if line.startswith("0::/") and ".." not in line.split("/") and not line.endswith(" (deleted)"):
            path = mount / line.removeprefix("0::/")
            # A service manager can start a process in such a child, and it is in there if this was done before.
            return path.parent if path.name == _SUPERVISOR else path
    return None


def _unfit(root: Path) -> str:
    """Tell why a cgroup is of no use; empty if it is.

    Delegated is what a user may write: the folder, C{cgroup.procs} and C{cgroup.subtree_control} ("Model of
    Delegation"); systemd gives these to C{User=} where C{Delegate=yes} is set.
    """
    try:
        available = (root / "cgroup.controllers").read_text("ascii").split()
    except FileNotFoundError:
        return f"{root} is no folder of cgroup v2"
    missing = [name for name in _CONTROLLERS if name not in available]
    if missing:
        return f"{root} has no controller for {', '.join(missing)}"
    for path in (root, root / "cgroup.procs", root / "cgroup.subtree_control"):
        if not os.access(path, os.W_OK):
            return f"this user may not write {path}; Delegate=yes in a systemd unit permits it"
    if not (root / "cgroup.kill").exists():
        return f"{root} has no cgroup.kill; Linux 5.14 or newer has it"
    return ""


def _prepare(root: Path) -> None:
    """Move this process into the supervisor's cgroup, and have the others hand out resources.

    @raise OSError: if that cannot be done, for instance as other processes are in C{root}, which are not ours to move.
    """
    supervisor = root / _SUPERVISOR
    moves = not supervisor.is_dir() or str(os.getpid()) not in (supervisor / "cgroup.procs").read_text().split()
    supervisor.mkdir(exist_ok=True)
    try:
        _write(supervisor / "cgroup.procs", str(os.getpid()))
        # "Enabling and Disabling" (of controllers): all or none.
        _write(root / "cgroup.subtree_control", " ".join(f"+{name}" for name in _CONTROLLERS))
    except OSError:
        if moves:
            with suppress(OSError):
                _write(root / "cgroup.procs", str(os.getpid()))
                supervisor.rmdir()
        raise


def _why(error: OSError) -> str:
    if error.errno == errno.EBUSY:
        return "processes other than this server are in its cgroup"
    return f"{error.filename}: {error.strerror}"


def _write(path: Path, text: str) -> None:
    """Write to a file that the kernel made; nothing else may be made in its place.

    @raise OSError: naming the file, also where it is the kernel that does not take the text.
    """
    file = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(file, text.encode("ascii"))
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error
    finally:
        os.close(file)


@contextmanager
def _gone_is_fine() -> Iterator[None]:
    """Let a cgroup that is no more be: its files are not there, or are there but have nothing behind them."""
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOENT, errno.ENODEV):
            raise
