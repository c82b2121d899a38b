"""What processes hold that no folder shows: small programs hide something in all ways that are known."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.simulation.inside.children import child
from webots_cloud.simulation.inside.holdings import CannotBeSeen, Holdings

SIZE = 3_000_000
A_LITTLE = 1_000_000

ON_DISK = {
    "a deleted file": f"deleted({SIZE})",
    "two of them": f"deleted({SIZE // 2}); deleted({SIZE // 2}, 'other')",
    "a file without a name": f"file = os.open('.', os.O_TMPFILE | os.O_RDWR); os.write(file, bytes({SIZE}))",
    "one that is open twice": f"os.dup(deleted({SIZE}))",
    "one that is mapped, too": f"held = mmap.mmap(deleted({SIZE}), {SIZE})",
    "one in a deleted folder": f"os.mkdir('d'); os.chdir('d'); deleted({SIZE}); os.chdir('..'); os.rmdir('d')",
    "one reserved beyond its end": (
        "file = deleted(1); size = ctypes.c_long\n"
        f"if libc.fallocate(file, 1, size(0), size({SIZE})): raise OSError(ctypes.get_errno())"
    ),
    "one in a folder too deep for a path": (
        f"top = os.getcwd()\nfor _ in range(50): os.mkdir('d' * 100); os.chdir('d' * 100)\ndeleted({SIZE})\n"
        "for _ in range(50): os.chdir('..'); os.rmdir('d' * 100)\nassert os.getcwd() == top"
    ),
    "one of a thread with files of its own": (
        "here = threading.Event()\n"
        "def run():\n"
        "    if libc.unshare(0x400): raise OSError(ctypes.get_errno())\n"
        f"    deleted({SIZE}); here.set(); signal.pause()\n"
        "threading.Thread(target=run, daemon=True).start(); here.wait()"
    ),
}
IN_MEMORY = {
    "a file in memory": f"file = os.memfd_create('m'); os.write(file, bytes({SIZE}))",
    "one that is mapped only": (
        f"file = os.memfd_create('m'); os.ftruncate(file, {SIZE})\n"
        f"libc.mmap(None, {SIZE}, 3, 1, file, 0); os.close(file)"
    ),
    "memory to be shared": f"held = mmap.mmap(-1, {SIZE})",
}
MAPS_A_PAGE = f"libc.mmap.restype = ctypes.c_void_p\nfile = deleted({SIZE})\nlibc.mmap(None, 4096, 3, 1, file, 0)\n"
SENDS = (
    f"one, other = socket.socketpair()\nfile = deleted({SIZE})\nsocket.send_fds(one, [b'x'], [file]); os.close(file)\n"
)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    path = tmp_path / "project"
    path.mkdir()
    return path


def held_by(script: str, project: Path, folder: Path | None = None) -> Holdings:
    with child(f"{script}\nwait()", folder or project) as running:
        holdings = Holdings(str(project))
        holdings.add(running.pid)
        return holdings


def test_an_innocent_program_holds_nothing(project: Path) -> None:
    holdings = held_by("file = open('file', 'w'); one, other = socket.socketpair(); poll = select.epoll()", project)
    assert (holdings.disk, holdings.memory, holdings.hiders) == (0, 0, set())


@pytest.mark.parametrize("how", ON_DISK)
def test_on_the_disk(project: Path, how: str) -> None:
    holdings = held_by(ON_DISK[how], project)
    assert SIZE - 1 <= holdings.disk < SIZE + A_LITTLE
    assert (holdings.memory, holdings.hiders) == (0, set())


@pytest.mark.parametrize("how", IN_MEMORY)
def test_in_memory(project: Path, how: str) -> None:
    holdings = held_by(IN_MEMORY[how], project)
    assert SIZE <= holdings.memory < SIZE + A_LITTLE
    assert (holdings.disk, holdings.hiders) == (0, set())


@pytest.mark.parametrize("closes", [False, True])
def test_memory_that_is_secret(project: Path, closes: bool) -> None:
    script = (
        "file = libc.syscall(447, 0)\n"
        "if file == -1: held = mmap.mmap(-1, 1)\n"
        f"else: os.ftruncate(file, {SIZE}); held = mmap.mmap(file, {SIZE}); held[:] = bytes({SIZE})\n"
    ) + ("libc.close(file)" if closes else "")
    with child(f"{script}\nwait()", project) as running:
        if "/secretmem" not in Path(f"/proc/{running.pid}/maps").read_text():
            pytest.skip("this kernel has no memfd_secret")
        holdings = Holdings(str(project))
        holdings.add(running.pid)
    assert SIZE <= holdings.memory < SIZE + A_LITTLE


def test_a_deleted_file_elsewhere_is_memory(project: Path, tmp_path: Path) -> None:
    holdings = held_by(f"deleted({SIZE})", project, tmp_path)
    assert SIZE <= holdings.memory < SIZE + A_LITTLE
    assert holdings.disk == 0


def test_what_several_hold_counts_once(project: Path) -> None:
    holdings = Holdings(str(project))
    with child(f"file = deleted({SIZE}); pid = os.fork()\nif not pid: signal.pause()\nwait()", project) as running:
        holdings.add(running.pid)
        (other,) = map(int, Path(f"/proc/{running.pid}/task/{running.pid}/children").read_text().split())
        holdings.add(other)
        os.kill(other, 9)
    assert SIZE <= holdings.disk < SIZE + A_LITTLE


def test_a_program_whose_file_has_been_replaced_holds_the_old_one(project: Path) -> None:
    shutil.copy("/bin/sleep", project / "sleep")
    size = (project / "sleep").stat().st_blocks * 512
    with subprocess.Popen([project / "sleep", "1000"]) as process:
        try:
            (project / "sleep").unlink()
            holdings = Holdings(str(project))
            holdings.add(process.pid)
        finally:
            process.kill()
    assert holdings.disk == size
    assert holdings.hiders == set()


class TestHiders:
    def test_of_a_file_that_is_mapped_and_that_nobody_has_open_the_size_is_unknown(self, project: Path) -> None:
        with child(f"{MAPS_A_PAGE}os.close(file)\nwait()", project) as running:
            holdings = Holdings(str(project))
            holdings.add(running.pid)
            assert holdings.hiders == {running.pid}
            assert 0 < holdings.disk < SIZE

    def test_if_any_process_has_it_open_it_is_known(self, project: Path) -> None:
        script = f"{MAPS_A_PAGE}os.fork() and (os.close(file), wait()) or signal.pause()"
        with child(script, project) as running:
            holdings = Holdings(str(project))
            holdings.add(running.pid)
            (other,) = map(int, Path(f"/proc/{running.pid}/task/{running.pid}/children").read_text().split())
            holdings.add(other)
            os.kill(other, 9)
        assert holdings.hiders == set()
        assert holdings.disk >= SIZE

    @pytest.mark.parametrize(
        "how",
        [
            SENDS,
            SENDS + "one.close()",
            SENDS.replace("socketpair()", "socketpair(type=socket.SOCK_DGRAM)"),
            SENDS.replace("socketpair()", "socketpair(type=socket.SOCK_SEQPACKET)"),
            SENDS + "a, b = socket.socketpair(); socket.send_fds(a, [b'x'], [one.fileno(), other.fileno()]);"
            "one.close(); other.close()",
            "listening = socket.socket(socket.AF_UNIX); listening.bind('s'); listening.listen()\n"
            "one = socket.socket(socket.AF_UNIX); one.connect('s')\n"
            f"socket.send_fds(one, [b'x'], [deleted({SIZE})]); one.close()",
        ],
        ids=["stream", "sender gone", "datagram", "packets", "within another", "not accepted"],
    )
    def test_descriptors_that_are_under_way_refer_to_what_nobody_has(self, project: Path, how: str) -> None:
        with child(f"{how}\nwait()", project) as running:
            holdings = Holdings(str(project))
            holdings.add(running.pid)
            assert holdings.hiders == {running.pid}

    def test_those_that_have_arrived_do_not(self, project: Path) -> None:
        holdings = held_by(f"{SENDS}arrived = socket.recv_fds(other, 1, 1)", project)
        assert holdings.hiders == set()
        assert holdings.disk >= SIZE


class TestProcessesThatCannotBeSeen:
    def test_one_that_closes_itself(self, project: Path) -> None:
        with pytest.raises(CannotBeSeen):
            held_by(f"deleted({SIZE}); libc.prctl(4, 0)", project)

    def test_one_that_watches_more_than_it_may(self, project: Path) -> None:
        script = (
            "pipe = [os.pipe()[0] for _ in range(1)]\n"
            "files = [os.dup(pipe[0]) for _ in range(850)]\n"
            "polls = [select.epoll() for _ in range(60)]\n"
            "for poll in polls:\n    for file in files: poll.register(file)\n"
        )
        with pytest.raises(CannotBeSeen):
            held_by(script, project)

    def test_one_that_has_ended_holds_nothing(self, project: Path) -> None:
        script = (
            f"file = deleted({SIZE}); pid = os.fork()\n"
            "if not pid: libc.prctl(4, 0); os._exit(0)\n"
            "os.close(file); os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)\n"
        )
        holdings = Holdings(str(project))
        with child(f"{script}wait(); os.wait(); wait()", project) as running:
            (zombie,) = map(int, Path(f"/proc/{running.pid}/task/{running.pid}/children").read_text().split())
            holdings.add(zombie)
            running.go_on()
            running.ready()
            holdings.add(zombie)
        assert (holdings.disk, holdings.memory) == (0, 0)

    def test_one_whose_first_thread_has_ended_is_seen_all_the_same(self, project: Path) -> None:
        script = (
            "import time\n"
            "def last():\n"
            "    while ' Z ' not in open(f'/proc/self/task/{os.getpid()}/stat').read(): os.sched_yield()\n"
            "    wait()\n"
            f"file = deleted({SIZE}); shared = mmap.mmap(-1, {SIZE})\n"
            "threading.Thread(target=last).start(); libc.pthread_exit(None)\n"
        )
        with child(script, project) as running:
            holdings = Holdings(str(project))
            holdings.add(running.pid)
        assert SIZE <= holdings.disk < SIZE + A_LITTLE
        assert SIZE <= holdings.memory < SIZE + A_LITTLE
