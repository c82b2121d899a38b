"""The display of an instance: its authority file, and an Xvfb that asks for it."""

from __future__ import annotations

import os
import shutil
import socket
import stat
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from webots_cloud.simulation.inside import display
from webots_cloud.simulation.inside.display import (
    Interrupted,
    NoDisplay,
    read_display_number,
    write_authority,
    xvfb_command,
)

NAME = b"MIT-MAGIC-COOKIE-1"


@pytest.fixture
def authority(tmp_path: Path) -> Path:
    path = tmp_path / "authority"
    write_authority(str(path))
    return path


class TestAuthority:
    def test_it_is_one_entry_for_all_displays(self, authority: Path) -> None:
        data = authority.read_bytes()
        family, fields = data[:2], []
        data = data[2:]
        while data:
            length = int.from_bytes(data[:2], "big")
            fields.append(data[2 : 2 + length])
            data = data[2 + length :]
        assert family == b"\xff\xff"
        assert fields[:3] == [b"", b"", NAME]
        assert len(fields[3]) == 16

    @pytest.mark.skipif(not shutil.which("xauth"), reason="xauth is not installed")
    def test_the_tool_for_them_reads_it(self, authority: Path) -> None:
        said = subprocess.run(
            ["xauth", "-f", str(authority), "list"], capture_output=True, text=True, check=True
        ).stdout
        assert said.split()[-2:] == [NAME.decode(), authority.read_bytes()[-16:].hex()]

    def test_each_has_a_cookie_of_its_own(self, authority: Path, tmp_path: Path) -> None:
        write_authority(str(tmp_path / "other"))
        assert (tmp_path / "other").read_bytes()[-16:] != authority.read_bytes()[-16:]

    def test_nobody_else_can_read_it(self, tmp_path: Path) -> None:
        before = os.umask(0)
        try:
            write_authority(str(tmp_path / "open"))
        finally:
            os.umask(before)
        assert stat.S_IMODE((tmp_path / "open").stat().st_mode) == 0o600

    def test_what_is_there_already_is_not_written_to(self, tmp_path: Path) -> None:
        (tmp_path / "target").touch()
        (tmp_path / "link").symlink_to(tmp_path / "target")
        for name in ("target", "link"):
            with pytest.raises(FileExistsError):
                write_authority(str(tmp_path / name))
        assert (tmp_path / "target").read_bytes() == b""


class TestNumber:
    @pytest.fixture
    def pipe(self) -> Iterator[tuple[int, int]]:
        reading, writing = os.pipe()
        yield reading, writing
        for end in (reading, writing):
            os.close(end)

    @pytest.fixture
    def interruption(self) -> Iterator[tuple[socket.socket, socket.socket]]:
        ours, theirs = socket.socketpair()
        with ours, theirs:
            yield ours, theirs

    @pytest.mark.parametrize(("said", "number"), [(b"0\n", 0), (b"17\n", 17), (b"0" * 100 + b"7\n", 7)])
    def test_is_read(
        self, pipe: tuple[int, int], interruption: tuple[socket.socket, socket.socket], said: bytes, number: int
    ) -> None:
        os.write(pipe[1], said)
        assert read_display_number(pipe[0], interruption[0].fileno()) == number

    @pytest.mark.parametrize("said", [b"\n", b"none\n", b"1 2\n", b"\xff\xfe\n", b"9" * 5000 + b"\n"])
    def test_something_else_is_no_display(
        self, pipe: tuple[int, int], interruption: tuple[socket.socket, socket.socket], said: bytes
    ) -> None:
        os.write(pipe[1], said)
        with pytest.raises(NoDisplay):
            read_display_number(pipe[0], interruption[0].fileno())

    @pytest.mark.parametrize("said", [b"", b"1"])
    def test_its_end_is_noticed(self, interruption: tuple[socket.socket, socket.socket], said: bytes) -> None:
        reading, writing = os.pipe()
        os.write(writing, said)
        os.close(writing)
        with pytest.raises(NoDisplay):
            read_display_number(reading, interruption[0].fileno())
        os.close(reading)

    @pytest.mark.parametrize("said", [b"", b"1"])
    def test_it_may_not_take_too_long(
        self,
        pipe: tuple[int, int],
        interruption: tuple[socket.socket, socket.socket],
        monkeypatch: pytest.MonkeyPatch,
        said: bytes,
    ) -> None:
        monkeypatch.setattr(display, "_SECONDS", 0.05)
        os.write(pipe[1], said)
        begin = time.monotonic()
        with pytest.raises(NoDisplay):
            read_display_number(pipe[0], interruption[0].fileno())
        assert time.monotonic() - begin >= 0.05

    @pytest.mark.parametrize("vanishes", [False, True])
    def test_one_that_is_not_needed_is_not_waited_for(
        self, pipe: tuple[int, int], interruption: tuple[socket.socket, socket.socket], vanishes: bool
    ) -> None:
        os.write(pipe[1], b"17\n")
        interruption[1].close() if vanishes else interruption[1].sendall(b"end\n")
        with pytest.raises(Interrupted):
            read_display_number(pipe[0], interruption[0].fileno())


def knock(number: int, name: bytes, cookie: bytes) -> int:
    """Ask an X server for entry; it answers 0 for no, 1 for yes."""
    with socket.socket(socket.AF_UNIX) as server:
        server.settimeout(60)
        server.connect(f"/tmp/.X11-unix/X{number}")  # noqa: S108 -- where X servers listen
        padded = cookie + bytes(-len(cookie) % 4)
        lengths = len(name).to_bytes(2, "little") + len(cookie).to_bytes(2, "little")
        server.sendall(b"l\0\x0b\0\0\0" + lengths + b"\0\0" + name + bytes(-len(name) % 4) + padded)
        return server.recv(1)[0]


def test_xvfb_lets_in_who_has_the_cookie_and_nobody_else(authority: Path) -> None:
    reading, writing = os.pipe()
    command = xvfb_command(str(authority), writing)
    ours, theirs = socket.socketpair()
    cookie = authority.read_bytes()[-16:]
    with ours, theirs, subprocess.Popen(command, pass_fds=[writing], stderr=subprocess.DEVNULL) as server:
        os.close(writing)
        try:
            number = read_display_number(reading, ours.fileno())
            keys = [(b"", b""), (NAME, bytes(16)), (NAME, cookie[:15]), (NAME, cookie)]
            assert [knock(number, *key) for key in keys] == [0, 0, 0, 1]
        finally:
            os.close(reading)
            server.terminate()
