"""The website itself: the tree of resources, the demo site's files, and the headers that every answer has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.web import http
from twisted.web.resource import Resource
from twisted.web.static import Data, File

from webots_cloud import __version__
from webots_cloud.address import Network
from webots_cloud.client_address import client_address
from webots_cloud.host.answering import address
from webots_cloud.host.bounds import BoundedRequest
from webots_cloud.site import PromptSite

POLICY = "; ".join(
    (
        "default-src 'self'",
        # Textures come from simulation servers, which may be anywhere, and so may the servers themselves.
        "img-src 'self' data: blob: http: https:",
        "connect-src 'self' data: blob: http: https: ws: wss:",
        # The 3D browser has a part in WebAssembly.
        "script-src 'self' 'wasm-unsafe-eval'",
        "worker-src 'self' blob:",
        # Robot windows come from simulation servers, too; each is in a sandbox.
        "frame-src http: https:",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        # A page in a stranger's frame could make visitors click on what they do not see.
        "frame-ancestors 'self'",
    )
)

HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-cache",
}
"""What every answer has; C{no-cache}: browsers ask each time whether what they have is still good."""

NOT_BUILT = """<!DOCTYPE html>
<html lang="en"><title>No pages yet</title>
<p>This website has no pages: its browser files were not built. The server's log says how to build them.</p></html>
"""


class Website(PromptSite):
    """The factory of connections."""

    _log = Logger()

    def __init__(self, clock: IReactorTime, root: Resource, proxies: Sequence[Network] = ()) -> None:
        """Prepare to serve what is below C{root}.

        @param proxies: the web servers in front, whose C{X-Forwarded-For} is believed.
        """
        PromptSite.__init__(self, clock, root, BoundedRequest)
        self._proxies = proxies

    def getResourceFor(self, request: Any) -> Any:
        """Find the resource that answers, and set what all answers have."""
        request.sender = _sender(request, self._proxies)
        for name, value in HEADERS.items():
            request.setHeader(name, value)
        return PromptSite.getResourceFor(self, request)

    def log(self, request: Any) -> None:
        """Write one line for each request: its path, not its query, where someone may have put a key."""
        self._log.debug(
            "{address} {method} {path} {code}",
            address=address(request),
            method=request.method.decode("ascii", "replace"),
            path=request.path.decode("ascii", "replace"),
            code=request.code,
        )


def _sender(request: BoundedRequest, proxies: Sequence[Network]) -> str:
    """Give the address that a request came from; empty: it did not come from any."""
    forwarded = ",".join(request.requestHeaders.getRawHeaders("x-forwarded-for", []))
    try:
        return str(client_address(str(getattr(request.client, "host", "")), forwarded, proxies))
    except ValueError:
        return ""


class NotFound(Resource):
    """What is not there, in plain words; things that are may be put below it."""

    def __init__(self) -> None:
        """Prepare to answer."""
        Resource.__init__(self)

    def getChild(self, path: bytes, request: Any) -> Resource:
        """Find nothing."""
        return self

    def render(self, request: Any) -> bytes:
        """Say so."""
        request.setResponseCode(http.NOT_FOUND)
        request.setHeader(b"content-type", b"text/plain; charset=utf-8")
        return b"There is nothing at this address.\n"


NOT_FOUND: Any = NotFound()


class MissingPage(NotFound):
    """What is not there, said to people by a page where they have come from another page of the site."""

    def __init__(self, page: bytes) -> None:
        """Prepare to answer.

        @param page: HTML, which finds its style sheet from the site's top only.
        """
        NotFound.__init__(self)
        self._page = page

    def render(self, request: Any) -> bytes:
        """Say so."""
        line = NotFound.render(self, request)
        if request.path.count(b"/") > 1 or b"text/html" not in (request.getHeader(b"accept") or b""):
            return line
        request.setHeader(b"content-type", b"text/html; charset=utf-8")
        return self._page


class Pages(File):
    """The demo site's files; no listings, nothing hidden."""

    contentTypes = {  # noqa: RUF012 -- its base class has an instance-independent dictionary here, too
        ".css": "text/css; charset=utf-8",
        ".html": "text/html; charset=utf-8",
        ".jpg": "image/jpeg",
        ".js": "text/javascript; charset=utf-8",
        ".json": "application/json",
        ".mjs": "text/javascript; charset=utf-8",
        ".png": "image/png",
        ".svg": "image/svg+xml",
        ".ttf": "font/ttf",
        ".txt": "text/plain; charset=utf-8",
        ".wasm": "application/wasm",
        ".woff": "font/woff",
        ".woff2": "font/woff2",
    }

    def __init__(self, path: str, defaultType: str = "application/octet-stream", *arguments: Any) -> None:
        """Serve a file or a folder."""
        File.__init__(self, path, defaultType, *arguments)
        self.childNotFound = NOT_FOUND
        self.indexNames = ["index.html"]

    def getChild(self, path: bytes, request: Any) -> Any:
        """Find a file in this folder."""
        hostile = path.startswith(b".") or b"\0" in path or not path.isascii()
        return self.childNotFound if hostile else File.getChild(self, path, request)

    def directoryListing(self) -> Any:
        """Keep a folder's content to ourselves."""
        return self.childNotFound

    def render_GET(self, request: Any) -> Any:
        """Send the file, unless the browser has it."""
        # Several ranges of one file could ask for many times its size, and nothing here is large.
        request.requestHeaders.removeHeader(b"range")
        # The time of an installed file may be older than that of the version before it: only the tag tells.
        request.requestHeaders.removeHeader(b"if-modified-since")
        self.restat(False)
        if self.isfile() and request.setETag(self._tag()) is http.CACHED:
            return b""
        return File.render_GET(self, request)

    render_HEAD = render_GET

    def _tag(self) -> bytes:
        return f'"{__version__}-{self.getModificationTime()}-{self.getsize()}"'.encode()


def pages(folder: Path | None) -> Resource:
    """Give the demo site.

    @param folder: its files; C{None}: they were not built.
    """
    if folder is None:
        return Data(NOT_BUILT.encode(), "text/html; charset=utf-8")
    site, missing = Pages(str(folder)), (folder / "not_found.html").read_bytes()
    site.childNotFound = cast(Any, MissingPage(missing))
    return site
