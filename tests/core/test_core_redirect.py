"""What is answered without encryption by a server that encrypts."""

from __future__ import annotations

from typing import Any, cast

import pytest
from twisted.internet.interfaces import ISSLTransport
from twisted.internet.task import Clock
from twisted.web.resource import Resource
from twisted.web.server import Request
from zope.interface import directlyProvides

from tests.wire import Wire
from webots_cloud.redirect import unencrypted_root
from webots_cloud.site import REQUEST_SECONDS, PromptSite

URL = "https://robots.example.org:8443"


class Page(Resource):
    isLeaf = True

    def __init__(self, text: bytes = b"secret") -> None:
        Resource.__init__(self)
        self._text = text

    def render(self, request: Request) -> bytes:
        return self._text


class EncryptedWire(Wire):
    """A connection that says it is encrypted."""

    def __init__(self) -> None:
        Wire.__init__(self)
        directlyProvides(self, ISSLTransport)

    def setTcpNoDelay(self, enabled: bool) -> None:
        """Do nothing: there is no delay in memory."""

    def loseConnection(self) -> None:
        """Wait until the client agrees, which it never does."""


def connect(wire: Wire, site: PromptSite) -> Wire:
    wire.protocol = cast(Any, site).buildProtocol(None)
    wire.protocol.makeConnection(wire)
    return wire


def site(challenges: Resource | None = None, hsts: int = 0) -> PromptSite:
    site = PromptSite(cast(Any, Clock()), Page())
    site.unencrypted = unencrypted_root(URL, challenges)
    site.hsts = hsts
    return site


def ask(target: str, method: str = "GET", challenges: Resource | None = None) -> tuple[str, dict[str, str], str]:
    """Ask without encryption: status, headers and body of the answer."""
    wire = connect(Wire(), site(challenges))
    answer = wire.say(f"{method} {target} HTTP/1.1\r\nHost: evil.example.com\r\n\r\n").decode()
    head, _, body = answer.partition("\r\n\r\n")
    status, *lines = head.split("\r\n")
    return status, {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}, body


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize(
    ("target", "location"),
    [
        ("/", "/"),
        ("/ajax/x.php?a=b&c=%20", "/ajax/x.php?a=b&c=%20"),
        ("//evil.example.com/", "//evil.example.com/"),
        ("/.well-known", "/.well-known"),
        ("/.well-known/security.txt", "/.well-known/security.txt"),
        ("http://evil.example.com/x", "/"),
    ],
)
def test_who_wants_to_see_something_is_sent_to_the_encrypted_server(method: str, target: str, location: str) -> None:
    status, headers, body = ask(target, method)
    assert status == "HTTP/1.1 301 Moved Permanently"
    assert headers["location"] == f"{URL}{location}"
    assert "secret" not in body


def test_what_is_shown_of_an_address_is_text() -> None:
    _, _, body = ask('/"><script>alert(1)</script>')
    assert "<script" not in body


@pytest.mark.parametrize("method", ["POST", "PUT", "OPTIONS", "PROPFIND"])
def test_who_sends_something_is_not_sent_on(method: str) -> None:
    status, headers, body = ask("/ajax/upload-file.php", method)
    assert status == "HTTP/1.1 403 Forbidden"
    assert "location" not in headers
    assert f'Nothing is taken here, as others can read it. Use <a href="{URL}/">' in body


def test_an_authority_is_not_sent_on() -> None:
    for target in ("/.well-known/acme-challenge/token", "/.well-known/acme-challenge/", "/.well-known/acme-challenge"):
        status, headers, _ = ask(target)
        assert status == "HTTP/1.1 404 Not Found"
        assert "location" not in headers


def test_an_authority_gets_the_answer_to_its_challenge() -> None:
    challenges = Resource()
    challenges.putChild(b"token", Page(b"token.thumbprint"))
    assert ask("/.well-known/acme-challenge/token", challenges=challenges)[2] == "token.thumbprint"
    assert ask("/token", challenges=challenges)[0] == "HTTP/1.1 301 Moved Permanently"


GET = "GET / HTTP/1.1\r\nHost: robots.example.org\r\n\r\n"


def test_what_comes_encrypted_is_answered() -> None:
    assert connect(EncryptedWire(), site()).say(GET).endswith(b"\r\n\r\nsecret")


@pytest.mark.parametrize("hsts", [0, 3600])
def test_browsers_are_told_to_encrypt_in_encrypted_answers_only(hsts: int) -> None:
    name = b"\r\nStrict-Transport-Security: max-age=3600\r\n"
    assert (name in connect(EncryptedWire(), site(hsts=hsts)).say(GET)) is bool(hsts)
    assert name not in connect(Wire(), site(hsts=hsts)).say(GET)


def test_a_client_that_does_not_agree_to_the_end_of_its_connection_is_not_waited_for_longer_than_for_a_request() -> (
    None
):
    server = site()
    wire = connect(EncryptedWire(), server)
    wire.say(GET.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n"))
    clock = cast(Clock, server.clock)
    clock.advance(REQUEST_SECONDS - 1)
    assert not wire.aborted
    clock.advance(1)
    assert wire.aborted


def test_nothing_is_left_of_a_client_that_agrees() -> None:
    server = site()
    wire = connect(EncryptedWire(), server)
    wire.say(GET.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n"))
    wire.lose()
    assert cast(Clock, server.clock).getDelayedCalls() == []
    assert len(server.channels) == 0
