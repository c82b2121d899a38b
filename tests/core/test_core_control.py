"""The control socket of a server: who may connect, what is there already, and what is answered."""

from __future__ import annotations

import contextlib
import os
import socket
import stat
import tempfile
from pathlib import Path
from typing import Any, cast

import attrs
from treq.client import HTTPClient
from twisted.internet import reactor as _reactor
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import UNIXClientEndpoint, connectProtocol
from twisted.internet.protocol import Protocol, connectionDone
from twisted.logger import capturedLogs
from twisted.python.failure import Failure
from twisted.trial.unittest import TestCase
from twisted.web.client import URI, Agent
from twisted.web.iweb import IAgentEndpointFactory
from zope.interface import implementer

from webots_cloud.config import read_config
from webots_cloud.control import ControlSocket, Refused, Told, short_address

reactor = cast(Any, _reactor)


@implementer(IAgentEndpointFactory)
@attrs.frozen
class At:
    """Connects to a socket."""

    path: str

    def endpointForURI(self, uri: URI) -> UNIXClientEndpoint:
        return UNIXClientEndpoint(reactor, self.path)


class Raw(Protocol):
    """A connection that tells when it is over."""

    def __init__(self) -> None:
        self.received = b""
        self.over: Deferred[bytes] = Deferred()

    def dataReceived(self, data: bytes) -> None:
        self.received += data

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.over.callback(self.received)


