"""Attacks from inside: programs of a project, in the real sandbox of running servers, try what they must not do.

Each must fail and be seen to fail. Where the same attack would succeed without the sandbox, it is tried there as well.
docs/security.md has a table of them; tests/e2e/test_network_attacks.py has the attacks from the network.
"""

from __future__ import annotations

import io
import json
import os
import re
import signal
import socket
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

import psutil
import pytest

from tests.e2e.attacker import LIMITS, SECRET, Arena, Attacker, hostile_host, of_folder, outside
from tests.e2e.page import begins, receive
from tests.e2e.program import PATIENCE

OTHERS = "bystander"
RESET = {"reset controller": "attacker/attacker.py"}
SANDBOX = Path(__file__).parents[2] / "webots_cloud"
"""What the stand-in is made of, which instances can read."""


class Field:
    """Where the attacks take place.

    @ivar send: tells the hostile website host what archive it gives.
    """

    def __init__(self, state: Path, stack: ExitStack) -> None:
        self.hostile_port, self.send = stack.enter_context(hostile_host())
        self.notes = state / "notes-of-the-operator"
        self.notes.write_text("for the operator only")
        self.arena = Arena(state, (self.hostile_port,))
        stack.callback(self.arena.stop)
        for name in (OTHERS, "liar", "linked"):
            self.arena.add_project(name)
        (self.arena.projects / "linked" / "notes").symlink_to(self.notes)
        self.arena.wait_until_started()


@pytest.fixture(scope="module")
def field(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Field]:
    """Servers that are attacked, of which nothing may be left, and which may not have met an error of their own."""
    with ExitStack() as stack:
        field = Field(tmp_path_factory.mktemp("field").resolve(), stack)
        yield field
        field.arena.wait_for(lambda: not field.arena.processes and not field.arena.folders, "nothing to be left")
    assert not [line for line in field.arena.output if "Traceback" in line], "\n".join(field.arena.output)


@pytest.fixture(scope="module")
def arena(field: Field) -> Arena:
    return field.arena


@pytest.fixture(scope="module")
def inside(arena: Arena) -> Iterator[Attacker]:
    """An instance for attacks that do not end it."""
    with arena.attacker() as attacker:
        yield attacker


@pytest.fixture(scope="module")
def bystander(arena: Arena) -> Iterator[Attacker]:
    """Somebody else's instance."""
    with arena.attacker(OTHERS) as attacker:
        yield attacker


def cannot_see(attacker: Attacker, path: Path, folder: Path) -> None:
    """Check that there is no such path inside, though the server's own user can use it.

    @param folder: for the program outside.
    """
    program = f"print(attempt(os.listdir if os.path.isdir({str(path)!r}) else open, {str(path)!r}))"
    assert outside(program, folder) == "done"
    assert attacker.run(program) == "ENOENT"


class TestReading:
    def test_of_the_password_file(self, inside: Attacker) -> None:
        assert Path("/etc/shadow").exists()
        assert inside.run("print(attempt(open, '/etc/shadow'))") == "ENOENT"

    def test_of_the_keys(self, inside: Attacker, tmp_path: Path) -> None:
        cannot_see(inside, inside.arena.state / "keys" / "localhost", tmp_path)

    def test_of_the_configuration(self, inside: Attacker, tmp_path: Path) -> None:
        cannot_see(inside, inside.arena.configuration, tmp_path)

    def test_of_the_logs(self, inside: Attacker, tmp_path: Path) -> None:
        cannot_see(inside, inside.arena.state / "logs", tmp_path)

    def test_of_the_website_hosts_data(self, inside: Attacker, tmp_path: Path) -> None:
        cannot_see(inside, inside.arena.state / "host", tmp_path)

    def test_of_the_base_projects(self, inside: Attacker, tmp_path: Path) -> None:
        cannot_see(inside, inside.arena.projects, tmp_path)

    def test_of_another_instances_folder(self, inside: Attacker, bystander: Attacker, tmp_path: Path) -> None:
        cannot_see(inside, bystander.folder / "project" / "worlds" / "attacker.wbt", tmp_path)

    def test_of_what_its_own_folder_has_beside_the_project(self, inside: Attacker, tmp_path: Path) -> None:
        cannot_see(inside, inside.folder / "original", tmp_path)

    def test_of_the_home_of_the_servers_user(self, inside: Attacker, tmp_path: Path) -> None:
        with tempfile.NamedTemporaryFile(prefix="marker-of-an-attack", dir=Path.home()) as marker:
            cannot_see(inside, Path(marker.name), tmp_path)

    def test_of_the_servers_environment(self, inside: Attacker, tmp_path: Path) -> None:
        hidden = SECRET[::-1]
        program = (
            "found = 0\n"
            "for path in Path('/proc').glob('[0-9]*/environ'):\n"
            "    try:\n"
            f"        found += {hidden!r}[::-1].encode() in path.read_bytes()\n"
            "    except OSError:\n"
            "        pass\n"
            "print(found)"
        )
        assert int(outside(program, tmp_path)) > 0
        assert inside.run(program) == "0"

    def test_of_processes_outside(self, inside: Attacker, bystander: Attacker) -> None:
        ours = {process.pid for process in inside.processes}
        commands = inside.run("print([Path(path, 'cmdline').read_bytes() for path in Path('/proc').glob('[0-9]*')])")
        assert "inside/__main__.py" in commands
        assert str(inside.folder) in commands
        assert str(inside.arena.configuration) not in commands
        assert str(bystander.folder) not in commands
        count = inside.run("print(len(list(Path('/proc').glob('[0-9]*'))))")
        assert int(count) <= len(ours) + 1

    @pytest.mark.parametrize("name", ["environ", "mem", "maps", "fd", "fd/1", "root", "cwd", "exe", "task"])
    def test_of_the_first_process_and_the_launcher(self, inside: Attacker, name: str) -> None:
        look = "os.readlink" if name in ("root", "cwd", "exe") else "os.listdir" if name in ("fd", "task") else "open"
        place = f"f'/proc/{{pid}}/{name}'" if name != "task" else "f'/proc/{pid}/task/{pid}/fd'"
        program = f"for pid in (1, launcher(), os.getppid()): print(attempt({look}, {place}))"
        first, launcher, own = inside.run(program).split()
        assert (first, launcher, own) == ("EACCES", "EACCES", "done")

    def test_of_another_instances_token(self, inside: Attacker, bystander: Attacker) -> None:
        """Look into all that can be read, the simulator's memory included."""
        token = bystander.url.rpartition("/")[2]
        assert len(token) > 40
        found = inside.run(SEARCH.format(backwards=token[::-1], sure=inside.folder.name[::-1]))
        assert found == "the token: False, what is there: True"

    def test_of_its_own_token(self, inside: Attacker) -> None:
        token = inside.url.rpartition("/")[2]
        found = inside.run(SEARCH.format(backwards=token[::-1], sure=inside.folder.name[::-1]))
        assert found == "the token: False, what is there: True"


