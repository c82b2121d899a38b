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


async def work(reactor: Any, options: Options) -> None:
    """Do what was asked for.

    @raise SystemExit: if it cannot be done; with a sentence for the operator.
    """
    data = DataFolder(options.config.host.dataDir)
    try:
        database = Database(reactor, data.database)
    except sqlite3.Error as error:
        raise SystemExit(f"[host] dataDir {data.root} cannot be used: {error}") from error
    accounts = Accounts(database, SavedFiles(reactor, data, database, options.config.host.quotaMegabytes * 1_000_000))
    try:
        if options.word == "list":
            for name, made, size in await accounts.list():
                print(f"{made}\t{size} bytes saved\t{name}")
        else:
            account = await accounts.named(account_name(options.name))
            if account is None:
                raise SystemExit(f"There is no account {options.name!r}.")
            if options.word == "delete":
                await accounts.delete(account)
            else:
                await _give_password(reactor, accounts, account)
    except ClientError as error:
        raise SystemExit(str(error)) from error
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
