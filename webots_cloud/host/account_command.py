"""C{webots-accounts}: what an operator does with visitors' accounts, while the website host runs or not."""

from __future__ import annotations

import sqlite3
import sys
from functools import partial
from getpass import getpass
from typing import Any, ClassVar, cast

from twisted.internet.defer import Deferred
from twisted.internet.task import react
from twisted.internet.threads import deferToThreadPool
from twisted.python.usage import UsageError

from webots_cloud.config import ConfigOptions, HostConfig
from webots_cloud.errors import ClientError
from webots_cloud.host.accounts import Account, Accounts
from webots_cloud.host.database import Database
from webots_cloud.host.names import account_name
from webots_cloud.host.passwords import Passwords, check_password
from webots_cloud.host.saving import SavedFiles
from webots_cloud.host.streaming import InThread
from webots_cloud.host.versions import DataFolder
from webots_cloud.secret import Secret

WORDS = ("list", "password", "delete")


class Options(ConfigOptions):
    """The command line.

    @ivar word: what to do.
    @ivar name: with whose account; empty: with all.
    """

    sections = (HostConfig,)
    synopsis = "Usage: webots-accounts [--config FILE] list | password NAME | delete NAME"
    longdesc: ClassVar[str] = (
        "Lists the accounts; gives one another password, which is read from the terminal or from standard input; "
        "or deletes one with everything saved. Run it as the website host's user."
    )

    def parseArgs(self, *arguments: str) -> None:
        """Read what follows the options.

        @raise UsageError: if it is not what it should be.
        """
        self.word, self.name = (*arguments, "", "")[:2]
        if self.word not in WORDS or len(arguments) != (1 if self.word == "list" else 2):
            raise UsageError("say one of: list, password NAME, delete NAME")


class NotDone(Exception):
    """What was asked for cannot be done; the text is a sentence for the operator."""


async def work(reactor: Any, options: Options) -> None:
    """Do what was asked for.

    @raise SystemExit: if it cannot be done; with a sentence for the operator.
    """
    try:
        found = await carry_out(reactor, options.config.host, options.word, options.name)
    except (ClientError, NotDone) as error:
        raise SystemExit(str(error)) from error
    for name, made, size in found:
        print(f"{made}\t{size} bytes saved\t{name}")


async def carry_out(reactor: Any, config: HostConfig, word: str, name: str) -> tuple[tuple[str, str, int], ...]:
    """Do one of L{WORDS}.

    @param name: with whose account; empty: with all.
    @return: of C{list}, each account's name, when it was made, and how many bytes it has saved.
    @raise ClientError: if the data base cannot do it, or a name or password is not one.
    @raise NotDone: if there is no such account, or no data base.
    """
    data = DataFolder(config.dataDir)
    try:
        database = Database(reactor, data.database)
    except sqlite3.Error as error:
        raise NotDone(f"[host] dataDir {data.root} cannot be used: {error}") from error
    accounts = Accounts(database, SavedFiles(reactor, data, database, config.quotaMegabytes * 1_000_000))
    try:
        if word == "list":
            return await accounts.list()
        account = await accounts.named(account_name(name))
        if account is None:
            raise NotDone(f"There is no account {name!r}.")
        if word == "delete":
            await accounts.delete(account)
        else:
            await _give_password(reactor, accounts, account)
        return ()
    finally:
        database.stopService()


async def _give_password(reactor: Any, accounts: Accounts, account: Account) -> None:
    password = Secret(getpass("New password: ") if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n"))
    check_password(password, account.name)
    in_thread = cast(InThread, partial(deferToThreadPool, reactor, reactor.getThreadPool()))
    await accounts.change_password(account, await Passwords(in_thread).kept(password))


def main() -> None:
    """Run the command."""
    options = cast(Any, Options)()
    try:
        options.parseOptions()
    except UsageError as error:
        raise SystemExit(f"{error}\n{options.synopsis}") from error
    react(lambda reactor: Deferred.fromCoroutine(work(reactor, options)))