SEARCH = """
def readable():
    for path in [*Path("/proc").glob("[0-9]*/environ"), *Path("/proc").glob("[0-9]*/cmdline")]:
        if path.parts[2] != str(os.getpid()):
            yield path, 0, 10**6
    for folder in (os.environ["HOME"], "/tmp", "/dev/shm", "../.."):
        for path in Path(folder).rglob("*"):
            if path.is_file() and "site-packages" not in path.parts:
                yield path, 0, 10**6
    for line in Path(f"/proc/{{simulator()}}/maps").read_text().splitlines():
        if " rw" in line:
            first, last = (int(number, 16) for number in line.split()[0].split("-"))
            yield f"/proc/{{simulator()}}/mem", first, last - first

token = sure = False
for path, offset, length in readable():
    try:
        with open(path, "rb", 0) as file:
            file.seek(offset)
            data = file.read(length)
    except (OSError, OverflowError):
        continue
    token |= "{backwards}"[::-1].encode() in data
    sure |= "{sure}"[::-1].encode() in data
print(f"the token: {{token}}, what is there: {{sure}}")
"""


class TestWriting:
    @pytest.mark.parametrize("folder", ["/", "/usr", "/usr/bin", "/etc", "/dev", "/var", "/run", "/sys", "/home"])
    def test_into_the_systems_folders(self, inside: Attacker, folder: str) -> None:
        assert inside.run(f"print(attempt(open, '{folder}/marker', 'w'))") in ("EROFS", "EACCES")

    @pytest.mark.parametrize(
        "folder", [sys.prefix, SANDBOX, SANDBOX / "simulation" / "inside", Path(os.__file__).parent]
    )
    def test_into_the_simulators_folders(self, inside: Attacker, folder: str | Path, tmp_path: Path) -> None:
        program = f"print(attempt(os.scandir, {str(folder)!r}), attempt(open, {str(Path(folder) / 'marker')!r}, 'w'))"
        assert inside.run(program) in ("done EROFS", "done EACCES")
        assert not Path(folder, "marker").exists()

    @pytest.mark.parametrize("folder", [Path.home(), Path("/tmp"), Path("/dev/shm")])  # noqa: S108
    def test_into_home_and_temporary_folders_stays_inside(self, inside: Attacker, folder: Path) -> None:
        marker = folder / "marker-of-an-attack"
        assert inside.run(f"Path({str(marker)!r}).write_text('x'); print(Path({str(marker)!r}).read_text())") == "x"
        assert not marker.exists()

    def test_anywhere_else_is_not_seen_outside(self, inside: Attacker) -> None:
        written = [Path(place) for place in json.loads(inside.run(WRITE_EVERYWHERE))]
        project = inside.folder / "project"
        seen = [place for place in written if (place / "marker-of-an-attack").exists()]
        assert project / "worlds" in seen
        assert [place for place in seen if not place.is_relative_to(project)] == []

    @pytest.mark.parametrize("file", ["/etc/passwd", sys.executable, Path(os.__file__), SANDBOX / "errors.py"])
    def test_through_a_hard_link(self, inside: Attacker, file: str | Path, tmp_path: Path) -> None:
        own = Path(file).resolve().stat().st_uid == os.getuid()
        before = Path(file).read_bytes()
        program = f"print(attempt(os.link, {str(file)!r}, 'link'))"
        if own and Path(file).stat().st_dev == tmp_path.stat().st_dev:
            assert outside(program, tmp_path) == "done"
        assert inside.run(program) in ("EXDEV", "EPERM", "EROFS")
        assert Path(file).read_bytes() == before

    @pytest.mark.parametrize(
        "file",
        [
            "/proc/sys/kernel/hostname",
            "/proc/sys/kernel/core_pattern",
            "/proc/sysrq-trigger",
            "/proc/sys/vm/drop_caches",
        ],
    )
    def test_into_the_kernels_settings(self, inside: Attacker, file: str) -> None:
        assert inside.run(f"print(attempt(open, {file!r}, 'w'))") in ("EROFS", "EACCES", "ENOENT")

    def test_into_control_groups(self, inside: Attacker) -> None:
        assert Path("/sys/fs/cgroup").exists()
        assert (
            inside.run("print(attempt(os.listdir, '/sys/fs'), attempt(os.stat, '/sys/fs/cgroup'))") == "EACCES EACCES"
        )


WRITE_EVERYWHERE = """
import json
kernels = ("/proc", "/sys")
places = []
for line in Path("/proc/self/mounts").read_text().splitlines():
    top, options = line.split()[1], line.split()[3].split(",")
    if "rw" in options and not top.startswith(kernels):
        for folder, folders, _ in os.walk(top):
            folders[:] = [name for name in folders if not os.path.ismount(os.path.join(folder, name))]
            if attempt(open, folder + "/marker-of-an-attack", "w") == "done":
                places.append(folder)
print(json.dumps(sorted(set(places))))
"""


