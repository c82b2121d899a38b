"""What a certificate authority looks at on plain ports to see that a name leads here (RFC 8555 section 8.3)."""

from __future__ import annotations

from typing import Protocol

from acme import challenges
from twisted.internet.defer import Deferred, succeed
from twisted.web.http import NOT_FOUND
from twisted.web.resource import IResource, Resource
from twisted.web.server import Request
from txacme.interfaces import IResponder
from zope.interface import implementer


class Responder(Protocol):
    """Answers one kind of challenge."""

    challenge_type: str


class ChallengeResource(Resource):
    """What is below C{/.well-known/acme-challenge/}: the answers to the challenges of the moment, by their tokens."""

    def __init__(self) -> None:
        Resource.__init__(self)
        self._answers: dict[bytes, bytes] = {}

    def put(self, token: bytes, answer: bytes) -> None:
        """Answer a challenge from now on."""
        self._answers[token] = answer

    def remove(self, token: bytes) -> None:
        """Answer a challenge no more."""
        self._answers.pop(token, None)

    def getChild(self, path: bytes, request: Request) -> IResource:
        """Find the answer to the challenge with a token."""
        return _Text(self._answers.get(path))


class _Text(Resource):
    isLeaf = True

    def __init__(self, text: bytes | None) -> None:
        Resource.__init__(self)
        self._text = text

    def render_GET(self, request: Request) -> bytes:
        request.setHeader("Content-Type", "text/plain")
        if self._text is None or request.postpath:
            request.setResponseCode(NOT_FOUND)
            return b"This server is not asked to prove anything here.\n"
        return self._text


@implementer(IResponder)
class HttpResponder:
    """Answers http-01, on plain ports."""

    challenge_type = "http-01"

    def __init__(self, resource: ChallengeResource) -> None:
        self._resource = resource
        self._tokens: dict[str, bytes] = {}

    def start_responding(
        self, server_name: str, challenge: challenges.HTTP01, response: challenges.HTTP01Response
    ) -> Deferred[None]:
        """Answer for a name; what was answered for it before is not any more."""
        self.stop_responding(server_name, challenge, response)
        token = challenge.encode("token").encode("ascii")
        self._tokens[server_name] = token
        self._resource.put(token, response.key_authorization.encode("ascii"))
        return succeed(None)

    def stop_responding(
        self, server_name: str, challenge: challenges.HTTP01, response: challenges.HTTP01Response
    ) -> Deferred[None]:
        """Answer for a name no more."""
        self._resource.remove(self._tokens.pop(server_name, b""))
        return succeed(None)
