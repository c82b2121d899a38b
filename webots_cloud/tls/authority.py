"""Talks to a certificate authority: its directory, nonces and this server's account (RFC 8555 sections 6 and 7)."""

from __future__ import annotations

import re
from collections import deque
from typing import Any

import attrs
import treq
from OpenSSL import SSL
from treq.client import HTTPClient
from twisted.internet.defer import Deferred, DeferredLock, succeed
from twisted.internet.error import ConnectError, DNSLookupError
from twisted.internet.interfaces import IConsumer, IReactorTime
from twisted.logger import Logger
from twisted.web.client import ResponseFailed
from twisted.web.http_headers import Headers
from twisted.web.iweb import IAgent, IBodyProducer
from zope.interface import implementer

from webots_cloud import __version__
from webots_cloud.agent import CompressedAnswer
from webots_cloud.errors import quoted
from webots_cloud.secret import Secret
from webots_cloud.tls.account import AccountKey, BadAccountKey, Binding
from webots_cloud.tls.problem import AcmeError, parse_problem, parse_retry_after, problem_kind, problem_sentence

MAX_ANSWER = 1 << 20
"""How many bytes an answer may have."""

ANSWER_SECONDS = 30.0
"""Seconds within which an authority has to answer a request."""

MAX_NONCES = 12
"""How often a request is sent again whose nonce the authority does not take."""


class _TooLong(Exception):
    """An answer is longer than any should be."""


