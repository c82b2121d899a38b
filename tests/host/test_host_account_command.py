"""C{webots-accounts}, as an operator runs it while the website host runs."""

from __future__ import annotations

import json
import sys
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.error import ProcessDone
from twisted.internet.protocol import ProcessProtocol
from twisted.python.failure import Failure

from tests.host.running import reactor
from tests.host.test_host_accounts import KEY, AccountCase


class Command(ProcessProtocol):
    """The command.

    @ivar over: fires with its exit status and all that it has written.
    """

    def __init__(self, said: str) -> None:
        self._said = said
        self._output = b""
        self.over: Deferred[tuple[int, str]] = Deferred()

    def connectionMade(self) -> None:
        transport: Any = self.transport
        transport.write(self._said.encode())
        transport.closeStdin()

    def childDataReceived(self, childFD: int, data: bytes) -> None:
        self._output += data

    def processEnded(self, reason: Failure) -> None:
        ended: Any = reason.value
        status = 0 if reason.check(ProcessDone) else ended.exitCode
        self.over.callback((status, self._output.decode()))


class AccountCommand(AccountCase):
    async def run_command(self, *arguments: str, said: str = "") -> tuple[int, str]:
        program = "from webots_cloud.host.account_command import main; main()"
        return await self.run_program(program, ["--config", self.ini(), *arguments], said)

    async def run_cloud_command(self, *arguments: str, said: str = "") -> tuple[int, str]:
        """Run C{webots-cloud accounts}."""
        program = "from webots_cloud.command.main import main; main()"
        return await self.run_program(program, ["accounts", *arguments, "--config", self.ini()], said)

    def ini(self) -> str:
        ini = self.folder / "host.ini"
        self.write(ini, f"[host]\ndataDir = {self.data}\nkeyFile = {self.folder / 'key'}\n")
        ini.parent.joinpath("key").chmod(0o600)
        return str(ini)

    async def run_program(self, program: str, arguments: list[str], said: str) -> tuple[int, str]:
        command = Command(said)
        reactor.spawnProcess(command, sys.executable, [sys.executable, "-c", program, *arguments], env=None)
        return await command.over

    async def test_accounts_are_listed(self) -> None:
        ada = await self.ada()
        assert await ada.upload() == "OK"
        status, output = await self.run_command("list")
        assert status == 0, output
        (line,) = output.splitlines()
        assert line.split("\t")[1:] == ["4 bytes saved", "Ada Lovelace"]

    async def test_who_has_forgotten_the_password_is_given_another_one(self) -> None:
        ada = await self.ada()
        assert (await self.run_command("password", "ada lovelace", said="battery staple\n")) == (0, "")
        assert (await ada.read())["user"]["account"] is False
        await ada.done("log-in", {**KEY, "password": "battery staple"})

    async def test_a_poor_password_is_refused_in_words(self) -> None:
        await self.ada()
        status, output = await self.run_command("password", "Ada Lovelace", said="short\n")
        assert (status, output) == (1, "This password has fewer than 8 characters; choose another one.\n")
        await self.elsewhere()

    async def test_an_account_is_deleted_with_everything(self) -> None:
        ada = await self.ada()
        assert await ada.upload() == "OK"
        folder = self.own(ada)
        assert (await self.run_command("delete", "Ada Lovelace")) == (0, "")
        assert not folder.exists()
        assert (await self.run_command("list")) == (0, "")

    async def test_what_cannot_be_done_is_told_in_a_line(self) -> None:
        for arguments, told in (
            (("delete", "Nobody"), "There is no account 'Nobody'."),
            (("delete", "x"), "This name has fewer than 2 characters; choose another one."),
        ):
            assert await self.run_command(*arguments) == (1, f"{told}\n")
        for wrong in ((), ("list", "Ada"), ("delete",), ("drop",)):
            status, output = await self.run_command(*wrong)
            assert status == 1
            assert "Usage: webots-accounts" in output
            assert "Traceback" not in output

    async def test_webots_cloud_does_the_same(self) -> None:
        ada = await self.ada()
        assert await ada.upload() == "OK"
        status, output = await self.run_cloud_command("list")
        assert status == 0, output
        assert output.splitlines()[0].split() == ["MADE", "SAVED", "NAME"]
        assert output.splitlines()[1].endswith("0.0 MB  Ada Lovelace")
        (account,) = json.loads((await self.run_cloud_command("list", "--json"))[1])["accounts"]
        assert (account["name"], account["savedBytes"]) == ("Ada Lovelace", 4)
        changed = await self.run_cloud_command("password", "ada lovelace", said="battery staple\n")
        assert changed == (0, "The password is changed.\n")
        assert (await ada.read())["user"]["account"] is False
        await ada.done("log-in", {**KEY, "password": "battery staple"})
        poor = await self.run_cloud_command("password", "ada lovelace", said="short\n")
        assert poor == (1, "webots-cloud: This password has fewer than 8 characters; choose another one.\n")
        assert await self.run_cloud_command("delete", "Nobody") == (1, "webots-cloud: There is no account 'Nobody'.\n")
        assert await self.run_cloud_command("delete", "Ada Lovelace") == (0, "The account is deleted.\n")
        assert await self.run_cloud_command("list", "--json") == (0, '{"accounts": []}\n')