class Controlled(TestCase):
    timeout = 120

    def setUp(self) -> None:
        self.folder = Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.path = self.folder / "run" / "session.sock"
        self.orders: list[str] = []
        self.pending: Deferred[None] = Deferred()

    def control(self, path: Path | None = None) -> ControlSocket:
        async def status() -> Told:
            return {"mood": "calm"}

        async def order(what: str) -> Told:
            self.orders.append(what)
            if what == "nonsense":
                raise Refused("there is no such thing")
            if what == "fault":
                raise ZeroDivisionError("by nothing")
            if what == "later":
                await self.pending
            return {"done": what}

        config = attrs.evolve(read_config(None, ()).session, controlSocket=path or self.path)
        return ControlSocket(reactor, config, None, status, {"order": order})

    def started(self) -> ControlSocket:
        control = self.control()
        control.startService()
        self.addCleanup(control.stopService)
        return control

    async def ask(self, what: str, method: str = "GET", **more: Any) -> tuple[int, Any]:
        client = HTTPClient(Agent.usingEndpointFactory(reactor, At(str(self.path))))
        response = await client.request(method, f"http://localhost/{what}", **more)
        return response.code, await response.json()

    async def test_a_server_tells_what_it_is_and_does(self) -> None:
        self.started()
        code, status = await self.ask("status")
        assert code == 200
        assert status["server"] == "session"
        assert status["pid"] == os.getpid()
        assert status["listens"] == ["tcp:1999"]
        assert status["certificate"] is None
        assert status["mood"] == "calm"

    async def test_an_order_is_carried_out(self) -> None:
        self.started()
        assert await self.ask("order/7", "POST") == (200, {"done": "7"})

    async def test_what_cannot_be_done_is_told_in_words(self) -> None:
        self.started()
        assert await self.ask("order/nonsense", "POST") == (404, {"error": "there is no such thing"})

    async def test_looking_changes_nothing(self) -> None:
        self.started()
        code, _ = await self.ask("order/7")
        assert code == 405
        code, _ = await self.ask("status", "POST")
        assert code == 405
        assert self.orders == []

    async def test_a_fault_is_logged_and_told_without_its_words(self) -> None:
        self.started()
        code, told = await self.ask("order/fault", "POST")
        assert code == 500
        assert "ZeroDivisionError" in told["error"]
        assert "by nothing" not in told["error"]
        assert len(cast(Any, self).flushLoggedErrors(ZeroDivisionError)) == 1

    async def test_who_does_not_wait_for_an_answer_harms_nobody(self) -> None:
        self.started()
        raw = await connectProtocol(UNIXClientEndpoint(reactor, str(self.path)), Raw())
        cast(Any, raw.transport).write(b"POST /order/later HTTP/1.1\r\nHost: localhost\r\n\r\n")
        await self.ask("order/other", "POST")
        assert self.orders[:1] == ["later"]
        cast(Any, raw.transport).loseConnection()
        await raw.over
        await self.ask("status")
        self.pending.callback(None)
        assert (await self.ask("status"))[0] == 200

    async def test_what_is_sent_with_an_order_is_not_kept(self) -> None:
        self.started()
        assert (await self.ask("order/7", "POST", data=b"x" * 3_000_000))[0] == 200

    async def test_only_this_user_may_connect(self) -> None:
        umask = os.umask(0)
        try:
            self.started()
        finally:
            os.umask(umask)
        found = self.path.stat()
        assert stat.S_ISSOCK(found.st_mode)
        assert stat.S_IMODE(found.st_mode) == 0o600
        assert found.st_uid == os.geteuid()
        # The folder was made for it.
        assert stat.S_IMODE(self.path.parent.stat().st_mode) == 0o700

    async def test_it_is_not_reachable_by_others_for_a_moment_either(self) -> None:
        modes: list[int] = []
        chmod = os.chmod

        def look(path: bytes, mode: int) -> None:
            modes.append(os.stat(path).st_mode)
            chmod(path, mode)

        # Between the moment that a socket is made and that of its mode.
        cast(Any, self).patch(os, "chmod", look)
        umask = os.umask(0)
        try:
            self.started()
        finally:
            assert os.umask(umask) == 0
        assert [stat.S_IMODE(mode) for mode in modes] == [0o600]

    async def test_nothing_is_left_of_a_server_that_has_stopped(self) -> None:
        descriptors = []
        # The reactor opens some for itself with the first.
        for _ in range(2):
            control = self.control()
            control.startService()
            await control.stopService()
            descriptors.append(len(os.listdir("/proc/self/fd")))
        assert os.listdir(self.path.parent) == []
        assert descriptors[0] == descriptors[1]

    async def test_what_a_killed_server_has_left_is_replaced(self) -> None:
        self.path.parent.mkdir()
        with socket.socket(socket.AF_UNIX) as killed:
            killed.bind(str(self.path))
        self.started()
        assert (await self.ask("status"))[0] == 200

    async def test_the_socket_of_a_server_that_runs_is_left_alone(self) -> None:
        self.started()
        other = self.control()
        with capturedLogs() as events:
            other.startService()
            await other.stopService()
        assert [event["why"] for event in events if event.get("why")] == [
            "another server listens there; give each of them a controlSocket of its own"
        ]
        assert (await self.ask("status"))[0] == 200

    async def test_a_file_that_is_no_socket_is_left_alone(self) -> None:
        self.path.parent.mkdir()
        self.path.write_text("diary")
        control = self.control()
        with capturedLogs() as events:
            control.startService()
            await control.stopService()
        assert self.path.read_text() == "diary"
        assert [event["why"] for event in events if event.get("why")] == [
            "there is a file of that name, which is not a socket"
        ]

    async def test_a_server_runs_without_where_there_can_be_none(self) -> None:
        (self.folder / "file").touch()
        control = self.control(self.folder / "file" / "session.sock")
        with capturedLogs() as events:
            control.startService()
            await control.stopService()
        assert len([event for event in events if event.get("why")]) == 1

    async def test_there_is_none_where_none_is_wanted(self) -> None:
        control = self.control()
        control._config = attrs.evolve(control._config, controlSocket=None)
        control.startService()
        await control.stopService()
        assert os.listdir(self.folder) == []

    async def test_a_path_may_be_longer_than_a_sockets_address(self) -> None:
        path = self.folder.joinpath(*["a-long-name" * 4] * 4) / "session.sock"
        assert len(str(path)) > 150
        control = self.control(path)
        control.startService()
        with short_address(path) as address, socket.socket(socket.AF_UNIX) as client:
            client.connect(address)
        await control.stopService()
        assert os.listdir(path.parent) == []

    async def test_that_somebody_has_removed_the_socket_does_not_keep_a_server_from_stopping(self) -> None:
        control = self.control()
        control.startService()
        self.path.unlink()
        await control.stopService()

    async def test_who_is_connected_does_not_keep_a_server_from_stopping(self) -> None:
        control = self.control()
        control.startService()
        raw = await connectProtocol(UNIXClientEndpoint(reactor, str(self.path)), Raw())
        await control.stopService()
        assert await raw.over == b""


def test_a_short_address_needs_a_folder() -> None:
    with contextlib.suppress(FileNotFoundError), short_address(Path("/is/not/there/session.sock")):
        raise AssertionError("there is none")
