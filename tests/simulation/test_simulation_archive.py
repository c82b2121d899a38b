"""Unpacking archives: sound ones arrive whole; bad ones get nothing outside, and nothing beyond their limit."""

from __future__ import annotations

import os
import stat
import struct
import subprocess
import sys
import zipfile
from collections.abc import Callable, Mapping
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.defer import CancelledError

from webots_cloud.errors import BadArchive, ClientError, NoDiskSpace, ProjectTooLarge
from webots_cloud.simulation.archive import MAX_DEPTH, MAX_RATIO, RATIO_MATTERS_FROM, Limits, unpack

HOST = "http://example.org"
LIMITS = Limits(bytes=10_000_000, files=100)
ENTRY_HEADER = b"PK\x01\x02"
LOCAL_HEADER = b"PK\x03\x04"


def go_on() -> None:
    """Nobody leaves."""


def packed(files: Mapping[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    written = BytesIO()
    with zipfile.ZipFile(written, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return written.getvalue()


def entry(name: str, mode: int, content: bytes = b"") -> bytes:
    written = BytesIO()
    with zipfile.ZipFile(written, "w") as archive:
        info = zipfile.ZipInfo(name)
        info.create_system = 3
        info.external_attr = mode << 16
        archive.writestr(info, content)
    return written.getvalue()


def patched(archive: bytes, header: bytes, offset: int, field: bytes) -> bytes:
    """Overwrite a field of the first header of a kind."""
    place = archive.index(header) + offset
    return archive[:place] + field + archive[place + len(field) :]


def unpacked(folder: Path, archive: bytes, limits: Limits = LIMITS) -> Path:
    file, target = folder / "archive.zip", folder / "target"
    file.write_bytes(archive)
    target.mkdir(exist_ok=True)
    unpack(go_on, file, target, limits, HOST)
    return target


def refusal(folder: Path, archive: bytes, limits: Limits = LIMITS) -> str:
    with pytest.raises(ClientError) as refused:
        unpacked(folder, archive, limits)
    assert isinstance(refused.value, BadArchive | ProjectTooLarge)
    return str(refused.value)


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


class TestSound:
    files: Mapping[str, bytes] = {
        "worlds/simple.wbt": b"#VRML_SIM R2021b utf8\n",
        "controllers/go/go.py": b"print('go')\n" * 1000,
        "a name with blanks (2)/\u00e4\u00f6\u00fc.txt": b"",
        "textures/noise.png": os.urandom(300_000),
    }

    @pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
    def test_arrives_whole(self, tmp_path: Path, method: int) -> None:
        assert contents(unpacked(tmp_path, packed(self.files, method))) == self.files

    def test_is_laid_over_what_is_there(self, tmp_path: Path) -> None:
        target = tmp_path / "target"
        (target / "worlds").mkdir(parents=True)
        (target / "worlds" / "simple.wbt").write_bytes(b"a longer text than the new one")
        (target / "worlds" / "other.wbt").write_bytes(b"other")
        unpacked(tmp_path, packed({"worlds/simple.wbt": b"new"}))
        assert contents(target) == {"worlds/simple.wbt": b"new", "worlds/other.wbt": b"other"}

    def test_keeps_only_whether_a_file_is_executable(self, tmp_path: Path) -> None:
        target = unpacked(tmp_path, entry("go", stat.S_IFREG | 0o6777))
        assert stat.S_IMODE((target / "go").stat().st_mode) == 0o700
        target = unpacked(tmp_path, entry("data", stat.S_IFREG | 0o466))
        assert stat.S_IMODE((target / "data").stat().st_mode) == 0o600

    def test_replaces_a_base_file_that_may_not_be_written(self, tmp_path: Path) -> None:
        (tmp_path / "target").mkdir()
        (tmp_path / "target" / "simple.wbt").write_bytes(b"old")
        (tmp_path / "target" / "simple.wbt").chmod(0o400)
        target = unpacked(tmp_path, packed({"simple.wbt": b"new"}))
        assert contents(target) == {"simple.wbt": b"new"}
        assert stat.S_IMODE((target / "simple.wbt").stat().st_mode) == 0o600

    def test_may_have_folders_of_their_own(self, tmp_path: Path) -> None:
        target = unpacked(tmp_path, entry("protos/", stat.S_IFDIR | 0o000))
        assert stat.S_IMODE((target / "protos").stat().st_mode) == 0o700

    def test_of_a_program_that_knows_no_modes(self, tmp_path: Path) -> None:
        assert contents(unpacked(tmp_path, entry("notes.txt", 0, b"text"))) == {"notes.txt": b"text"}

    def test_may_be_empty(self, tmp_path: Path) -> None:
        assert contents(unpacked(tmp_path, packed({}))) == {}

    def test_may_have_the_most_files_that_are_allowed(self, tmp_path: Path) -> None:
        files = {f"{number}.txt": b"" for number in range(LIMITS.files)}
        assert contents(unpacked(tmp_path, packed(files))) == files

    def test_may_be_as_large_as_is_allowed(self, tmp_path: Path) -> None:
        files = {"noise": os.urandom(1_000_000)}
        assert contents(unpacked(tmp_path, packed(files), Limits(1_000_000, 1))) == files

    def test_may_be_packed_well(self, tmp_path: Path) -> None:
        files = {"flat.pgm": b"P5 1000 1000 255\n" + bytes(RATIO_MATTERS_FROM - 100)}
        assert contents(unpacked(tmp_path, packed(files))) == files

    def test_may_begin_with_something_else(self, tmp_path: Path) -> None:
        assert contents(unpacked(tmp_path, b"#!/bin/sh\n" + packed(self.files))) == self.files


@pytest.mark.parametrize(
    "name",
    [
        "..",
        "../outside",
        "worlds/../../outside",
        "worlds/..",
        "/etc/passwd",
        "//outside",
        "worlds//simple.wbt",
        "./simple.wbt",
        "worlds/./simple.wbt",
        "..\\outside",
        "C:\\outside",
        "worlds\\simple.wbt",
        "new\nline",
        "bell\a",
        "escape\x1b[2J",
        "right\u202eleft",
        "n" * 256,
        "\u00e4" * 128,
        "/".join("f" * (MAX_DEPTH + 1)),
        "/".join(["n" * 250] * 20),
        "/",
    ],
)
def test_a_name_that_is_no_path_within_the_project_is_refused(tmp_path: Path, name: str) -> None:
    assert "name" in refusal(tmp_path, packed({"first.txt": b"", name: b"content"}))
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["archive.zip", "target"]


def test_a_name_with_nul_is_refused(tmp_path: Path) -> None:
    archive = packed({"simpleXwbt": b""}).replace(b"simpleXwbt", b"simple\0wbt")
    assert "name" in refusal(tmp_path, archive)


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFCHR, stat.S_IFBLK, stat.S_IFIFO, stat.S_IFSOCK])
def test_an_entry_that_is_neither_file_nor_folder_is_refused(tmp_path: Path, kind: int) -> None:
    assert "neither a file nor a folder" in refusal(tmp_path, entry("link", kind | 0o777, b"/etc/passwd"))


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_other_methods_are_refused(tmp_path: Path, method: int) -> None:
    assert "other than deflate" in refusal(tmp_path, packed({"a": b"a" * 100}, method))


def test_an_encrypted_entry_is_refused(tmp_path: Path) -> None:
    assert "encrypted" in refusal(tmp_path, patched(packed({"a": b"a"}), ENTRY_HEADER, 8, b"\x01\x00"))


@pytest.mark.parametrize("order", [["same", "same/file"], ["same/file", "same"]])
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_file_and_a_folder_of_one_name_are_refused(tmp_path: Path, order: list[str]) -> None:
    assert "of one name" in refusal(tmp_path, packed(dict.fromkeys(order, b"content")))


def test_a_file_where_the_base_project_has_a_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "target" / "worlds").mkdir(parents=True)
    assert "of one name" in refusal(tmp_path, packed({"worlds": b""}))