def reset(attacker: Attacker) -> str:
    """Let the page put the controller back; give the answer."""
    attacker.client.send(json.dumps(RESET))
    while True:
        answer = str(attacker.client.recv(timeout=PATIENCE))
        if answer.startswith(("error:", "reset controller:")):
            return answer


@pytest.fixture
def victim(tmp_path: Path) -> Path:
    """A file that the server's user can write, in a folder that looks like one of controllers."""
    (tmp_path / "victim" / "attacker").mkdir(parents=True)
    (tmp_path / "victim" / "attacker" / "attacker.py").write_text("the victim")
    return tmp_path / "victim"


class TestLinks:
    def test_in_an_archive_are_refused(self, field: Field) -> None:
        written = io.BytesIO()
        with zipfile.ZipFile(written, "w") as archive:
            archive.writestr("worlds/attacker.wbt", "#VRML_SIM R2022b utf8\n")
            link = zipfile.ZipInfo("controllers")
            link.external_attr = 0o120777 << 16
            archive.writestr(link, "/etc")
        field.send(written.getvalue())
        with field.arena.asking("delivered", f"http://localhost:{field.hostile_port}") as client:
            answers = iter(lambda: str(client.recv(timeout=PATIENCE)), None)
            assert "neither a file nor a folder" in next(a for a in answers if not a.startswith("loading:"))

    def test_in_a_base_project_are_copied_as_what_they_lead_to(self, field: Field) -> None:
        program = "notes = Path('../../notes'); print(notes.is_symlink(), notes.read_text()); notes.write_text('mine')"
        with field.arena.attacker("linked") as attacker:
            assert attacker.run(program) == "False for the operator only"
            assert (attacker.folder / "project" / "notes").read_text() == "mine"
        assert field.notes.read_text() == "for the operator only"

    @pytest.mark.parametrize(
        "trick",
        [
            pytest.param(
                "os.rename('../../controllers', '../../c'); os.symlink({victim!r}, '../../controllers')", id="all"
            ),
            pytest.param(
                "os.rename('../attacker', '../a'); os.symlink({victim!r} + '/attacker', '../attacker')", id="one"
            ),
            pytest.param("os.rename('../attacker', '../a'); os.symlink('../../../../../', '../attacker')", id="up"),
            pytest.param("os.rename('../attacker', '../a'); os.mkfifo('../attacker')", id="pipe"),
        ],
    )
    def test_in_place_of_folders_do_not_lead_a_reset_out(self, arena: Arena, victim: Path, trick: str) -> None:
        with arena.attacker() as attacker:
            attacker.run(trick.format(victim=str(victim)))
            assert "no controller file" in reset(attacker)
            assert os.listdir(victim / "attacker") == ["attacker.py"]
        assert (victim / "attacker" / "attacker.py").read_text() == "the victim"

    @pytest.mark.parametrize(
        "trick",
        [
            pytest.param("os.symlink({victim!r} + '/attacker/attacker.py', 'attacker.py')", id="link"),
            pytest.param("os.symlink('/dev/zero', 'attacker.py')", id="device"),
            pytest.param("os.mkfifo('attacker.py')", id="pipe"),
            pytest.param("os.link('tools.py', 'attacker.py')", id="hard-link"),
        ],
    )
    def test_in_place_of_the_file_are_replaced_by_a_reset(self, arena: Arena, victim: Path, trick: str) -> None:
        with arena.attacker() as attacker:
            attacker.run(f"os.unlink('attacker.py'); {trick.format(victim=str(victim))}")
            assert reset(attacker).startswith("reset controller:")
            project = attacker.folder / "project" / "controllers" / "attacker"
            original = attacker.folder / "original" / "attacker"
            for name in ("attacker.py", "tools.py"):
                assert not (project / name).is_symlink()
                assert (project / name).read_bytes() == (original / name).read_bytes()
        assert (victim / "attacker" / "attacker.py").read_text() == "the victim"

    def test_that_come_and_go_during_resets_do_not_lead_out(self, arena: Arena, victim: Path) -> None:
        with arena.attacker() as attacker:
            attacker.begin(
                f"os.symlink({str(victim)!r}, '../../c')\n"
                "exchange = 2\n"
                "while True: libc.renameat2(-100, b'../../controllers', -100, b'../../c', exchange)\n"
            )
            answers = [reset(attacker).partition(":")[0] for _ in range(500)]
        assert set(answers) == {"error", "reset controller"}
        assert os.listdir(victim / "attacker") == ["attacker.py"]
        assert (victim / "attacker" / "attacker.py").read_text() == "the victim"

    def test_in_place_of_textures_show_nothing(self, inside: Attacker, victim: Path) -> None:
        (victim / "picture.png").write_text("the victim")
        inside.run(
            "project = Path('../..')\n"
            "(project / 'own.png').write_text('my own')\n"
            f"(project / 'out.png').symlink_to({str(victim / 'picture.png')!r})\n"
            "(project / 'passwd.png').symlink_to('/etc/passwd')\n"
            f"(project / 'folder').symlink_to({str(victim)!r})\n"
        )
        assert fetch(inside, "own.png") == "my own"
        for name in ("out.png", "passwd.png", "folder/picture.png"):
            with pytest.raises(HTTPError, match="404"):
                fetch(inside, name)


def fetch(attacker: Attacker, path: str) -> str:
    """Get a file from an instance, as a page does."""
    with urlopen(f"{attacker.url.replace('ws:', 'http:')}/{path}", timeout=PATIENCE) as answer:
        return str(answer.read().decode())


