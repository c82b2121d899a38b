"""How requests are answered that are not answered at once, in bounded time and without telling what is nobody's."""

from __future__ import annotations

import json
from collections import Counter
from enum import Enum
from typing import Any
from urllib.parse import urlsplit

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.web import http
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Request

from webots_cloud.errors import ClientError
from webots_cloud.host.bounds import BoundedRequest
from webots_cloud.host.refusals import Broken
from webots_cloud.host.streaming import ClientGone


class Result(Enum):
    """What came of a request; the values are for people."""

    ANSWERED = "answered"
    REFUSED = "refused"
    GONE = "gone"
    FAILED = "failed"


class Answering(Resource):
    """Answers when it has what the answer needs; refusals are told, and faults of ours are logged.

    @ivar results: what came of all requests so far.
    @ivar refusals: why requests were refused: the names of their errors' classes.
    """

    isLeaf = True
    _log = Logger()

    def __init__(self) -> None:
        Resource.__init__(self)
        self.results: Counter[Result] = Counter()
        self.refusals: Counter[str] = Counter()

    async def answer(self, request: BoundedRequest) -> None:
        """Answer a request.

        @raise ClientError: what the client is told instead; only before anything was written.
        @raise ClientGone: if nobody hears the answer.
        """
        raise NotImplementedError

    def refuse(self, request: BoundedRequest, error: ClientError) -> None:
        """Tell a client why there is no answer."""
        raise NotImplementedError

    def render(self, request: Any) -> int:
        """Answer; errors of ours are logged, and the client is told that there was one."""
        request.notifyFinish().addErrback(lambda reason: None)
        Deferred.fromCoroutine(self._respond(request)).addErrback(self._failed, request)
        return NOT_DONE_YET

    async def _respond(self, request: BoundedRequest) -> None:
        try:
            await self.answer(request)
            self.results[Result.ANSWERED] += 1
        except ClientError as error:
            self.results[Result.REFUSED] += 1
            self.refusals[type(error).__name__] += 1
            self._log.info(
                "{path} refused for {address}: {error} {detail}",
                path=request.path.decode("ascii", "replace"),
                address=address(request),
                error=error,
                detail=error.detail,
            )
            self.refuse(request, error)
        except ClientGone:
            self.results[Result.GONE] += 1
            self._log.info("{address} went away before it had its answer", address=address(request))
            request.abort()

    def _failed(self, failure: Any, request: BoundedRequest) -> None:
        self.results[Result.FAILED] += 1
        self._log.failure("{path} failed", failure, path=request.path.decode("ascii", "replace"))
        if request.startedWriting:
            request.abort()
        else:
            self.refuse(request, Broken())


class AnsweringInJson(Answering):
    """Answers in JSON, which nobody is to keep; refusals are an object with C{error}."""

    def render(self, request: Any) -> int:
        """Answer."""
        request.setHeader(b"cache-control", b"no-store")
        return Answering.render(self, request)

    def refuse(self, request: BoundedRequest, error: ClientError) -> None:
        """Tell what is wrong in a sentence, and in which field, where it is in one."""
        request.setResponseCode(getattr(error, "status", http.BAD_REQUEST))
        sentence = str(error)
        told = {"error": sentence[:1].upper() + sentence[1:], "field": getattr(error, "field", "")}
        say(request, json.dumps(told), JSON)


JSON = b"application/json"


def address(request: Request) -> str:
    """Give the network address that a request came from."""
    return getattr(request, "sender", None) or str(getattr(request.client, "host", "local"))


def say(request: Request, text: str, content_type: bytes = b"text/plain; charset=utf-8") -> None:
    """Answer with a text, if there is still somebody to hear it."""
    if request.channel is None:
        return
    body = text.encode("utf-8", "replace")
    request.setHeader(b"content-type", content_type)
    request.setHeader(b"content-length", b"%d" % len(body))
    request.write(body)
    request.finish()


def still_here(request: Request) -> None:
    """Look after the client, who may have gone whenever something was waited for.

    @raise ClientGone: if so.
    """
    if request.channel is None:
        raise ClientGone


def is_from_this_site(request: BoundedRequest) -> bool:
    """Tell whether a browser says that another site's page sends this; programs that are no browsers say nothing."""
    try:
        host = request.getHeader("host")
        sender = request.getHeader("origin") or request.getHeader("referer")
        return sender is None or urlsplit(sender).netloc.lower() == (host or "").lower()
    except ValueError:
        return False
