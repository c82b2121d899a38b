"""One certificate from an authority that speaks ACME (RFC 8555), with the methods that txacme's service calls.

txacme's own client speaks the first version of ACME, which no authority answers any more.
"""

from __future__ import annotations

import re
from collections.abc import Coroutine
from typing import Any

import attrs
from acme import challenges, messages
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from josepy.b64 import b64encode
from josepy.json_util import decode_b64jose
from josepy.jwk import JWK
from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater

from webots_cloud.errors import quoted
from webots_cloud.tls.authority import Answer, Authority
from webots_cloud.tls.problem import AcmeError, problem_kind, problem_sentence

POLL_SECONDS = 240.0
"""Seconds within which an authority has to look at a challenge, or to make a certificate; txacme waits for 300."""

FIRST_PAUSE, LONGEST_PAUSE = 0.2, 5.0
"""Seconds between two looks where the authority does not say how many."""

CHALLENGES = {"http-01": challenges.HTTP01, "tls-alpn-01": challenges.TLSALPN01}
"""What can be shown to an authority to prove that a name leads here."""

MAX_NAME = 64
"""How many characters a name may have: txacme puts it where a certificate has no place for more."""

CHAIN = "application/pem-certificate-chain"


@attrs.frozen
class Part:
    """A certificate of a chain.

    @ivar body: the certificate, in DER.
    """

    body: bytes


class CertificateOrder:
    """The order of one certificate; made new for each try."""

    def __init__(self, clock: IReactorTime, authority: Authority, challenge: str) -> None:
        """Prepare to order.

        @param clock: the reactor, or another one in tests; tells the seconds since 1970.
        @param challenge: one of L{CHALLENGES}.
        """
        self._clock = clock
        self._authority = authority
        self._challenge = challenge
        self._name = ""
        self._url = ""
        self._chain: list[x509.Certificate] = []

    @property
    def key(self) -> JWK:
        """The account's key, which answers to challenges are made with."""
        return self._authority.key.jwk

    def request_challenges(self, identifier: messages.Identifier) -> Deferred[messages.AuthorizationResource]:
        """Order a certificate; gives what the authority wants to see first."""
        self._name = identifier.value
        return self._step(self._order())

    def answer_challenge(self, body: messages.ChallengeBody, response: object) -> Deferred[None]:
        """Tell the authority to look at what was asked of this server."""
        return self._step(self._answer(body))

    def poll(self, resource: messages.AuthorizationResource) -> Deferred[tuple[messages.AuthorizationResource, float]]:
        """Wait until the authority has looked; gives what it then has, and that there is nothing to wait for."""
        return self._step(self._authorize(resource))

    def request_issuance(self, request: Any) -> Deferred[Part]:
        """Have the certificate made; gives its first part, and the others by L{fetch_chain}.

        @param request: has a signing request C{csr}.
        """
        return self._step(self._issue(request.csr))

    def fetch_chain(self, first: Part) -> Deferred[list[Part]]:
        """Give all parts but the first."""
        return succeed([Part(part.public_bytes(Encoding.DER)) for part in self._chain[1:]])

    def _step(self, work: Coroutine[Deferred[Any], Any, Any]) -> Deferred[Any]:
        return Deferred.fromCoroutine(self._named(work))

    async def _named(self, work: Coroutine[Deferred[Any], Any, Any]) -> Any:
        try:
            return await work
        except AcmeError as error:
            raise error.about(self._name) from error

    async def _order(self) -> messages.AuthorizationResource:
        if len(self._name) > MAX_NAME:
            raise AcmeError(
                "ordering the certificate", f"a name of more than {MAX_NAME} characters cannot be asked for"
            )
        order = await self._authority.order([self._name])
        self._url = order.location
        if order.document.get("status") == "invalid":
            raise _failed(order, "the authority does not take the order")
        found = order.document.get("authorizations")
        if not isinstance(found, list) or len(found) != 1 or not isinstance(found[0], str):
            raise AcmeError(order.step, "the authority does not say how this server can prove that the name is its own")
        answer = await self._authority.post(found[0], None, "reading what the authority wants to see")
        return self._resource(found[0], answer)

    def _resource(self, url: str, answer: Answer) -> messages.AuthorizationResource:
        status = answer.text("status")
        if status not in ("pending", "valid"):
            raise _failed(answer, f"the proof that the name is this server's is {quoted(status)}")
        offered = answer.document.get("challenges")
        fitting = [
            messages.ChallengeBody(
                chall=CHALLENGES[self._challenge](token=_token(answer, challenge)),
                uri=str(challenge.get("url")),
                status=messages.STATUS_VALID if status == "valid" else messages.STATUS_PENDING,
            )
            for challenge in (offered if isinstance(offered, list) else [])
            if isinstance(challenge, dict)
            # What was proved some time ago, in whatever way, is not asked again.
            and (challenge.get("type") == self._challenge or (status == "valid" and "token" in challenge))
        ][:1]
        if not fitting:
            kinds = ", ".join(quoted(challenge.get("type")) for challenge in offered or [])
            raise AcmeError(answer.step, f"the authority wants {kinds or 'nothing'}, which is not {self._challenge}")
        return messages.AuthorizationResource(
            uri=url,
            body=messages.Authorization(
                identifier=messages.Identifier(typ=messages.IDENTIFIER_FQDN, value=self._name),
                challenges=tuple(fitting),
                combinations=((0,),),
                status=fitting[0].status,
            ),
        )

    async def _answer(self, body: messages.ChallengeBody) -> None:
        if body.status != messages.STATUS_VALID:
            await self._authority.post(body.uri, {}, f"having {self._challenge} looked at")

    async def _authorize(
        self, resource: messages.AuthorizationResource
    ) -> tuple[messages.AuthorizationResource, float]:
        step = f"proving that the name leads here ({self._challenge})"
        answer = await self._wait(resource.uri, step, {"pending", "processing"})
        if answer.text("status") != "valid":
            raise _failed(answer, f"the authority says that this is {quoted(answer.text('status'))}")
        body = resource.body.update(status=messages.STATUS_VALID)
        return resource.update(body=body), 0.0

    async def _issue(self, csr: x509.CertificateSigningRequest) -> Part:
        order = await self._wait(self._url, "waiting for the order", {"pending"})
        if order.text("status") == "ready":
            request = {"csr": b64encode(csr.public_bytes(Encoding.DER)).decode("ascii")}
            await self._authority.post(order.text("finalize"), request, "asking for the certificate to be made")
            order = await self._wait(self._url, "waiting for the certificate", {"ready", "processing"})
        if order.text("status") != "valid":
            raise _failed(order, f"the authority says that the order is {quoted(order.text('status'))}")
        answer = await self._authority.post(order.text("certificate"), None, "downloading the certificate", CHAIN)
        self._chain = _read_chain(answer, csr, self._name)
        return Part(self._chain[0].public_bytes(Encoding.DER))

    async def _wait(self, url: str, step: str, unfinished: set[str]) -> Answer:
        """Look at something until it is finished, as often as the authority likes (RFC 8555 section 7.5.1)."""
        deadline = self._clock.seconds() + POLL_SECONDS
        pause = FIRST_PAUSE
        while True:
            answer = await self._authority.post(url, None, step)
            status = answer.text("status")
            if status not in unfinished:
                return answer
            wait = pause if answer.retry_after is None else max(answer.retry_after, FIRST_PAUSE)
            if self._clock.seconds() + wait > deadline:
                said = f"it is {quoted(status)} after {POLL_SECONDS:g} s"
                raise AcmeError(step, said, retry_after=answer.retry_after)
            await deferLater(self._clock, wait)
            pause = min(1.5 * pause, LONGEST_PAUSE)


