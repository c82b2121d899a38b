"""All three servers in one process: what a first start makes, how they find each other, and how they stop."""

from __future__ import annotations

import gc
import os
from pathlib import Path
from typing import Any, cast

import attrs
import pytest
from treq import json_content
from twisted.application.service import Service
from twisted.internet import reactor
from twisted.internet.defer import Deferred, fail
from twisted.internet.endpoints import UNIXClientEndpoint
from twisted.logger import capturedLogs
from twisted.trial.unittest import TestCase
from twisted.web.client import URI, Agent
from twisted.web.iweb import IAgentEndpointFactory
from zope.interface import implementer

from tests.certificate import certify
from webots_cloud.config import Config
from webots_cloud.process import InOrder
from webots_cloud.service import Options, makeService


def parsed(configuration: str = "") -> Options:
    Path("test.ini").write_text(configuration)
    options = cast(Any, Options)()
    options.parseOptions(["--config", "test.ini"])
    assert isinstance(options, Options)
    return options


def keys(configuration: str = "") -> tuple[str, str]:
    """Start; give what the website host shows, and what the simulation server knows of it."""
    config: Config = parsed(configuration).config
    return config.host.keyFile.read_text(), (config.simulation.keyDir / "localhost").read_text()


def test_the_first_start_makes_a_key_and_no_later_one_does(tmp_path: Path) -> None:
    first = keys()
    path = tmp_path / "state" / "keys" / "localhost"
    assert first == (path.read_text(), path.read_text())
    assert len(first[0].strip()) >= 40
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert [file.name for file in path.parent.iterdir()] == ["localhost"]
    assert keys() == first


def test_a_key_that_is_there_stays(tmp_path: Path) -> None:
    path = tmp_path / "state" / "keys" / "localhost"
    path.parent.mkdir(parents=True)
    path.write_text("sesame\n")
    assert keys() == ("sesame\n", "sesame\n")


@pytest.mark.parametrize("given", ["host", "localhost", ""])
def test_both_servers_have_the_same_key_wherever_it_is(given: str, tmp_path: Path) -> None:
    if given:
        (tmp_path / "keys").mkdir()
        (tmp_path / "keys" / given).write_text("sesame\n")
    one, other = keys(f"[host]\nkeyFile = {tmp_path}/keys/host\n[simulation]\nkeyDir = {tmp_path}/keys\n")
    assert one == other
    assert one == "sesame\n" or not given


def test_two_keys_that_are_there_stay_as_they_are(tmp_path: Path) -> None:
    (tmp_path / "localhost").write_text("one\n")
    (tmp_path / "host").write_text("other\n")
    assert keys(f"[host]\nkeyFile = {tmp_path}/host\n[simulation]\nkeyDir = {tmp_path}\n") == ("other\n", "one\n")


def test_where_no_key_can_be_made_the_option_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SystemExit):
        parsed(f"[host]\nkeyFile = {tmp_path}/file/key\n")
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("test.ini:2: [host] keyFile: the key in ")


@attrs.define(eq=False)
class Server(Service):
    """A server that writes down what happens to it, and stops when the test says so."""

    called: str
    diary: list[str]
    stopped: Deferred[None] | None = None

    def startService(self) -> None:
        Service.startService(self)
        self.diary.append(f"{self.called} starts")

    def stopService(self) -> Deferred[None] | None:
        Service.stopService(self)
        self.diary.append(f"{self.called} stops")
        return self.stopped


class Failing(Server):
    def stopService(self) -> None:
        Server.stopService(self)
        raise ValueError("stuck")


def test_servers_stop_one_after_the_other_in_the_reverse_order() -> None:
    diary: list[str] = []
    middle, last = Deferred[None](), Deferred[None]()
    cloud: Any = InOrder([Server("a", diary), Server("b", diary, middle), Server("c", diary, last)])
    cloud.startService()
    assert diary == ["a starts", "b starts", "c starts"]

    stopped = cloud.stopService()

    assert diary[3:] == ["c stops"]
    last.callback(None)
    assert diary[3:] == ["c stops", "b stops"]
    assert not stopped.called
    middle.callback(None)
    assert diary[3:] == ["c stops", "b stops", "a stops"]
    assert stopped.called
    assert not cloud.running


def test_what_is_there_at_the_start_is_not_looked_through_for_garbage() -> None:
    gc.unfreeze()
    InOrder([]).startService()
    assert gc.get_freeze_count() > 0
    gc.unfreeze()


def test_a_server_that_fails_to_stop_keeps_none_from_stopping() -> None:
    diary: list[str] = []
    cloud: Any = InOrder(
        [Server("a", diary), Failing("b", diary), Server("c", diary, fail(OSError("gone"))), Server("d", diary)]
    )
    cloud.startService()

    with capturedLogs() as events:
        stopped = cloud.stopService()

    assert diary[4:] == ["d stops", "c stops", "b stops", "a stops"]
    assert stopped.called
    assert [(event["part"], event["log_failure"].type) for event in events] == [
        ("Server", OSError),
        ("Failing", ValueError),
    ]


@implementer(IAgentEndpointFactory)
class WebsiteHost:
    """Where the website host listens in these tests."""

    def endpointForURI(self, uri: URI) -> UNIXClientEndpoint:
        return UNIXClientEndpoint(reactor, "host.socket")


def save_certificate() -> None:
    made = certify()
    Path("cert.pem").write_bytes(made.pem)
    Path("key.pem").write_bytes(made.key_pem)


class Together(TestCase):
    timeout = 120

    async def told(self, more: str, session: str = "listen = unix:session.socket\n") -> str:
        """Start all servers; give the session server that pages are told of."""
        options = parsed(
            f"[session]\nport = 4321\n{session}"
            "[simulation]\nlisten = unix:simulation.socket\n"
            f"[host]\nlisten = unix:host.socket\n{more}"
        )
        cloud: Any = makeService(options)
        cloud.startService()
        try:
            agent = Agent.usingEndpointFactory(reactor, WebsiteHost())
            site = await json_content(await agent.request(b"GET", b"http://localhost/projects.json"))
        finally:
            await cloud.stopService()
        return str(site["sessionServer"])

    async def test_pages_are_told_where_the_session_server_of_this_process_is(self) -> None:
        assert await self.told("") == "ws://localhost:4321"

    async def test_pages_are_told_that_the_session_server_is_encrypted(self) -> None:
        save_certificate()
        files = f"sslCertificate = {os.getcwd()}/cert.pem\nsslKey = {os.getcwd()}/key.pem\n"
        assert await self.told("", f"tlsListen = unix:session.socket\n{files}") == "wss://localhost:4321"

    async def test_pages_are_told_of_another_session_server_where_there_is_one(self) -> None:
        assert await self.told("sessionServer = wss://session.example.org\n") == "wss://session.example.org"

    async def test_nothing_is_left_of_servers_that_have_stopped(self) -> None:
        await self.told("")
        assert [name for name in os.listdir() if "socket" in name] == []
        assert os.listdir("state/instances") == []
