"""What tests of automatic certificates need: a place for files, and a port at which the authority finds answers."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar, cast

import attrs
from cryptography import x509
from twisted.internet import reactor as _reactor
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater
from twisted.trial.unittest import TestCase
from twisted.web.resource import Resource
from twisted.web.server import Site

from tests.tls.pebble import PATIENCE_SECONDS, Pebble, pebble
from webots_cloud.config import AcmeConfig, read_config
from webots_cloud.tls.challenges import ChallengeResource, HttpResponder
from webots_cloud.tls.issuer import Issuer, authority_name
from webots_cloud.tls.store import CertificateStore

reactor = cast(Any, _reactor)


def no_log(*_: object) -> None:
    """Say nothing of a request."""


class Applying(TestCase):
    """Tests with an authority, which all tests of a class share.

    @cvar environment: what the authority gets more of it.
    @cvar settings: what its file has more.
    @ivar folder: where a test's files are.
    @ivar config: what the operator says.
    """

    timeout = 4 * PATIENCE_SECONDS
    environment: ClassVar[Mapping[str, str]] = {}
    settings: ClassVar[Mapping[str, Any]] = {}
    pebble: ClassVar[Pebble]

    @classmethod
    def setUpClass(cls) -> None:
        stack = contextlib.ExitStack()
        cls.addClassCleanup(stack.close)
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        cls.pebble = stack.enter_context(pebble(folder, cls.environment, cls.settings))

    def setUp(self) -> None:
        self._known: Resource | None = None
        self.folder = Path(cast(Any, self).mktemp()).absolute()
        self.config = attrs.evolve(
            read_config(None, ()).acme,
            directory=self.pebble.directory,
            accountKey=self.folder / "account.key",
            store=self.folder / "store",
            email="admin@example.org",
            agreeToTerms=True,
            caFile=self.pebble.ca_file,
        )

    def answer(self, challenges: ChallengeResource) -> None:
        """Answer where the authority looks, as a plain port does."""
        if self._known is not None:
            self._known.putChild(b"acme-challenge", challenges)
            return
        root, known = Resource(), Resource()
        self._known = known
        root.putChild(b"", root)
        root.putChild(b".well-known", known)
        known.putChild(b"acme-challenge", challenges)
        site = Site(root)
        cast(Any, site).noisy, cast(Any, site).log = False, no_log
        port = reactor.listenTCP(self.pebble.http_port, site, interface="127.0.0.1")
        self.addCleanup(port.stopListening)

    def issuer(self, **changes: Any) -> Issuing:
        """Apply for certificates, with answers to challenges."""
        challenges = ChallengeResource()
        self.answer(challenges)
        return self.silent_issuer(challenges, **changes)

    def silent_issuer(self, challenges: ChallengeResource | None = None, **changes: Any) -> Issuing:
        """Apply for certificates, without a port at which challenges are answered."""
        config = attrs.evolve(self.config, **changes)
        store = CertificateStore(reactor, config.store / authority_name(config.directory))
        issuer = Issuer(reactor, config, store, HttpResponder(challenges or ChallengeResource()))
        self.addCleanup(issuer.close)
        return Issuing(issuer, store, config)


@attrs.frozen
class Issuing:
    """Somebody who applies for certificates."""

    issuer: Issuer
    store: CertificateStore
    config: AcmeConfig

    def issue(self, name: str) -> Deferred[None]:
        return self.issuer.issue(name)

    def chain(self, name: str) -> list[x509.Certificate]:
        """Give what is stored for a name."""
        return x509.load_pem_x509_certificates(self.store.read(name)[0])


async def until(happened: Callable[[], object]) -> None:
    """Wait until something has happened."""
    deadline = reactor.seconds() + PATIENCE_SECONDS
    while not happened():
        assert reactor.seconds() < deadline, "it does not happen"
        await deferLater(reactor, 0.02)


def names_of(certificate: x509.Certificate) -> list[str]:
    """Give the host names that a certificate is for."""
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return names.get_values_for_type(x509.DNSName)