def _token(answer: Answer, challenge: dict[str, Any]) -> bytes:
    token = challenge.get("token")
    if not isinstance(token, str) or not re.fullmatch("[A-Za-z0-9_-]+", token):
        raise AcmeError(answer.step, "the authority's challenge has no token")
    return decode_b64jose(token)


def _failed(answer: Answer, otherwise: str) -> AcmeError:
    """Say why something has failed, in the authority's words where there are some."""
    offered = answer.document.get("challenges")
    parts = [answer.document, *(offered if isinstance(offered, list) else [])]
    for part in parts:
        problem = part.get("error") if isinstance(part, dict) else None
        if problem_sentence(problem):
            return AcmeError(
                answer.step,
                f"the authority says: {problem_sentence(problem)}",
                kind=problem_kind(problem),
                retry_after=answer.retry_after,
            )
    return AcmeError(answer.step, otherwise, retry_after=answer.retry_after)


def _read_chain(answer: Answer, csr: x509.CertificateSigningRequest, name: str) -> list[x509.Certificate]:
    """Read what the authority made.

    @raise AcmeError: if it is not what was asked for.
    """
    try:
        chain = x509.load_pem_x509_certificates(answer.body)
    except ValueError as error:
        raise AcmeError(answer.step, "the authority's answer is no certificate in PEM") from error
    if _spki(chain[0]) != _spki(csr):
        raise AcmeError(answer.step, "the authority's certificate is for another key than the one it was given")
    if name.lower() not in _names(chain[0]):
        raise AcmeError(answer.step, f"the authority's certificate is for {quoted(', '.join(_names(chain[0])))}")
    return chain


def _names(certificate: x509.Certificate) -> list[str]:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, ValueError):
        return []
    return [found.lower() for found in names.get_values_for_type(x509.DNSName)]


def _spki(holder: x509.Certificate | x509.CertificateSigningRequest) -> bytes:
    return holder.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
