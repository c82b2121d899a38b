"""Asking other servers over HTTP: quietly, and without unpacking what they send."""

from __future__ import annotations

from typing import Any, cast

import attrs
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import HostnameEndpoint, wrapClientTLS
from twisted.internet.interfaces import IProtocol, IProtocolFactory, IStreamClientEndpoint
from twisted.internet.protocol import Protocol
from twisted.web.client import URI, Agent, BrowserLikePolicyForHTTPS, HTTPConnectionPool
from twisted.web.http_headers import Headers
from twisted.web.iweb import IAgent, IAgentEndpointFactory, IBodyProducer, IResponse
from zope.interface import implementer


class CompressedAnswer(Exception):
    """A server compresses its answer without having been asked to."""


def plain_agent(reactor: Any, connect_seconds: float, pool: HTTPConnectionPool | None = None) -> IAgent:
    """Make an agent for servers that are trusted with nothing.

    Its requests fail with L{CompressedAnswer} where the answer is compressed: a few bytes of it may unpack to more than
    the memory holds.

    @param connect_seconds: how long connecting may take.
    @param pool: keeps connections; C{None}: each request has one of its own.
    """
    return _PlainAgent(Agent.usingEndpointFactory(reactor, _Endpoints(reactor, connect_seconds), pool))


def drop(response: IResponse) -> None:
    """End the connection of an answer whose body is of no interest."""
    response.deliverBody(_Dropping())


class _Dropping(Protocol):
    def connectionMade(self) -> None:
        cast(Any, self.transport).loseConnection()


@implementer(IAgentEndpointFactory)
class _Endpoints:
    """Where servers are connected to."""

    def __init__(self, reactor: Any, connect_seconds: float) -> None:
        self._reactor = reactor
        self._connect_seconds = connect_seconds
        self._tls = BrowserLikePolicyForHTTPS()

    def endpointForURI(self, uri: URI) -> IStreamClientEndpoint:
        host = uri.host.decode("ascii")
        endpoint: IStreamClientEndpoint = HostnameEndpoint(self._reactor, host, uri.port, self._connect_seconds)
        if uri.scheme == b"https":
            endpoint = wrapClientTLS(self._tls.creatorForNetloc(uri.host, uri.port), endpoint)
        return _QuietEndpoint(endpoint)


@implementer(IStreamClientEndpoint)
@attrs.frozen
class _QuietEndpoint:
    """An endpoint whose factories do not tell the log that they start and stop."""

    _endpoint: IStreamClientEndpoint

    def connect(self, protocolFactory: IProtocolFactory) -> Deferred[IProtocol]:
        cast(Any, protocolFactory).noisy = False
        return self._endpoint.connect(protocolFactory)


@implementer(IAgent)
@attrs.frozen
class _PlainAgent:
    """An agent that refuses compressed answers."""

    _agent: IAgent

    def request(
        self, method: bytes, uri: bytes, headers: Headers | None = None, bodyProducer: IBodyProducer | None = None
    ) -> Deferred[IResponse]:
        return Deferred.fromCoroutine(self._request(method, uri, headers, bodyProducer))

    async def _request(
        self, method: bytes, uri: bytes, headers: Headers | None, body: IBodyProducer | None
    ) -> IResponse:
        plain = Headers() if headers is None else headers.copy()
        plain.removeHeader(b"accept-encoding")
        response = await self._agent.request(method, uri, plain, body)
        if response.headers.hasHeader(b"content-encoding"):
            drop(response)
            raise CompressedAnswer("it compresses its answer, which it was not asked to do")
        return response
