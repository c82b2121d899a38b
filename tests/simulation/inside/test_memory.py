"""How much memory is used, as the kernel tells it."""

from __future__ import annotations

import contextlib
import ctypes
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.simulation.inside.children import child
from webots_cloud.simulation.inside import memory
from webots_cloud.simulation.inside.memory import ipc_objects, memory_file_systems, private_memory

SIZE = 50_000_000
IPC_CREAT, IPC_RMID, KEY = 0o1000, 0, 0

libc = ctypes.CDLL(None, use_errno=True)
libc.shmat.restype = ctypes.c_void_p


class TestProcesses:
    @pytest.mark.parametrize(
        "how", [f"held = bytearray(b'x') * {SIZE}", f"held = mmap.mmap(-1, {SIZE}); held[:] = bytes({SIZE})"]
    )
    def test_what_a_program_takes_is_seen(self, how: str) -> None:
        with child(f"wait()\n{how}\nwait()") as running:
            before = private_memory(running.pid)
            running.go_on()
            running.ready()
            assert SIZE <= private_memory(running.pid) - before < 2 * SIZE
        assert 0 < before < SIZE

    def test_what_is_reserved_and_not_used_is_none(self) -> None:
        with child(f"held = mmap.mmap(-1, {SIZE})\nwait()") as running:
            assert private_memory(running.pid) < SIZE

    def test_files_that_are_mapped_are_none(self, tmp_path: Path) -> None:
        (tmp_path / "large").write_bytes(bytes(SIZE))
        script = (
            f"held = mmap.mmap(os.open('large', os.O_RDONLY), {SIZE}, prot=mmap.PROT_READ); held.find(b'x')\nwait()"
        )
        with child(script, tmp_path) as running:
            assert private_memory(running.pid) < SIZE

    def test_the_first_thread_may_have_ended(self) -> None:
        script = (
            "import time\n"
            "def last():\n"
            "    while ' Z ' not in open(f'/proc/self/task/{os.getpid()}/stat').read(): os.sched_yield()\n"
            "    wait()\n"
            f"held = bytearray(b'x') * {SIZE}\n"
            "threading.Thread(target=last).start(); libc.pthread_exit(None)\n"
        )
        with child(script) as running:
            assert SIZE <= private_memory(running.pid) < 2 * SIZE

    def test_one_that_has_ended_has_none(self) -> None:
        with child("wait()") as running:
            pid = running.pid
        assert private_memory(pid) == 0

    def test_what_is_swapped_out_is_still_taken(self, tmp_path: Path) -> None:
        """As C{/proc/PID/status} would tell it: a test cannot have its memory swapped out."""
        (tmp_path / "status").write_text(
            "Name:\tpython3\nVmHWM:\t 9000 kB\nRssAnon:\t 1 kB\nRssFile:\t 3000 kB\nRssShmem:\t 20 kB\n"
            "VmPTE:\t 300 kB\nVmSwap:\t 4000 kB\n"
        )
        assert memory._of_a_task(str(tmp_path)) == 4321 * 1024


class TestFileSystems:
    @pytest.fixture
    def mounts(self, tmp_path: Path) -> Path:
        return tmp_path / "mounts"

    def used(self, path: Path) -> int:
        size = os.statvfs(path)
        return (size.f_blocks - size.f_bfree) * size.f_frsize + (size.f_files - size.f_ffree) * 1024

    @pytest.mark.parametrize(
        ("name", "written"),
        [
            ("plain", "plain"),
            ("with space", r"with\040space"),
            ("back\\slash\ttab\nline#", r"back\134slash\011tab\012line\043"),
            ("ünïcode 🤖", r"ünïcode\040🤖"),
        ],
    )
    def test_each_is_found_by_its_name(self, tmp_path: Path, mounts: Path, name: str, written: str) -> None:
        place = tmp_path / name
        place.mkdir()
        mounts.write_text(f"tmpfs {tmp_path}/{written} tmpfs rw,nosuid,size=1k 0 0\n")
        assert memory_file_systems(str(mounts)) == pytest.approx(self.used(place), rel=0.1)

    def test_one_that_is_mounted_twice_counts_once(self, tmp_path: Path, mounts: Path) -> None:
        (tmp_path / "other").mkdir()
        mounts.write_text(f"a {tmp_path} tmpfs rw 0 0\nb {tmp_path}/other tmpfs nosuid,rw 0 0\n")
        assert memory_file_systems(str(mounts)) == pytest.approx(self.used(tmp_path), rel=0.1)

    def test_others_do_not_count(self, tmp_path: Path, mounts: Path) -> None:
        mounts.write_text(
            f"/dev/sda {tmp_path} ext4 rw 0 0\n"
            f"tmpfs {tmp_path} tmpfs ro,nosuid 0 0\n"
            f"tmpfs {tmp_path}/absent tmpfs rw 0 0\n"
        )
        assert memory_file_systems(str(mounts)) == 0

    def test_what_this_machine_has_can_be_read(self) -> None:
        assert memory_file_systems() >= 0


class TestIpcObjects:
    @contextlib.contextmanager
    def made(self, kind: str, *arguments: int) -> Iterator[int]:
        number = getattr(libc, f"{kind}get")(KEY, *arguments, IPC_CREAT | 0o600)
        assert number >= 0, os.strerror(ctypes.get_errno())
        try:
            yield number
        finally:
            getattr(libc, f"{kind}ctl")(number, *([0] if kind == "sem" else []), IPC_RMID, None)

    def test_shared_memory_that_is_used(self) -> None:
        before = ipc_objects()
        with self.made("shm", SIZE) as number:
            address = libc.shmat(number, None, 0)
            ctypes.memset(address, 1, SIZE)
            assert ipc_objects() >= before + SIZE
            libc.shmdt(ctypes.c_void_p(address))
            assert ipc_objects() >= before + SIZE

    def test_messages(self) -> None:
        before = ipc_objects()
        with self.made("msg") as number:
            message = (1).to_bytes(8, "little") + bytes(8000)
            assert libc.msgsnd(number, message, 8000, 0) == 0
            assert ipc_objects() >= before + 8000

    def test_semaphores(self) -> None:
        before = ipc_objects()
        with self.made("sem", 200):
            assert ipc_objects() >= before + 200 * 64