@implementer(IBodyProducer)
class _Body:
    """A request's body, sent at once."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self.length = len(body)

    def startProducing(self, consumer: IConsumer) -> Deferred[None]:
        consumer.write(self._body)
        return succeed(None)

    def pauseProducing(self) -> None:
        """There is nothing to pause."""

    def resumeProducing(self) -> None:
        """There is nothing to go on with."""

    def stopProducing(self) -> None:
        """There is nothing to stop."""


@attrs.frozen
class Answer:
    """What an authority answered.

    @ivar step: what was being done.
    @ivar code: the HTTP status.
    @ivar retry_after: the seconds that it asks to wait; C{None} if it does not.
    """

    step: str
    code: int
    headers: Headers
    body: bytes
    retry_after: float | None

    @property
    def document(self) -> dict[str, Any]:
        """The JSON object in it.

        @raise AcmeError: if there is none.
        """
        found = parse_problem(self.body)
        if not isinstance(found, dict):
            raise AcmeError(self.step, "the authority's answer is no JSON object")
        return found

    @property
    def location(self) -> str:
        """The address of what was made.

        @raise AcmeError: if there is none.
        """
        found = self.headers.getRawHeaders("location")
        if not found:
            raise AcmeError(self.step, "the authority does not say where it keeps what it made")
        return found[0]

    def text(self, field: str) -> str:
        """Give a text of the JSON object.

        @raise AcmeError: if it lacks.
        """
        found = self.document.get(field)
        if not isinstance(found, str):
            raise AcmeError(self.step, f"the authority's answer lacks {field}")
        return found


@attrs.frozen
class Applicant:
    """Who wants certificates.

    @ivar key: signs all requests.
    @ivar email: where the authority may write to; may be empty.
    @ivar agrees: whether the operator agrees to the authority's terms.
    @ivar binding: an account with the authority from before, where it wants one.
    """

    key: AccountKey
    email: str
    agrees: bool
    binding: Binding | None = None


class Authority:
    """A certificate authority, as one applicant sees it."""

    _log = Logger()

    def __init__(self, clock: IReactorTime, agent: IAgent, directory: str, applicant: Applicant) -> None:
        """Prepare to ask.

        @param clock: tells the seconds since 1970.
        @param agent: sends requests, and trusts the authority's server.
        @param directory: the URL of the authority's directory.
        """
        self._clock = clock
        self._agent = agent
        self._directory_url = directory
        self._applicant = applicant
        self._directory: Answer | None = None
        self._account: str | None = None
        self._opening = DeferredLock()
        # A nonce that was kept for long is worth little: the newest is taken first, and only a few are kept.
        self._nonces: deque[str] = deque(maxlen=20)

    @property
    def key(self) -> AccountKey:
        """The key of the account."""
        return self._applicant.key

    def forget(self) -> None:
        """Look again at everything, as after a failure: the authority may have changed or lost it."""
        self._directory = None
        self._account = None
        self._nonces.clear()

    async def order(self, names: list[str]) -> Answer:
        """Ask for a certificate (RFC 8555 section 7.4).

        @raise AcmeError: if the authority does not take the order.
        """
        await self.account()
        url = (await self._find("reading the directory")).text("newOrder")
        identifiers = [{"type": "dns", "value": name} for name in names]
        return await self.post(url, {"identifiers": identifiers}, "ordering the certificate")

    async def post(self, url: str, payload: Any, step: str, accept: str = "application/json") -> Answer:
        """Send a request of the account's.

        @param payload: what is sent; C{None}: nothing, to read what is at the URL.
        @param step: what is being done, for messages.
        @raise AcmeError: if the authority refuses it, or cannot be asked.
        """
        return await self._post(url, payload, step, await self.account(), accept)

    async def account(self) -> str:
        """Find this key's account, or open one (RFC 8555 section 7.3); gives its URL.

        @raise AcmeError: if there is none, and none is to be had.
        """
        if self._account is None:
            await self._opening.acquire()
            try:
                if self._account is None:
                    self._account = await self._register()
            finally:
                self._opening.release()
        return self._account

    async def _register(self) -> str:
        step = "opening the account"
        directory = await self._find("reading the directory")
        terms = _meta(directory).get("termsOfService")
        if not self._applicant.agrees:
            where = f" at {quoted(terms)}" if terms else ""
            raise AcmeError(step, f"read the authority's terms{where}, and set agreeToTerms", everywhere=True)
        url = directory.text("newAccount")
        request: dict[str, Any] = {"termsOfServiceAgreed": True}
        if self._applicant.email:
            request["contact"] = [f"mailto:{self._applicant.email}"]
        if self._applicant.binding is not None:
            try:
                request["externalAccountBinding"] = self.key.bind(self._applicant.binding, url)
            except BadAccountKey as error:
                raise AcmeError(step, str(error), everywhere=True) from error
        try:
            answer = await self._post(url, request, step, None)
        except AcmeError as error:
            raise AcmeError(
                step, error.said, kind=error.kind, retry_after=error.retry_after, everywhere=True
            ) from error
        status = answer.document.get("status", "valid")
        if status != "valid":
            said = f"the authority says that the account is {quoted(status)}; give another accountKey"
            raise AcmeError(step, said, everywhere=True)
        found = "new" if answer.code == 201 else "has been there before"
        self._log.info(
            "{directory}: the account for certificates is {url} ({found})",
            directory=self._directory_url,
            url=quoted(answer.location),
            found=found,
        )
        return answer.location

    async def _find(self, step: str) -> Answer:
        """Read the authority's directory (RFC 8555 section 7.1.1), once."""
        if self._directory is None:
            answer = await self._request("GET", self._directory_url, step)
            if answer.code != 200:
                raise _refusal(answer, everywhere=True)
            self._directory = answer
        return self._directory

    async def _post(
        self, url: str, payload: Any, step: str, account: str | None, accept: str = "application/json"
    ) -> Answer:
        """Send a signed request, again and again with another nonce if that is all that is wrong with it."""
        for _ in range(MAX_NONCES):
            signed = self.key.sign(url, await self._nonce(), payload, account)
            answer = await self._request("POST", url, step, signed, accept)
            if answer.code < 400:
                return answer
            if problem_kind(parse_problem(answer.body)) != "badNonce":
                raise _refusal(answer, everywhere=answer.code >= 500)
        raise _refusal(answer, everywhere=True)

    async def _nonce(self) -> str:
        """Take a nonce that was not used yet (RFC 8555 section 7.2)."""
        step = "asking for a nonce"
        if not self._nonces:
            answer = await self._request("HEAD", (await self._find("reading the directory")).text("newNonce"), step)
            if not self._nonces:
                raise _refusal(answer, everywhere=True)
        return self._nonces.pop()

    async def _request(
        self, method: str, url: str, step: str, body: bytes | None = None, accept: str = "application/json"
    ) -> Answer:
        """Send a request; whatever keeps an answer from being had is an L{AcmeError}."""
        if not url.startswith("https://"):
            raise AcmeError(step, f"{quoted(url)} is not encrypted, which an authority's addresses have to be")
        asking = Deferred.fromCoroutine(self._ask(method, url, step, body, accept))
        try:
            return await asking.addTimeout(ANSWER_SECONDS, self._clock, _give_up)
        except (
            CompressedAnswer,
            ConnectError,
            DNSLookupError,
            ResponseFailed,
            TimeoutError,
            UnicodeError,
            ValueError,
            _TooLong,
        ) as error:
            host = url.split("/")[2]
            raise AcmeError(step, f"{quoted(host)} {_reason(error)}", everywhere=True) from error

    async def _ask(self, method: str, url: str, step: str, body: bytes | None, accept: str) -> Answer:
        headers = Headers(
            {"User-Agent": [f"webots-cloud/{__version__}"], "Accept": [accept], "Accept-Language": ["en"]}
        )
        if body is not None:
            headers.setRawHeaders("Content-Type", ["application/jose+json"])
        # A client of treq's collects cookies for as long as it lives: this one lives for one question.
        client = HTTPClient(self._agent)
        response = await client.request(
            method,
            url,
            headers=headers,
            data=None if body is None else _Body(body),
            allow_redirects=False,
            unbuffered=True,
        )
        received = bytearray()

        def collect(data: bytes) -> None:
            received.extend(data)
            if len(received) > MAX_ANSWER:
                raise _TooLong

        await treq.collect(response, collect)
        for nonce in response.headers.getRawHeaders("replay-nonce") or []:
            if re.fullmatch("[A-Za-z0-9_-]{1,1000}", nonce):
                self._nonces.append(nonce)
        retry_after = parse_retry_after(response.headers, self._clock.seconds())
        return Answer(step, response.code, response.headers, bytes(received), retry_after)


