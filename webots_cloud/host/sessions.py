"""Sessions: a visitor who has logged in is known by a random token, of which only a digest is kept."""

from __future__ import annotations

import hashlib
import secrets
from typing import Any

import attrs
from twisted.enterprise.adbapi import Transaction

from webots_cloud.host.accounts import Account, read_account
from webots_cloud.host.database import Database
from webots_cloud.host.refusals import WrongPassword
from webots_cloud.secret import Secret

SESSION_SECONDS = 30 * 24 * 3600
"""How long a session lasts at most."""

MAX_SESSIONS = 20
"""How many sessions an account may have; a further one ends the oldest."""

_TOKEN_BYTES = 32


@attrs.frozen
class Session:
    """A session that has not ended.

    @ivar digest: by which it is known here.
    """

    digest: str
    account: Account


class Sessions:
    """All sessions."""

    def __init__(self, reactor: Any, database: Database) -> None:
        """Prepare to begin some.

        @param reactor: provides C{IReactorTime}.
        """
        self._reactor = reactor
        self._database = database

    async def begin(self, account: Account, instead_of: Session | None = None) -> tuple[Secret, Session]:
        """Begin a session.

        @param account: as it was when its password was looked at.
        @param instead_of: one that ends by it.
        @return: its token, which only its visitor is to have, and the session.
        @raise WrongPassword: if the account has another password since, or is no more.
        """
        token = Secret(secrets.token_urlsafe(_TOKEN_BYTES))
        session = Session(_digest(token), account)
        await self._database.run(
            _begin, session, int(self._reactor.seconds()), instead_of.digest if instead_of else None
        )
        return token, session

    async def find(self, token: Secret) -> Session | None:
        """Find the session of a token; C{None}: there is none, or it has ended."""
        digest = _digest(token)
        account = await self._database.run(_find, digest, int(self._reactor.seconds()))
        return Session(digest, account) if account else None

    async def end(self, session: Session) -> None:
        """End a session; it may have ended already."""
        await self._database.run(_end, session.digest)


def _digest(token: Secret) -> str:
    return hashlib.sha256(token.reveal().encode("utf-8", "surrogatepass")).hexdigest()


def _begin(transaction: Transaction, session: Session, now: int, instead_of: str | None) -> None:
    account = session.account
    transaction.execute("DELETE FROM sessions WHERE begun <= ? OR digest = ?", (now - SESSION_SECONDS, instead_of))
    transaction.execute(
        "DELETE FROM sessions WHERE visitor = ? AND digest NOT IN"
        " (SELECT digest FROM sessions WHERE visitor = ? ORDER BY begun DESC LIMIT ?)",
        (account.visitor, account.visitor, MAX_SESSIONS - 1),
    )
    transaction.execute(
        "INSERT INTO sessions (digest, visitor, begun)"
        " SELECT ?, visitor, ? FROM accounts WHERE visitor = ? AND password = ?",
        (session.digest, now, account.visitor, account.password.reveal()),
    )
    if transaction.rowcount != 1:
        raise WrongPassword


def _find(transaction: Transaction, digest: str, now: int) -> Account | None:
    transaction.execute(
        "SELECT accounts.* FROM sessions JOIN accounts ON accounts.visitor = sessions.visitor"
        " WHERE sessions.digest = ? AND sessions.begun > ? AND accounts.key IS NOT NULL",
        (digest, now - SESSION_SECONDS),
    )
    return read_account(transaction.fetchone())


def _end(transaction: Transaction, digest: str) -> None:
    transaction.execute("DELETE FROM sessions WHERE digest = ?", (digest,))