PREPARED = """
import mmap, signal, threading
def fill_file(path, size=9_000_000):
    with open(path, "wb", 0) as file:
        file.write(bytes(size))
def send_away(file):
    one, two = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    socket.send_fds(one, [b"x"], [file])
    os.close(file)
    keep.extend([one, two])
keep = []
"""
MEMORY_HOGS = {
    "in-one-process": "while True: keep.append(bytearray(b'x' * 10**7))",
    "in-many-processes": """
for _ in range(30):
    if os.fork() == 0:
        keep.append(bytearray(b"x" * 4 * 10**7))
        signal.pause()
""",
    "in-a-thread-whose-process-seems-to-have-ended": """
def hog():
    while True:
        keep.append(bytearray(b"x" * 10**7))
threading.Thread(target=hog).start()
syscall("exit", 0)
""",
    "in-temporary-files": "for n in range(100): fill_file(f'/tmp/{n}')",
    "in-files-at-home": "for n in range(100): fill_file(os.environ['HOME'] + f'/{n}')",
    "in-files-of-shared-memory": "for n in range(100): fill_file(f'/dev/shm/{n}')",
    "in-memory-files": """
for _ in range(100):
    file = os.memfd_create("x")
    os.write(file, bytes(9_000_000))
""",
    "in-memory-files-that-are-only-mapped": """
libc.mmap.restype = ctypes.c_void_p
for _ in range(100):
    file = os.memfd_create("x")
    os.write(file, bytes(9_000_000))
    libc.mmap(None, ctypes.c_size_t(9_000_000), 1, 1, file, ctypes.c_long(0))
    os.close(file)
""",
    "in-shared-mappings": """
keep = mmap.mmap(-1, 900_000_000)
if os.fork() == 0:
    for _ in range(100):
        keep.write(bytes(9_000_000))
    os._exit(0)
""",
    "in-segments": """
libc.shmat.restype = ctypes.c_void_p
for _ in range(100):
    segment = libc.shmget(0, ctypes.c_size_t(9_000_000), 0o1600)
    place = ctypes.c_void_p(libc.shmat(segment, None, 0))
    ctypes.memset(place, 1, 9_000_000)
    libc.shmdt(place)
""",
}
DISK_FILLERS = {
    "with-files": "for n in range(5): fill_file(f'{n}')",
    "with-files-that-have-lost-their-names": """
for n in range(5):
    keep.append(open("file", "wb", 0))
    keep[-1].write(bytes(9_000_000))
    os.unlink("file")
""",
    "with-files-that-never-had-a-name": """
for _ in range(5):
    keep.append(os.open(".", os.O_TMPFILE | os.O_RDWR))
    os.write(keep[-1], bytes(9_000_000))
""",
    "with-files-that-are-only-mapped": """
libc.mmap.restype = ctypes.c_void_p
for _ in range(5):
    fill_file("file")
    file = os.open("file", os.O_RDWR)
    libc.mmap(None, ctypes.c_size_t(9_000_000), 1, 1, file, ctypes.c_long(0))
    os.close(file)
    os.unlink("file")
""",
    "with-files-that-a-thread-has-for-itself": """
def hog():
    syscall("unshare", 0x400)
    for _ in range(5):
        keep.append(os.open(".", os.O_TMPFILE | os.O_RDWR))
        os.write(keep[-1], bytes(9_000_000))
    signal.pause()
threading.Thread(target=hog).start()
""",
    "with-files-in-a-folder-that-is-closed": """
os.mkdir("folder")
for n in range(5):
    fill_file(f"folder/{n}")
os.chmod("folder", 0)
""",
    "with-empty-files": "for n in range(400): open(f'{n}', 'w').close()",
    "with-empty-folders": "for n in range(400): os.mkdir(f'{n}')",
    "with-hard-links": "for n in range(400): os.link('tools.py', f'{n}')",
}
FILES_ON_THEIR_WAY = {
    "on-the-disk": """
fill_file("file")
send_away(os.open("file", os.O_RDWR))
os.unlink("file")
""",
    "in-memory": """
file = os.memfd_create("x")
os.write(file, bytes(9_000_000))
send_away(file)
""",
}
STAY = "\nwhile True: signal.pause()"


