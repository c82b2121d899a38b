"""What is said of the files and folders that options name; the user is one that permissions hold for."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from webots_cloud.config import checks

CHECKOUT = Path(__file__).parents[2]
NOBODY = 65534
SECONDS = 60


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that every user can reach."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder
        for path in folder.iterdir():
            path.chmod(0o700)


def complaint(folder: Path, section: str, text: str) -> str:
    """Start a server as an ordinary user; give what it says of an option, without the name of the folder."""
    (folder / "test.ini").write_text(f"[{section}]\n{text.format(folder=folder)}\n")
    root = os.geteuid() == 0
    told = subprocess.run(
        [sys.executable, "-B", "-m", "twisted", f"webots-{section}", "--config", str(folder / "test.ini")],
        cwd="/",
        env={**os.environ, "PYTHONPATH": str(CHECKOUT), "STATE_DIRECTORY": str(folder / "state")},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
        user=NOBODY if root else None,
        group=NOBODY if root else None,
        extra_groups=[] if root else None,
    )
    assert told.returncode == 78, told.stderr
    (line,) = [line for line in told.stderr.splitlines() if line.startswith(f"{folder}/test.ini:2: ")]
    return line.removeprefix(f"{folder}/test.ini:2: [{section}] ").replace(str(folder), "")


def test_a_key_that_this_user_cannot_read_is_told(folder: Path) -> None:
    (folder / "key").write_text("sesame\n")
    (folder / "key").chmod(0)
    assert complaint(folder, "host", "keyFile = {folder}/key") == (
        "keyFile: the key in /key cannot be read (Permission denied); make it a file that this user can read"
    )


def test_one_key_among_others_that_this_user_cannot_read_is_told(folder: Path) -> None:
    (folder / "keys").mkdir()
    for name in ("a.org", "b.org"):
        (folder / "keys" / name).write_text("sesame\n")
    (folder / "keys/b.org").chmod(0)
    assert complaint(folder, "simulation", "keyDir = {folder}/keys") == (
        "keyDir: the key in /keys/b.org cannot be read (Permission denied); make it a file that this user can read"
    )


def test_a_folder_that_this_user_cannot_read_is_told(folder: Path) -> None:
    (folder / "projects").mkdir(mode=0)
    assert complaint(folder, "simulation", "projectsDir = {folder}/projects") == (
        "projectsDir: the folder /projects cannot be read by this user; give it read permission"
    )


def test_a_folder_that_this_user_cannot_write_is_told(folder: Path) -> None:
    (folder / "log").mkdir()
    (folder / "log").chmod(0o555)
    assert complaint(folder, "session", "logDir = {folder}/log") == (
        "logDir: the folder /log cannot be written by this user; give it write permission"
    )


def test_a_folder_that_this_user_cannot_make_is_told(folder: Path) -> None:
    (folder / "var").mkdir()
    (folder / "var").chmod(0o555)
    assert complaint(folder, "host", "dataDir = {folder}/var/data") == (
        "dataDir: the folder /var/data cannot be made (Permission denied); make it, or name another"
    )


def test_a_webots_that_this_user_may_not_execute_is_told(folder: Path) -> None:
    (folder / "webots").write_text("#!/bin/sh\n")
    (folder / "webots").chmod(0o644)
    assert complaint(folder, "simulation", "webotsHome = {folder}") == (
        "webotsHome: /webots may not be executed by this user; give it execute permission"
    )


def test_a_folder_that_lacks_is_made_for_this_user_only(tmp_path: Path) -> None:
    checks.own_folder(tmp_path / "var/log")
    assert stat.S_IMODE((tmp_path / "var/log").stat().st_mode) == 0o700
    checks.own_folder(tmp_path / "var/log")
    checks.own_folder(None)


def test_a_file_in_place_of_a_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(
        ValueError, match=r"the folder .*/file cannot be made \(File exists\); make it, or name another"
    ):
        checks.own_folder(tmp_path / "file")
    with pytest.raises(ValueError, match=r"there is no folder .*/file; make it, or name another"):
        checks.readable_folder(tmp_path / "file")
    with pytest.raises(ValueError, match=r"there is no folder .*/absent; make it, or name another"):
        checks.readable_folder(tmp_path / "absent")


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (None, "there is no file .*/key; put the host's key into its first line"),
        (b"", "the first line of .*/key is empty; put the host's key there"),
        (b"  \nsesame\n", "the first line of .*/key is empty; put the host's key there"),
        (b"ses\xffame\n", "the key in .*/key is not UTF-8 text; put the host's key into its first line"),
    ],
)
def test_a_key_file_must_hold_a_key(content: bytes | None, what: str, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / "key").write_bytes(content)
    with pytest.raises(ValueError, match=what) as raised:
        checks.key_file(tmp_path / "key")
    assert "0xff" not in str(raised.value)


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (None, "the file .*/password cannot be read by this user; name another"),
        (b"\nsesame\n", "the first line of .*/password is empty; put the password there"),
        (b"ses\xffame\n", ".*/password is not UTF-8 text; put the password into its first line"),
    ],
)
def test_a_password_file_must_hold_a_password(content: bytes | None, what: str, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / "password").write_bytes(content)
    with pytest.raises(ValueError, match=what) as raised:
        checks.password_file(tmp_path / "password")
    assert "0xff" not in str(raised.value)


def test_a_folder_in_place_of_a_key_is_told(tmp_path: Path) -> None:
    (tmp_path / "key").mkdir()
    with pytest.raises(ValueError, match=r"the key in .*/key cannot be read \(Is a directory\); make it a file"):
        checks.key_file(tmp_path / "key")


def test_the_default_folder_of_keys_is_made_and_others_are_not(tmp_path: Path) -> None:
    checks.keys(tmp_path / "state/keys")
    assert stat.S_IMODE((tmp_path / "state/keys").stat().st_mode) == 0o700
    with pytest.raises(ValueError, match=r"there is no folder .*/keys; make it, or name another"):
        checks.keys(tmp_path / "keys")


def test_all_keys_are_looked_at_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "a.org").write_text("sesame\n")
    (tmp_path / ".a.org.new").touch()
    (tmp_path / "lost+found").mkdir()
    checks.keys(tmp_path)
    (tmp_path / "b.org").touch()
    with pytest.raises(ValueError, match=r"the first line of .*/b.org is empty"):
        checks.keys(tmp_path)


def test_webots_must_be_there(tmp_path: Path) -> None:
    checks.webots(None)
    with pytest.raises(ValueError, match=r"there is no file .*/webots; name the folder that Webots was installed in"):
        checks.webots(tmp_path)
    (tmp_path / "webots").touch()
    with pytest.raises(ValueError, match="may not be executed by this user; give it execute permission"):
        checks.webots(tmp_path)
    (tmp_path / "webots").chmod(0o755)
    checks.webots(tmp_path)


def test_a_machine_without_firejail_is_told_how_to_get_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    checks.sandbox("firejail")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ValueError, match="Firejail is not installed; install it with: apt-get install firejail"):
        checks.sandbox("firejail")
    checks.sandbox("none")


def test_a_server_without_firejail_does_not_start(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(folder))
    assert complaint(folder, "simulation", "sandbox = firejail").startswith("sandbox: Firejail is not installed")


def test_the_sandbox_does_not_hold_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    with pytest.raises(ValueError, match="run this server as a user of its own"):
        checks.sandbox("firejail")
    checks.sandbox("none")


def test_a_file_that_is_named_must_be_readable(tmp_path: Path) -> None:
    checks.readable_file(None)
    with pytest.raises(ValueError, match="cannot be read by this user; name another"):
        checks.readable_file(tmp_path / "absent")
    (tmp_path / "here").touch(0o600)
    checks.readable_file(tmp_path / "here")
