"""Saving a visitor's own version of a controller file, whole or not at all, within the visitor's quota."""

from __future__ import annotations

import os
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import attrs
from twisted.application.service import Service
from twisted.enterprise.adbapi import ConnectionPool, Transaction
from twisted.logger import Logger

from webots_cloud.host.names import controller_of, is_plain
from webots_cloud.host.refusals import BadFile, DiskFull, NoSuchControllerFolder, QuotaExceeded, TooManyFiles
from webots_cloud.host.versions import DataFolder, is_folder

MAX_FILES = 1000
"""How many files a visitor may have; empty ones would not count against a quota of bytes."""

BUSY_SECONDS = 20.0
"""How long a transaction waits for those of other processes."""

_SCHEMA = """
PRAGMA journal_mode = WAL;
CREATE TABLE IF NOT EXISTS visitors (
    id TEXT PRIMARY KEY,
    first_saved TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP
);
CREATE TABLE IF NOT EXISTS files (
    visitor TEXT NOT NULL REFERENCES visitors(id),
    name TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    PRIMARY KEY (visitor, name)
);
"""


@attrs.frozen
class Save:
    """What a visitor wants to save.

    @ivar dirname: C{PROJECT/controllers/NAME}.
    """

    visitor: str
    dirname: str
    filename: str
    content: bytes


class SavedFiles(Service):
    """What visitors have saved, and how much that is; one transaction after the other, all in one thread."""

    _log = Logger()

    def __init__(self, reactor: Any, data: DataFolder, quota: int) -> None:
        """Open the data base of visitors.

        @param reactor: provides C{IReactorCore} and C{IReactorThreads}.
        @param quota: how many bytes each visitor may save.
        @raise sqlite3.Error: if it cannot be opened.
        """
        with closing(sqlite3.connect(data.database, timeout=BUSY_SECONDS)) as connection:
            connection.executescript(_SCHEMA)
        self._data = data
        self._quota = quota
        self._pool = ConnectionPool(
            "sqlite3",
            str(data.database),
            # The first statement that changes something begins the transaction, and waits for other processes' ones.
            isolation_level="IMMEDIATE",
            timeout=BUSY_SECONDS,
            check_same_thread=False,
            cp_reactor=reactor,
            cp_min=1,
            cp_max=1,
            cp_openfun=_open,
        )

    def stopService(self) -> None:
        """Close the data base."""
        Service.stopService(self)
        self._pool.close()

    async def save(self, wanted: Save) -> None:
        """Save a file.

        @raise ClientError: if it cannot be saved; what was there before is there still.
        """
        await self._pool.runInteraction(self._save, wanted)
        self._log.info(
            "{visitor} saved {dirname}/{filename} ({size} bytes)",
            visitor=wanted.visitor,
            dirname=wanted.dirname,
            filename=wanted.filename,
            size=len(wanted.content),
        )

    def _save(self, transaction: Transaction, wanted: Save) -> None:
        project, controller = self._existing_controller(wanted)
        try:
            with _whole_file(self._data.incoming, wanted.content) as complete:
                self._account(transaction, wanted)
                folder = ("user", wanted.visitor, "projects", project, "controllers", controller)
                _move(complete, self._data.root, folder, wanted.filename)
        except (OSError, sqlite3.OperationalError) as error:
            self._log.error("{path} cannot be saved: {error}", path=f"{wanted.dirname}/{wanted.filename}", error=error)
            raise DiskFull from error

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
        transaction.execute(
            "INSERT INTO files (visitor, name, bytes) VALUES (?, ?, ?)"
            " ON CONFLICT (visitor, name) DO UPDATE SET bytes = excluded.bytes",
            (wanted.visitor, f"{wanted.dirname}/{wanted.filename}", len(wanted.content)),
        )
        transaction.execute("SELECT count(*), sum(bytes) FROM files WHERE visitor = ?", (wanted.visitor,))
        files, size = transaction.fetchone()
        if size > self._quota:
            raise QuotaExceeded(quota=self._quota // 1_000_000)
        if files > MAX_FILES:
            raise TooManyFiles(limit=MAX_FILES)


def _open(connection: sqlite3.Connection) -> None:
    # A power failure may then undo the last saving, but breaks nothing.
    connection.execute("PRAGMA synchronous = NORMAL")


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


def _move(complete: Path, root: Path, folders: tuple[str, ...], name: str) -> None:
    """Move a file into a folder that may have to be made; refuses to pass through symbolic links."""
    where = os.open(root, os.O_DIRECTORY)
    try:
        for folder in folders:
            with suppress(FileExistsError):
                os.mkdir(folder, 0o700, dir_fd=where)
            inner = os.open(folder, os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=where)
            os.close(where)
            where = inner
        os.replace(complete, name, dst_dir_fd=where)
    finally:
        os.close(where)
