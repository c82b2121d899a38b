"""Asking other servers over HTTP: quietly, and without unpacking what they send."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import attrs
from cryptography.x509 import load_pem_x509_certificates
from OpenSSL import SSL
from OpenSSL.crypto import X509
from service_identity import VerificationError
from twisted.internet._sslverify import IOpenSSLTrustRoot
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import HostnameEndpoint, wrapClientTLS
from twisted.internet.interfaces import IProtocol, IProtocolFactory, IStreamClientEndpoint
from twisted.internet.protocol import Protocol
from twisted.internet.ssl import platformTrust
from twisted.web.client import URI, Agent, BrowserLikePolicyForHTTPS, HTTPConnectionPool, ResponseFailed
from twisted.web.http_headers import Headers
from twisted.web.iweb import IAgent, IAgentEndpointFactory, IBodyProducer, IResponse
from zope.interface import implementer

from webots_cloud.errors import quoted


class CompressedAnswer(Exception):
    """A server compresses its answer without having been asked to."""


@implementer(IOpenSSLTrustRoot)
class TrustedAuthorities:
    """The authorities whose word on who a server is, is taken: those of the system, and some more."""

    def __init__(self, file: Path | None = None) -> None:
        """Read the certificates of those that are not the system's.

        @param file: their certificates in PEM; C{None}: there are none.
        @raise OSError: if it cannot be read.
        @raise ValueError: if it has no certificates.
        """
        found = [] if file is None else load_pem_x509_certificates(file.read_bytes())
        self._more = [X509.from_cryptography(certificate) for certificate in found]

    def _addCACertsToContext(self, context: SSL.Context) -> None:
        platformTrust()._addCACertsToContext(context)
        store = context.get_cert_store()
        for certificate in self._more:
            cast(Any, store).add_cert(certificate)


def untrusted(error: Exception) -> str:
    """Tell why a server was not spoken to over TLS; empty: it is not for want of a certificate that can be trusted.

    @param error: what a request failed with.
    """
    reasons = getattr(error, "reasons", ()) if isinstance(error, ResponseFailed) else ()
    return next(filter(None, (refused_over_tls(reason.value) for reason in reasons)), "")


def refused_over_tls(error: BaseException) -> str:
    """Tell why a connection to a server over TLS was lost; empty: it is not for want of a certificate.

    @param error: what it was lost with.
    """
    if isinstance(error, VerificationError):
        return "its certificate is for another name"
    if isinstance(error, SSL.Error):
        said = "; ".join(str(entry[-1]) for entry in error.args[0]) if error.args else ""
        if "certificate verify failed" in said:
            return "its certificate is not trusted; name its authority's certificate in caFile"
        return f"it cannot be spoken to over TLS ({quoted(said)})"
    return ""


def plain_agent(
    reactor: Any,
    connect_seconds: float,
    pool: HTTPConnectionPool | None = None,
    authorities: TrustedAuthorities | None = None,
) -> IAgent:
    """Make an agent for servers that are trusted with nothing.

    Its requests fail with L{CompressedAnswer} where the answer is compressed: a few bytes of it may unpack to more than
    the memory holds.

    @param connect_seconds: how long connecting may take.
    @param pool: keeps connections; C{None}: each request has one of its own.
    @param authorities: whose word is taken on who a server is; C{None}: those of the system.
    """
    endpoints = _Endpoints(reactor, connect_seconds, authorities or TrustedAuthorities())
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

    def __init__(self, reactor: Any, connect_seconds: float, authorities: TrustedAuthorities) -> None:
        self._reactor = reactor
        self._connect_seconds = connect_seconds
        self._tls = BrowserLikePolicyForHTTPS(authorities)

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
