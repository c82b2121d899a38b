"""What a server that encrypts answers to requests that are not encrypted: where to go."""

from __future__ import annotations

from html import escape
from typing import Any

from twisted.web.http import FORBIDDEN, MOVED_PERMANENTLY, NOT_FOUND
from twisted.web.resource import IResource, Resource


class Redirection(Resource):
    """Sends whoever wants to see something to the same place, encrypted.

    Whoever has sent something has sent it for all to read, and should be told so instead of doing it again elsewhere.
    """

    def __init__(self, url: str) -> None:
        """Prepare to answer.

        @param url: of the encrypted server, without a slash at its end.
        """
        Resource.__init__(self)
        self._url = url

    def getChild(self, path: bytes, request: Any) -> Resource:
        """Find the same for every path."""
        return self

    def render(self, request: Any) -> bytes:
        """Say where to go."""
        request.setHeader(b"content-type", b"text/html; charset=utf-8")
        request.setHeader(b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'")
        if request.method not in (b"GET", b"HEAD"):
            request.setResponseCode(FORBIDDEN)
            return self._page("Nothing is taken here, as others can read it. Use", f"{self._url}/")
        # What a proxy is asked for has a host in it.
        target = request.uri.decode("ascii", "replace") if request.uri.startswith(b"/") else "/"
        request.setResponseCode(MOVED_PERMANENTLY)
        request.setHeader(b"location", f"{self._url}{target}".encode("ascii", "replace"))
        return self._page("This is at", f"{self._url}{target}")

    def _page(self, sentence: str, url: str) -> bytes:
        link = escape(url)
        return (
            '<!DOCTYPE html><html lang="en"><meta charset="utf-8"><title>Encrypted</title>'
            f'<p>{sentence} <a href="{link}">{link}</a>.</p></html>\n'
        ).encode()


class _NoChallenge(Resource):
    """Where authorities look for an answer of somebody else's: there is none."""

    def __init__(self) -> None:
        """Prepare to answer."""
        Resource.__init__(self)

    def getChild(self, path: bytes, request: Any) -> Resource:
        """Find the same for every path."""
        return self

    def render(self, request: Any) -> bytes:
        """Say so."""
        request.setResponseCode(NOT_FOUND)
        request.setHeader(b"content-type", b"text/plain; charset=utf-8")
        return b"There is nothing at this address.\n"


def unencrypted_root(url: str, challenges: IResource | None = None) -> Resource:
    """Give what answers all requests that are not encrypted.

    @param url: of the encrypted server, without a slash at its end.
    @param challenges: what answers an authority below C{/.well-known/acme-challenge/} (RFC 8555 section 8.3), which is
        sent nowhere else; C{None}: there is nothing.
    """
    root, well_known = Redirection(url), Redirection(url)
    root.putChild(b".well-known", well_known)
    well_known.putChild(b"acme-challenge", challenges or _NoChallenge())
    return root
