"""Which files make up a project for a visitor: those of the base project, with the visitor's own laid over them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath

import attrs

from webots_cloud.host.names import is_plain


@attrs.frozen
class DataFolder:
    """The layout of C{dataDir}.

    @ivar root: the folder itself.
    """

    root: Path

    @property
    def projects(self) -> Path:
        """Base projects, one folder each."""
        return self.root / "projects"

    @property
    def secret(self) -> Path:
        """What visitors' cookies are signed with."""
        return self.root / "secret"

    @property
    def incoming(self) -> Path:
        """Where files that are being saved lie until they are complete."""
        return self.root / "incoming"

    @property
    def database(self) -> Path:
        """What visitors have saved."""
        return self.root / "visitors.sqlite"

    def own_projects(self, visitor: str) -> Path:
        """Give the folder of a visitor's own versions."""
        return self.root / "user" / visitor / "projects"


def version(data: DataFolder, project: str, visitor: str | None) -> Mapping[str, Path] | None:
    """List the files of a project as a visitor has it; this blocks, so call it in a thread.

    @param visitor: an id that was authenticated; C{None}: the base project is wanted.
    @return: each file by its name in the project, with slashes, in order; C{None} if there is no such project. Files
        that are reached through symbolic links, and those whose name begins with a dot, are left out.
    """
    if not is_plain(project) or not is_folder(data.projects / project):
        return None
    files = dict(_files(data.projects / project))
    if visitor is not None and is_plain(visitor):
        files.update(_own_files(data, project, visitor))
    folders = {str(parent) for name in files for parent in PurePosixPath(name).parents}
    return {name: files[name] for name in sorted(files) if name not in folders}


def _own_files(data: DataFolder, project: str, visitor: str) -> Iterator[tuple[str, Path]]:
    folder = data.own_projects(visitor) / project
    if all(is_folder(part) for part in (*list(folder.parents)[:3], folder)):
        yield from _files(folder)


def is_folder(path: Path) -> bool:
    """Tell whether a folder is there itself, not a symbolic link to one."""
    return path.is_dir() and not path.is_symlink()


def _files(folder: Path) -> Iterator[tuple[str, Path]]:
    for parent, folders, names in os.walk(folder, followlinks=False):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in names:
            path = Path(parent, name)
            if not name.startswith(".") and path.is_file() and not path.is_symlink():
                yield path.relative_to(folder).as_posix(), path
