"""What hostile website hosts and pages put into projects and requests: nothing gets out of its instance's folder."""

from __future__ import annotations

import copy
import io
import json
import os
import socket
import stat
import threading
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.e2e.exposed import ADA, KEY, SECRET, WORLD, Driver, Given, Server, exposed, packed, project
from tests.e2e.page import begins, receive
from tests.e2e.program import PATIENCE

WORLD_NAME = "worlds/arena.wbt"
MEGABYTE = 10**6
ARCHIVE, PROJECT, FILES = 2, 5, 200
"""Megabytes of an archive, megabytes of a project, and files of one that are allowed."""

Tree = dict[Path, tuple[int, int, bytes]]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with exposed(
        tmp_path_factory.mktemp("place") / "server",
        maxArchiveMegabytes=ARCHIVE,
        maxProjectMegabytes=PROJECT,
        maxProjectFiles=FILES,
        maxStartsPerMinute=100000,
    ) as server:
        yield server


@pytest.fixture(autouse=True)
def nobody_else_notices(server: Server, honest: Driver) -> Iterator[None]:
    """See that nothing but the honest page's instance is left, and that nothing outside of instances is changed."""
    (own,) = server.folders
    before = tree(server, own)
    yield
    honest.steps()
    server.wait_for(lambda: server.monitor("instances") == 1, "the instance to end")
    assert server.folders == [own]
    assert tree(server, own) == before


def tree(server: Server, own: Path) -> Tree:
    """Look at all that is near the server, except its logs."""
    found = [path for path in server.place.parent.rglob("*") if (server.place / "logs") not in path.parents]
    return {path: look(path) for path in found if own not in path.parents and path.name != ".lock"}


def look(path: Path) -> tuple[int, int, bytes]:
    status = path.lstat()
    return status.st_mode, status.st_ino, path.read_bytes() if stat.S_ISREG(status.st_mode) else b""


Made = Callable[[zipfile.ZipFile], None]


def archive(make: Made, world: bool = True) -> bytes:
    """Make an archive with a sound world and what else a function puts into it."""
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as zipped:
        if world:
            zipped.writestr(WORLD_NAME, WORLD)
        make(zipped)
    return written.getvalue()


def entry(name: str, content: bytes = b"evil", kind: int = stat.S_IFREG, mode: int = 0o644) -> Made:
    """Put in an entry, whatever its name is."""

    def make(zipped: zipfile.ZipFile) -> None:
        info = zipfile.ZipInfo("x")
        info.filename = name
        info.compress_type = zipfile.ZIP_DEFLATED
        info.external_attr = (kind | mode) << 16
        zipped.writestr(info, content)

    return make


def entries(*made: Made) -> Made:
    def make(zipped: zipfile.ZipFile) -> None:
        for one in made:
            one(zipped)

    return make


