"""The client for authorities, with one in memory that does what a real one does rarely."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, cast

import pem
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from josepy.b64 import b64encode
from treq.testing import RequestTraversalAgent, StubTreq
from twisted.internet.defer import Deferred, succeed
from twisted.internet.error import ConnectionRefusedError, DNSLookupError
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from twisted.web.iweb import IAgent
from txacme.interfaces import ICertificateStore
from txacme.service import AcmeIssuingService
from zope.interface import implementer

from tests.tls.authority import ROOT, Reply, ScriptedAuthority, problem
from webots_cloud.tls.account import AccountKey
from webots_cloud.tls.acme import POLL_SECONDS, CertificateOrder
from webots_cloud.tls.authority import ANSWER_SECONDS, MAX_ANSWER, MAX_NONCES, Applicant, Authority
from webots_cloud.tls.challenges import ChallengeResource, HttpResponder
from webots_cloud.tls.problem import AcmeError

NAME = "a.example.org"
KEY = AccountKey(ec.generate_private_key(ec.SECP256R1()))


@implementer(ICertificateStore)
class Kept:
    """A store in memory."""

    def __init__(self) -> None:
        self.certificates: dict[str, Sequence[pem.AbstractPEMObject]] = {}

    def get(self, server_name: str) -> Deferred[Sequence[pem.AbstractPEMObject]]:
        return succeed(self.certificates[server_name])

    def store(self, server_name: str, pem_objects: Sequence[pem.AbstractPEMObject]) -> Deferred[None]:
        self.certificates[server_name] = pem_objects
        return succeed(None)

    def as_dict(self) -> Deferred[dict[str, Sequence[pem.AbstractPEMObject]]]:
        return succeed(self.certificates)


@implementer(IAgent)
class Broken:
    """A network that does not lead to the authority."""

    def __init__(self, result: Callable[[], Deferred[Any]]) -> None:
        self._result = result

    def request(self, *_: object, **__: object) -> Deferred[Any]:
        return self._result()


class Applied:
    """An application for a certificate that is under way."""

    def __init__(self, agent: Any = None, email: str = "admin@example.org") -> None:
        self.ca = ScriptedAuthority()
        self.clock = Clock()
        self.kept = Kept()
        self.resource = ChallengeResource()
        self.error: AcmeError | None = None
        self.done = False
        applicant = Applicant(KEY, email, agrees=True)
        self.authority = Authority(self.clock, agent or RequestTraversalAgent(self.ca), f"{ROOT}/dir", applicant)
        self._service = AcmeIssuingService(
            self.kept,
            lambda: succeed(CertificateOrder(self.clock, self.authority, "http-01")),
            self.clock,
            [HttpResponder(self.resource)],
            generate_key=lambda: ec.generate_private_key(ec.SECP256R1()),
        )

    def start(self) -> Applied:
        self.error, self.done = None, False
        self._service.issue_cert(NAME).addCallbacks(self._succeeded, self._failed)
        return self

    def wait(self, seconds: float) -> None:
        """Let time pass, in small steps."""
        for _ in range(int(seconds)):
            self.clock.advance(1)

    def refused(self) -> AcmeError:
        self.start()
        self.wait(30)
        assert self.error is not None
        return self.error

    def _succeeded(self, _: object) -> None:
        self.done = True

    def _failed(self, failure: Failure) -> None:
        assert isinstance(failure.value, AcmeError), failure
        self.error = failure.value


def test_a_certificate_takes_these_steps() -> None:
    applied = Applied().start()
    applied.wait(5)

    assert applied.done
    assert applied.ca.paths() == [
        "/dir",
        "/account",
        "/order",
        "/authorization/1",
        "/challenge/1",
        "/authorization/1",
        "/order/1",
        "/finalize/1",
        "/order/1",
        "/certificate/1",
    ]
    assert len(applied.kept.certificates[NAME]) == 2


def test_every_request_is_signed_with_another_nonce_for_its_own_address_by_the_account() -> None:
    applied = Applied().start()
    applied.wait(5)

    signed = [asked for asked in applied.ca.asked if asked.header]
    assert len({asked.header["nonce"] for asked in signed}) == len(signed) == 9
    assert all(asked.header["url"] == f"{ROOT}{asked.path}" for asked in signed)
    assert [sorted(asked.header) for asked in signed[:2]] == [
        ["alg", "jwk", "nonce", "url"],
        ["alg", "kid", "nonce", "url"],
    ]
    assert {asked.header["kid"] for asked in signed[1:]} == {f"{ROOT}/account/1"}


@pytest.mark.parametrize(("email", "contact"), [("a@example.org", {"contact": ["mailto:a@example.org"]}), ("", {})])
def test_the_authority_is_told_whom_to_write_to(email: str, contact: dict[str, Any]) -> None:
    applied = Applied(email=email).start()

    assert applied.ca.asked[1].payload == {"termsOfServiceAgreed": True, **contact}


def test_a_nonce_that_is_not_taken_is_replaced_by_the_one_that_comes_with_the_refusal() -> None:
    applied = Applied()
    applied.ca.instead["/order"] = [problem("badNonce", "stale")] * (MAX_NONCES - 1)
    applied.start().wait(5)

    assert applied.done
    tried = [asked for asked in applied.ca.asked if asked.path == "/order"]
    assert len({asked.header["nonce"] for asked in tried}) == MAX_NONCES


def test_an_authority_that_takes_no_nonce_at_all_is_given_up() -> None:
    applied = Applied()
    applied.ca.instead["/order"] = [problem("badNonce", "stale")] * 1000

    assert str(applied.refused()) == f"{NAME}: ordering the certificate: the authority says: stale (badNonce)"
    assert applied.ca.paths().count("/order") == MAX_NONCES


def test_the_authority_is_asked_as_often_as_it_likes() -> None:
    applied = Applied()
    processing = applied.ca.authorization("processing")
    applied.ca.instead["/authorization/1"] = [
        Reply(applied.ca.authorization("pending")),
        Reply(processing, headers={"Retry-After": "20"}),
        Reply(processing, headers={"Retry-After": "7"}),
    ]
    applied.start()

    applied.wait(19)
    assert applied.ca.paths().count("/authorization/1") == 2
    applied.wait(1)
    assert applied.ca.paths().count("/authorization/1") == 3
    applied.wait(6)
    assert not applied.done
    applied.wait(1)
    assert applied.done


def test_an_authority_that_never_finishes_is_given_up() -> None:
    applied = Applied()
    applied.ca.instead["/authorization/1"] = [Reply(applied.ca.authorization("pending"))] * 1000
    applied.start().wait(POLL_SECONDS + 1)

    assert str(applied.error) == f"{NAME}: proving that the name leads here (http-01): it is pending after 240 s"


def test_an_answer_to_a_challenge_is_there_while_it_is_needed_only() -> None:
    applied = Applied()
    applied.ca.instead["/authorization/1"] = [Reply(applied.ca.authorization("pending"))] * 2
    applied.start()
    assert shown(applied.resource) == (200, "dG9rZW4." + b64encode(KEY.jwk.thumbprint()).decode())

    applied.wait(2)

    assert applied.done
    assert shown(applied.resource)[0] == 404


def look(resource: ChallengeResource, path: str) -> Any:
    return cast(Any, StubTreq(resource)).get(f"http://{NAME}/{path}").result


def shown(resource: ChallengeResource) -> tuple[int, str]:
    """Give what is to be seen of the answer to the challenge."""
    answered = look(resource, "dG9rZW4")
    return answered.code, answered.text().result


def test_only_the_token_of_a_challenge_leads_to_an_answer() -> None:
    resource = ChallengeResource()
    resource.put(b"token", b"answer")

    codes = {path: look(resource, path).code for path in ("token", "", "token/x", "other")}

    assert codes == {"token": 200, "": 404, "token/x": 404, "other": 404}


def test_a_rate_limit_is_told_with_the_wait_that_the_authority_asks_for() -> None:
    applied = Applied()
    applied.ca.instead["/order"] = [problem("rateLimited", "too many certificates (5)", 429, Retry_After="7200")]

    error = applied.refused()

    assert str(error) == (
        f"{NAME}: ordering the certificate: the authority says: too many certificates (5) (rateLimited)"
    )
    assert (error.kind, error.retry_after, error.everywhere) == ("rateLimited", 7200, False)


def test_a_rate_limit_on_accounts_concerns_all_names() -> None:
    applied = Applied()
    applied.ca.instead["/account"] = [problem("rateLimited", "too many accounts", 429, Retry_After="60")]

    error = applied.refused()

    assert str(error) == f"{NAME}: opening the account: the authority says: too many accounts (rateLimited)"
    assert (error.retry_after, error.everywhere) == (60, True)


def test_an_order_that_has_expired_is_told_and_the_next_try_makes_another() -> None:
    applied = Applied()
    applied.ca.instead["/order/1"] = [problem("malformed", "Order expired", 404)]
    assert str(applied.refused()) == (f"{NAME}: waiting for the order: the authority says: Order expired (malformed)")

    applied.start().wait(5)

    assert applied.done
    assert applied.ca.paths().count("/order") == 2


@pytest.mark.parametrize(
    ("path", "status", "said"),
    [
        ("/order", "invalid", "ordering the certificate: the authority does not take the order"),
        ("/order/1", "invalid", "waiting for the order: the authority says that the order is invalid"),
        ("/authorization/1", "deactivated", "reading what the authority wants to see: the proof that the name is this"),
        ("/authorization/1", "expired", "reading what the authority wants to see: the proof that the name is this"),
    ],
)
def test_an_order_that_cannot_be_finished_is_told(path: str, status: str, said: str) -> None:
    applied = Applied()
    applied.ca.instead[path] = [Reply({"status": status}, headers={"Location": f"{ROOT}/order/1"})]

    assert str(applied.refused()).startswith(f"{NAME}: {said}")


def test_what_the_authority_found_wrong_with_an_order_is_told() -> None:
    applied = Applied()
    error = {"type": "urn:ietf:params:acme:error:caa", "detail": "CAA forbids it"}
    applied.ca.instead["/order/1"] = [Reply({"status": "invalid", "error": error})]

    assert str(applied.refused()) == f"{NAME}: waiting for the order: the authority says: CAA forbids it (caa)"


def test_an_authority_that_wants_another_proof_says_which() -> None:
    applied = Applied()
    applied.ca.instead["/authorization/1"] = [Reply(applied.ca.authorization("pending", type="tls-alpn-01"))]

    assert "the authority wants dns-01, tls-alpn-01, which is not http-01" in str(applied.refused())


def test_what_was_proved_before_is_not_asked_again() -> None:
    applied = Applied()
    applied.ca.instead["/authorization/1"] = [Reply(applied.ca.authorization("valid", type="dns-01"))] * 2
    applied.ca.instead["/order/1"] = [Reply({"status": "ready", "finalize": f"{ROOT}/finalize/1"})]
    applied.start().wait(5)

    assert applied.done
    assert "/challenge/1" not in applied.ca.paths()


def test_a_certificate_for_another_key_is_not_taken() -> None:
    applied, other = Applied(), Applied().start()
    other.wait(5)
    applied.ca.instead["/certificate/1"] = [Reply(other.kept.certificates[NAME][1].as_bytes())]

    assert "is for another key than the one it was given" in str(applied.refused())
    assert not applied.kept.certificates


def test_a_certificate_for_another_name_is_not_taken() -> None:
    applied = Applied()
    applied.ca.certifies = ["b.example.org", "c.example.org"]

    assert str(applied.refused()) == (
        f"{NAME}: downloading the certificate: the authority's certificate is for b.example.org, c.example.org"
    )
    assert not applied.kept.certificates


ODD_ANSWERS = {
    "no JSON": ("/dir", Reply(b"<html>"), "reading the directory: the authority's answer is no JSON object"),
    "a list": ("/dir", Reply([]), "reading the directory: the authority's answer is no JSON object"),
    "no addresses": ("/dir", Reply({}), "reading the directory: the authority's answer lacks newAccount"),
    "not found": ("/dir", Reply(b"", 404), "reading the directory: the authority answers with HTTP status 404"),
    "moved": ("/dir", Reply(b"", 302, {"Location": f"{ROOT}/x"}), "answers with HTTP status 302"),
    "too long": ("/dir", Reply(b" " * (MAX_ANSWER + 1)), "answers with more than 1 MiB"),
    "out of order": ("/order", Reply(b"", 503), "ordering the certificate: the authority answers with HTTP status 503"),
    "no place": ("/order", Reply({"status": "pending"}), "does not say where it keeps what it made"),
    "two proofs": (
        "/order",
        Reply({"authorizations": ["a", "b"]}, headers={"Location": ROOT}),
        "does not say how this server can prove",
    ),
    "not encrypted": (
        "/order",
        Reply({"authorizations": ["http://ca.example.com/x"]}, headers={"Location": ROOT}),
        "http://ca.example.com/x is not encrypted",
    ),
    "no token": (
        "/authorization/1",
        Reply({"status": "pending", "challenges": [{"type": "http-01", "token": "!", "url": f"{ROOT}/x"}]}),
        "the authority's challenge has no token",
    ),
    "no certificate": ("/certificate/1", Reply(b"nothing"), "the authority's answer is no certificate in PEM"),
    "account closed": (
        "/account",
        Reply({"status": "revoked"}, headers={"Location": ROOT}),
        "the authority says that the account is revoked; give another accountKey",
    ),
}


@pytest.mark.parametrize(("path", "reply", "said"), ODD_ANSWERS.values(), ids=ODD_ANSWERS.keys())
def test_an_odd_answer_is_told_with_name_and_step(path: str, reply: Reply, said: str) -> None:
    applied = Applied()
    applied.ca.instead[path] = [reply]

    error = str(applied.refused())

    assert error.startswith(f"{NAME}: ")
    assert said in error


def fail(error: Exception) -> Callable[[], Deferred[Any]]:
    def failed() -> Deferred[Any]:
        deferred: Deferred[Any] = Deferred()
        deferred.errback(error)
        return deferred

    return failed


@pytest.mark.parametrize(
    ("result", "said"),
    [
        (fail(ConnectionRefusedError("no")), "ca.example.com cannot be reached (Connection was refused by other side"),
        (fail(DNSLookupError("no")), "ca.example.com is not known to the name servers"),
        (Deferred, f"ca.example.com does not answer within {ANSWER_SECONDS:g} s"),
    ],
)
def test_an_authority_that_is_down_is_told_and_concerns_all_names(
    result: Callable[[], Deferred[Any]], said: str
) -> None:
    error = Applied(Broken(result)).refused()

    assert str(error).startswith(f"{NAME}: reading the directory: {said}")
    assert error.everywhere
