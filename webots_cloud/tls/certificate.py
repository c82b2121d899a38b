"""Certificates with their chains and keys, as files hold them; what is wrong with one is told in a sentence."""

from __future__ import annotations

import datetime
import itertools
import re
from collections.abc import Sequence
from ipaddress import ip_address
from pathlib import Path

import attrs
from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey

_CERTIFICATE = re.compile(rb"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)
_KEY = re.compile(rb"-----BEGIN ([A-Z ]*)PRIVATE KEY-----.+?-----END \1PRIVATE KEY-----", re.DOTALL)
_MALFORMED = (
    ValueError,
    TypeError,
    UnsupportedAlgorithm,
    x509.DuplicateExtension,
    x509.InvalidVersion,
    x509.UnsupportedGeneralNameType,
)
_DER_BEGINS = b"\x30"
_LEAST_RSA_BITS = 2048
_LONGEST_COMMON_NAME = 64
_CLOCKS_DIFFER = datetime.timedelta(hours=1)
_MOST_BYTES = 1_000_000


class BadCertificate(Exception):
    """A certificate or key cannot be used; the text is a sentence that says which, why, and what to do."""


@attrs.frozen
class Certificate:
    """A certificate that can be used.

    @ivar chain: the certificate itself, and those of the authorities that vouch for it, each for the one before.
    @ivar key: its private key.
    @ivar names: the host names and IP addresses that it is for, in lower case; C{*.} may begin a name.
    @ivar begins: since when it is valid.
    @ivar ends: until when it is valid.
    """

    chain: tuple[x509.Certificate, ...]
    key: PrivateKey = attrs.field(repr=False)
    names: tuple[str, ...]
    begins: datetime.datetime
    ends: datetime.datetime


@attrs.frozen
class _Source:
    """The bytes of a certificate or key.

    @ivar called: what a sentence calls them.
    @ivar path: what stands for the file in a command.
    """

    called: str
    path: str
    data: bytes = attrs.field(repr=False)


def read_certificate(certificate: Path, key: Path, names: Sequence[str], now: datetime.datetime) -> Certificate:
    """Read a certificate and its key from files.

    @param certificate: a file in PEM: the certificate, and then its chain.
    @param key: a file in PEM: the private key.
    @param names: the host names and IP addresses that it must be for.
    @param now: when it must be valid.
    @raise BadCertificate: if it cannot be used.
    """
    return _checked(_read("certificate", certificate), _read("private key", key), names, now)


def parse_certificate(chain_pem: bytes, key_pem: bytes, names: Sequence[str], now: datetime.datetime) -> Certificate:
    """Read a certificate and its key as L{read_certificate} does, from what files would hold."""
    return _checked(
        _Source("the certificate", "CERTIFICATE", chain_pem), _Source("the private key", "KEY", key_pem), names, now
    )


def self_signed(names: Sequence[str], now: datetime.datetime, days: int) -> Certificate:
    """Make a certificate that nobody trusts, until there is a real one.

    @param names: host names and IP addresses.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    common = [x509.NameAttribute(NameOID.COMMON_NAME, name) for name in names[:1] if len(name) <= _LONGEST_COMMON_NAME]
    subject, begins, ends = x509.Name(common), now - _CLOCKS_DIFFER, now + datetime.timedelta(days=days)
    made = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number(), begins, ends)
        # Without a subject, the other names are all that there is (RFC 5280 section 4.2.1.6).
        .add_extension(x509.SubjectAlternativeName([_general_name(name) for name in names]), critical=not common)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(key, hashes.SHA256())
    )
    return Certificate((made,), key, _names(made), made.not_valid_before_utc, made.not_valid_after_utc)


def covers(name: str, host: str) -> bool:
    """Tell whether a name of a certificate stands for a host (RFC 6125 section 6.4).

    @param name: as L{Certificate.names} has them.
    @param host: a host name or IP address; one of version 6 may stand in brackets.
    """
    host = _bare(host)
    return name == host or (name.startswith("*.") and name[1:] == f".{host.partition('.')[2]}" and not _is_ip(host))


def _bare(host: str) -> str:
    host = host.lower().strip("[]")
    return str(ip_address(host)) if _is_ip(host) else host


def _is_ip(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _general_name(name: str) -> x509.GeneralName:
    bare = _bare(name)
    return x509.IPAddress(ip_address(bare)) if _is_ip(bare) else x509.DNSName(bare)


def _read(kind: str, path: Path) -> _Source:
    try:
        # Reading anything else, as a pipe, may never end.
        if path.exists() and not path.is_file():
            raise BadCertificate(f"the {kind} {path} is not a file; give one in PEM")
        with path.open("rb") as file:
            data = file.read(_MOST_BYTES + 1)
    except PermissionError as error:
        raise BadCertificate(f"the {kind} {path} may not be read; let the user of this server read it") from error
    except OSError as error:
        raise BadCertificate(
            f"the {kind} {path} cannot be read ({error.strerror}); put the file there, or give another path"
        ) from error
    if len(data) > _MOST_BYTES:
        raise BadCertificate(f"the {kind} {path} has more than {_MOST_BYTES} bytes; give a file in PEM")
    return _Source(f"the {kind} {path}", str(path), data)


def _checked(certificate: _Source, key: _Source, names: Sequence[str], now: datetime.datetime) -> Certificate:
    chain, private = _parse_chain(certificate), _parse_key(key)
    _check_order(certificate, chain, key, private)
    leaf = chain[0]
    _check_time(certificate, leaf, now)
    found = _names(leaf)
    _check_names(certificate, found, names)
    _check_purpose(certificate, leaf)
    return Certificate(chain, private, found, leaf.not_valid_before_utc, leaf.not_valid_after_utc)


def _parse_chain(source: _Source) -> tuple[x509.Certificate, ...]:
    blocks = _CERTIFICATE.findall(source.data)
    if not blocks:
        if _KEY.search(source.data):
            raise BadCertificate(f"{source.called} holds a private key and no certificate; give the certificate there")
        if source.data.startswith(_DER_BEGINS):
            raise BadCertificate(
                f"{source.called} is in DER, not in PEM; convert it with: openssl x509 -inform DER -in {source.path}"
            )
        raise BadCertificate(f"{source.called} holds no certificate in PEM; give one, with its chain after it")
    chain = []
    for number, block in enumerate(blocks, 1):
        try:
            chain.append(x509.load_pem_x509_certificate(block))
            if number == 1:
                # They are parsed when they are asked for.
                len(chain[0].extensions)
        except _MALFORMED as error:
            raise BadCertificate(
                f"{source.called} is broken ({_ordinal(number)} certificate); copy the whole file again"
            ) from error
    return tuple(chain)


def _parse_key(source: _Source) -> PrivateKey:
    block = _KEY.search(source.data)
    if block is None:
        if source.data.startswith(_DER_BEGINS):
            raise BadCertificate(
                f"{source.called} is in DER, not in PEM; convert it with: openssl pkey -inform DER -in {source.path}"
            )
        raise BadCertificate(f"{source.called} holds no private key in PEM; give the key that the certificate is for")
    if b"ENCRYPTED" in block.group(0):
        raise BadCertificate(
            f"{source.called} is encrypted with a pass phrase, which nobody is there to type; "
            f"write it without one with: openssl pkey -in {source.path}"
        )
    try:
        # The check that is left out takes a quarter of a second for a long key, in which no other thread runs.
        key = load_pem_private_key(block.group(0), None, unsafe_skip_rsa_key_validation=True)
        if isinstance(key, rsa.RSAPrivateKey):
            _check_numbers(key.private_numbers())
    except _MALFORMED as error:
        raise BadCertificate(f"{source.called} is broken; copy the whole file again") from error
    if isinstance(key, rsa.RSAPrivateKey) and key.key_size < _LEAST_RSA_BITS:
        raise BadCertificate(
            f"{source.called} has {key.key_size} bits, which is too few; make an ECDSA key, or one of RSA with "
            f"{_LEAST_RSA_BITS} bits or more, and a certificate for it"
        )
    if not isinstance(key, PrivateKey):
        raise BadCertificate(
            f"{source.called} is of a kind that browsers do not take; make an ECDSA or RSA key, and a certificate "
            "for it"
        )
    return key


def _check_numbers(key: rsa.RSAPrivateNumbers) -> None:
    """Check that the numbers of a key belong together (RFC 8017 section 3.2), which they do not after any accident.

    @raise ValueError: if they do not.
    """
    p, q, d, e = key.p, key.q, key.d, key.public_numbers.e
    if min(p, q) < 3 or p * q != key.public_numbers.n or any(d * e % (prime - 1) != 1 for prime in (p, q)):
        raise ValueError("the exponents do not fit the primes")
    if (key.dmp1, key.dmq1, key.iqmp * q % p) != (d % (p - 1), d % (q - 1), 1):
        raise ValueError("the parts for the Chinese remainder theorem do not fit")


def _check_order(source: _Source, chain: Sequence[x509.Certificate], key_source: _Source, key: PrivateKey) -> None:
    public = _spki(key)
    matching = [number for number, one in enumerate(chain, 1) if _spki_of(one) == public]
    if not matching:
        raise BadCertificate(
            f"{key_source.called} does not belong to {source.called}; give the key that the certificate was made for"
        )
    wrong = matching[0] if matching[0] != 1 else _out_of_place(chain)
    if wrong:
        raise BadCertificate(
            f"{source.called} is out of order ({_ordinal(wrong)} certificate); put the server's own first, and after "
            "each the one of the authority that signed it"
        )


def _out_of_place(chain: Sequence[x509.Certificate]) -> int:
    """Give the number of the first certificate that did not sign the one before it; 0 if there is none."""
    for number, (one, authority) in enumerate(itertools.pairwise(chain), 2):
        try:
            one.verify_directly_issued_by(authority)
        except (InvalidSignature, *_MALFORMED):
            return number
    return 0


def _check_time(source: _Source, leaf: x509.Certificate, now: datetime.datetime) -> None:
    if now < leaf.not_valid_before_utc:
        raise BadCertificate(
            f"{source.called} is not valid before {moment(leaf.not_valid_before_utc)}; wait until then, or set the "
            "clock of this machine"
        )
    if now > leaf.not_valid_after_utc:
        raise BadCertificate(f"{source.called} ended on {moment(leaf.not_valid_after_utc)}; renew it")


def _check_names(source: _Source, found: Sequence[str], names: Sequence[str]) -> None:
    if not found:
        raise BadCertificate(f"{source.called} is for no host name; get one that has subject alternative names")
    for name in names:
        if not any(covers(one, name) for one in found):
            raise BadCertificate(
                f"{source.called} is for {', '.join(found)} and not for {name}; get one for {name}, or name the "
                "server as the certificate does"
            )


def _check_purpose(source: _Source, leaf: x509.Certificate) -> None:
    try:
        purposes = leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return
    if not {ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE}.intersection(purposes):
        raise BadCertificate(f"{source.called} is not for servers; get one for TLS web server authentication")


def _names(leaf: x509.Certificate) -> tuple[str, ...]:
    try:
        names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ()
    hosts = [name.lower() for name in names.get_values_for_type(x509.DNSName)]
    return (*hosts, *map(str, names.get_values_for_type(x509.IPAddress)))


def _spki(key: PrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _spki_of(certificate: x509.Certificate) -> bytes | None:
    try:
        return certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    except _MALFORMED:
        return None


def moment(when: datetime.datetime) -> str:
    """Write a time for people."""
    return f"{when:%Y-%m-%d %H:%M} UTC"


def _ordinal(number: int) -> str:
    return {1: "first", 2: "second", 3: "third"}.get(number, f"{number}th")
