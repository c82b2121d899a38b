"""An authority in memory that does what a test tells it to, for what a real one does rarely."""

from __future__ import annotations

import base64
import datetime
import json
from collections import defaultdict
from typing import Any, cast

import attrs
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from twisted.web.resource import IResource, Resource
from twisted.web.server import Request

ROOT = "https://ca.example.com"


@attrs.frozen
class Reply:
    """What the authority answers to one request.

    @ivar document: a JSON value, or the bytes of the body.
    """

    document: Any
    code: int = 200
    headers: dict[str, str] = attrs.field(factory=dict)

    @property
    def body(self) -> bytes:
        return self.document if isinstance(self.document, bytes) else json.dumps(self.document).encode()


def problem(kind: str, detail: str, code: int = 400, **headers: str) -> Reply:
    """Make an answer that refuses something."""
    document = {"type": f"urn:ietf:params:acme:error:{kind}", "detail": detail, "status": code}
    return Reply(document, code, {name.replace("_", "-"): value for name, value in headers.items()})


@attrs.frozen
class Asked:
    """A request.

    @ivar header: what is signed with it; empty if it is not signed.
    @ivar payload: what it says; C{None} if nothing.
    """

    path: str
    header: dict[str, Any]
    payload: Any


class ScriptedAuthority(Resource):
    """An authority that makes certificates at once, but for what it is told to answer instead.

    @ivar asked: all requests but for nonces, in their order.
    @ivar certifies: the names that certificates are for; C{None}: those that are asked for.
    @ivar instead: what is answered instead, next, by path.
    """

    isLeaf = True

    def __init__(self) -> None:
        Resource.__init__(self)
        self.asked: list[Asked] = []
        self.instead: dict[str, list[Reply]] = defaultdict(list)
        self._nonces = 0
        self.certifies: list[str] | None = None
        self._finalized = b""
        self._answered = False

    def getChild(self, path: bytes, request: Request) -> IResource:
        return self

    def paths(self) -> list[str]:
        return [asked.path for asked in self.asked]

    def render(self, request: Request) -> bytes:
        path = request.path.decode()
        header, payload = _read(cast(Any, request).content.read()) if request.method == b"POST" else ({}, None)
        if path != "/nonce":
            self.asked.append(Asked(path, header, payload))
        replies = self.instead[path]
        reply = replies.pop(0) if replies else self._usual(path, payload)
        request.setResponseCode(reply.code)
        self._nonces += 1
        request.setHeader("Replay-Nonce", f"nonce{self._nonces}")
        for name, value in reply.headers.items():
            request.setHeader(name, value)
        return reply.body

    def _usual(self, path: str, payload: Any) -> Reply:
        match path:
            case "/dir":
                names = {"newNonce": "nonce", "newAccount": "account", "newOrder": "order"}
                return Reply({name: f"{ROOT}/{path}" for name, path in names.items()})
            case "/account":
                return Reply({"status": "valid"}, 201, {"Location": f"{ROOT}/account/1"})
            case "/order":
                self._answered, self._finalized = False, b""
                return Reply(self._order(), 201, {"Location": f"{ROOT}/order/1"})
            case "/order/1":
                return Reply(self._order())
            case "/authorization/1":
                return Reply(self.authorization("valid" if self._answered else "pending"))
            case "/challenge/1":
                self._answered = True
                return Reply({"status": "processing"})
            case "/finalize/1":
                self._finalized = _certificate(payload["csr"], self.certifies)
                return Reply(self._order())
            case "/certificate/1":
                return Reply(self._finalized)
        return Reply(b"")

    def authorization(self, status: str, **challenge: Any) -> dict[str, Any]:
        """Describe what a client has to prove."""
        offered = {"type": "http-01", "url": f"{ROOT}/challenge/1", "token": "dG9rZW4", "status": status, **challenge}
        return {"status": status, "challenges": [{"type": "dns-01", "token": "dG9rZW4"}, offered]}

    def _order(self) -> dict[str, Any]:
        status = "valid" if self._finalized else "ready" if self._answered else "pending"
        return {
            "status": status,
            "authorizations": [f"{ROOT}/authorization/1"],
            "finalize": f"{ROOT}/finalize/1",
            "certificate": f"{ROOT}/certificate/1",
        }


def _read(body: bytes) -> tuple[dict[str, Any], Any]:
    signed = json.loads(body)
    payload = signed["payload"]
    return json.loads(_decode(signed["protected"])), json.loads(_decode(payload)) if payload else None


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _certificate(encoded: str, instead: list[str] | None) -> bytes:
    csr = x509.load_der_x509_csr(_decode(encoded))
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.datetime.now(datetime.UTC)
    names = csr.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    if instead is not None:
        names = x509.SubjectAlternativeName([x509.DNSName(name) for name in instead])
    made = (
        x509.CertificateBuilder(csr.subject, csr.subject, csr.public_key(), x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + datetime.timedelta(days=90))
        .add_extension(names, critical=False)
        .sign(key, hashes.SHA256())
    )
    return made.public_bytes(Encoding.PEM)
