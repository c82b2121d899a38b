"""Has certificates made by an authority, with txacme's service and this package's client for it."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric import ec
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.web.client import HTTPConnectionPool
from txacme.service import AcmeIssuingService

from webots_cloud.agent import TrustedAuthorities, plain_agent
from webots_cloud.config import AcmeConfig
from webots_cloud.tls.account import BadAccountKey, ensure_account_key
from webots_cloud.tls.acme import CertificateOrder
from webots_cloud.tls.authority import Applicant, Authority, account_binding
from webots_cloud.tls.challenges import Responder
from webots_cloud.tls.problem import AcmeError
from webots_cloud.tls.store import CertificateStore

CONNECT_SECONDS = 15.0
"""Seconds that connecting to an authority may take."""


class Issuer:
    """Has certificates made, one at a time.

    txacme's service knows the order of the steps. Its timer is not started: it would ask again only a day after a
    failure, whatever that was, and a certificate of a few days all the time.
    """

    def __init__(self, reactor: Any, config: AcmeConfig, store: CertificateStore, responder: Responder) -> None:
        """Prepare to ask.

        @param responder: answers the challenges of C{config.challenge}.
        """
        self._reactor = reactor
        self._config = config
        self._authority: Authority | None = None
        self._pool = HTTPConnectionPool(reactor, persistent=True)
        self._pool.maxPersistentPerHost = 1
        # A connection that the authority is about to end must not be used for a request that cannot be sent twice.
        self._pool.cachedConnectionTimeout = 10
        self._service = AcmeIssuingService(
            cert_store=store,
            client_creator=self._client,
            clock=reactor,
            responders=[responder],
            generate_key=lambda: ec.generate_private_key(ec.SECP256R1()),
        )

    def issue(self, name: str) -> Deferred[None]:
        """Have a certificate made and stored; can be cancelled.

        Fails with L{AcmeError} if it is not made, and with L{webots_cloud.tls.store.NotWritten} if it is made and could
        not be stored.
        """
        return Deferred.fromCoroutine(self._issue(name))

    def close(self) -> Deferred[None]:
        """Close the connections that are kept."""
        return maybeDeferred(self._pool.closeCachedConnections)

    def forget(self) -> None:
        """Begin anew with the account's key and all that the authority said."""
        self._authority = None

    async def _issue(self, name: str) -> None:
        try:
            await self._service.issue_cert(name)
        except AcmeError as error:
            self.forget()
            raise error if error.name else error.about(name) from error

    def _client(self) -> Deferred[CertificateOrder]:
        return maybeDeferred(self._order)

    def _order(self) -> CertificateOrder:
        if self._authority is None:
            self._authority = self._find_authority()
        return CertificateOrder(self._reactor, self._authority, self._config.challenge)

    def _find_authority(self) -> Authority:
        config = self._config
        try:
            key = ensure_account_key(config.accountKey)
        except BadAccountKey as error:
            raise AcmeError("reading the account's key", str(error), everywhere=True) from error
        try:
            authorities = TrustedAuthorities(config.caFile)
        except (OSError, ValueError) as error:
            said = f"caFile {config.caFile} has no certificates in PEM that can be read"
            raise AcmeError("reading whom to trust", said, everywhere=True) from error
        agent = plain_agent(self._reactor, CONNECT_SECONDS, self._pool, authorities)
        applicant = Applicant(key, config.email, config.agreeToTerms, account_binding(config.eabKeyId, config.eabKey))
        return Authority(self._reactor, agent, config.directory, applicant)


def authority_name(directory: str) -> str:
    """Give the part of a directory's URL that tells authorities apart, as the name of a folder."""
    return urlsplit(directory).netloc.replace(":", "_")
