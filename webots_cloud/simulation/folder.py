"""The folder of one instance: the project it runs, the controllers as they were delivered, and its removal."""

from __future__ import annotations

import errno
import os
import secrets
import shutil
import stat
from contextlib import suppress
from pathlib import Path
from typing import IO

import attrs

from webots_cloud.errors import NoDiskSpace, NoSuchController, ProjectTooLarge
from webots_cloud.simulation.blocking import GoOn
from webots_cloud.simulation.request import ResetController

_NOWHERE_ELSE = os.O_NOFOLLOW | os.O_DIRECTORY | os.O_RDONLY


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
        try:
            with disk_space_is_finite(), source.open("rb") as original:
                _write_in(self.project, ("controllers", request.controller), request.file, original)
        except OSError as error:
            raise NoSuchController(detail=str(error), file=request) from error

    def remove(self) -> None:
        """Remove everything, whatever modes it has been given and however deep it is; that it is not there is fine."""
        if not self.root.exists():
            return
        self.root.chmod(0o700)
        left = True
        while left:
            left = False
            with os.scandir(self.root) as entries:
                for entry in entries:
                    left = True
                    _remove_folder(entry.path, self.root) if entry.is_dir(follow_symlinks=False) else os.unlink(entry)
        self.root.rmdir()


def copy_tree(go_on: GoOn, source: Path, target: Path, max_bytes: int = 2**62, max_files: int = 2**62) -> None:
    """Copy a folder into a new or existing one; links in it are followed, as the operator or the server put them there.

    The copy can be written even where the original cannot. What is neither a file nor a folder is left out.

    @raise ProjectTooLarge: if it goes beyond a limit.
    """
    files = size = 0
    with disk_space_is_finite():
        for path, folders, names in os.walk(source, onerror=_up, followlinks=True):
            go_on()
            found = [name for name in names if os.path.isfile(os.path.join(path, name))]
            files += len(folders) + len(found)
            size += sum(os.stat(os.path.join(path, name)).st_size for name in found)
            if files > max_files or size > max_bytes:
                raise ProjectTooLarge(reason=f"it has more than {max_files} files or {max_bytes // 10**6} MB")
            copy = target / Path(path).relative_to(source)
            copy.mkdir(mode=0o700, exist_ok=True)
            for name in found:
                go_on()
                _copy_file(os.path.join(path, name), copy / name)


class disk_space_is_finite:  # noqa: N801 - reads as a statement where it is used
    """Turns the operating system's errors of a full disk into L{NoDiskSpace}."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise NoDiskSpace(detail=str(error)) from error


def _up(error: OSError) -> None:
    raise error


def _copy_file(source: str, target: Path) -> None:
    shutil.copyfile(source, target)
    target.chmod(_mode(os.stat(source)))


def _mode(status: os.stat_result) -> int:
    """Give the mode of a copy, which is the server's own and keeps only whether it is a program."""
    return 0o700 if status.st_mode & stat.S_IXUSR else 0o600


def _kind(path: Path) -> int:
    try:
        return path.lstat().st_mode
    except OSError:
        return 0


def _write_in(root: Path, folders: tuple[str, ...], name: str, content: IO[bytes]) -> None:
    """Replace a file below C{root} whole or not at all, without following links."""
    folder = os.open(root, _NOWHERE_ELSE)
    try:
        for part in folders:
            folder = _enter(folder, part)
        _replace(folder, name, content)
    finally:
        os.close(folder)


def _replace(folder: int, name: str, content: IO[bytes]) -> None:
    temporary = f".{secrets.token_hex(8)}.reset"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    file = os.open(temporary, flags, _mode(os.fstat(content.fileno())), dir_fd=folder)
    try:
        with os.fdopen(file, "wb") as stream:
            shutil.copyfileobj(content, stream)
        os.rename(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
    except OSError:
        with suppress(FileNotFoundError):
            os.unlink(temporary, dir_fd=folder)
        raise


def _enter(folder: int, name: str) -> int:
    with suppress(FileExistsError):
        os.mkdir(name, 0o700, dir_fd=folder)
    inner = os.open(name, _NOWHERE_ELSE, dir_fd=folder)
    os.close(folder)
    return inner


def _remove_folder(folder: str, root: Path) -> None:
    """Remove a folder of C{root} but not the folders in it, which are moved up.

    So a tree as deep as a hostile controller can make needs no recursion, no file descriptor for each level, and no
    path longer than the operating system takes.
    """
    os.chmod(folder, 0o700)
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                # A folder that may not be written may not be moved either.
                os.chmod(entry, 0o700)
                os.rename(entry, root / secrets.token_hex(8))
            else:
                os.unlink(entry)
    os.rmdir(folder)
