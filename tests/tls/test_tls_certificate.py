"""Certificates that can be used, and those that cannot: each with a sentence that says which, why, and what to do."""

from __future__ import annotations

import base64
import datetime
import os
import re
import ssl
import subprocess
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import ExtendedKeyUsageOID
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.certificate import DAY, Made, authority, certify
from webots_cloud.tls.certificate import (
    BadCertificate,
    Certificate,
    covers,
    parse_certificate,
    read_certificate,
    self_signed,
)
from webots_cloud.tls.contexts import Contexts

NAMES = ("sim.example.org",)


def undamaged() -> tuple[bytes, bytes, bytes]:
    """Give a certificate, its authority's and its key, in DER."""
    root = authority("root")
    leaf = certify(NAMES, root, rsa.generate_private_key(65537, 2048))
    certificates = (made.certificate.public_bytes(Encoding.DER) for made in (leaf, root))
    return (*certificates, leaf.key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()))


UNDAMAGED = undamaged()


def now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)


class Files:
    """A certificate's two files."""

    def __init__(self, folder: Path) -> None:
        self.certificate, self.key = folder / "fullchain.pem", folder / "privkey.pem"
        self.root = authority("root")
        self.middle = authority("middle", self.root)
        self.leaf = certify(NAMES, self.middle)
        self.write(self.leaf, self.middle)

    def write(self, *chain: Made, key: bytes | None = None) -> None:
        self.certificate.write_bytes(b"".join(made.pem for made in chain))
        self.key.write_bytes(chain[0].key_pem if key is None else key)

    def read(self, names: Sequence[str] = NAMES, when: datetime.datetime | None = None) -> Certificate:
        return read_certificate(self.certificate, self.key, names, when or now())

    def refusal(self, names: Sequence[str] = NAMES) -> str:
        """Give the sentence, with the files' names in place of their paths."""
        with pytest.raises(BadCertificate) as caught:
            self.read(names)
        return str(caught.value).replace(f"{self.certificate.parent}/", "")


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


def test_a_certificate_comes_with_its_chain_and_its_key(files: Files) -> None:
    read = files.read()
    assert [one.subject.rfc4514_string() for one in read.chain] == ["CN=sim.example.org", "CN=middle"]
    assert read.names == NAMES
    assert read.begins < now() < read.ends
    assert read.key.public_key() == files.leaf.key.public_key()


def test_its_key_is_not_printed(files: Files) -> None:
    assert "key" not in repr(files.read())


def test_one_from_bytes_is_the_same_as_one_from_files(files: Files) -> None:
    read = files.read()
    parsed = parse_certificate(files.certificate.read_bytes(), files.key.read_bytes(), NAMES, now())
    assert (parsed.chain, parsed.names, parsed.ends) == (read.chain, read.names, read.ends)


def test_one_from_bytes_is_called_by_what_it_is(files: Files) -> None:
    with pytest.raises(BadCertificate, match=r"^the private key does not belong to the certificate; "):
        parse_certificate(files.leaf.pem, certify().key_pem, NAMES, now())


def test_a_chain_may_have_its_root_and_text_around_it(files: Files) -> None:
    files.write(files.leaf, files.middle, files.root)
    files.certificate.write_bytes(b"Bag Attributes: <none>\n" + files.certificate.read_bytes().replace(b"\n", b"\r\n"))
    assert len(files.read().chain) == 3


@pytest.mark.parametrize("made", [True, False])
def test_both_may_be_in_one_file(files: Files, made: bool) -> None:
    parts = [files.leaf.pem, files.leaf.key_pem]
    files.certificate.write_bytes(b"".join(parts if made else reversed(parts)))
    files.key.write_bytes(files.certificate.read_bytes())
    assert files.read().names == NAMES


@pytest.mark.parametrize(
    "key",
    [ec.generate_private_key(ec.SECP384R1()), rsa.generate_private_key(65537, 2048)],
    ids=lambda key: type(key).__name__,
)
@pytest.mark.parametrize("form", [PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL])
def test_keys_may_be_of_usual_kinds_in_usual_forms(
    files: Files, key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, form: PrivateFormat
) -> None:
    files.write(certify(NAMES, key=key), key=key.private_bytes(Encoding.PEM, form, NoEncryption()))
    assert files.read().names == NAMES


