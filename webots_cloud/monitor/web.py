"""What is served of a monitor page: its files, its data in one piece, and the WebSocket that keeps it up to date."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, cast

from autobahn.twisted.resource import WebSocketResource
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.web import http
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET

from webots_cloud.monitor.access import Access, Guarded
from webots_cloud.monitor.live import Source, Viewer, ViewerFactory, encode
from webots_cloud.monitor.waiting import Waiting
from webots_cloud.site import PromptChannel
from webots_cloud.web import BrowserFilesMissing, static_folder

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)
"""A page has only what is its server's: nothing in it comes from elsewhere, and no text in it becomes a script."""

_HEADERS = {
    "content-security-policy": POLICY,
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "cache-control": "no-store",
}

LEAST_SECONDS = 0.1

_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
}

_UPGRADE_REQUIRED = 426
"""RFC 9110 section 15.5.22."""

_NOT_BUILT = b"""<!DOCTYPE html>
<html lang="en"><title>No page yet</title>
<p>There is no page: its browser files were not built; the server's log says how to build them. The data are at
<a href="monitor.json">monitor.json</a>.</p></html>
"""


class Page(Guarded):
    """A file of the page, read when the server started."""

    def __init__(self, access: Access, content: bytes, media_type: str) -> None:
        """Prepare to answer with C{content}."""
        Guarded.__init__(self, access)
        self._content = content
        self._media_type = media_type
        self._tag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'.encode()

    def answer(self, request: Any) -> bytes:
        """Give the file, unless the browser has it."""
        for name, value in _HEADERS.items():
            request.setHeader(name, value)
        request.setHeader("content-type", self._media_type)
        # Browsers keep it, but ask each time whether it is still good.
        request.setHeader("cache-control", "no-cache")
        return b"" if request.setETag(self._tag) is http.CACHED else self._content


class Data(Guarded):
    """The data in one piece, as they are when the answer is made.

    Of a large fleet that takes some ten milliseconds, so no more than one is made in L{LEAST_SECONDS}: who asks
    meanwhile waits for the next, with all others.
    """

    def __init__(self, access: Access, clock: IReactorTime, source: Source) -> None:
        """Prepare to tell what C{source} knows."""
        Guarded.__init__(self, access)
        self._clock = clock
        self._source = source
        self._next = 0.0
        self._waiting = Waiting()

    def answer(self, request: Any) -> bytes | int:
        """Give them, now or soon."""
        for name, value in _HEADERS.items():
            request.setHeader(name, value)
        request.setHeader("content-type", "application/json")
        wait = self._next - self._clock.seconds()
        # A clock that was set back must keep nobody waiting.
        if not self._waiting and not 0 < wait <= LEAST_SECONDS:
            return self._made()
        if not self._waiting:
            self._clock.callLater(wait, self._answer_all)
        self._waiting.add(request)
        return NOT_DONE_YET

    def _made(self) -> bytes:
        self._next = self._clock.seconds() + LEAST_SECONDS
        return encode(self._source.whole()) + b"\n"

    def _answer_all(self) -> None:
        if self._waiting:
            self._waiting.answer(self._made())


class Live(Guarded):
    """The WebSocket; anything else is told so."""

    def __init__(self, access: Access, viewers: ViewerFactory) -> None:
        """Prepare to let viewers in."""
        Guarded.__init__(self, access)
        self._viewers = viewers
        self._sockets = WebSocketResource(viewers)

    def answer(self, request: Any) -> bytes | int:
        """Hand the connection over where it is to become a WebSocket."""
        if (request.getHeader(b"upgrade") or b"").lower() != b"websocket":
            return _told(request, _UPGRADE_REQUIRED, "This is a WebSocket; it is opened by the monitor page.")
        if self._viewers.full:
            return _told(request, http.SERVICE_UNAVAILABLE, "Too many look at this page; try again later.")
        channel = cast(PromptChannel, request.channel)
        transport = cast(Any, channel.transport)
        channel.hand_over()
        answer: bytes | int = self._sockets.render(request)
        if isinstance(getattr(transport, "protocol", None), Viewer):
            # Where connections are counted, it is until the viewer leaves.
            transport.protocol.visit = getattr(channel, "visit", None)
        return answer


class _Back(Resource):
    """Leads from C{/monitor/} to C{/monitor}."""

    def __init__(self) -> None:
        Resource.__init__(self)

    def render_GET(self, request: Any) -> bytes:
        """Say so."""
        request.setResponseCode(http.MOVED_PERMANENTLY)
        # Relative, as a web server in front may have put a path before it.
        request.setHeader("location", "../monitor")
        return b""


class Monitor:
    """A server's monitor page, with everything below it.

    @ivar viewers: those who look at it.
    """

    _log = Logger()

    def __init__(
        self, clock: IReactorTime, name: str, source: Source, access: Access, folder: Callable[[], Path] = static_folder
    ) -> None:
        """Prepare to serve.

        @param name: of the page: its file is C{NAME.html}.
        @param source: what it shows.
        @param access: who may see it.
        @param folder: gives where all browser files are.
        """
        self.viewers = ViewerFactory(clock, source)
        self._clock = clock
        self._name = name
        self._source = source
        self._access = access
        self._folder = folder

    def put_below(self, root: Resource) -> None:
        """Put it where people look for it: C{/monitor}, C{/monitor.json}, and C{/monitor/live}."""
        page = Page(self._access, self._files.get(f"{self._name}.html", _NOT_BUILT), _TYPES[".html"])
        page.putChild(b"", _Back())
        page.putChild(b"live", Live(self._access, self.viewers))
        for name, content in self._files.items():
            suffix = Path(name).suffix
            if suffix != ".html":
                page.putChild(name.encode(), Page(self._access, content, _TYPES[suffix]))
        root.putChild(b"monitor", page)
        root.putChild(b"monitor.json", Data(self._access, self._clock, self._source))

    @cached_property
    def _files(self) -> Mapping[str, bytes]:
        """The page's files, by name; there are none where they were not built."""
        try:
            return {path.name: path.read_bytes() for path in sorted((self._folder() / "monitor").iterdir())}
        except (BrowserFilesMissing, OSError) as error:
            self._log.error("there is no monitor page, but its data are at /monitor.json: {error}", error=str(error))
            return {}


def _told(request: Any, code: int, sentence: str) -> bytes:
    request.setResponseCode(code, b"Upgrade Required" if code == _UPGRADE_REQUIRED else None)
    request.setHeader("content-type", "text/plain; charset=utf-8")
    if code == _UPGRADE_REQUIRED:
        request.setHeader("upgrade", "websocket")
    return f"{sentence}\n".encode()
