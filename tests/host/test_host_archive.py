"""ZIP archives made block by block."""

from __future__ import annotations

import io
import os
import stat
from pathlib import Path
from zipfile import ZipFile

import pytest

from tests.open_files import open_paths
from webots_cloud.host.archive import BLOCK_BYTES, archive


def packed(files: dict[str, Path]) -> ZipFile:
    return ZipFile(io.BytesIO(b"".join(archive(files))))


def test_an_archive_holds_the_files(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(os.urandom(3 * BLOCK_BYTES + 1))
    (tmp_path / "b").write_bytes(b"")
    with packed({"worlds/a.wbt": tmp_path / "a", "b": tmp_path / "b"}) as made:
        assert made.testzip() is None
        assert made.namelist() == ["worlds/a.wbt", "b"]
        assert made.read("worlds/a.wbt") == (tmp_path / "a").read_bytes()
        assert made.read("b") == b""


def test_an_archive_of_nothing_is_one() -> None:
    with packed({}) as made:
        assert made.namelist() == []


def test_a_program_can_be_run_after_unpacking_and_no_mode_is_special(tmp_path: Path) -> None:
    for name, mode in (("program", 0o4755), ("text", 0o600)):
        (tmp_path / name).write_text(name)
        (tmp_path / name).chmod(mode)
    with packed({name: tmp_path / name for name in ("program", "text")}) as made:
        modes = {info.filename: info.external_attr >> 16 for info in made.infolist()}
    assert modes == {"program": stat.S_IFREG | 0o755, "text": stat.S_IFREG | 0o644}


def test_dates_before_the_first_that_an_archive_can_hold_are_taken(tmp_path: Path) -> None:
    (tmp_path / "old").write_text("old")
    os.utime(tmp_path / "old", (0, 0))
    with packed({"old": tmp_path / "old"}) as made:
        assert made.getinfo("old").date_time == (1980, 1, 1, 0, 0, 0)


def test_blocks_are_small_however_large_the_file(tmp_path: Path) -> None:
    (tmp_path / "large").write_bytes(os.urandom(4_000_000))
    sizes = [len(block) for block in archive({"large": tmp_path / "large"})]
    assert len(sizes) > 50
    assert max(sizes) < 3 * BLOCK_BYTES


def test_a_file_that_grows_meanwhile_is_packed_as_long_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(os.urandom(4 * BLOCK_BYTES))
    before = path.read_bytes()
    blocks = archive({"log": path})
    first = next(blocks)
    with path.open("ab") as file:
        file.write(b"more")
    with ZipFile(io.BytesIO(first + b"".join(blocks))) as made:
        assert made.read("log") == before


def test_a_file_that_a_symbolic_link_replaced_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    (tmp_path / "file").symlink_to(tmp_path / "secret")
    with pytest.raises(OSError, match="symbolic links"):
        list(archive({"file": tmp_path / "file"}))


def test_a_file_that_a_pipe_replaced_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "file")
    with pytest.raises(OSError, match="no file any more"):
        list(archive({"file": tmp_path / "file"}))


def test_an_archive_that_is_not_wanted_any_more_closes_its_file(tmp_path: Path) -> None:
    path = tmp_path / "large"
    path.write_bytes(os.urandom(4 * BLOCK_BYTES))
    blocks = archive({"large": path})
    next(blocks)
    assert path in open_paths()
    blocks.close()  # type: ignore[attr-defined]  # it is a generator
    assert path not in open_paths()
