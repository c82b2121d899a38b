"""Certificates that nobody trusts: for localhost, and of all kinds."""

from __future__ import annotations

import datetime
import ssl
from collections.abc import Sequence
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import attrs
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID

DAY = datetime.timedelta(days=1)


@attrs.frozen
class Made:
    """A certificate that was made.

    @ivar key: its private key.
    @ivar issuer: who signed it; C{None} if it did itself.
    """

    certificate: x509.Certificate
    key: Any
    issuer: Made | None = None

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(Encoding.PEM)

    @property
    def key_pem(self) -> bytes:
        pem: bytes = self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        return pem


def certify(
    names: Sequence[str] = ("localhost",),
    issuer: Made | None = None,
    key: Any = None,
    begins: datetime.timedelta = -DAY,
    ends: datetime.timedelta = DAY,
    purpose: x509.ObjectIdentifier = ExtendedKeyUsageOID.SERVER_AUTH,
) -> Made:
    """Make a certificate.

    @param names: host names and addresses; there may be none.
    @param begins: as C{ends}, from now on.
    """
    key = key or ec.generate_private_key(ec.SECP256R1())
    now = datetime.datetime.now(datetime.UTC)
    name = x509.Name.from_rfc4514_string(f"CN={names[0] if names else 'nobody'}")
    builder = (
        x509.CertificateBuilder(subject_name=name, public_key=key.public_key())
        .issuer_name(issuer.certificate.subject if issuer else name)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + begins)
        .not_valid_after(now + ends)
        .add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
    )
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName([_general(name) for name in names]), critical=False)
    return Made(builder.sign(issuer.key if issuer else key, hashes.SHA256()), key, issuer)


def authority(name: str, issuer: Made | None = None) -> Made:
    """Make an authority's certificate, with which others are made."""
    key, subject = ec.generate_private_key(ec.SECP256R1()), x509.Name.from_rfc4514_string(f"CN={name}")
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder(subject_name=subject, public_key=key.public_key())
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - DAY)
        .not_valid_after(now + DAY)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(issuer.key if issuer else key, hashes.SHA256())
    )
    return Made(made, key, issuer)


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def make_certificate() -> tuple[bytes, bytes]:
    """Give a private key and its certificate, in PEM."""
    made = certify()
    return made.key_pem, made.pem


def websocket_trust(authority: Path) -> ssl.SSLContext:
    """Give what the WebSocket clients of tests encrypt with, which write and read in two threads.

    OpenSSL does not allow that while a session ticket is read, which with TLS 1.3 may come at any time: what is
    written then waits for ever, one time in a few hundred.
    """
    context = ssl.create_default_context(cafile=authority)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    return context