def test_100_000_entries_are_refused_before_one_is_unpacked(tmp_path: Path) -> None:
    archive = packed({str(number): b"" for number in range(100_000)}, zipfile.ZIP_STORED)
    limits = Limits(10_000_000, 10_000)
    assert "more than 10000 files" in refusal(tmp_path, archive, limits)
    assert contents(tmp_path / "target") == {}


def test_one_entry_too_many_is_refused_before_one_is_unpacked(tmp_path: Path) -> None:
    archive = packed({str(number): b"" for number in range(LIMITS.files + 1)})
    assert f"more than {LIMITS.files} files" in refusal(tmp_path, archive)
    assert contents(tmp_path / "target") == {}


def test_folders_that_are_only_named_in_paths_count(tmp_path: Path) -> None:
    archive = packed({f"{number}/b/c/d/e/f": b"" for number in range(20)})
    assert f"more than {LIMITS.files} files" in refusal(tmp_path, archive)
    assert list((tmp_path / "target").iterdir()) == []


def test_a_bomb_of_one_file_is_refused_before_it_is_large(tmp_path: Path) -> None:
    limits = Limits(2**40, 10)
    assert "suspiciously small" in refusal(tmp_path, packed({"bomb": bytes(50_000_000)}), limits)
    assert (tmp_path / "target" / "bomb").stat().st_size <= RATIO_MATTERS_FROM + 50_000 * MAX_RATIO


