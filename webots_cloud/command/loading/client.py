"""One simulated client: does what a page does, from the session server's answer until it leaves."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

import attrs
from treq.client import HTTPClient
from twisted.internet.defer import Deferred, DeferredList, TimeoutError
from twisted.internet.error import ConnectError
from twisted.internet.task import deferLater
from twisted.web.client import URI, ResponseFailed
from twisted.web.http import OK

from webots_cloud.agent import TrustedAuthorities, plain_agent, untrusted
from webots_cloud.command.loading.connection import Broken, Connection, connect
from webots_cloud.errors import quoted

_SECONDS = 10.0
_LEAVE_SECONDS = 10.0
_MOST_BYTES = 4096


@attrs.frozen
class Visit:
    """What every client does.

    @ivar session: URL of the session server, C{http://} or C{https://}, without a slash at its end.
    @ivar host: URL of the website host.
    @ivar timeout: seconds until the scene must be there.
    @ivar stay: seconds for which a client then stays.
    @ivar is_allowed: tells whether a host may be connected to.
    """

    session: str
    host: str
    project: str
    world: str
    timeout: float
    stay: float
    authorities: TrustedAuthorities
    is_allowed: Callable[[str], Awaitable[bool]]


@attrs.define
class Outcome:
    """What has become of a client; times are seconds from its beginning, C{None} where it did not come that far.

    @ivar answered: when the session server had named a simulation server.
    @ivar started: when Webots had loaded the world.
    @ivar shown: when the scene was there.
    @ivar failure: why it did not stay as long as it was to; empty if it did.
    """

    answered: float | None = None
    started: float | None = None
    shown: float | None = None
    failure: str = ""


class Client:
    """A client."""

    def __init__(self, reactor: Any, visit: Visit) -> None:
        self._reactor = reactor
        self._visit = visit
        self._outcome = Outcome()
        self._connections: list[Connection] = []
        self._began = 0.0

    async def live(self) -> Outcome:
        """Live, and give what has become of it."""
        self._began = self._reactor.seconds()
        try:
            arriving = Deferred.fromCoroutine(self._arrive())
            await arriving.addTimeout(self._visit.timeout, self._reactor)
            await self._stay()
        # Each is one of the reasons that are counted.
        except Exception as error:
            self._outcome.failure = self._reason(error)
        await self._leave()
        return self._outcome

    async def _arrive(self) -> None:
        outcome, visit = self._outcome, self._visit
        server = await self._ask()
        outcome.answered = self._age()
        page = await self._open(f"{server}/client")
        page.say(json.dumps({"init": [visit.host, visit.project, visit.world, *[""] * 6]}))
        told = await page.hears("webots:", "error:")
        if told.startswith("error:"):
            raise Broken(quoted(told.removeprefix("error:"), 200))
        outcome.started = self._age()
        view = await self._open(f"{told.removeprefix('webots:')}/")
        view.say("x3d")
        await view.hears("model:")
        outcome.shown = self._age()

    async def _ask(self) -> str:
        """Have the session server name a simulation server."""
        client = HTTPClient(plain_agent(self._reactor, _SECONDS, authorities=self._visit.authorities))
        response = await client.get(f"{self._visit.session}/session", allow_redirects=False)
        told = (await response.text())[:_MOST_BYTES].strip()
        if response.code != OK or not told.startswith(("ws://", "wss://")):
            raise Broken(
                quoted(told, 200) if response.code == OK else f"the session server's status is {response.code}"
            )
        return told

    async def _open(self, url: str) -> Connection:
        host = URI.fromBytes(url.replace("ws", "http", 1).encode("ascii", "replace")).host.decode("ascii")
        if not await self._visit.is_allowed(host):
            raise Broken(f"clients are sent to {quoted(host)}, which is not this machine (--yes allows it)")
        connection = await connect(self._reactor, url, self._visit.authorities)
        self._connections.append(connection)
        return connection

    async def _stay(self) -> None:
        over: Deferred[None] = deferLater(self._reactor, self._visit.stay)
        waits: list[Deferred[Any]] = [over, *(_watched(connection) for connection in self._connections)]
        await DeferredList(waits, fireOnOneCallback=True, consumeErrors=True)
        if not over.called:
            over.addErrback(lambda _: None)
            over.cancel()
            raise Broken("the simulation ended before the client left")

    async def _leave(self) -> None:
        for connection in self._connections:
            leaving = Deferred.fromCoroutine(connection.leave())
            try:
                await leaving.addTimeout(_LEAVE_SECONDS, self._reactor)
            except TimeoutError:
                connection.dropConnection(abort=True)

    def _age(self) -> float:
        age: float = self._reactor.seconds() - self._began
        return age

    def _reason(self, error: Exception) -> str:
        match error:
            case Broken():
                return str(error)
            case TimeoutError():
                step = "answer" if self._outcome.answered is None else "world" if not self._outcome.started else "scene"
                return f"no {step} within {self._visit.timeout:g} s"
            case ResponseFailed():
                return untrusted(error) or "the session server's answer breaks off"
            case ConnectError():
                return f"cannot connect ({quoted(error)})"
        return quoted(f"{type(error).__name__}: {error}", 200)


def _watched(connection: Connection) -> Deferred[None]:
    """Give a Deferred of one's own that fires when a connection is lost."""
    watched: Deferred[None] = Deferred()

    def tell(result: None) -> None:
        if not watched.called:
            watched.callback(None)

    connection.lost.addCallback(tell)
    return watched
