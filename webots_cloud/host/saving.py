"""A visitor's own versions of controller files: saved whole or not at all, within a quota; listed; and let go of."""

from __future__ import annotations

import os
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import attrs
from twisted.enterprise.adbapi import Transaction
from twisted.logger import Logger

from webots_cloud.host.database import Database
from webots_cloud.host.folders import inner_folder, remove_file, remove_folder
from webots_cloud.host.names import controller_of, is_plain
from webots_cloud.host.refusals import (
    BadFile,
    DiskFull,
    NoSuchControllerFolder,
    NothingSaved,
    QuotaExceeded,
    TooManyFiles,
    WrongUser,
)
from webots_cloud.host.versions import DataFolder, is_folder

MAX_FILES = 1000
"""How many files a visitor may have; empty ones would not count against a quota of bytes."""


@attrs.frozen
class Save:
    """What a visitor wants to save.

    @ivar dirname: C{PROJECT/controllers/NAME}.
    """

    visitor: str
    dirname: str
    filename: str
    content: bytes


@attrs.frozen
class SavedFile:
    """A file of which a visitor has an own version.

    @ivar project: the project that it belongs to.
    @ivar name: its name in the project, C{controllers/NAME/FILE}.
    @ivar size: in bytes.
    @ivar saved: when it was saved last, in seconds since 1970; 0: that is not known.
    """

    project: str
    name: str
    size: int
    saved: int


class SavedFiles:
    """What visitors have saved, and how much that is."""

    _log = Logger()

    def __init__(self, reactor: Any, data: DataFolder, database: Database, quota: int) -> None:
        """Prepare to save.

        @param reactor: provides C{IReactorTime}.
        @param quota: how many bytes each visitor may save.
        """
        self.quota = quota
        self._reactor = reactor
        self._data = data
        self._database = database

    async def save(self, wanted: Save) -> None:
        """Save a file.

        @raise ClientError: if it cannot be saved; what was there before is there still.
        """
        await self._database.run(self._save, wanted)
        self._log.info(
            "{visitor} saved {dirname}/{filename} ({size} bytes)",
            visitor=wanted.visitor,
            dirname=wanted.dirname,
            filename=wanted.filename,
            size=len(wanted.content),
        )

    async def list(self, visitor: str) -> tuple[SavedFile, ...]:
        """List a visitor's files, by project and name."""
        return await self._database.run(_list, visitor)

    async def restore(self, visitor: str, project: str, name: str | None = None) -> None:
        """Let go of a visitor's own version of a project, so that the original holds again.

        @param name: of one file in the project; C{None}: all of it.
        @raise NothingSaved: if there is none.
        @raise DiskFull: if it cannot be removed.
        """
        await self._database.run(self._restore, visitor, project, name)
        self._log.info(
            "{visitor} went back to the original {project}/{file}", visitor=visitor, project=project, file=name or ""
        )

    def forget(self, transaction: Transaction, visitor: str) -> None:
        """Remove all that a visitor has saved, within a transaction of somebody else's.

        @raise DiskFull: if something cannot be removed.
        """
        transaction.execute("DELETE FROM files WHERE visitor = ?", (visitor,))
        transaction.execute("DELETE FROM visitors WHERE id = ?", (visitor,))
        with self._told(visitor):
            remove_folder(self._data.root, ("user", visitor))

    def _save(self, transaction: Transaction, wanted: Save) -> None:
        project, controller = self._existing_controller(wanted)
        with self._told(f"{wanted.dirname}/{wanted.filename}"), _whole_file(self._data.incoming, wanted.content) as new:
            self._account(transaction, wanted)
            folders = ("user", wanted.visitor, "projects", project, "controllers", controller)
            with inner_folder(self._data.root, folders, make=True) as where:
                os.replace(new, wanted.filename, dst_dir_fd=where)

    def _existing_controller(self, wanted: Save) -> tuple[str, str]:
        names = controller_of(wanted.dirname)
        if names is None:
            raise NoSuchControllerFolder(dirname=wanted.dirname)
        project, controller = names
        folder = self._data.projects / project / "controllers" / controller
        if not all(is_folder(part) for part in (folder.parent.parent, folder.parent, folder)):
            raise NoSuchControllerFolder(dirname=wanted.dirname)
        if not is_plain(wanted.filename) or (folder / wanted.filename).is_dir():
            raise BadFile(name=wanted.filename)
        return project, controller

    def _account(self, transaction: Transaction, wanted: Save) -> None:
        transaction.execute("INSERT OR IGNORE INTO visitors (id) VALUES (?)", (wanted.visitor,))
        transaction.execute("SELECT 1 FROM accounts WHERE visitor = ? AND key IS NULL", (wanted.visitor,))
        if transaction.fetchone():
            # The account was deleted since this request was let in.
            raise WrongUser
        transaction.execute(
            "INSERT INTO files (visitor, name, bytes, saved) VALUES (?, ?, ?, ?)"
            " ON CONFLICT (visitor, name) DO UPDATE SET bytes = excluded.bytes, saved = excluded.saved",
            (
                wanted.visitor,
                f"{wanted.dirname}/{wanted.filename}",
                len(wanted.content),
                int(self._reactor.seconds()),
            ),
        )
        transaction.execute("SELECT count(*), sum(bytes) FROM files WHERE visitor = ?", (wanted.visitor,))
        files, size = transaction.fetchone()
        if size > self.quota:
            raise QuotaExceeded(quota=self.quota // 1_000_000)
        if files > MAX_FILES:
            raise TooManyFiles(limit=MAX_FILES)

    def _restore(self, transaction: Transaction, visitor: str, project: str, name: str | None) -> None:
        gone = [file for file in _list(transaction, visitor) if file.project == project and name in (None, file.name)]
        if not gone:
            raise NothingSaved(project=project)
        for file in gone:
            path = f"{file.project}/{file.name}"
            transaction.execute("DELETE FROM files WHERE visitor = ? AND name = ?", (visitor, path))
            *folders, filename = path.split("/")
            with self._told(path):
                remove_file(self._data.root, ("user", visitor, "projects", *folders), filename)
        if name is None:
            with self._told(project):
                remove_folder(self._data.root, ("user", visitor, "projects", project))

    @contextmanager
    def _told(self, path: str) -> Iterator[None]:
        """Tell the visitor that the disk does not do what it is told to, and the operator why."""
        try:
            yield
        except (OSError, sqlite3.OperationalError) as error:
            self._log.error("{path} cannot be changed: {error}", path=path, error=error)
            raise DiskFull from error


def _list(transaction: Transaction, visitor: str) -> tuple[SavedFile, ...]:
    transaction.execute("SELECT name, bytes, saved FROM files WHERE visitor = ? ORDER BY name", (visitor,))
    rows = ((path.partition("/"), size, saved) for path, size, saved in transaction.fetchall())
    return tuple(SavedFile(project, name, size, saved) for (project, _, name), size, saved in rows)


@contextmanager
def _whole_file(folder: Path, content: bytes) -> Iterator[Path]:
    """Write a complete file beside its later place, and remove it unless it was moved there."""
    descriptor, name = tempfile.mkstemp(dir=folder)
    complete = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        yield complete
    finally:
        complete.unlink(missing_ok=True)
