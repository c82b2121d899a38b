"""Log files: whose they are, when they begin anew, and how many are kept."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from webots_cloud.log.files import RotatedFile

DAY = 24 * 3600.0
NOON = time.mktime((2026, 3, 4, 12, 0, 0, 0, 0, -1))


class Now:
    """A time that a test sets."""

    def __init__(self) -> None:
        self.seconds = NOON

    def __call__(self) -> float:
        return self.seconds


@contextmanager
def opened(folder: Path, keep: int = 3, full: int = 10**6, now: Now | None = None) -> Iterator[RotatedFile]:
    file = RotatedFile(folder / "x.log", keep, now or Now(), full)
    yield file
    file.close()


def contents(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in sorted(folder.iterdir())}


def test_what_is_written_is_in_the_file_at_once(tmp_path: Path) -> None:
    with opened(tmp_path) as file:
        file.write("Zürich\n")
        assert contents(tmp_path) == {"x.log": "Zürich\n"}


def test_only_its_user_and_group_may_read_it(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        with opened(tmp_path, full=10) as file:
            for _ in range(3):
                file.write("twelve chars")
    finally:
        os.umask(before)
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o640}
    assert len(contents(tmp_path)) == 3


def test_a_file_that_others_could_read_is_theirs_no_more(tmp_path: Path) -> None:
    (tmp_path / "x.log").touch(mode=0o666)
    with opened(tmp_path):
        assert (tmp_path / "x.log").stat().st_mode & 0o777 == 0o640


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "x.log").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="symbolic links"), opened(tmp_path):
        pass
    assert not (tmp_path / "elsewhere").exists()


def test_a_restart_goes_on_in_the_same_file(tmp_path: Path) -> None:
    now = Now()
    now.seconds = time.time()
    for text in ("first\n", "second\n"):
        with opened(tmp_path, now=now) as file:
            file.write(text)
    assert contents(tmp_path) == {"x.log": "first\nsecond\n"}


def test_a_full_file_is_followed_by_another_and_few_are_kept(tmp_path: Path) -> None:
    with opened(tmp_path, keep=2, full=10) as file:
        for number in range(20):
            file.write(f"line{number:02}\n")
    assert contents(tmp_path) == {"x.log": "line19\n", "x.log.1": "line18\n", "x.log.2": "line17\n"}


def test_a_line_is_in_one_file_as_a_whole(tmp_path: Path) -> None:
    with opened(tmp_path, full=10) as file:
        file.write("1\n")
        file.write("much longer than a file\n")
    assert contents(tmp_path) == {"x.log": "much longer than a file\n", "x.log.1": "1\n"}


def test_each_day_has_a_file(tmp_path: Path) -> None:
    now = Now()
    with opened(tmp_path, keep=2, now=now) as file:
        for day in range(4):
            file.write(f"day {day}\n")
            now.seconds += 3600
            file.write(f"day {day}, later\n")
            now.seconds += DAY - 3600
    assert contents(tmp_path) == {
        "x.log": "day 3\nday 3, later\n",
        "x.log.1": "day 2\nday 2, later\n",
        "x.log.2": "day 1\nday 1, later\n",
    }


def test_a_file_of_yesterday_that_a_restart_finds_is_not_gone_on_with(tmp_path: Path) -> None:
    (tmp_path / "x.log").write_text("yesterday\n")
    os.utime(tmp_path / "x.log", (NOON - DAY, NOON - DAY))
    with opened(tmp_path) as file:
        file.write("today\n")
    assert contents(tmp_path) == {"x.log": "today\n", "x.log.1": "yesterday\n"}


def test_none_need_be_kept(tmp_path: Path) -> None:
    with opened(tmp_path, keep=0, full=10) as file:
        file.write("twelve chars")
        file.write("last\n")
    assert contents(tmp_path) == {"x.log": "last\n"}


def test_where_fewer_are_kept_than_before_the_others_are_removed_and_nothing_else(tmp_path: Path) -> None:
    for name in ("x.log.1", "x.log.4", "x.log.17", "x.log.gz", "y.log.9"):
        (tmp_path / name).touch()
    with opened(tmp_path, keep=3):
        assert sorted(contents(tmp_path)) == ["x.log", "x.log.1", "x.log.gz", "y.log.9"]


def test_what_the_disk_does_not_take_is_told_once_and_the_next_line_is_tried_again(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with opened(tmp_path, keep=1, full=10) as file:
        file.write("first line\n")
        # A folder in its way is what keeps also root from replacing it.
        (tmp_path / "x.log.1" / "in the way").mkdir(parents=True)
        file.write("lost\n")
        file.write("lost as well\n")
        (tmp_path / "x.log.1" / "in the way").rmdir()
        (tmp_path / "x.log.1").rmdir()
        file.write("second line\n")
    assert contents(tmp_path) == {"x.log": "second line\n", "x.log.1": "first line\n"}
    (complaint,) = capfd.readouterr().err.splitlines()
    assert complaint == f"{tmp_path}/x.log cannot be written: Is a directory; lines of the log are lost"
