"""The session server's HTTP side: what holds for every request, and what a hostile one cannot do."""

from __future__ import annotations

from typing import BinaryIO

from twisted.internet.interfaces import IReactorTime
from twisted.web.http import NO_CONTENT
from twisted.web.resource import IResource
from twisted.web.server import Request

from webots_cloud.site import Nowhere, PromptSite

CORS_HEADERS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Headers": "x-requested-with",
    "Access-Control-Allow-Methods": "POST, GET, OPTIONS",
}
"""What lets pages of any website ask (docs/protocol.md section 1)."""

_HEADERS = [
    (name.encode(), value.encode())
    for name, value in (CORS_HEADERS | {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}).items()
]


class PublicRequest(Request):
    """A request that pages of any website may make."""

    def process(self) -> None:
        """Answer; C{OPTIONS} at once, all else by its resource."""
        for name, value in _HEADERS:
            self.responseHeaders.setRawHeaders(name, [value])
        if self.method == b"OPTIONS":
            Request.setResponseCode(self, NO_CONTENT)
            Request.finish(self)
        else:
            Request.process(self)


class PublicSite(PromptSite):
    """A site for L{PublicRequest}s."""

    def __init__(self, clock: IReactorTime, root: IResource) -> None:
        """Prepare to serve what is below C{root}."""
        PromptSite.__init__(self, clock, root, PublicRequest)

    def getContentFile(self, length: int | None) -> BinaryIO:
        """Give a request a place for its body."""
        return Nowhere()