@pytest.mark.parametrize(
    ("certificate", "host"),
    [
        ("sim.example.org", "SIM.example.org"),
        ("*.example.org", "sim.example.org"),
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8::1", "[2001:DB8:0::1]"),
    ],
)
def test_a_name_stands_for_a_host(files: Files, certificate: str, host: str) -> None:
    files.write(certify([certificate]))
    assert files.read([host]).names == (certificate,)


@pytest.mark.parametrize(
    ("name", "host"),
    [
        ("*.example.org", "a.b.example.org"),
        ("*.example.org", "example.org"),
        ("*.0.2.7", "192.0.2.7"),
        ("*.example.org", ".example.com"),
        ("example.org", "www.example.org"),
        ("*", "localhost"),
    ],
)
def test_a_name_does_not_stand_for_a_host(name: str, host: str) -> None:
    assert not covers(name, host)


def test_a_certificate_is_good_until_its_last_moment(files: Files) -> None:
    ends = files.read().ends
    assert files.read(when=ends).ends == ends
    with pytest.raises(BadCertificate, match="ended on"):
        files.read(when=ends + datetime.timedelta(seconds=1))


def der(files: Files) -> None:
    files.certificate.write_bytes(files.leaf.certificate.public_bytes(Encoding.DER))


def der_key(files: Files) -> None:
    files.write(files.leaf, key=files.leaf.key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()))


def encrypted_key(form: PrivateFormat) -> Callable[[Files], None]:
    def write(files: Files) -> None:
        key = files.leaf.key.private_bytes(Encoding.PEM, form, BestAvailableEncryption(b"secret"))
        files.write(files.leaf, key=key)

    return write


def weak_rsa(files: Files) -> None:
    # Weaker than what can be made with Python.
    command = ["openssl", "req", "-x509", "-newkey", "rsa:1024", "-nodes", "-subj", "/CN=a"]
    command += [
        "-addext",
        "subjectAltName=DNS:sim.example.org",
        "-keyout",
        str(files.key),
        "-out",
        str(files.certificate),
    ]
    subprocess.run(command, check=True, capture_output=True)


def dsa_key(files: Files) -> None:
    files.write(certify(NAMES, key=dsa.generate_private_key(2048)))


def ed25519_key(files: Files) -> None:
    key = ed25519.Ed25519PrivateKey.generate()
    public = ec.generate_private_key(ec.SECP256R1())
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    files.write(certify(NAMES, key=public), key=pem)


def as_key_pem(der: bytes) -> bytes:
    return b"-----BEGIN PRIVATE KEY-----\n" + base64.encodebytes(der) + b"-----END PRIVATE KEY-----\n"