def overlapping(zipped: zipfile.ZipFile) -> None:
    """Name the same bytes many times."""
    zipped.writestr("a", bytes(MEGABYTE // 10))
    for number in range(FILES // 2):
        again = copy.copy(zipped.filelist[-1])
        again.filename = f"b{number}"
        zipped.filelist.append(again)


def encrypted(zipped: zipfile.ZipFile) -> None:
    zipped.writestr("a", "evil")
    zipped.filelist[-1].flag_bits |= 1


def by_bzip2(zipped: zipfile.ZipFile) -> None:
    zipped.writestr("a", "evil", zipfile.ZIP_BZIP2)


def of_other_size(zipped: zipfile.ZipFile) -> None:
    """Say that a file is smaller than it is."""
    zipped.writestr("a", b"evil" * 10000)
    zipped.filelist[-1].file_size = 1


def of_huge_size(zipped: zipfile.ZipFile) -> None:
    """Say that a file is larger than anything is."""
    zipped.writestr("a", b"evil")
    zipped.filelist[-1].file_size = zipped.filelist[-1].compress_size = 2**62


def elsewhere(zipped: zipfile.ZipFile) -> None:
    """Say that a file begins behind the end."""
    zipped.writestr("a", b"evil")
    zipped.filelist[-1].header_offset = 2**40


def with_many_ends(zipped: zipfile.ZipFile) -> None:
    """Have the comment look like the ends of other archives."""
    zipped.comment = b"PK\x05\x06" * 16000


def with_long_comment(zipped: zipfile.ZipFile) -> None:
    zipped.comment = b"a" * 65535


LINK = stat.S_IFLNK
NOT_A_PATH, NOT_A_FILE, NOT_SOUND, TOO_MUCH = "not a path", "neither a file", "not a sound", "too large"
HOSTILE: dict[str, tuple[Made, str]] = {
    "a parent folder": (entry("../evil"), NOT_A_PATH),
    "many parent folders": (entry("worlds/../../../../evil"), NOT_A_PATH),
    "a parent folder at the end": (entry("worlds/.."), NOT_A_PATH),
    "an absolute path": (entry("/evil"), NOT_A_PATH),
    "a drive": (entry("C:\\evil"), NOT_A_PATH),
    "backslashes": (entry("..\\..\\evil"), NOT_A_PATH),
    "one dot": (entry("./evil"), NOT_A_PATH),
    "two slashes": (entry("worlds//evil"), NOT_A_PATH),
    "no name": (entry(""), NOT_A_PATH),
    "NUL": (entry("evil\0.txt"), NOT_A_PATH),
    "a line end": (entry("evil\n.txt"), NOT_A_PATH),
    "text that runs backwards": (entry("evil\u202etxt.py"), NOT_A_PATH),
    "a long name": (entry("a" * 300), NOT_A_PATH),
    "a very long path": (entry("/".join(["abcdefgh"] * 30) * 30), NOT_A_PATH),
    "many folders within each other": (entry("a/" * 100 + "evil"), NOT_A_PATH),
    "a link": (entry("link", b"/etc/passwd", LINK), NOT_A_FILE),
    "a link to a folder, and a file in it": (entries(entry("a", b"..", LINK), entry("a/evil")), NOT_A_FILE),
    "a link in the place of the world": (entry(WORLD_NAME, b"/etc/passwd", LINK), NOT_A_FILE),
    "a link in the place of a folder": (entry("controllers", b"..", LINK), NOT_A_FILE),
    "a character device": (entry("zero", kind=stat.S_IFCHR), NOT_A_FILE),
    "a block device": (entry("disk", kind=stat.S_IFBLK), NOT_A_FILE),
    "a pipe": (entry("pipe", kind=stat.S_IFIFO), NOT_A_FILE),
    "a socket": (entry("socket", kind=stat.S_IFSOCK), NOT_A_FILE),
    "a file in the place of a folder": (entries(entry("a"), entry("a/evil")), "file and a folder"),
    "a folder in the place of a file": (entries(entry("a/evil"), entry("a")), "file and a folder"),
    "a folder named host.txt": (entry("host.txt/evil"), "host.txt"),
    "a link named host.txt": (entry("host.txt", b"../../secret.png", LINK), NOT_A_FILE),
    "a bomb": (entry("bomb", bytes(4 * MEGABYTE)), "suspiciously small"),
    "a bomb in many pieces": (
        entries(*(entry(f"bomb{number}", bytes(MEGABYTE)) for number in range(2 * PROJECT))),
        TOO_MUCH,
    ),
    "the same bytes many times": (overlapping, "overlap"),
    "many files": (entries(*(entry(f"file{number}", b"") for number in range(2 * FILES))), TOO_MUCH),
    "many folders": (entries(*(entry(f"{number}/a/b/c/d/", b"") for number in range(FILES // 2))), TOO_MUCH),
    "an encrypted file": (encrypted, "encrypted"),
    "another method": (by_bzip2, "other than deflate"),
    "a wrong size": (of_other_size, NOT_SOUND),
    "a huge size": (of_huge_size, "cannot be unpacked"),
    "an offset behind the end": (elsewhere, NOT_SOUND),
    "many ends": (with_many_ends, NOT_SOUND),
    "a large archive": (entry("noise", os.urandom(ARCHIVE * MEGABYTE)), "larger than"),
}


@pytest.mark.parametrize(("make", "why"), HOSTILE.values(), ids=HOSTILE)
def test_an_archive_with(server: Server, make: Made, why: str) -> None:
    for user, base in ((("",) * 3, "hostile"), (ADA, "arena")):
        # As a project of its own, and as a user's version of a base project.
        server.host.answers[base] = Given(archive(make))
        try:
            told = server.told(server.init(base, user=user))
        finally:
            del server.host.answers[base]
        assert why in told, told


BROKEN: dict[str, Callable[[bytes], bytes]] = {
    "half of an archive": lambda sound: sound[: len(sound) // 2],
    "an archive without its beginning": lambda sound: sound[10:],
    "an archive with changed bytes": lambda sound: sound.replace(b"arena", b"evil!", 1),
    "a program before the archive": lambda sound: b"MZ" + bytes(1000) + sound,
    "only the beginning": lambda sound: b"PK\x03\x04",
    "noise": lambda sound: b"PK\x03\x04" + os.urandom(100000),
    "a page": lambda sound: b"<html><script>alert(1)</script></html>",
    "nothing": lambda sound: b"",
    "a long error": lambda sound: b"Error: " + b"<script>" * 100000,
    "an error on many lines": lambda sound: b"Error: a\r\n2030-01-01 [forged] b\x1b[2J\0",
    "an error that is no text": lambda sound: b"Error: \xff\xfe",
}


@pytest.mark.parametrize("damage", BROKEN.values(), ids=BROKEN)
def test_instead_of_an_archive(server: Server, damage: Callable[[bytes], bytes]) -> None:
    server.host.answers["broken"] = Given(damage(packed(project())))
    told = server.told(server.init("broken"))
    assert len(told) < 500
    assert told.isprintable()
    assert [line for line in server.log.splitlines() if line.startswith("2030")] == []


def test_an_archive_of_which_nothing_is_wrong_but_odd(server: Server) -> None:
    odd = entries(
        with_long_comment,
        entry("setuid", mode=0o6777),
        entry("Case", b"one"),
        entry("case", b"other"),
        entry("twice", b"one"),
        entry("twice", b"other"),
        entry("host.txt", b"https://evil.example.org"),
    )
    server.host.answers["odd"] = Given(archive(odd))
    with server.simulation(message=server.init("odd")):
        (folder,) = (folder / "project" for folder in server.folders if (folder / "project" / "setuid").exists())
        modes = {path.stat().st_mode & 0o7777 for path in folder.rglob("*")}
        assert modes <= {0o700, 0o600}
        assert ((folder / "Case").read_text(), (folder / "case").read_text()) == ("one", "other")
        assert (folder / "twice").read_text() == "other"
        assert (folder / "host.txt").read_text() == server.host.url


WIDE_LOCALHOST = "".join(chr(ord(letter) + 0xFEE0) for letter in "localhost")
"""What some programs take for the same name (Unicode's normalization form KC)."""


@contextmanager
def listener() -> Iterator[tuple[int, list[str]]]:
    """Stand for a service that only this machine should reach; gives its port and who has come."""
    came: list[str] = []
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def accept() -> None:
            while True:
                connection, address = listening.accept()
                connection.close()
                if address[0] == "127.0.0.98":
                    return
                came.append(address[0])

        thread = threading.Thread(target=accept)
        thread.start()
        port = int(listening.getsockname()[1])
        try:
            yield port, came
        finally:
            # Whoever came before has been seen when this one is.
            socket.create_connection(("127.0.0.1", port), PATIENCE, ("127.0.0.98", 0)).close()
            thread.join(PATIENCE)


def test_a_host_that_is_an_address_or_another_port_is_not_contacted(server: Server) -> None:
    with listener() as (port, came):
        own = server.host.port
        for host in (
            f"http://localhost:{port}",
            f"http://127.0.0.1:{own}",
            f"http://127.0.0.1:{port}",
            f"http://127.1:{port}",
            f"http://2130706433:{port}",
            f"http://0x7f000001:{port}",
            f"http://0177.0.0.1:{port}",
            f"http://[::1]:{port}",
            f"http://[::ffff:127.0.0.1]:{port}",
            f"http://localhost.:{own}",
            f"http://user:password@localhost:{own}",
            f"http://localhost:{own}@localhost:{port}",
            f"http://localhost:{port}#@localhost:{own}",
            f"http://localhost:{own}/../../x",
            f"http://localhost:{own}?x=y",
            f"http://localhost:{own}\r\nX: y",
            f"http://localhost:{own} localhost:{port}",
            f"http://localhost\\@localhost:{port}",
            f"http://{WIDE_LOCALHOST}:{own}",
            f"http://localhost:0{own}",
            f"ftp://localhost:{own}",
            "file:///etc/passwd",
            f"gopher://localhost:{port}",
            f"//localhost:{port}",
            "http://../secret.png",
            "http://",
            "localhost",
        ):
            server.host.forms.clear()
            told = server.told(server.init("mine", host=host))
            assert "is not the name of a website" in told or "is not known to this server" in told, host
            assert "password" not in told
            assert server.host.forms == [], host
    assert came == []


def test_a_host_that_sends_the_server_elsewhere_is_not_followed(server: Server) -> None:
    with listener() as (port, came):
        for status in (301, 302, 303, 307, 308):
            for place in (f"http://127.0.0.1:{port}/", f"http://localhost:{port}/", "file:///etc/passwd"):
                server.host.answers["away"] = Given(b"", status, {"Location": place})
                assert f"status {status}" in server.told(server.init("away"))
        server.host.answers["away"] = Given(packed(project()), 200, {"Content-Encoding": "gzip"})
        assert "does not give the project" in server.told(server.init("away"))
    assert came == []


def test_the_key_is_shown_to_its_own_host_only(server: Server) -> None:
    server.host.forms.clear()
    server.told(server.init("absent"))
    assert {form["key"] for form in server.host.forms} == {KEY}
    assert KEY not in server.told(server.init("absent"))


NAMES = (
    "..",
    ".",
    "",
    "../secret.png",
    "../../etc",
    "/etc",
    "a/b",
    "a\\b",
    "~",
    "~root",
    "$HOME",
    "`id`",
    "$(id)",
    "; id",
    "-rf",
    "--config=x",
    "a\0b",
    "a\nb",
    "\u202e",
    "é",
    ".hidden",
    "a" * 101,
    "%2e%2e",
)


def test_names_that_are_no_names(server: Server) -> None:
    for name in NAMES:
        assert "project" in server.told(server.init(name)) or "\0" in name
        for end in ("", ".wbt", "/arena.wbt"):
            if f"{name}{end}" not in ("-rf.wbt", "~.wbt"):
                told = server.told(server.init("arena", f"{name}{end}"))
                assert "is not the name of a" in told or "is not text" in told, name


def test_a_controller_that_is_no_controller_is_not_reset(server: Server) -> None:
    hostile = [f"{name}/go.py" for name in NAMES] + [f"go/{name}" for name in NAMES]
    hostile += ["go", "go/", "/", "go/go.py/..", "go/../go/go.py", "/dev/zero", str(server.place / "secret.png")]
    for name in hostile:
        told = server.told(json.dumps({"reset controller": name}))
        assert "is not the name of a controller file" in told or "before it starts" in told, name
    for name in hostile[::10]:
        with server.simulation() as simulation:
            simulation.client.send(json.dumps({"reset controller": name}))
            assert [str(message) for message in simulation.client][-1].startswith("error: "), name


def test_a_reset_leaves_alone_what_hostile_programs_have_put_there(server: Server) -> None:
    with server.simulation() as simulation:
        (folder,) = (one for one in server.folders if one.name.startswith(f"{newest(server)}-"))
        controllers = folder / "project" / "controllers"
        file = controllers / "go" / "go.py"

        def reset() -> str:
            simulation.client.send(json.dumps({"reset controller": "go/go.py"}))
            while (message := str(simulation.client.recv(PATIENCE))) and not message.startswith(("reset", "error")):
                pass
            return message

        tricks: tuple[Callable[[], None], ...] = (
            lambda: file.symlink_to(server.place / "secret.png"),
            lambda: file.symlink_to("/dev/zero"),
            lambda: os.mkfifo(file),
            lambda: os.link(server.place / "secret.png", file),
        )
        for make in tricks:
            file.unlink()
            make()
            assert reset() == "reset controller: go/go.py"
            assert (file.is_symlink(), file.read_bytes()) == (False, project()["controllers/go/go.py"])
        for link, where in ((file, file / "x"), (controllers / "go", server.place), (controllers, server.place)):
            os.rename(link, folder / "project" / "away")
            link.mkdir() if where == file / "x" else link.symlink_to(where)
            assert "no controller file" in reset()
            link.rmdir() if where == file / "x" else link.unlink()
            os.rename(folder / "project" / "away", link)
        assert (server.place / "secret.png").read_text() == SECRET


def newest(server: Server) -> int:
    """Give the number of the instance that was started last."""
    return max(int(folder.name.partition("-")[0]) for folder in server.folders)


def test_a_user_of_another_host_is_told_nothing(server: Server) -> None:
    server.host.answers["arena"] = Given(b"Error: the key is " + KEY.encode())
    try:
        told = server.told(server.init(user=ADA))
    finally:
        del server.host.answers["arena"]
    assert "does not give the project" in told
    with server.simulation(message=server.init(user=ADA)) as simulation, simulation.stream() as stream:
        receive(stream, begins("scene load completed"))
