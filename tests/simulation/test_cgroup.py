"""Cgroups of instances, in a folder that looks like cgroup v2.

Machines that tests run on seldom delegate cgroups, and some have none of version 2. So the files are written by the
test, which also does what the kernel does when a folder is made, removed or written to; it follows the kernel's
C{Documentation/admin-guide/cgroup-v2.rst}, but it is not the kernel.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path

import attrs
import pytest
from twisted.logger import capturedLogs, formatEvent

from webots_cloud.simulation import cgroup as cgroup_module
from webots_cloud.simulation.cgroup import Cgroup, CgroupLimits, Cgroups, NotDelegated, Use

LIMITS = CgroupLimits(memory=2**32, cpu_weight=50, processes=500)
SERVICE = "system.slice/webots-simulation.service"
OF_EACH = {
    "cgroup.procs": "",
    "cgroup.subtree_control": "",
    "cgroup.kill": "",
    "cgroup.events": "populated 0\nfrozen 0\n",
    "cpu.stat": "usage_usec 0\nuser_usec 0\nsystem_usec 0\n",
    "cpu.weight": "100\n",
    "memory.current": "0\n",
    "memory.max": "max\n",
    "memory.swap.max": "max\n",
    "memory.oom.group": "0\n",
    "pids.current": "0\n",
    "pids.max": "max\n",
}


@attrs.define
class Kernel:
    """What the kernel does with the tree.

    @ivar absent: files that this kernel does not have.
    @ivar refuses: the error of each file that is written to in vain.
    """

    mount: Path
    absent: set[str] = attrs.field(factory=set)
    refuses: dict[str, int] = attrs.field(factory=dict)

    @property
    def own(self) -> Path:
        return self.mount.parent / "own"

    @property
    def service(self) -> Path:
        return self.mount / SERVICE

    def populate(self, folder: Path, controllers: str = "cpu io memory pids") -> None:
        for name, content in {**OF_EACH, "cgroup.controllers": controllers + "\n"}.items():
            if name not in self.absent:
                (folder / name).write_text(content)

    def starts_a_service(self, controllers: str = "cpu io memory pids", cgroup: str = SERVICE) -> None:
        (self.mount / cgroup).mkdir(parents=True, exist_ok=True)
        self.populate(self.mount / cgroup, controllers)
        self.own.write_text(f"1:name=systemd:/elsewhere\n0::/{cgroup}\n")

    def find(self) -> Cgroups | NotDelegated:
        return Cgroups.find(LIMITS, self.mount, self.own)

    def found(self) -> Cgroups:
        found = self.find()
        assert isinstance(found, Cgroups), found
        return found

    def why_not(self) -> str:
        found = self.find()
        assert isinstance(found, NotDelegated)
        return found.why

    def install(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Do it whenever a folder of the tree is made, removed or written to."""
        mkdir, rmdir, write = os.mkdir, os.rmdir, os.write
        monkeypatch.setattr(os, "mkdir", lambda path, *args, **kwargs: self._mkdir(mkdir, path, *args, **kwargs))
        monkeypatch.setattr(os, "rmdir", lambda path, *args, **kwargs: self._rmdir(rmdir, path, *args, **kwargs))
        monkeypatch.setattr(os, "write", lambda file, data: self._write(write, file, data))

    def _holds(self, path: object) -> bool:
        return Path(str(path)).is_relative_to(self.service)

    def _mkdir(self, mkdir: Callable[..., None], path: Path, *args: object, **kwargs: object) -> None:
        mkdir(path, *args, **kwargs)
        if self._holds(path) and Path(path) != self.service:
            self.populate(Path(path))

    def _rmdir(self, rmdir: Callable[..., None], path: Path, *args: object, **kwargs: object) -> None:
        if not self._holds(path):
            rmdir(path, *args, **kwargs)
        elif (
            any(entry.is_dir() for entry in os.scandir(path))
            or b"populated 1" in (Path(path) / "cgroup.events").read_bytes()
        ):
            raise OSError(errno.EBUSY, os.strerror(errno.EBUSY), str(path))
        else:
            for file in os.scandir(path):
                os.unlink(file)
            rmdir(path)

    def _write(self, write: Callable[[int, bytes], int], file: int, data: bytes) -> int:
        path = Path(os.readlink(f"/proc/self/fd/{file}"))
        if not self._holds(path):
            return write(file, data)
        if path.name in self.refuses:
            raise OSError(self.refuses[path.name], os.strerror(self.refuses[path.name]))
        if path.name == "cgroup.procs":
            self._move(data.decode(), path)
        else:
            os.truncate(path, 0)
            write(file, data)
        return len(data)

    def _move(self, pid: str, into: Path) -> None:
        for procs in self.service.rglob("cgroup.procs"):
            stay = [line for line in procs.read_text().split() if line != pid]
            procs.write_text("".join(f"{line}\n" for line in [*stay, *([pid] if procs == into else [])]))


@pytest.fixture
def kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Kernel:
    """Give a tree in which a service has been started, with cgroups delegated to it."""
    kernel = Kernel(tmp_path / "cgroup")
    kernel.starts_a_service()
    (kernel.service / "cgroup.procs").write_text(f"{os.getpid()}\n")
    kernel.install(monkeypatch)
    return kernel


