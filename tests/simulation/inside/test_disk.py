"""The size of a folder, of which those who fill it would like another to be told."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from webots_cloud.simulation.inside.disk import BLOCK, folder_size

MOST_BYTES = 10**9
MOST_FILES = 1000
LARGE = 3_000_000


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "project"
    path.mkdir()
    return path


@pytest.fixture
def deep(folder: Path) -> Iterator[None]:
    """Begin in the folder, which is left by one step after the other, and remove it, which pytest could not."""
    here = os.getcwd()
    os.chdir(folder)
    yield
    os.chdir(here)
    subprocess.run(["rm", "-rf", str(folder)], check=True)


def measured(folder: Path, most_bytes: int = MOST_BYTES, most_files: int = MOST_FILES) -> tuple[int, int]:
    return folder_size(str(folder), most_bytes, most_files)


def blocks(*paths: Path) -> int:
    return sum(path.lstat().st_blocks * BLOCK for path in paths)


def test_nothing_is_nothing(folder: Path) -> None:
    assert measured(folder) == (0, 0)
    assert measured(folder / "absent") == (0, 0)


def test_files_and_folders_are_counted_on_all_levels(folder: Path) -> None:
    (folder / "a" / "b").mkdir(parents=True)
    (folder / "a" / "b" / "large").write_bytes(bytes(LARGE))
    (folder / "small").write_bytes(b"x")
    size = blocks(folder / "a", folder / "a" / "b", folder / "a" / "b" / "large", folder / "small")
    assert measured(folder) == (size, 4)
    assert size >= LARGE


def test_holes_take_nothing(folder: Path) -> None:
    (folder / "sparse").touch()
    os.truncate(folder / "sparse", 10**12)
    assert measured(folder) == (blocks(folder / "sparse"), 1)
    assert measured(folder)[0] < LARGE


def test_what_is_reserved_beyond_a_files_end_counts(folder: Path) -> None:
    file = os.open(folder / "empty", os.O_WRONLY | os.O_CREAT)
    os.posix_fallocate(file, 0, LARGE)
    os.close(file)
    assert measured(folder)[0] >= LARGE


def test_links_are_not_followed(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "large").write_bytes(bytes(LARGE))
    (folder / "folder").symlink_to(tmp_path / "elsewhere")
    (folder / "file").symlink_to(tmp_path / "elsewhere" / "large")
    (folder / "itself").symlink_to(folder)
    (folder / "broken").symlink_to(folder / "absent")
    assert measured(folder) == (blocks(*folder.iterdir()), 4)


@pytest.mark.parametrize("mode", [0, 0o200, 0o400, 0o600])
def test_a_closed_folder_is_opened(folder: Path, mode: int) -> None:
    (folder / "closed" / "within").mkdir(parents=True)
    (folder / "closed" / "within" / "large").write_bytes(bytes(LARGE))
    (folder / "closed" / "within").chmod(mode)
    (folder / "closed").chmod(mode)
    size, files = measured(folder)
    assert size >= LARGE
    assert 3 <= files < 10


def test_one_that_stays_closed_may_hold_anything() -> None:
    """As this user may not look into it, whoever owns it."""
    closed = next(
        path for path in ("/proc/1/fd", "/proc/1/map_files", "/root") if os.path.isdir(path) and not os.access(path, 4)
    )
    assert folder_size(closed, MOST_BYTES, MOST_FILES)[1] == MOST_FILES + 1


def test_a_file_in_a_folders_place_is_nothing_to_look_into(folder: Path) -> None:
    (folder / "file").touch()
    assert measured(folder / "file") == (0, 0)


def test_it_ends_at_the_most_files(folder: Path) -> None:
    for number in range(20):
        (folder / f"{number}").mkdir()
        for inner in range(20):
            (folder / f"{number}" / f"{inner}").touch()
    assert measured(folder) == (blocks(*folder.rglob("*")), 420)
    assert measured(folder, most_files=419)[1] == 420
    assert measured(folder, most_files=5)[1] == 6


def test_it_ends_at_the_most_bytes(folder: Path) -> None:
    for number in range(10):
        (folder / f"{number}").mkdir()
        (folder / f"{number}" / "large").write_bytes(bytes(LARGE))
    size, files = measured(folder, most_bytes=LARGE)
    assert LARGE < size < 3 * LARGE
    assert files < 15


@pytest.mark.usefixtures("deep")
def test_folders_deeper_than_a_path_can_say_count_as_too_many_files(folder: Path) -> None:
    for _ in range(50):
        os.mkdir("d" * 100)
        os.chdir("d" * 100)
    Path("large").write_bytes(bytes(LARGE))
    assert measured(folder)[1] == MOST_FILES + 1


@pytest.mark.usefixtures("deep")
def test_folders_as_deep_as_there_may_be_files_are_looked_into(folder: Path) -> None:
    for _ in range(1500):
        os.mkdir("d")
        os.chdir("d")
    Path("large").write_bytes(bytes(LARGE))
    size, files = measured(folder, most_files=2000)
    assert size >= LARGE
    assert files == 1501


def test_names_may_be_any_bytes(folder: Path) -> None:
    for name in (b"\xff\xfe", b"\x01\n", b"(deleted)", b"\xf0\x9f\xa4\x96"):
        os.mkdir(os.path.join(os.fsencode(folder), name))
        Path(os.fsdecode(os.path.join(os.fsencode(folder), name)), "large").write_bytes(bytes(LARGE))
    size, files = measured(folder)
    assert size >= 4 * LARGE
    assert files == 8
