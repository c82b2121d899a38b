"""Who this server is to a certificate authority: the account's key in its file, and what is signed with it."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import attrs
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from josepy.b64 import b64encode
from josepy.jwa import ES256, HS256, RS256
from josepy.jwk import JWK, JWKEC, JWKRSA

from webots_cloud.secret import Secret
from webots_cloud.tls.private_file import read_private, write_private


class BadAccountKey(Exception):
    """The account's key cannot be used; the text says why and what to do."""


@attrs.frozen
class Binding:
    """An account with the authority from before, to which the one for certificates is bound (RFC 8555 section 7.3.4).

    @ivar key_id: the name that the authority gave to the key.
    @ivar key: the key, in base64url.
    """

    key_id: str
    key: Secret


class AccountKey:
    """Signs what is sent to the authority (RFC 8555 section 6.2).

    @ivar jwk: the key as the authority sees it.
    """

    def __init__(self, key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> None:
        self._key = key
        rsa_key = isinstance(key, rsa.RSAPrivateKey)
        self._algorithm: Any = RS256 if rsa_key else ES256
        self.jwk: JWK = JWKRSA(key=key) if rsa_key else JWKEC(key=key)

    def sign(self, url: str, nonce: str, payload: Any, account: str | None) -> bytes:
        """Sign a request.

        @param payload: what is sent; C{None}: nothing, as where something is only to be read.
        @param account: the account's URL; C{None}: the authority is given the key itself.
        """
        who = {"jwk": self._public()} if account is None else {"kid": account}
        header = {"alg": self._algorithm.name, "nonce": nonce, "url": url, **who}
        return json.dumps(_signed(header, payload, self._algorithm, self._key)).encode("ascii")

    def bind(self, binding: Binding, url: str) -> Any:
        """Make the proof that somebody who has an account with the authority wants this one.

        @raise BadAccountKey: if the binding's key is not in base64url.
        """
        text = binding.key.reveal()
        try:
            mac = base64.b64decode(text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4), b"-_", validate=True)
        except ValueError as error:
            raise BadAccountKey("eabKey is not in base64url; copy it from the authority's page again") from error
        header = {"alg": "HS256", "kid": binding.key_id, "url": url}
        return _signed(header, self._public(), HS256, mac)

    def _public(self) -> Any:
        return self.jwk.public_key().to_json()


def ensure_account_key(path: Path) -> AccountKey:
    """Read the account's key, or make one where there is none.

    @raise BadAccountKey: if it can be neither read nor made, or is no key.
    """
    try:
        content = read_private(path)
    except FileNotFoundError:
        return _make(path)
    except OSError as error:
        raise BadAccountKey(
            f"the account's key {path} cannot be kept for this user only ({error.strerror}); "
            "give it to the user that runs this server, with mode 0600"
        ) from error
    return _parse(path, content)


def _make(path: Path) -> AccountKey:
    key = ec.generate_private_key(ec.SECP256R1())
    try:
        write_private(path, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    except OSError as error:
        raise BadAccountKey(
            f"the account's key {path} cannot be written ({error.strerror}); see that its folder can be written to"
        ) from error
    return AccountKey(key)


def _parse(path: Path, content: bytes) -> AccountKey:
    instead = f"remove {path} to have a new account made, or put the right key there"
    try:
        key = load_pem_private_key(content, None)
    # What cryptography raises for an encrypted key is a TypeError.
    except (ValueError, TypeError) as error:
        raise BadAccountKey(f"{path} has no private key in PEM without a password; {instead}") from error
    if isinstance(key, rsa.RSAPrivateKey) or (
        isinstance(key, ec.EllipticCurvePrivateKey) and isinstance(key.curve, ec.SECP256R1)
    ):
        return AccountKey(key)
    raise BadAccountKey(f"the key in {path} is neither ECDSA P-256 nor RSA; {instead}")


def _signed(header: Any, payload: Any, algorithm: Any, key: Any) -> dict[str, str]:
    protected = _base64(json.dumps(header).encode("ascii"))
    content = "" if payload is None else _base64(json.dumps(payload).encode("ascii"))
    signature = algorithm.sign(key, f"{protected}.{content}".encode("ascii"))
    return {"protected": protected, "payload": content, "signature": _base64(signature)}


def _base64(data: bytes) -> str:
    return b64encode(data).decode("ascii")