def test_a_bomb_of_many_files_is_refused_at_the_limit_of_their_sum(tmp_path: Path) -> None:
    archive = packed({str(number): bytes(RATIO_MATTERS_FROM) for number in range(20)})
    assert "more than 10 MB" in refusal(tmp_path, archive)
    assert sum(len(content) for content in contents(tmp_path / "target").values()) <= LIMITS.bytes


def test_a_size_that_is_a_lie_is_of_no_use(tmp_path: Path) -> None:
    honest = packed({"bomb": bytes(RATIO_MATTERS_FROM)})
    for header, offset in ((ENTRY_HEADER, 24), (LOCAL_HEADER, 22)):
        honest = patched(honest, header, offset, struct.pack("<L", 10))
    assert "not a sound ZIP" in refusal(tmp_path, honest)
    assert sum(len(content) for content in contents(tmp_path / "target").values()) <= 10


def test_a_size_that_promises_more_than_there_is_is_of_no_use(tmp_path: Path) -> None:
    lying = patched(packed({"small": b"small"}, zipfile.ZIP_STORED), ENTRY_HEADER, 20, struct.pack("<LL", 2**31, 2**31))
    assert refusal(tmp_path, lying)


def overlapping(entries: int, content: bytes) -> bytes:
    """Make an archive whose directory names the same data again and again."""
    archive = packed({"0000": content}, zipfile.ZIP_STORED)
    end = archive.rindex(b"PK\x05\x06")
    directory = archive.index(ENTRY_HEADER)
    record = archive[directory:end]
    records = b"".join(record.replace(b"0000", f"{number:04}".encode()) for number in range(entries))
    tail = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, entries, entries, len(records), directory, 0)
    return archive[:directory] + records + tail


def test_entries_that_overlap_are_refused(tmp_path: Path) -> None:
    assert refusal(tmp_path, overlapping(50, os.urandom(1000)))
    assert contents(tmp_path / "target") == {}


def test_entries_that_overlap_in_part_are_refused(tmp_path: Path) -> None:
    inner = packed({"inner": b"x"}, zipfile.ZIP_STORED)
    outer = packed({"outer": inner[: inner.index(ENTRY_HEADER)], "inner": b"x"}, zipfile.ZIP_STORED)
    place = outer.index(LOCAL_HEADER, 4)
    second = outer.index(ENTRY_HEADER, outer.index(ENTRY_HEADER) + 4)
    assert refusal(tmp_path, outer[: second + 42] + struct.pack("<L", place) + outer[second + 46 :])
    assert contents(tmp_path / "target") == {}


@pytest.mark.parametrize(
    "archive",
    [b"", b"PK", b"PK\x03\x04", b"Error: no such project", b"<html>" * 1000, os.urandom(10_000), bytes(100_000)],
    ids=["nothing", "two bytes", "a magic number", "an error", "a page", "noise", "zeros"],
)
def test_what_is_no_archive_is_refused(tmp_path: Path, archive: bytes) -> None:
    assert "not a sound ZIP" in refusal(tmp_path, archive)


def test_an_archive_that_breaks_off_is_refused_wherever_it_does(tmp_path: Path) -> None:
    archive = packed({"a": b"some text", "b": os.urandom(100)})
    for length in range(len(archive)):
        assert refusal(tmp_path, archive[:length])