class TestUsingUp:
    @pytest.mark.parametrize("program", [pytest.param(text, id=name) for name, text in MEMORY_HOGS.items()])
    def test_memory(self, arena: Arena, program: str) -> None:
        with arena.attacker() as attacker:
            attacker.begin(PREPARED + program + STAY)
            assert re.search("more than the [0-9]+ MB of memory|more than the [0-9]+ MB or", attacker.error())

    @pytest.mark.parametrize("program", [pytest.param(text, id=name) for name, text in DISK_FILLERS.items()])
    def test_the_disk(self, arena: Arena, program: str) -> None:
        with arena.attacker() as attacker:
            attacker.begin(PREPARED + program + STAY)
            assert "has written more than the 20 MB or 300 files" in attacker.error()

    @pytest.mark.parametrize("program", [pytest.param(text, id=name) for name, text in FILES_ON_THEIR_WAY.items()])
    def test_files_that_nobody_receives(self, arena: Arena, program: str) -> None:
        """No program has them, so nobody can tell how much they are: whoever leaves them under way is ended."""
        with arena.attacker() as attacker:
            attacker.begin(f"{PREPARED}if os.fork() == 0:\n{indented(program + STAY)}\nprint(os.wait()[1])")
            assert attacker.said() == str(int(signal.SIGKILL))

    def test_the_disk_with_one_file(self, inside: Attacker, tmp_path: Path) -> None:
        program = (
            "file = open('large', 'wb', 0)\n"
            "print(attempt(lambda: [file.write(bytes(10**6)) for _ in range(12)]), file.tell())\n"
            "os.unlink('large')"
        )
        assert outside(program, tmp_path) == "done 12000000"
        assert inside.run(program) == "EFBIG 10000000"

    def test_address_space(self, inside: Attacker, tmp_path: Path) -> None:
        program = "import mmap; print(attempt(mmap.mmap, -1, 4 * 10**9, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS))"
        assert outside(program, tmp_path) == "done"
        assert inside.run(program) == "ENOMEM"

    def test_file_descriptors(self, inside: Attacker) -> None:
        program = (
            "files = []\nprint(attempt(lambda: [files.append(open('/dev/null')) for _ in range(2000)]), len(files))"
        )
        refusal, count = inside.run(program).split()
        assert refusal == "EMFILE"
        assert 900 < int(count) < LIMITS["maxOpenFiles"]

    def test_limits_cannot_be_raised(self, inside: Attacker) -> None:
        program = """
import resource
for name in ("NPROC", "NOFILE", "FSIZE", "AS", "CPU", "CORE"):
    limit = getattr(resource, f"RLIMIT_{name}")
    try:
        resource.setrlimit(limit, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        print(name, "was raised")
    except ValueError:
        print(name, *resource.getrlimit(limit))
"""
        processes, files = LIMITS["maxProcesses"], LIMITS["maxOpenFiles"]
        assert inside.run(program).splitlines() == [
            f"NPROC {processes} {processes}",
            f"NOFILE {files} {files}",
            "FSIZE 10000000 10000000",
            "AS 3000000000 3000000000",
            "CPU 36000 36000",
            "CORE 0 0",
        ]

    def test_processes(self, arena: Arena, bystander: Attacker) -> None:
        with arena.attacker() as attacker:
            attacker.begin("while True: attempt(os.fork)")
            arena.wait_for(lambda: len(attacker.processes) > 40, "the bomb to go off")
            with arena.attacker(OTHERS) as other:
                assert other.run("print('I run')") == "I run"
            assert bystander.run("print(os.waitpid(os.spawnlp(os.P_NOWAIT, 'true', 'true'), 0)[1])") == "0"
            arena.answers_within(1)
            assert len(attacker.processes) <= LIMITS["maxProcesses"] + len(["setsid", "firejail"])

    def test_processors(self, arena: Arena, bystander: Attacker) -> None:
        undisturbed = bystander.frames(3)
        assert undisturbed > 50
        with arena.attacker() as attacker:
            attacker.begin(
                "import subprocess\n"
                "for _ in range(40):\n"
                "    subprocess.Popen(['setsid', 'sh', '-c', 'while :; do :; done'], stdout=-3, stderr=-3)\n"
                f"{STAY.replace('signal.pause()', 'pass')}"
            )
            arena.wait_for(lambda: len(attacker.processes) > 40, "the hogs")
            assert bystander.frames(3) >= undisturbed / 2
            arena.answers_within(1)

    def test_the_kernels_watches(self, arena: Arena, bystander: Attacker) -> None:
        """All processes of a user together may watch only so much; a server that may watch nothing hears nobody."""
        program = """
import select
files = [os.eventfd(0) for _ in range(400)]
watches = []
for _ in range(500):
    watches.append(select.epoll())
    for file in files:
        watches[-1].register(file, 0)
signal.pause()
"""
        with arena.attacker() as attacker:
            attacker.begin(f"import signal\nif os.fork() == 0:\n{indented(program)}\nprint(os.wait()[1])")
            assert attacker.said() == str(int(signal.SIGKILL))

    def test_descriptors_on_their_way(self, arena: Arena, bystander: Attacker) -> None:
        """The kernel counts those of all processes of a user; a launcher that may send none connects nobody."""
        program = """
import array
one, two = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
files = array.array("i", [one.fileno()] * 250)
print(attempt(lambda: [one.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, files)]) for _ in range(10)]))
if os.fork() == 0:
    os.close(1)
    os.close(2)
    signal.pause()
"""
        with arena.attacker() as attacker:
            assert attacker.run(f"import signal\n{program}") == "ETOOMANYREFS"
            with urlopen(bystander.url.replace("ws:", "http:") + "/", timeout=PATIENCE) as answer:
                assert answer.status == 200


def indented(program: str) -> str:
    return "\n".join(f"    {line}" for line in program.splitlines())


@pytest.fixture
def listening() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.9", 0)) as listening:
        yield listening


def cannot_connect(attacker: Attacker, address: str, port: int, folder: Path) -> None:
    program = f"print(attempt(connect, socket.AF_INET, ({address!r}, {port})))"
    assert outside(program, folder) == "done"
    assert attacker.run(program) == "ECONNREFUSED"


def addresses_beyond_loopback() -> list[str]:
    interfaces = psutil.net_if_addrs().values()
    own = {one.address for addresses in interfaces for one in addresses if one.family == socket.AF_INET}
    return sorted(address for address in own if not address.startswith("127."))