def rsa_key_with_another(part: str) -> Callable[[Files], None]:
    """Make one whose numbers do not belong together: as after an accident, but where its form is still good."""

    def write(files: Files) -> None:
        key = rsa.generate_private_key(65537, 2048)
        good: int = getattr(key.private_numbers(), part)
        before, after = (number.to_bytes((number.bit_length() + 7) // 8, "big") for number in (good, good ^ 2))
        der = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()).replace(before, after)
        files.write(certify(NAMES, key=key), key=as_key_pem(der))

    return write


def folder(files: Files) -> None:
    files.key.unlink()
    files.key.mkdir()


def pipe(files: Files) -> None:
    files.certificate.unlink()
    os.mkfifo(files.certificate)


def expired(files: Files) -> None:
    files.write(certify(NAMES, begins=-3 * DAY, ends=-2 * DAY))


def not_yet_valid(files: Files) -> None:
    files.write(certify(NAMES, begins=2 * DAY, ends=3 * DAY))


DATE = r"\d{4}-\d\d-\d\d \d\d:\d\d UTC"
ORDER = (
    r"the certificate fullchain\.pem is out of order \(%s certificate\); put the server's own first, and after each "
    r"the one of the authority that signed it"
)


@pytest.mark.parametrize(
    ("break_them", "sentence"),
    [
        pytest.param(
            lambda files: files.key.unlink(),
            r"the private key privkey\.pem cannot be read \(No such file or directory\); put the file there, or give "
            r"another path",
            id="a certificate without a key",
        ),
        pytest.param(
            lambda files: files.certificate.unlink(),
            r"the certificate fullchain\.pem cannot be read \(No such file or directory\); put the file there, or .*",
            id="a key without a certificate",
        ),
        pytest.param(
            lambda files: files.write(files.leaf, key=certify().key_pem),
            r"the private key privkey\.pem does not belong to the certificate fullchain\.pem; give the key that the "
            r"certificate was made for",
            id="a key of another certificate",
        ),
        pytest.param(expired, rf"the certificate fullchain\.pem ended on {DATE}; renew it", id="one that has ended"),
        pytest.param(
            not_yet_valid,
            rf"the certificate fullchain\.pem is not valid before {DATE}; wait until then, or set the clock .*",
            id="one that has not begun",
        ),
        pytest.param(
            lambda files: files.write(certify(["a.example.org", "b.example.org"])),
            r"the certificate fullchain\.pem is for a\.example\.org, b\.example\.org and not for sim\.example\.org; "
            r"get one for sim\.example\.org, or name the server as the certificate does",
            id="one for another host",
        ),
        pytest.param(
            lambda files: files.write(certify([])),
            r"the certificate fullchain\.pem is for no host name; get one that has subject alternative names",
            id="one for no host",
        ),
        pytest.param(
            encrypted_key(PrivateFormat.PKCS8),
            r"the private key privkey\.pem is encrypted with a pass phrase, which nobody is there to type; write it "
            r"without one with: openssl pkey -in privkey\.pem",
            id="an encrypted key",
        ),
        pytest.param(
            encrypted_key(PrivateFormat.TraditionalOpenSSL),
            r"the private key privkey\.pem is encrypted .*",
            id="an encrypted key of the old form",
        ),
        pytest.param(
            der,
            r"the certificate fullchain\.pem is in DER, not in PEM; convert it with: openssl x509 -inform DER -in "
            r"fullchain\.pem",
            id="DER",
        ),
        pytest.param(
            der_key,
            r"the private key privkey\.pem is in DER, not in PEM; convert it with: openssl pkey -inform DER -in "
            r"privkey\.pem",
            id="a key in DER",
        ),
        pytest.param(
            lambda files: files.write(files.middle, files.leaf, key=files.leaf.key_pem),
            ORDER % "second",
            id="leaf last",
        ),
        pytest.param(
            lambda files: files.write(files.leaf, files.root, files.middle), ORDER % "second", id="root before middle"
        ),
        pytest.param(
            lambda files: files.write(files.leaf, files.middle, authority("root")),
            ORDER % "third",
            id="an authority of the same name",
        ),
        pytest.param(
            lambda files: files.certificate.chmod(0),
            r"the certificate fullchain\.pem may not be read; let the user of this server read it",
            id="one that may not be read",
        ),
        pytest.param(
            folder, r"the private key privkey\.pem is not a file; give one in PEM", id="a folder instead of a file"
        ),
        pytest.param(pipe, r"the certificate fullchain\.pem is not a file; give one in PEM", id="a pipe that is empty"),
        pytest.param(
            lambda files: files.certificate.write_bytes(files.key.read_bytes()),
            r"the certificate fullchain\.pem holds a private key and no certificate; give the certificate there",
            id="a key for a certificate",
        ),
        pytest.param(
            lambda files: files.key.write_bytes(files.leaf.pem),
            r"the private key privkey\.pem holds no private key in PEM; give the key that the certificate is for",
            id="a certificate for a key",
        ),
        pytest.param(
            lambda files: files.certificate.write_bytes(b""),
            r"the certificate fullchain\.pem holds no certificate in PEM; give one, with its chain after it",
            id="an empty file",
        ),
        pytest.param(
            lambda files: files.certificate.write_bytes(files.leaf.pem[:300]),
            r"the certificate fullchain\.pem holds no certificate in PEM; .*",
            id="half a file",
        ),
        pytest.param(
            lambda files: files.certificate.write_bytes(files.leaf.pem + files.middle.pem.replace(b"\nMII", b"\nNII")),
            r"the certificate fullchain\.pem is broken \(second certificate\); copy the whole file again",
            id="a broken certificate",
        ),
        pytest.param(
            lambda files: files.key.write_bytes(files.leaf.key_pem.replace(b"\nMI", b"\nNI")),
            r"the private key privkey\.pem is broken; copy the whole file again",
            id="a broken key",
        ),
        *[
            pytest.param(
                rsa_key_with_another(part),
                r"the private key privkey\.pem is broken; copy the whole file again",
                id=f"an RSA key with another {part}",
            )
            for part in ("p", "q", "d", "dmp1", "dmq1", "iqmp")
        ],
        pytest.param(
            lambda files: files.certificate.write_bytes(b"\n" * 1_000_001),
            r"the certificate fullchain\.pem has more than 1000000 bytes; give a file in PEM",
            id="a large file",
        ),
        pytest.param(
            weak_rsa,
            r"the private key privkey\.pem has 1024 bits, which is too few; make an ECDSA key, or one of RSA with "
            r"2048 bits or more, and a certificate for it",
            id="a weak key",
        ),
        pytest.param(dsa_key, r"the private key privkey\.pem is of a kind that browsers do not take; .*", id="DSA"),
        pytest.param(
            ed25519_key, r"the private key privkey\.pem is of a kind that browsers do not take; .*", id="Ed25519"
        ),
        pytest.param(
            lambda files: files.write(certify(NAMES, purpose=ExtendedKeyUsageOID.CLIENT_AUTH)),
            r"the certificate fullchain\.pem is not for servers; get one for TLS web server authentication",
            id="one for clients",
        ),
    ],
)
def test_what_is_wrong_is_told_with_what_to_do(
    files: Files, break_them: Callable[[Files], None], sentence: str
) -> None:
    break_them(files)
    refusal = files.refusal()
    assert re.fullmatch(sentence, refusal), refusal


@settings(deadline=None)
@given(st.integers(0, 2), st.floats(0, 1, exclude_max=True), st.binary(max_size=3))
def test_damage_of_any_kind_is_told_or_does_no_harm(part: int, where: float, instead: bytes) -> None:
    parts = list(UNDAMAGED)
    at = int(where * len(parts[part]))
    parts[part] = parts[part][:at] + instead + parts[part][at + len(instead) + (not instead) :]
    with suppress(BadCertificate):
        chain = b"".join(ssl.DER_cert_to_PEM_cert(der).encode() for der in parts[:2])
        Contexts().use([parse_certificate(chain, as_key_pem(parts[2]), NAMES, now())])


def damaged(part: int, before: bytes, after: bytes) -> str:
    """Damage a certificate, and give the sentence about it."""
    parts = list(UNDAMAGED)
    assert before in parts[part]
    parts[part] = parts[part].replace(before, after, 1)
    chain = b"".join(ssl.DER_cert_to_PEM_cert(der).encode() for der in parts[:2])
    with pytest.raises(BadCertificate) as caught:
        Contexts().use([parse_certificate(chain, as_key_pem(parts[2]), NAMES, now())])
    return str(caught.value)


def test_a_certificate_of_no_known_version_is_broken() -> None:
    said = damaged(0, b"\xa0\x03\x02\x01\x02", b"\xa0\x03\x02\x01\x12")
    assert said == "the certificate is broken (first certificate); copy the whole file again"


def test_what_only_openssl_refuses_is_told_too() -> None:
    # Who signed an authority's certificate is of no interest to the one before it; its name is no UTF-8.
    said = damaged(1, b"\x0c\x04root", b"\x0c\x04roo\xff")
    assert said.startswith("OpenSSL does not take the certificate for sim.example.org (invalid utf8string")
    assert said.endswith("); get another one")


def test_every_name_must_be_on_it(files: Files) -> None:
    assert "and not for other.example.org; " in files.refusal([*NAMES, "other.example.org"])


class TestSelfSigned:
    def test_it_can_be_used_at_once_and_for_as_long_as_was_said(self) -> None:
        made = self_signed(["sim.example.org", "192.0.2.7"], now(), 3)
        assert isinstance(made.key, ec.EllipticCurvePrivateKey)
        assert made.key.curve.name == "secp256r1"
        key = made.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        pem = made.chain[0].public_bytes(Encoding.PEM)
        assert parse_certificate(pem, key, made.names, now()).names == ("sim.example.org", "192.0.2.7")
        assert now() + 2.9 * DAY < made.ends <= now() + 3 * DAY

    def test_the_first_name_may_be_long(self) -> None:
        name = ".".join(["a" * 60] * 4)
        assert self_signed([name], now(), 1).names == (name,)
