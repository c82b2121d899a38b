"""Asks each simulation server for its load at its own pace and tells the fleet; no server waits for another one."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from typing import Any, Protocol, cast

import attrs
from treq.client import HTTPClient
from twisted.application.service import Service
from twisted.internet import protocol
from twisted.internet.defer import CancelledError, Deferred, gatherResults
from twisted.internet.error import ConnectError, DNSLookupError
from twisted.internet.interfaces import IReactorTime
from twisted.internet.protocol import connectionDone
from twisted.internet.task import deferLater
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.client import HTTPConnectionPool, ResponseDone, ResponseFailed
from twisted.web.http import OK, PotentialDataLoss

from webots_cloud.address import ServerAddress
from webots_cloud.agent import CompressedAnswer, TrustedAuthorities, drop, plain_agent, untrusted
from webots_cloud.durations import Durations
from webots_cloud.errors import quoted
from webots_cloud.monitor.summary import HEADER, NOTHING, Summary, parse_summary
from webots_cloud.session.fleet import Fleet

MAX_ANSWER = 64
"""How many bytes an answer may have."""

JITTER = 0.1
"""By which share of it the time between two questions to a server varies, so that servers are not asked in step."""


_BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class NoLoad(Exception):
    """A server did not say what its load is; the text is what it did, as part of a sentence."""


def parse_load(answer: bytes) -> float:
    """Read what a server says of its load (docs/protocol.md section 1).

    @return: the load in percent; more than 100 is taken as 100.
    @raise NoLoad: if C{answer} is not a plain decimal number.
    """
    number = answer.strip(b" \t\r\n")
    if not re.fullmatch(rb"[0-9]{1,6}(\.[0-9]{1,30})?", number):
        raise NoLoad(f"it answers {quoted(ascii(answer)[1:])}, which is not a load in percent")
    return min(float(number), 100.0)


@attrs.frozen
class Answer:
    """What a server has said.

    @ivar load: its load in percent.
    @ivar summary: what it says of itself beside that.
    """

    load: float
    summary: Summary = NOTHING


class LoadSource(Protocol):
    """Where the poller gets loads from."""

    def load(self, address: ServerAddress) -> Deferred[Answer]:
        """Ask a server for its load; fails if it gives none, and can be cancelled."""

    def close(self) -> Deferred[None]:
        """Let go of all servers."""


class HttpLoadSource:
    """Asks servers over HTTP, and keeps a connection to each of them.

    An answer is trusted with nothing: no redirect is followed, no cookie kept, no compressed body unpacked, and none of
    more than L{MAX_ANSWER} bytes read.
    """

    def __init__(
        self, reactor: Any, timeout: float, keep_seconds: int, authorities: TrustedAuthorities | None = None
    ) -> None:
        """Prepare to ask.

        @param timeout: seconds that connecting may take.
        @param keep_seconds: how long a connection is kept after an answer.
        @param authorities: whose word is taken on who a server is; C{None}: those of the system.
        """
        self._pool = HTTPConnectionPool(reactor, persistent=True)
        self._pool.maxPersistentPerHost = 1
        self._pool.cachedConnectionTimeout = keep_seconds
        self._agent = plain_agent(reactor, timeout, self._pool, authorities)

    def load(self, address: ServerAddress) -> Deferred[Answer]:
        """Ask a server; see L{LoadSource.load}."""
        return Deferred.fromCoroutine(self._load(address.load_url))

    def close(self) -> Deferred[None]:
        """Close the connections that are kept; fires when they are closed."""
        return cast("Deferred[None]", self._pool.closeCachedConnections())

    async def _load(self, url: str) -> Answer:
        # A client of treq's collects cookies for as long as it lives: this one lives for one question.
        try:
            response = await HTTPClient(self._agent).get(url, allow_redirects=False, unbuffered=True)
        except CompressedAnswer as error:
            raise NoLoad(str(error)) from error
        if response.code != OK:
            drop(response)
            raise NoLoad(f"it answers with HTTP status {response.code}")
        body = _Body()
        response.deliverBody(body)
        (summary, *_) = response.headers.getRawHeaders(HEADER.encode(), [b""])
        return Answer(parse_load(await body.whole), parse_summary(summary.decode("latin-1")))


class _Body(protocol.Protocol):
    """A response's body.

    @ivar whole: fires with all of it, or fails if it breaks off or is too long; cancelling it drops the connection.
    """

    def __init__(self) -> None:
        self._received = b""
        self._ended = False
        self.whole: Deferred[bytes] = Deferred(lambda _: self.drop())

    def dataReceived(self, data: bytes) -> None:
        self._received += data
        if len(self._received) > MAX_ANSWER and not self._ended:
            self.drop()
            self.whole.errback(NoLoad(f"it answers with more than {MAX_ANSWER} bytes"))

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        if self._ended:
            return
        self._ended = True
        # The end of a connection is the end of an answer that does not tell its length.
        if reason.check(ResponseDone, PotentialDataLoss):
            self.whole.callback(self._received)
        else:
            self.whole.errback(reason)

    def drop(self) -> None:
        """Drop the connection; C{whole} does not fire any more."""
        self._ended = True
        self._received = b""
        cast(Any, self.transport).loseConnection()


class Poller(Service):
    """Asks every server as long as it runs.

    @ivar durations: how long servers took to tell their load.
    """

    _log = Logger()

    def __init__(
        self,
        clock: IReactorTime,
        fleet: Fleet,
        source: LoadSource,
        interval: float,
        timeout: float,
        uniform: Callable[[float, float], float] = random.uniform,
    ) -> None:
        """Prepare to ask the servers of C{fleet}.

        @param interval: seconds between two questions to a server, give or take L{JITTER}.
        @param timeout: seconds after which a server that has not answered has failed.
        @param uniform: gives a random number between two.
        """
        self._clock = clock
        self._fleet = fleet
        self._source = source
        self._interval = interval
        self._timeout = timeout
        self._uniform = uniform
        self._following: list[Deferred[None]] = []
        self.durations = Durations(_BOUNDS)

    def startService(self) -> None:
        """Ask all servers at once, and go on."""
        Service.startService(self)
        self._following = [Deferred.fromCoroutine(self._follow(server.address)) for server in self._fleet.servers]
        for following in self._following:
            following.addErrback(self._ended)

    def stopService(self) -> Deferred[None]:
        """Ask no more; fires when all that was under way has ended."""
        Service.stopService(self)
        return Deferred.fromCoroutine(self._stop())

    async def _stop(self) -> None:
        following, self._following = self._following, []
        for deferred in following:
            deferred.cancel()
        await gatherResults(following)
        await self._source.close()

    def _ended(self, failure: Failure) -> None:
        if not failure.check(CancelledError):
            self._log.failure("a simulation server will not be asked for its load any more", failure)

    async def _follow(self, address: ServerAddress) -> None:
        while True:
            asked = self._clock.seconds()
            await self._ask(address, asked)
            # Who was just told of a change may have stopped the poller, which cannot cancel what is not waiting.
            if not self.running:
                return
            pace = self._interval * self._uniform(1 - JITTER, 1 + JITTER)
            await deferLater(self._clock, max(0.0, asked + pace - self._clock.seconds()))

    async def _ask(self, address: ServerAddress, asked: float) -> None:
        question = self._source.load(address).addTimeout(self._timeout, self._clock, self._give_up)
        try:
            answer = await question
        # A failure, of whatever kind, must not end the questions to the server.
        except Exception as error:
            if not self.running:
                raise CancelledError from error
            self._fleet.report_failure(address, self._reason(address, error))
        else:
            self.durations.add(self._clock.seconds() - asked)
            self._fleet.report(address, answer.load, asked, answer.summary)

    def _give_up(self, _result: object, timeout: float) -> Answer:
        raise NoLoad(f"it does not answer within {timeout:g} s")

    def _reason(self, address: ServerAddress, error: Exception) -> str:
        match error:
            case NoLoad():
                return str(error)
            case DNSLookupError():
                return "its name is not known"
            case ConnectError():
                return f"it cannot be connected to ({quoted(error)})"
            case ResponseFailed():
                return untrusted(error) or "its answer is not HTTP, or breaks off"
        self._log.failure("cannot ask {server} for its load", server=str(address))
        return f"it cannot be asked ({quoted(type(error).__name__)})"
