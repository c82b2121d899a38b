"""The data base of visitors: one transaction after the other, all in one thread of their own."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar, cast

from twisted.application.service import Service
from twisted.enterprise.adbapi import ConnectionPool, Transaction

P = ParamSpec("P")
T = TypeVar("T")

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
CREATE TABLE IF NOT EXISTS accounts (
    visitor TEXT PRIMARY KEY,
    key TEXT UNIQUE,
    name TEXT,
    password TEXT,
    issue TEXT NOT NULL,
    made TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP
);
CREATE TABLE IF NOT EXISTS sessions (
    digest TEXT PRIMARY KEY,
    visitor TEXT NOT NULL REFERENCES accounts(visitor),
    begun INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS sessions_of_visitors ON sessions (visitor);
"""

_SINCE_THEN = {
    # Of files that were saved before this was written down, it is not known.
    ("files", "saved"): "INTEGER NOT NULL DEFAULT 0",
}
"""Columns that the tables of the first version lack."""


class Database(Service):
    """Runs transactions until it is stopped."""

    def __init__(self, reactor: Any, path: Path) -> None:
        """Open the data base; one of an earlier version is brought up to this one.

        @param reactor: provides C{IReactorCore} and C{IReactorThreads}.
        @param path: the file, which is made if it is not there.
        @raise sqlite3.Error: if it cannot be opened.
        """
        with closing(sqlite3.connect(path, timeout=BUSY_SECONDS)) as connection:
            _prepare(connection)
        self._pool = ConnectionPool(
            "sqlite3",
            str(path),
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

    async def run(
        self, interaction: Callable[Concatenate[Transaction, P], T], *arguments: P.args, **named: P.kwargs
    ) -> T:
        """Run a transaction; it is undone if C{interaction} raises anything.

        @param interaction: called with the transaction, and with the arguments, in the thread.
        """
        return cast(T, await self._pool.runInteraction(interaction, *arguments, **named))


def _prepare(connection: sqlite3.Connection) -> None:
    connection.executescript(_SCHEMA)
    for (table, column), kind in _SINCE_THEN.items():
        if column not in (known[1] for known in connection.execute(f"PRAGMA table_info({table})")):
            connection.execute(f"ALTER TABLE {table} ADD COLUMN {column} {kind}")


def _open(connection: sqlite3.Connection) -> None:
    # A power failure may then undo the last transaction, but breaks nothing.
    connection.execute("PRAGMA synchronous = NORMAL")
