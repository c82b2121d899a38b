"""What a certificate authority looks at on encrypted ports to see that a name leads here (RFC 8737)."""

from __future__ import annotations

import datetime
import hashlib
from typing import Protocol

from acme import challenges
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IReactorTime
from txacme.interfaces import IResponder
from zope.interface import implementer

from webots_cloud.tls.certificate import Certificate

_ACME_IDENTIFIER = x509.ObjectIdentifier("1.3.6.1.5.5.7.1.31")


class AlpnContexts(Protocol):
    """What encrypted ports take their certificates from."""

    def answer_alpn(self, name: str, certificate: Certificate) -> None:
        """Show a certificate to whoever asks for the name with the protocol C{acme-tls/1}."""

    def forget_alpn(self, name: str) -> None:
        """Show it no more."""


@implementer(IResponder)
class AlpnResponder:
    """Answers tls-alpn-01, on encrypted ports."""

    challenge_type = "tls-alpn-01"

    def __init__(self, clock: IReactorTime, contexts: AlpnContexts) -> None:
        self._clock = clock
        self._contexts = contexts

    def start_responding(
        self, server_name: str, challenge: challenges.TLSALPN01, response: challenges.TLSALPN01Response
    ) -> Deferred[None]:
        """Answer for a name."""
        now = datetime.datetime.fromtimestamp(self._clock.seconds(), datetime.UTC)
        self._contexts.answer_alpn(server_name, alpn_certificate(server_name, response.key_authorization, now))
        return succeed(None)

    def stop_responding(
        self, server_name: str, challenge: challenges.TLSALPN01, response: challenges.TLSALPN01Response
    ) -> Deferred[None]:
        """Answer for a name no more."""
        self._contexts.forget_alpn(server_name)
        return succeed(None)


def alpn_certificate(name: str, answer: str, now: datetime.datetime) -> Certificate:
    """Make the certificate that answers tls-alpn-01 (RFC 8737 section 3).

    @param answer: what the authority wants to see, of which the certificate has the SHA-256.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([])
    begins, ends = now - datetime.timedelta(hours=1), now + datetime.timedelta(days=1)
    # An octet string of 32 bytes, in DER.
    digest = b"\x04\x20" + hashlib.sha256(answer.encode("ascii")).digest()
    made = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(ends)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=True)
        .add_extension(x509.UnrecognizedExtension(_ACME_IDENTIFIER, digest), critical=True)
        .sign(key, hashes.SHA256())
    )
    return Certificate(chain=(made,), key=key, names=(name,), begins=begins, ends=ends)