@pytest.fixture
def cgroup(kernel: Kernel) -> Cgroup:
    return kernel.found().create("7-abc")


def text(cgroup: Cgroup, name: str) -> str:
    return (cgroup.path / name).read_text()


class TestFinding:
    def test_the_server_makes_room_for_instances(self, kernel: Kernel) -> None:
        assert kernel.found().root == kernel.service
        assert (kernel.service / "cgroup.procs").read_text() == ""
        assert (kernel.service / "supervisor/cgroup.procs").read_text() == f"{os.getpid()}\n"
        assert (kernel.service / "cgroup.subtree_control").read_text() == "+memory +cpu +pids"

    def test_a_server_that_has_made_room_or_was_started_there_finds_the_same(self, kernel: Kernel) -> None:
        first = kernel.found()
        kernel.own.write_text(f"0::/{SERVICE}/supervisor\n")
        assert kernel.found() == first

    def test_a_container_has_its_cgroup_at_the_top(self, kernel: Kernel) -> None:
        kernel.own.write_text("0::/\n")
        assert Cgroups.find(LIMITS, kernel.service, kernel.own) == Cgroups(LIMITS, kernel.service)

    @pytest.mark.parametrize("line", ["", "9:memory:/service", "0::/../other", "0::/service (deleted)"])
    def test_none_where_it_is_in_no_cgroup_of_the_tree(self, kernel: Kernel, line: str) -> None:
        kernel.own.write_text(line + "\n")
        assert kernel.why_not() == f"{kernel.own} names no cgroup below {kernel.mount}"

    def test_none_where_the_kernel_has_no_cgroups(self, kernel: Kernel) -> None:
        kernel.own.unlink()
        assert kernel.why_not() == f"{kernel.own}: No such file or directory"

    def test_none_in_version_1(self, kernel: Kernel) -> None:
        (kernel.service / "cgroup.controllers").unlink()
        assert kernel.why_not() == f"{kernel.service} is no folder of cgroup v2"

    def test_none_where_a_controller_is_missing(self, kernel: Kernel) -> None:
        kernel.starts_a_service("cpuset io pids")
        assert kernel.why_not() == f"{kernel.service} has no controller for memory, cpu"

    @pytest.mark.parametrize("name", ["", "cgroup.procs", "cgroup.subtree_control"])
    def test_none_where_it_is_not_delegated(self, kernel: Kernel, name: str) -> None:
        path = kernel.service / name
        path.chmod(0o555)
        assert kernel.why_not() == f"this user may not write {path}; Delegate=yes in a systemd unit permits it"
        path.chmod(0o755)

    def test_none_where_a_cgroup_cannot_be_killed(self, kernel: Kernel) -> None:
        (kernel.service / "cgroup.kill").unlink()
        assert kernel.why_not() == f"{kernel.service} has no cgroup.kill; Linux 5.14 or newer has it"

    def test_all_is_as_it_was_where_others_are_in_the_cgroup(self, kernel: Kernel) -> None:
        kernel.refuses["cgroup.subtree_control"] = errno.EBUSY
        assert kernel.why_not() == "processes other than this server are in its cgroup"
        assert (kernel.service / "cgroup.procs").read_text() == f"{os.getpid()}\n"
        assert not (kernel.service / "supervisor").exists()

    def test_a_refusal_of_the_kernel_names_the_file(self, kernel: Kernel) -> None:
        kernel.refuses["cgroup.procs"] = errno.EOPNOTSUPP
        assert kernel.why_not() == f"{kernel.service}/supervisor/cgroup.procs: Operation not supported"


class TestCreating:
    def test_an_instance_is_limited_before_it_is_in(self, cgroup: Cgroup, kernel: Kernel) -> None:
        assert cgroup.path == kernel.service / "instance-7-abc"
        assert cgroup.procs == cgroup.path / "cgroup.procs"
        limits = ("memory.max", "memory.swap.max", "memory.oom.group", "cpu.weight", "pids.max")
        assert [text(cgroup, name) for name in limits] == ["4294967296", "0", "1", "50", "500"]

    def test_a_kernel_without_account_of_swap_will_do(self, kernel: Kernel) -> None:
        kernel.absent.add("memory.swap.max")
        assert not (kernel.found().create("1").path / "memory.swap.max").exists()

    def test_a_limit_that_cannot_be_set_leaves_nothing(self, kernel: Kernel) -> None:
        cgroups = kernel.found()
        kernel.refuses["pids.max"] = errno.EINVAL
        with pytest.raises(OSError, match=r"Invalid argument: '.*/instance-1/pids\.max'"):
            cgroups.create("1")
        assert cgroups.leftovers() == []

    def test_one_that_is_there_is_not_used(self, kernel: Kernel) -> None:
        cgroups = kernel.found()
        cgroups.create("1")
        with pytest.raises(FileExistsError):
            cgroups.create("1")

    def test_no_file_is_left_open(self, kernel: Kernel) -> None:
        cgroups = kernel.found()
        descriptors = os.listdir("/proc/self/fd")
        cgroup = cgroups.create("1")
        cgroup.use()
        cgroup.kill()
        cgroup.remove()
        assert os.listdir("/proc/self/fd") == descriptors


