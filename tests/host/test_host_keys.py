"""Key files."""

from __future__ import annotations

from pathlib import Path

import pytest

from webots_cloud.host.keys import ensure_key, read_key
from webots_cloud.secret import Secret


def test_a_key_that_lacks_is_made_for_this_user_only(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "localhost"
    ensure_key(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert len(read_key(path).reveal()) >= 40


def test_nothing_else_is_left_in_the_folder(tmp_path: Path) -> None:
    ensure_key(tmp_path / "localhost")
    assert [path.name for path in tmp_path.iterdir()] == ["localhost"]


def test_a_key_that_is_there_stays(tmp_path: Path) -> None:
    path = tmp_path / "localhost"
    path.write_text("sesame\n")
    ensure_key(path)
    assert path.read_text() == "sesame\n"


def test_two_hosts_have_different_keys(tmp_path: Path) -> None:
    for name in ("one", "other"):
        ensure_key(tmp_path / name)
    assert not read_key(tmp_path / "one").matches(read_key(tmp_path / "other"))


def test_the_key_is_the_first_line(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_text(" sesame \r\nfor example.org\n")
    assert read_key(path).matches(Secret("sesame"))


def test_an_empty_key_is_none(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_text("\nsesame\n")
    with pytest.raises(ValueError, match="first line"):
        read_key(path)