class TestConnecting:
    def test_to_the_session_server(self, inside: Attacker, tmp_path: Path) -> None:
        cannot_connect(inside, "127.0.0.1", inside.arena.session, tmp_path)

    def test_to_the_simulation_server(self, inside: Attacker, tmp_path: Path) -> None:
        cannot_connect(inside, "127.0.0.1", inside.arena.simulation, tmp_path)

    def test_to_the_website_host(self, inside: Attacker, tmp_path: Path) -> None:
        cannot_connect(inside, "127.0.0.1", inside.arena.host, tmp_path)

    def test_to_another_address_of_this_machine(
        self, inside: Attacker, listening: socket.socket, tmp_path: Path
    ) -> None:
        cannot_connect(inside, "127.0.0.9", listening.getsockname()[1], tmp_path)

    def test_to_another_address_of_version_6(self, inside: Attacker, tmp_path: Path) -> None:
        try:
            listening = socket.create_server(("::1", 0), family=socket.AF_INET6)
        except OSError:
            pytest.skip("this machine has no loopback of IP version 6")
        with listening:
            program = f"print(attempt(connect, socket.AF_INET6, ('::1', {listening.getsockname()[1]})))"
            assert outside(program, tmp_path) == "done"
            assert inside.run(program) == "ECONNREFUSED"

    def test_to_another_instance(self, inside: Attacker, bystander: Attacker) -> None:
        """Both listen on the same port, each in a network that has nothing else."""
        program = """
from urllib.request import urlopen
listening = [line.split()[1] for line in Path("/proc/net/tcp").read_text().splitlines()[1:] if line.split()[3] == "0A"]
page = urlopen("http://127.0.0.1:1234/", timeout=10).read().decode()
print(listening, page.partition("<title>")[2].partition("</title>")[0])
"""
        assert inside.run(program) == "['00000000:04D2'] world of attacker"
        assert bystander.run(program) == f"['00000000:04D2'] world of {OTHERS}"

    def test_there_is_no_network_but_its_own(self, inside: Attacker) -> None:
        program = (
            "print([line.split(':')[0].strip() for line in Path('/proc/net/dev').read_text().splitlines()[2:]])\n"
            "print(Path('/proc/net/route').read_text().splitlines()[1:])"
        )
        assert inside.run(program).splitlines() == ["['lo']", "[]"]

    def test_to_the_local_network_and_a_clouds_metadata(self, inside: Attacker, tmp_path: Path) -> None:
        """This machine's own addresses stand for them, so that nothing is ever sent to another's.

        As root, script/test runs this in a network that has nothing but itself, with such addresses, too.
        """
        addresses = addresses_beyond_loopback()
        if not addresses:
            pytest.skip("this machine has no address but those of the loopback interface")
        for address in addresses:
            with socket.create_server((address, 0)) as listening, socket.socket(type=socket.SOCK_DGRAM) as datagrams:
                datagrams.bind((address, 0))
                program = (
                    f"print(attempt(connect, socket.AF_INET, {listening.getsockname()!r}))\n"
                    f"probe = socket.socket(type=socket.SOCK_DGRAM)\n"
                    f"print(attempt(probe.sendto, b'x', {datagrams.getsockname()!r}))"
                )
                assert outside(program, tmp_path).split() == ["done", "done"]
                assert inside.run(program).split() == ["ENETUNREACH", "ENETUNREACH"]

    def test_to_an_abstract_socket(self, inside: Attacker, tmp_path: Path) -> None:
        name = f"\0webots-attack-{os.getpid()}"
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind(name)
            listening.listen()
            program = f"print(attempt(connect, socket.AF_UNIX, {name!r}))"
            assert outside(program, tmp_path) == "done"
            assert inside.run(program) == "ECONNREFUSED"

    @pytest.mark.parametrize("folder", ["/tmp", "/tmp/.X11-unix", "/dev/shm", "/var/tmp"])  # noqa: S108
    def test_to_a_socket_of_a_display_or_a_bus(self, inside: Attacker, tmp_path: Path, folder: str) -> None:
        path = Path(folder) / f"X{os.getpid()}"
        path.parent.mkdir(mode=0o1777, exist_ok=True)
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind(str(path))
            try:
                listening.listen()
                program = f"print(attempt(connect, socket.AF_UNIX, {str(path)!r}))"
                assert outside(program, tmp_path) == "done"
                assert inside.run(program) == "ENOENT"
            finally:
                path.unlink()

    def test_to_the_message_bus(self, inside: Attacker) -> None:
        program = (
            "print([name for name in os.environ if 'DBUS' in name])\n"
            "for path in ('/run/dbus/system_bus_socket', f'/run/user/{os.getuid()}/bus'):\n"
            "    print(attempt(connect, socket.AF_UNIX, path))"
        )
        variables, *refusals = inside.run(program).splitlines()
        assert variables == "[]"
        assert set(refusals) <= {"ENOENT", "EACCES"}

    @pytest.mark.parametrize(
        ("kind", "refusal"),
        [
            pytest.param("socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP", "EPERM", id="raw"),
            pytest.param("socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6", "EPERM", id="raw-6"),
            pytest.param("socket.AF_PACKET, socket.SOCK_RAW, 3", "ENOTSUP", id="packet"),
            pytest.param("socket.AF_NETLINK, socket.SOCK_RAW, 0", "ENOTSUP", id="netlink"),
            pytest.param("socket.AF_VSOCK, socket.SOCK_STREAM", "ENOTSUP", id="hypervisor"),
            pytest.param("socket.AF_ALG, socket.SOCK_SEQPACKET", "ENOTSUP", id="crypto"),
            pytest.param("socket.AF_CAN, socket.SOCK_RAW, 1", "ENOTSUP", id="can"),
        ],
    )
    def test_with_a_socket_of_another_kind(self, inside: Attacker, kind: str, refusal: str) -> None:
        assert inside.run(f"print(attempt(socket.socket, {kind}))") == refusal

    def test_with_memory_that_processes_share_by_a_key(self, inside: Attacker, tmp_path: Path) -> None:
        key = os.getpid()
        made = outside(f"print(libc.shmget({key}, ctypes.c_size_t(4096), 0o1600))", tmp_path)
        program = f"print(libc.shmget({key}, ctypes.c_size_t(0), 0) >= 0)"
        try:
            assert outside(program, tmp_path) == "True"
            assert inside.run(program) == "False"
        finally:
            outside(f"libc.shmctl({made}, 0, None)", tmp_path)


