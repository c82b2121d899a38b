"""Sessions and accounts in the data base: how long they last, and what happens at the same time."""

from __future__ import annotations

from typing import Any

import pytest
from twisted.internet.task import Clock
from twisted.trial.unittest import TestCase

from tests.host.running import new_folder, reactor
from webots_cloud.host.accounts import Account, Accounts
from webots_cloud.host.database import Database
from webots_cloud.host.names import account_name
from webots_cloud.host.refusals import DiskFull, HasAccount, NameTaken, WrongPassword, WrongUser
from webots_cloud.host.saving import Save, SavedFiles
from webots_cloud.host.sessions import MAX_SESSIONS, SESSION_SECONDS, Session, Sessions
from webots_cloud.host.versions import DataFolder
from webots_cloud.secret import Secret

ADA, BOB = "g0123456789abcdef0123", "gffffffffffffffffffff"
KEPT = Secret("what is kept of a password")


class SessionsOfAccounts(TestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.data = DataFolder(new_folder(self))
        (self.data.projects / "simple/controllers/drive").mkdir(parents=True)
        self.data.incoming.mkdir()
        self.database = Database(reactor, self.data.database)
        self.addCleanup(self.database.stopService)
        self.saved = SavedFiles(self.clock, self.data, self.database, 1_000_000)
        self.accounts = Accounts(self.database, self.saved)
        self.sessions = Sessions(self.clock, self.database)

    async def account(self, visitor: str = ADA, name: str = "Ada") -> Account:
        return await self.accounts.make(visitor, account_name(name), KEPT)

    async def begin(self, account: Account, **named: Any) -> tuple[Secret, Session]:
        self.clock.advance(1)
        return await self.sessions.begin(account, **named)

    async def test_a_session_ends_by_itself_after_a_time(self) -> None:
        account = await self.account()
        token, session = await self.begin(account)
        self.clock.advance(SESSION_SECONDS - 1)
        assert await self.sessions.find(token) == session
        self.clock.advance(1)
        assert await self.sessions.find(token) is None

    async def test_what_has_ended_is_not_kept(self) -> None:
        account = await self.account()
        await self.begin(account)
        self.clock.advance(SESSION_SECONDS)
        await self.begin(account)
        assert await self.count() == 1

    async def test_an_account_has_a_bounded_number_and_the_oldest_ends_first(self) -> None:
        account, other = await self.account(), await self.account(BOB, "Bob")
        others, _ = await self.begin(other)
        tokens = [(await self.begin(account))[0] for _ in range(MAX_SESSIONS + 2)]
        found = [await self.sessions.find(token) is not None for token in tokens]
        assert found == [False] * 2 + [True] * MAX_SESSIONS
        assert await self.sessions.find(others) is not None

    async def test_tokens_are_all_different_and_no_others_are_taken(self) -> None:
        account = await self.account()
        token, session = await self.begin(account)
        another, _ = await self.begin(account)
        assert not token.matches(another)
        for wrong in (
            "",
            session.digest,
            token.reveal()[:-1],
            f"{token.reveal()} ",
            "' OR 1=1 --",
            "\ud800",
            "x" * 10**5,
        ):
            assert await self.sessions.find(Secret(wrong)) is None

    async def test_whoever_was_let_in_by_a_password_that_was_changed_meanwhile_stays_out(self) -> None:
        account = await self.account()
        await self.accounts.change_password(account, Secret("of another password"))
        with pytest.raises(WrongPassword):
            await self.begin(account)
        with pytest.raises(WrongPassword):
            await self.accounts.change_password(account, Secret("of a third one"))
        with pytest.raises(WrongPassword):
            await self.accounts.delete(account)
        assert await self.accounts.named(account_name("Ada")) is not None

    async def test_whoever_was_let_in_to_an_account_that_was_deleted_meanwhile_stays_out(self) -> None:
        account = await self.account()
        await self.accounts.delete(account)
        with pytest.raises(WrongPassword):
            await self.begin(account)

    async def test_a_file_that_comes_while_its_account_is_deleted_is_not_left_behind(self) -> None:
        account = await self.account()
        await self.saved.save(Save(ADA, "simple/controllers/drive", "drive.py", b"mine"))
        await self.accounts.delete(account)
        with pytest.raises(WrongUser):
            await self.saved.save(Save(ADA, "simple/controllers/drive", "drive.py", b"late"))
        assert not list((self.data.root / "user").iterdir())
        assert not list(self.data.incoming.iterdir())
        assert await self.saved.list(ADA) == ()

    async def test_files_that_cannot_be_removed_keep_the_account(self) -> None:
        account = await self.account()
        token, _ = await self.begin(account)
        (self.data.root / "user").symlink_to(self.data.projects)
        with pytest.raises(DiskFull):
            await self.accounts.delete(account)
        assert await self.sessions.find(token) is not None
        assert await self.accounts.of(ADA) == account

    async def test_ids_and_names_are_had_once_also_after_their_end(self) -> None:
        account = await self.account()
        with pytest.raises(NameTaken):
            await self.account(BOB, "ADA")
        with pytest.raises(HasAccount):
            await self.account(ADA, "Another")
        await self.accounts.delete(account)
        with pytest.raises(HasAccount):
            await self.account(ADA, "Another")
        bob = await self.account(BOB, "Ada")
        assert await self.accounts.named(account_name("ada")) == bob
        assert await self.accounts.of(ADA) is None
        assert await self.accounts.has_had(ADA)

    async def count(self) -> int:
        def counted(transaction: Any) -> int:
            transaction.execute("SELECT count(*) FROM sessions")
            return int(transaction.fetchone()[0])

        return await self.database.run(counted)
