"""The folder of one instance: the project it runs, the controllers as they were delivered, and its removal."""

from __future__ import annotations

import errno
import os
import shutil
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs

from webots_cloud.errors import NoDiskSpace, NoSuchController, ProjectTooLarge
from webots_cloud.simulation.blocking import GoOn
from webots_cloud.simulation.request import ResetController

_NOWHERE_ELSE = os.O_NOFOLLOW | os.O_DIRECTORY | os.O_RDONLY
MAX_CONTROLLER_FILE_BYTES = 10 * 1024 * 1024
"""The largest controller file that is put back."""


@attrs.frozen
class InstanceFolder:
    """Where an instance lives on the disk; all methods block.

    @ivar root: holds all the rest; nobody but the server's user may enter.
    """

    root: Path

    @property
    def project(self) -> Path:
        """The project, in which Webots runs and its controllers may write."""
        return self.root / "project"

    @property
    def original(self) -> Path:
        """The C{controllers} folder as it was delivered."""
        return self.root / "original"

    @property
    def home(self) -> Path:
        """What Webots is told is its user's home."""
        return self.root / "home"

    @property
    def archive(self) -> Path:
        """Where the host's archive is kept until it is unpacked."""
        return self.root / "archive.zip"

    def world(self, name: str) -> Path:
        """The file of a world."""
        return self.project / "worlds" / name

    def create(self) -> None:
        """Make the folder; it must not be there yet."""
        with disk_space_is_finite():
            for folder in (self.root, self.project, self.home):
                folder.mkdir(mode=0o700)

    def has_world(self, name: str) -> bool:
        """Tell whether the project has a world of that name, as a file of its own."""
        worlds = self.project / "worlds"
        return stat.S_ISDIR(_kind(worlds)) and stat.S_ISREG(_kind(worlds / name))

    def keep_original(self, go_on: GoOn) -> None:
        """Remember the controllers as they are now, as the delivered ones."""
        controllers = self.project / "controllers"
        if stat.S_ISDIR(_kind(controllers)) and not self.original.exists():
            copy_tree(go_on, controllers, self.original)

    def reset_controller(self, request: ResetController) -> None:
        """Put a controller's file back as it was delivered.

        The project may have been changed by hostile controllers since, so no link in it is followed.

        @raise NoSuchController: if there was no such file, or a folder is in its place.
        """
        source = self.original / request.controller / request.file
        if not stat.S_ISREG(_kind(source)):
            raise NoSuchController(file=request)
        content = source.read_bytes()[:MAX_CONTROLLER_FILE_BYTES]
        try:
            with disk_space_is_finite():
                _write_in(self.project, ("controllers", request.controller), request.file, content)
        except OSError as error:
            raise NoSuchController(detail=str(error), file=request) from error

    def remove(self) -> None:
        """Remove everything, whatever modes it has been given; that it is not there is fine."""
        if self.root.exists():
            shutil.rmtree(self.root, onerror=_open_up)


def copy_tree(go_on: GoOn, source: Path, target: Path, max_bytes: int = 2**62, max_files: int = 2**62) -> None:
    """Copy a folder into a new or existing one; links in it are followed, as the operator or the server put them there.

    @raise ProjectTooLarge: if it goes beyond a limit.
    """
    counted = {"bytes": 0, "files": 0}

    def copy(from_: str, to: str) -> object:
        go_on()
        counted["files"] += 1
        counted["bytes"] += os.stat(from_).st_size
        if counted["files"] > max_files or counted["bytes"] > max_bytes:
            raise ProjectTooLarge(reason=f"it has more than {max_files} files or {max_bytes // 10**6} MB")
        return shutil.copy(from_, to)

    with disk_space_is_finite():
        try:
            shutil.copytree(source, target, copy_function=copy, ignore_dangling_symlinks=True, dirs_exist_ok=True)
        except shutil.Error as error:
            raise _first_of(error) from error


class disk_space_is_finite:  # noqa: N801 - reads as a statement where it is used
    """Turns the operating system's errors of a full disk into L{NoDiskSpace}."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise NoDiskSpace(detail=str(error)) from error


def _first_of(error: shutil.Error) -> OSError:
    """Get from C{copytree}'s list of failures to an error with a number, as a full disk fails for many files."""
    reasons = [str(reason) for _, _, reason in error.args[0]]
    full = next((reason for reason in reasons if f"[Errno {errno.ENOSPC}]" in reason), None)
    return OSError(errno.ENOSPC if full else errno.EIO, full or reasons[0])


def _kind(path: Path) -> int:
    try:
        return path.lstat().st_mode
    except OSError:
        return 0


def _write_in(root: Path, folders: tuple[str, ...], name: str, content: bytes) -> None:
    """Replace a file below C{root} whole or not at all, without following links."""
    folder = os.open(root, _NOWHERE_ELSE)
    try:
        for part in folders:
            folder = _enter(folder, part)
        temporary = f".{name}.reset"
        _unlink(temporary, folder)
        file = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600, dir_fd=folder)
        with os.fdopen(file, "wb") as stream:
            stream.write(content)
        os.rename(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
    finally:
        os.close(folder)


def _enter(folder: int, name: str) -> int:
    try:
        os.mkdir(name, 0o700, dir_fd=folder)
    except FileExistsError:
        _ = name
    inner = os.open(name, _NOWHERE_ELSE, dir_fd=folder)
    os.close(folder)
    return inner


def _unlink(name: str, folder: int) -> None:
    try:
        os.unlink(name, dir_fd=folder)
    except FileNotFoundError:
        return


def _open_up(function: Callable[..., Any], path: str, failure: object) -> None:
    """Give permissions back that a controller took away, and try again; on a second failure the error goes up."""
    for folder in (os.path.dirname(path), path):
        if os.path.isdir(folder) and not os.path.islink(folder):
            os.chmod(folder, 0o700)
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path)
    elif os.path.lexists(path):
        os.unlink(path)
