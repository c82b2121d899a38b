"""Asking other servers over HTTP: quietly, and without unpacking what they send."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import attrs
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import load_pem_x509_certificates
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import HostnameEndpoint, wrapClientTLS
from twisted.internet.interfaces import IProtocol, IProtocolFactory, IStreamClientEndpoint
from twisted.internet.protocol import Protocol
from twisted.internet.ssl import Certificate, trustRootFromCertificates
from twisted.web.client import URI, Agent, BrowserLikePolicyForHTTPS, HTTPConnectionPool
from twisted.web.http_headers import Headers
from twisted.web.iweb import IAgent, IAgentEndpointFactory, IBodyProducer, IResponse
from zope.interface import implementer


class CompressedAnswer(Exception):
    """A server compresses its answer without having been asked to."""


def trusting(ca_file: Path | None) -> BrowserLikePolicyForHTTPS:
    """Say whose certificates other servers may have.

    @param ca_file: certificates of authorities, in PEM; C{None}: those that the system trusts.
    @raise OSError: if it cannot be read.
    @raise ValueError: if there is no certificate in it.
    """
    if ca_file is None:
        return BrowserLikePolicyForHTTPS()
    found = load_pem_x509_certificates(ca_file.read_bytes())
    roots = [Certificate.loadPEM(root.public_bytes(Encoding.PEM)) for root in found]
    return BrowserLikePolicyForHTTPS(trustRootFromCertificates(roots))


def plain_agent(
    reactor: Any,
    connect_seconds: float,
    pool: HTTPConnectionPool | None = None,
    policy: BrowserLikePolicyForHTTPS | None = None,
) -> IAgent:
    """Make an agent for servers that are trusted with nothing.

    Its requests fail with L{CompressedAnswer} where the answer is compressed: a few bytes of it may unpack to more than
    the memory holds.

    @param connect_seconds: how long connecting may take.
    @param pool: keeps connections; C{None}: each request has one of its own.
    @param policy: whose certificates the servers may have; C{None}: those that the system trusts.
    """
    endpoints = _Endpoints(reactor, connect_seconds, policy or trusting(None))
    return _PlainAgent(Agent.usingEndpointFactory(reactor, endpoints, pool))


def drop(response: IResponse) -> None:
    """End the connection of an answer whose body is of no interest."""
    response.deliverBody(_Dropping())


class _Dropping(Protocol):
    def connectionMade(self) -> None:
        cast(Any, self.transport).loseConnection()


@implementer(IAgentEndpointFactory)
class _Endpoints:
    """Where servers are connected to."""

    def __init__(self, reactor: Any, connect_seconds: float, policy: BrowserLikePolicyForHTTPS) -> None:
        self._reactor = reactor
        self._connect_seconds = connect_seconds
        self._tls = policy

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