def test_a_directory_that_is_too_long_is_not_read(tmp_path: Path) -> None:
    written = BytesIO()
    with zipfile.ZipFile(written, "w") as archive:
        for number in range(10):
            info = zipfile.ZipInfo(str(number))
            info.comment = bytes(60_000)
            archive.writestr(info, b"")
    assert "directory is too long" in refusal(tmp_path, written.getvalue(), Limits(10**6, 10))


def test_a_damaged_file_is_refused(tmp_path: Path) -> None:
    archive = packed({"a": b"some text that is damaged"}, zipfile.ZIP_STORED)
    assert "not a sound ZIP" in refusal(tmp_path, archive.replace(b"damaged", b"DAMAGED", 1))


def test_a_client_that_leaves_stops_the_unpacking(tmp_path: Path) -> None:
    left = iter([None, None])

    def until_it_leaves() -> None:
        if next(left, self_left) is self_left:
            raise CancelledError

    self_left = object()
    (tmp_path / "archive.zip").write_bytes(packed({str(number): b"1" for number in range(50)}))
    (tmp_path / "target").mkdir()
    with pytest.raises(CancelledError):
        unpack(until_it_leaves, tmp_path / "archive.zip", tmp_path / "target", LIMITS, HOST)
    assert len(contents(tmp_path / "target")) < 3


def test_a_full_disk_is_told_as_one(tmp_path: Path) -> None:
    (tmp_path / "archive.zip").write_bytes(packed({"large": os.urandom(1_000_000)}))
    (tmp_path / "target").mkdir()
    script = (
        "import resource, sys; from pathlib import Path; from webots_cloud.errors import NoDiskSpace;"
        "from webots_cloud.simulation.archive import Limits, unpack;"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, 500_000)); here = Path(sys.argv[1])\n"
        "try: unpack(lambda: None, here / 'archive.zip', here / 'target', Limits(10**7, 10), 'host')\n"
        "except NoDiskSpace as full: print(full)"
    )
    command = [sys.executable, "-c", script, str(tmp_path)]
    told = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert told.stdout.strip() == str(NoDiskSpace())


def damage(archive: bytes, places: list[tuple[int, int]]) -> bytes:
    damaged = bytearray(archive)
    for place, value in places:
        damaged[place % len(damaged)] = value
    return bytes(damaged)


SOUND = packed({"worlds/simple.wbt": b"#VRML_SIM", "controllers/go/go.py": b"go" * 500, "empty/": b""})
TAIL = len(SOUND) - SOUND.index(ENTRY_HEADER)


def stays_inside(archive: bytes) -> None:
    with TemporaryDirectory() as folder:
        try:
            unpacked(Path(folder), archive)
        except (BadArchive, ProjectTooLarge):
            assert sorted(os.listdir(folder)) == ["archive.zip", "target"]
        assert sorted(os.listdir(folder)) == ["archive.zip", "target"]
        for path in (Path(folder) / "target").rglob("*"):
            assert stat.S_IFMT(path.lstat().st_mode) in (stat.S_IFREG, stat.S_IFDIR)


@settings(deadline=None, max_examples=300)
@given(places=st.lists(st.tuples(st.integers(0, 2**16), st.integers(0, 255)), max_size=8))
def test_whatever_is_damaged_is_told_as_a_bad_archive(places: list[tuple[int, int]]) -> None:
    stays_inside(damage(SOUND, places))


@settings(deadline=None, max_examples=300)
@given(places=st.lists(st.tuples(st.integers(-TAIL, -1), st.sampled_from([0, 1, 0x7F, 0x80, 0xFF])), max_size=8))
def test_whatever_is_damaged_in_the_directory_is_told_as_a_bad_archive(places: list[tuple[int, int]]) -> None:
    stays_inside(damage(SOUND, places))


def offset_before_the_file() -> bytes:
    """Make an archive whose directory says that it begins before the file does."""
    archive = packed({"a": b"a"})
    return patched(archive, b"PK\x05\x06", 12, struct.pack("<L", 2**31))


def offset_of_an_entry_far_away() -> bytes:
    return patched(packed({"a": b"a"}), ENTRY_HEADER, 42, struct.pack("<L", 2**32 - 2))


@pytest.mark.parametrize("archive", [offset_before_the_file, offset_of_an_entry_far_away])
def test_offsets_that_lead_out_of_the_file_are_refused(tmp_path: Path, archive: Callable[[], bytes]) -> None:
    assert "not a sound ZIP" in refusal(tmp_path, archive())
