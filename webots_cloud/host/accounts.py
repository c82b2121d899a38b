"""Accounts of visitors: who has which name, and what is kept of the passwords; in the data base."""

from __future__ import annotations

import secrets
import sqlite3

import attrs
from twisted.enterprise.adbapi import Transaction
from twisted.logger import Logger

from webots_cloud.host.database import Database
from webots_cloud.host.names import AccountName
from webots_cloud.host.refusals import HasAccount, NameTaken, WrongPassword
from webots_cloud.host.saving import SavedFiles
from webots_cloud.secret import Secret

_FIND = {
    "key": "SELECT * FROM accounts WHERE key = ?",
    "visitor": "SELECT * FROM accounts WHERE visitor = ? AND key IS NOT NULL",
}


@attrs.frozen
class Account:
    """An account.

    @ivar visitor: the id under which its files are saved; that of the guest who made it.
    @ivar name: as it is shown.
    @ivar password: what is kept of the password.
    @ivar issue: changes with the password; what was given out before is not good any more.
    """

    visitor: str
    name: str
    password: Secret
    issue: str


class Accounts:
    """All accounts. The id of one that was deleted stays taken, so that nothing that was given out for it is good."""

    _log = Logger()

    def __init__(self, database: Database, saved: SavedFiles) -> None:
        """Prepare to look them up.

        @param saved: where an account's files are.
        """
        self._database = database
        self._saved = saved

    async def named(self, name: AccountName) -> Account | None:
        """Find an account by its name."""
        return await self._database.run(_find, "key", name.key)

    async def of(self, visitor: str) -> Account | None:
        """Find an account by its visitor's id."""
        return await self._database.run(_find, "visitor", visitor)

    async def has_had(self, visitor: str) -> bool:
        """Tell whether a visitor has an account, or had one."""
        return await self._database.run(_exists, visitor)

    async def list(self) -> tuple[tuple[str, str, int], ...]:
        """List all accounts: the name, when it was made (UTC), and how many bytes are saved."""
        return await self._database.run(_list)

    async def make(self, visitor: str, name: AccountName, password: Secret) -> Account:
        """Make a guest's account.

        @param password: what is to be kept of it.
        @raise NameTaken: if somebody has that name.
        @raise HasAccount: if the guest has one.
        """
        account = Account(visitor, name.shown, password, secrets.token_hex(8))
        await self._database.run(_make, account, name.key)
        self._log.info("{visitor} has an account now", visitor=visitor)
        return account

    async def change_password(self, account: Account, password: Secret) -> Account:
        """Give an account another password; all its sessions end.

        @param account: as it was when the old password was looked at.
        @param password: what is to be kept of the new one.
        @raise WrongPassword: if it has another one since.
        """
        changed = attrs.evolve(account, password=password, issue=secrets.token_hex(8))
        await self._database.run(_change, account, changed)
        self._log.info("{visitor} has another password now", visitor=account.visitor)
        return changed

    async def delete(self, account: Account) -> None:
        """Delete an account and all that was saved.

        @param account: as it was when the password was looked at.
        @raise WrongPassword: if it has another one since.
        @raise DiskFull: if its files cannot be removed; the account stays then.
        """
        await self._database.run(self._delete, account)
        self._log.info("the account of {visitor} was deleted", visitor=account.visitor)

    def _delete(self, transaction: Transaction, account: Account) -> None:
        transaction.execute(
            "UPDATE accounts SET key = NULL, name = NULL, password = NULL WHERE visitor = ? AND password = ?",
            (account.visitor, account.password.reveal()),
        )
        _must_have_changed(transaction)
        transaction.execute("DELETE FROM sessions WHERE visitor = ?", (account.visitor,))
        self._saved.forget(transaction, account.visitor)


def read_account(row: tuple[str, ...] | None) -> Account | None:
    """Make an account of a row of their table; C{None}: there is none."""
    if row is None:
        return None
    visitor, _key, name, password, issue, _made = row
    return Account(visitor, name, Secret(password), issue)


def _find(transaction: Transaction, column: str, value: str) -> Account | None:
    transaction.execute(_FIND[column], (value,))
    return read_account(transaction.fetchone())


def _list(transaction: Transaction) -> tuple[tuple[str, str, int], ...]:
    transaction.execute(
        "SELECT name, made, coalesce((SELECT sum(bytes) FROM files WHERE files.visitor = accounts.visitor), 0)"
        " FROM accounts WHERE key IS NOT NULL ORDER BY key"
    )
    return tuple(transaction.fetchall())


def _exists(transaction: Transaction, visitor: str) -> bool:
    transaction.execute("SELECT 1 FROM accounts WHERE visitor = ?", (visitor,))
    return transaction.fetchone() is not None


def _make(transaction: Transaction, account: Account, key: str) -> None:
    try:
        transaction.execute(
            "INSERT INTO accounts (visitor, key, name, password, issue) VALUES (?, ?, ?, ?, ?)",
            (account.visitor, key, account.name, account.password.reveal(), account.issue),
        )
    except sqlite3.IntegrityError as error:
        raise (HasAccount if _exists(transaction, account.visitor) else NameTaken) from error


def _change(transaction: Transaction, account: Account, changed: Account) -> None:
    transaction.execute(
        "UPDATE accounts SET password = ?, issue = ? WHERE visitor = ? AND password = ?",
        (changed.password.reveal(), changed.issue, account.visitor, account.password.reveal()),
    )
    _must_have_changed(transaction)
    transaction.execute("DELETE FROM sessions WHERE visitor = ?", (account.visitor,))


def _must_have_changed(transaction: Transaction) -> None:
    if transaction.rowcount != 1:
        raise WrongPassword