class TestUse:
    def test_is_what_the_kernel_accounts_for(self, cgroup: Cgroup) -> None:
        (cgroup.path / "memory.current").write_text("123456789\n")
        (cgroup.path / "cpu.stat").write_text("usage_usec 2500000\nuser_usec 2000000\nsystem_usec 500000\n")
        (cgroup.path / "pids.current").write_text("12\n")
        assert cgroup.use() == Use(memory=123456789, cpu_seconds=2.5, processes=12)

    @pytest.mark.parametrize("name", ["memory.current", "cpu.stat", "pids.current"])
    def test_of_one_that_vanishes_is_an_error_of_the_operating_system(self, cgroup: Cgroup, name: str) -> None:
        (cgroup.path / name).unlink()
        with pytest.raises(OSError, match=name):
            cgroup.use()


class TestOutOfMemory:
    @pytest.mark.parametrize(
        ("events", "is_so"),
        [
            ("low 0\nhigh 0\nmax 7\noom 1\noom_kill 3\noom_group_kill 1\n", True),
            ("low 0\nhigh 0\nmax 0\noom 0\noom_kill 0\n", False),
            # It has been at its limit, and what could be given back was enough.
            ("low 0\nhigh 0\nmax 90\noom 0\noom_kill 0\n", False),
            # Another's limit, or the machine's.
            ("low 0\nhigh 0\nmax 0\noom 0\noom_kill 3\noom_group_kill 0\n", False),
            ("", False),
        ],
    )
    def test_is_what_it_was_killed_for_at_its_own_limit(self, cgroup: Cgroup, events: str, is_so: bool) -> None:
        (cgroup.path / "memory.events").write_text(events)
        assert cgroup.out_of_memory is is_so

    def test_of_one_that_has_vanished_is_not_known(self, cgroup: Cgroup) -> None:
        assert not cgroup.out_of_memory


class TestEnding:
    def test_all_of_it_is_killed(self, cgroup: Cgroup) -> None:
        cgroup.kill()
        assert text(cgroup, "cgroup.kill") == "1"

    def test_it_is_populated_until_the_last_process_is_gone(self, cgroup: Cgroup) -> None:
        events = cgroup.path / "cgroup.events"
        events.write_text("populated 1\nfrozen 0\n")
        assert cgroup.populated
        with pytest.raises(OSError, match="busy"):
            cgroup.remove()
        events.write_text("populated 0\nfrozen 0\n")
        assert not cgroup.populated
        cgroup.remove()
        assert not cgroup.path.exists()

    def test_what_was_made_in_it_is_removed_as_well(self, cgroup: Cgroup) -> None:
        (cgroup.path / "inner").mkdir()
        (cgroup.path / "inner" / "most").mkdir()
        cgroup.remove()
        assert not cgroup.path.exists()

    def test_one_that_has_vanished_is_ended(self, cgroup: Cgroup) -> None:
        os.rmdir(cgroup.path)
        assert not cgroup.populated
        cgroup.kill()
        cgroup.remove()
        assert not cgroup.path.exists()

    def test_one_that_vanishes_while_it_is_written_to_is_ended(self, cgroup: Cgroup, kernel: Kernel) -> None:
        kernel.refuses["cgroup.kill"] = errno.ENODEV
        cgroup.kill()

    def test_one_that_may_not_be_killed_is_an_error(self, cgroup: Cgroup, kernel: Kernel) -> None:
        kernel.refuses["cgroup.kill"] = errno.EACCES
        with pytest.raises(PermissionError, match=r"cgroup\.kill"):
            cgroup.kill()


class TestLeftovers:
    def test_are_instances_and_nothing_else(self, kernel: Kernel) -> None:
        cgroups = kernel.found()
        (kernel.service / "other").mkdir()
        (kernel.service / "instance-file").write_text("")
        made = [cgroups.create(name) for name in ("2-b", "1-a")]
        again = kernel.found()
        assert again.leftovers() == sorted(made, key=lambda cgroup: cgroup.path)
        assert again.clean() == 2
        assert again.leftovers() == []
        assert (kernel.service / "other").is_dir()

    def test_one_whose_processes_do_not_end_is_told_of_and_the_others_are_removed(
        self, kernel: Kernel, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(cgroup_module, "END_SECONDS", 0.05)
        cgroups = kernel.found()
        stubborn, other = cgroups.create("1"), cgroups.create("2")
        (stubborn.path / "cgroup.events").write_text("populated 1\nfrozen 0\n")
        with capturedLogs() as logs:
            assert cgroups.clean() == 1
        assert cgroups.leftovers() == [stubborn]
        assert not other.path.exists()
        (said,) = [str(formatEvent(event)) for event in logs]
        assert said.startswith(f"The cgroup {stubborn.path}, left by an earlier run, cannot be removed (")

    def test_one_that_has_vanished_is_not_waited_for(self, cgroup: Cgroup) -> None:
        os.rmdir(cgroup.path)
        cgroup.wait(60)
