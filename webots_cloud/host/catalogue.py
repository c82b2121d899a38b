"""Which projects the demo site offers, and what their C{project.ini} says of them."""

from __future__ import annotations

import configparser
from collections.abc import Iterator, Mapping
from pathlib import Path

import attrs
from twisted.logger import Logger

from webots_cloud.host.names import is_plain
from webots_cloud.host.versions import is_folder

MAX_INI_BYTES = 64 * 1024
MAX_TITLE = 100
MAX_DESCRIPTION = 1000


@attrs.frozen
class Project:
    """A project with at least one world.

    @ivar name: its folder's name.
    @ivar worlds: the file names of its worlds, in order.
    @ivar world: the one to start with.
    @ivar pictures: the worlds of which there is a picture.
    """

    name: str
    title: str
    description: str
    worlds: tuple[str, ...]
    world: str
    pictures: tuple[str, ...] = ()


class Catalogue:
    """The projects in a folder; read again when one of the files or folders that matter has changed."""

    _log = Logger()

    def __init__(self, folder: Path) -> None:
        """Prepare to list projects.

        @param folder: has a folder for each project.
        """
        self._folder = folder
        self._known: Mapping[tuple[str, ...], Project | None] = {}

    def projects(self) -> tuple[Project, ...]:
        """List the projects, by name; this blocks, so call it in a thread."""
        known = self._known
        states = [(path, _state(path)) for path in self._folders()]
        # A new mapping, not a changed one: another thread may be reading the old one.
        self._known = {state: known[state] if state in known else self._read(path) for path, state in states}
        return tuple(project for project in self._known.values() if project is not None)

    def project(self, name: str) -> Project | None:
        """Give one of them, or C{None}; this blocks, so call it in a thread."""
        path = self._folder / name
        if not is_plain(name) or not is_folder(path):
            return None
        state = _state(path)
        if state not in self._known:
            self._known = {**self._known, state: self._read(path)}
        return self._known.get(state)

    def picture(self, name: str, world: str) -> Path | None:
        """Give the file of the picture that lies beside a world, as Webots names it; C{None}: there is none.

        @param world: its name without C{.wbt}.
        """
        path = self._folder / name
        if not is_plain(name) or not is_plain(world) or not all(map(is_folder, (path, path / "worlds"))):
            return None
        picture = _picture(path / "worlds" / f"{world}.wbt")
        return picture if _is_file(picture) else None

    def _folders(self) -> Iterator[Path]:
        if not self._folder.is_dir():
            return
        for path in sorted(self._folder.iterdir()):
            if is_plain(path.name) and is_folder(path):
                yield path

    def _read(self, path: Path) -> Project | None:
        worlds = tuple(_worlds(path))
        if not worlds:
            self._log.warn("{project} is not offered: it has no world in its folder worlds", project=path.name)
            return None
        told = self._told(path)
        world = told.get("world", worlds[0])
        if world not in worlds:
            self._log.warn("{project}: project.ini names a world that is not there", project=path.name)
            world = worlds[0]
        return Project(
            path.name,
            (told.get("title") or path.name.replace("_", " "))[:MAX_TITLE],
            told.get("description", "")[:MAX_DESCRIPTION],
            worlds,
            world,
            tuple(name for name in worlds if _is_file(_picture(path / "worlds" / name))),
        )

    def _told(self, path: Path) -> Mapping[str, str]:
        parser = configparser.ConfigParser(interpolation=None, default_section="")
        try:
            with open(path / "project.ini", "rb") as file:
                parser.read_string(file.read(MAX_INI_BYTES).decode("utf-8"))
            return dict(parser["project"])
        except FileNotFoundError:
            return {}
        except (OSError, UnicodeDecodeError, configparser.Error, KeyError) as error:
            self._log.warn("{project}: project.ini cannot be used: {error}", project=path.name, error=error)
            return {}


def _worlds(path: Path) -> Iterator[str]:
    if is_folder(path / "worlds"):
        for world in sorted((path / "worlds").iterdir()):
            if world.suffix == ".wbt" and is_plain(world.stem) and _is_file(world):
                yield world.name


def _picture(world: Path) -> Path:
    return world.with_name(f".{world.stem}.jpg")


def _is_file(path: Path) -> bool:
    return path.is_file() and not path.is_symlink()


def _state(path: Path) -> tuple[str, ...]:
    return path.name, *(_changed(path / name) for name in ("worlds", "project.ini"))


def _changed(path: Path) -> str:
    try:
        return str(path.stat().st_mtime_ns)
    except OSError:
        return ""