NEW_USER, NEW_NET, NEW_PID, NEW_MOUNT = 0x10000000, 0x40000000, 0x20000000, 0x00020000
CALLS = {
    "mount": "0, b'/tmp', b'tmpfs', 0, 0",
    "umount2": "b'/tmp', 2",
    "pivot_root": "b'/tmp', b'/tmp'",
    "open_tree": "-100, b'/', 1",
    "move_mount": "-100, b'/tmp', -100, b'/var', 0",
    "chroot": "b'/tmp'",
    "setns": "os.open('/proc/self/ns/net', 0), 0",
    "ptrace": "16, launcher(), 0, 0",
    "process_vm_readv": "simulator(), 0, 0, 0, 0, 0",
    "process_vm_writev": "simulator(), 0, 0, 0, 0, 0",
    "pidfd_getfd": "syscall('pidfd_open', simulator(), 0), 1, 0",
    "add_key": "b'user', b'name', b'payload', 7, -3",
    "request_key": "b'user', b'name', 0, -3",
    "keyctl": "0, -3, 0, 0, 0",
    "init_module": "0, 0, b''",
    "finit_module": "0, b'', 0",
    "delete_module": "b'module', 0",
    "kexec_load": "0, 0, 0, 0",
    "reboot": "0xfee1dead, 672274793, 0, 0",
    "swapon": "b'/tmp/x', 0",
    "bpf": "0, 0, 0",
    "perf_event_open": "bytes(128), 0, -1, -1, 0",
    "io_uring_setup": "8, bytearray(128)",
    "userfaultfd": "1",
    "open_by_handle_at": "0, 0, 0",
    "fanotify_init": "0, 0",
    "syslog": "3, 0, 0",
    "clock_settime": "0, bytes(16)",
    "vmsplice": "1, 0, 0, 0",
}


class TestTheKernel:
    @pytest.mark.parametrize(("call", "arguments"), [pytest.param(*pair, id=pair[0]) for pair in CALLS.items()])
    def test_refuses_the_call(self, inside: Attacker, call: str, arguments: str) -> None:
        arguments = arguments.replace("bytearray", "bytes").replace("bytes(", "b'\\0' * (")
        assert inside.run(f"print(attempt(syscall, {call!r}, {arguments}))") == "EPERM"

    @pytest.mark.parametrize(
        ("call", "arguments"),
        [
            ("keyctl", "0, -3, 0, 0, 0"),
            ("pidfd_getfd", "syscall('pidfd_open', os.getpid(), 0), 1, 0"),
            ("process_vm_readv", "os.getpid(), 0, 0, 0, 0, 0"),
        ],
    )
    def test_does_not_refuse_such_calls_outside(self, call: str, arguments: str, tmp_path: Path) -> None:
        assert outside(f"print(attempt(syscall, {call!r}, {arguments}))", tmp_path) == "done"

    @pytest.mark.parametrize("kind", [NEW_USER, NEW_NET, NEW_PID, NEW_MOUNT, NEW_USER | NEW_NET])
    def test_makes_no_namespaces(self, inside: Attacker, kind: int) -> None:
        program = f"print(attempt(syscall, 'unshare', {kind}), attempt(syscall, 'clone', {kind} | 17, 0, 0, 0, 0))"
        assert inside.run(program) == "EPERM EPERM"

    def test_makes_no_namespaces_by_calls_that_cannot_be_looked_into(self, inside: Attacker) -> None:
        assert inside.run(f"print(attempt(syscall, 'clone3', ({NEW_USER}).to_bytes(88, 'little'), 88))") == "ENOSYS"

    @pytest.mark.skipif(os.uname().machine != "x86_64", reason="other processors have no such calls")
    def test_takes_no_calls_of_32_bit_programs(self, inside: Attacker) -> None:
        program = """
import mmap
code = mmap.mmap(-1, 4096, prot=7)
code.write(b"\\xb8\\x14\\0\\0\\0" b"\\xcd\\x80" b"\\xc3")
child = os.fork()
if child == 0:
    # getpid, in the numbers of 32 bits
    own = ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(code)))()
    os._exit(42 if own == os.getpid() else 7)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
        assert inside.run(program) in ("7", str(-signal.SIGSYS), str(-signal.SIGSEGV))

    def test_gives_a_setuid_program_no_rights(self, inside: Attacker) -> None:
        program = """
import shutil, subprocess
for name in ("su", "mount", "passwd", "firejail"):
    path = shutil.which(name)
    if path and os.stat(path).st_mode & 0o4000 and os.stat(path).st_uid in (0, 65534):
        print(name)