def account_binding(key_id: str, key: Secret) -> Binding | None:
    """Give the binding that a configuration asks for; C{None} if it asks for none."""
    return Binding(key_id, key) if key_id else None


def _meta(directory: Answer) -> dict[str, Any]:
    found = directory.document.get("meta")
    return found if isinstance(found, dict) else {}


def _refusal(answer: Answer, *, everywhere: bool) -> AcmeError:
    problem = parse_problem(answer.body)
    sentence = problem_sentence(problem)
    said = f"the authority says: {sentence}" if sentence else f"the authority answers with HTTP status {answer.code}"
    return AcmeError(
        answer.step,
        said,
        kind=problem_kind(problem),
        retry_after=answer.retry_after,
        everywhere=everywhere,
    )


def _give_up(_result: object, seconds: float) -> Answer:
    raise TimeoutError(f"does not answer within {seconds:g} s")


def _reason(error: Exception) -> str:
    match error:
        case DNSLookupError():
            return "is not known to the name servers"
        case _TooLong():
            return f"answers with more than {MAX_ANSWER >> 20} MiB"
        case TimeoutError() if error.args:
            return str(error)
        case ResponseFailed() if error.reasons:
            inner = error.reasons[0].value
            if isinstance(inner, SSL.Error):
                return f"has a certificate that is not trusted ({_tls_reason(inner)}); see caFile"
            return f"ends the connection ({quoted(inner)})"
        case CompressedAnswer():
            return "compresses its answer, which it was not asked to do"
    return f"cannot be reached ({quoted(error)})"


def _tls_reason(error: SSL.Error) -> str:
    reasons = error.args[0] if error.args and isinstance(error.args[0], list) else []
    return quoted(", ".join(reason[2] for reason in reasons if len(reason) > 2)) or "no more is known"