print(status("self", "NoNewPrivs"), status("self", "CapBnd"))
print(os.getuid() == int(subprocess.run(["su", "-c", "id -u"], stdin=-3, capture_output=True).stdout or os.getuid()))
"""
        *programs, rights, same = inside.run(program).splitlines()
        assert "su" in programs
        assert (rights, same) == (f"1 {'0' * 16}", "True")

    def test_makes_no_devices(self, inside: Attacker) -> None:
        program = "import stat; print(attempt(os.mknod, 'disk', stat.S_IFBLK | 0o600, os.makedev(254, 0)))"
        assert inside.run(program) == "EPERM"

    def test_shows_no_devices(self, inside: Attacker) -> None:
        found = inside.run("print(*os.listdir('/dev'))").split()
        harmless = {"full", "null", "zero", "random", "urandom", "tty", "ptmx", "pts", "shm", "fd", "log"}
        graphics = {"dri", "nvidia", "nvidiactl", "nvidia-modeset", "nvidia-uvm", "nvidia-uvm-tools", "kfd"}
        allowed = harmless | graphics | {"stdin", "stdout", "stderr"}
        assert {name for name in found if not re.fullmatch("nvidia[0-9]+", name)} <= allowed

    def test_gives_no_terminal(self, inside: Attacker) -> None:
        assert inside.run("print(attempt(open, '/dev/tty', 'w'))") == "ENXIO"

    def test_ends_programs_before_the_server_where_memory_is_short(self, inside: Attacker) -> None:
        assert inside.run("print(Path('/proc/self/oom_score_adj').read_text())") == "1000"


class TestSignalling:
    def test_processes_outside(self, inside: Attacker, tmp_path: Path) -> None:
        server = inside.arena.process.pid
        program = f"print(attempt(os.kill, {server}, 0), attempt(syscall, 'pidfd_open', {server}, 0))"
        assert outside(program, tmp_path) == "done done"
        assert inside.run(program) == "ESRCH ESRCH"

    def test_everybody_ends_only_the_instance(self, arena: Arena, bystander: Attacker) -> None:
        with arena.attacker() as attacker:
            attacker.begin("os.kill(-1, 9); os.kill(0, 9)")
            assert attacker.error().startswith("error: Webots ended")
        assert bystander.run("print('I run')") == "I run"
        arena.answers_within(1)

    def test_the_launcher_ends_the_instance(self, arena: Arena) -> None:
        with arena.attacker() as attacker:
            attacker.begin("os.kill(launcher(), 9)")
            assert attacker.error().startswith("error: Webots ended")

    def test_to_stop_the_launcher_does_not_keep_the_instance(self, arena: Arena) -> None:
        with arena.attacker() as attacker:
            assert attacker.run("os.kill(launcher(), 19); print('stopped')") == "stopped"
            assert attacker.processes
        # Nothing is left: the server has ended what did not end by itself.

    def test_to_stop_the_launcher_does_not_keep_it_where_the_server_is_killed(self, tmp_path: Path) -> None:
        arena = Arena(tmp_path.resolve())
        try:
            arena.wait_until_started()
            with arena.asking() as client:
                receive(client, begins("webots:"))
                (folder,) = arena.folders
                (launcher,) = [process for process in of_folder(folder) if is_launcher(process)]
                launcher.suspend()
                arena.process.kill()
                begin = time.monotonic()
                _, alive = psutil.wait_procs(of_folder(folder), timeout=PATIENCE)
                assert not alive
                assert not of_folder(folder)
                assert time.monotonic() - begin < 2
        finally:
            arena.stop()


def is_launcher(process: psutil.Process) -> bool:
    try:
        command = process.cmdline()
    except psutil.NoSuchProcess:
        return False
    return "firejail" not in " ".join(command[:2]) and any("inside/__main__.py" in word for word in command)


DAEMON = """
import signal
for _ in range(2):
    if os.fork():
        os._exit(0)
    os.setsid()
    for number in range(1, signal.NSIG):
        if number not in (signal.SIGKILL, signal.SIGSTOP):
            attempt(signal.signal, number, signal.SIG_IGN)
for number in (0, 1, 2):
    os.close(number)
while True:
    signal.pause()
"""
FLOOD = """
end = time.monotonic() + 4
with open(f"/proc/{os.getppid()}/fd/1", "w") as shown:
    while time.monotonic() < end:
        shown.write("flood " * 10 + "\\n")
"""


class TestSurviving:
    def test_as_a_daemon(self, arena: Arena) -> None:
        with arena.attacker() as attacker:
            before = len(living(attacker))
            attacker.run(f"if os.fork() == 0:\n{indented(DAEMON)}\nos.wait()")
            arena.wait_for(lambda: len(living(attacker)) == before + 1, "the daemon to be alone")
        # Nothing is left.

    def test_as_many_that_start_one_another(self, arena: Arena) -> None:
        with arena.attacker() as attacker:
            attacker.begin("while True:\n    if os.fork(): os._exit(0)\n    os.setsid()")
            attacker.said()
            assert attacker.processes
        # Nothing is left.


def living(attacker: Attacker) -> list[psutil.Process]:
    return [process for process in attacker.processes if is_alive(process)]


def is_alive(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


class TestSpeaking:
    def test_a_flood_keeps_the_server_neither_busy_nor_fills_its_log(self, arena: Arena) -> None:
        log = arena.state / "logs" / "simulation.log"
        before = log.stat().st_size
        with arena.attacker() as attacker:
            attacker.begin(f"import time\n{FLOOD}")
            receive(attacker.stream, lambda message: "flood flood" in message)
            for _ in range(10):
                arena.answers_within(1)
            attacker.said()
        assert log.stat().st_size - before < 200_000

    def test_in_the_simulators_name_on_its_own_output(self, arena: Arena) -> None:
        with arena.attacker("liar") as attacker:
            attacker.heard()
            program = f"open(f'/proc/{{os.getppid()}}/fd/1', 'w').write({SAID!r} * 50)"
            attacker.begin(program)
            receive(attacker.stream, lambda message: message.startswith("stdout:") and "pause" in message)
            self.nothing_was_believed(attacker)

    def test_in_the_simulators_name_on_the_output_of_others(self, arena: Arena) -> None:
        with arena.attacker("liar") as attacker:
            attacker.heard()
            program = (
                "for pid, most in ((simulator(), 3), (launcher(), 20), (1, 20)):\n"
                "    for number in range(1, most):\n"
                f"        print(attempt(lambda: open(f'/proc/{{pid}}/fd/{{number}}', 'w').write({SAID!r})), end=' ')\n"
                "    print()"
            )
            simulator, launcher, first = attacker.run(program).splitlines()
            assert set(launcher.split()) == set(first.split()) == {"EACCES"}
            assert simulator.split() == ["ENXIO", "ENXIO"]
            self.nothing_was_believed(attacker)

    def nothing_was_believed(self, attacker: Attacker) -> None:
        """The page hears of no life but the real one, every five seconds, and the monitor shows what is the case."""
        attacker.arena.wait_for(lambda: attacker.frames(1) > 0, "the simulation to go on")
        assert attacker.heard().count(".") <= 1
        shown = instance(attacker.arena, "liar")
        assert (shown["phase"], shown["idle"]) == ("running", False)
        attacker.stream.send("pause")
        attacker.arena.wait_for(lambda: instance(attacker.arena, "liar")["idle"], "the pause")


SAID = "\nopen\n.\npause\n"


def instance(arena: Arena, project: str) -> dict[str, Any]:
    """Give what the monitor page shows of an instance."""
    instances: dict[str, dict[str, Any]] = json.loads(arena.get(arena.simulation, "/monitor.json"))["instances"]
    return next(shown for shown in instances.values() if shown["project"] == project)
