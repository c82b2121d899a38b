"""The stand-in's port: a WebSocket and a page at ``/``, and the project's textures and robot windows below it."""

from html import escape
from typing import cast

from autobahn.twisted.resource import WebSocketResource
from autobahn.twisted.websocket import WebSocketServerFactory, WebSocketServerProtocol
from twisted.internet.interfaces import IPushProducer
from twisted.internet.tcp import Connection
from twisted.web.resource import Resource
from twisted.web.server import Request, Site
from twisted.web.static import File
from zope.interface import implementer

from webots_cloud.standin import NAME
from webots_cloud.standin.simulator import Simulator
from webots_cloud.standin.stream import Stream

_MOST_VIEWERS = 200
_LONGEST_MESSAGE = 2 * 1024 * 1024
_MOST_WAITING = 8 * 1024 * 1024


@implementer(IPushProducer)
class ViewerProtocol(WebSocketServerProtocol):
    """One viewer's socket; it also is the producer that its transport stops while the viewer does not read.

    @param simulator: what it shows.
    """

    is_behind = False
    factory: "_Viewers"

    def __init__(self, simulator: Simulator) -> None:
        super().__init__()
        self._stream = Stream(simulator, self)
        self._waiting = 0

    def onOpen(self) -> None:
        """Begin to listen to the viewer."""
        self._pipe = cast(Connection, self.transport)
        # Twisted's HTTP channel, which has handed over this transport, is still registered.
        self._pipe.unregisterProducer()
        self._pipe.registerProducer(self, True)

    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        """Hand a text on."""
        if not isBinary:
            self._stream.said(payload.decode())

    def onClose(self, wasClean: bool, code: int | None, reason: str | None) -> None:
        """Forget the viewer."""
        self._stream.gone()
        self.factory.count -= 1

    def send(self, text: str) -> None:
        """Send a message, but none to a viewer that is leaving; one that lets too much of it wait is dropped."""
        if self.state != self.STATE_OPEN:
            return
        data = text.encode(errors="replace")
        if self.is_behind:
            self._waiting += len(data)
            if self._waiting > _MOST_WAITING:
                self.dropConnection(abort=True)
                return
        self.sendMessage(data)  # type: ignore[no-untyped-call]  # Autobahn's

    def pauseProducing(self) -> None:
        """Listen no further to a viewer that does not read the answers."""
        self.is_behind = True
        self._pipe.pauseProducing()

    def resumeProducing(self) -> None:
        """All has been sent."""
        self.is_behind = False
        self._waiting = 0
        self._pipe.resumeProducing()

    def stopProducing(self) -> None:
        """The transport is closed."""


class _Viewers(WebSocketServerFactory):
    """Makes a protocol for each viewer, up to a number.

    @ivar count: sockets that are open.
    """

    def __init__(self, simulator: Simulator) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # Autobahn's
        self.count = 0
        self._simulator = simulator

    def buildProtocol(self, addr: object) -> ViewerProtocol | None:  # type: ignore[override]  # base is unbound
        """Take a viewer in; ``None`` where there are too many."""
        if self.count >= _MOST_VIEWERS:
            return None
        self.count += 1
        protocol = ViewerProtocol(self._simulator)
        protocol.factory = self
        return protocol


class Root(Resource):
    """Everything below ``/``.

    @param simulator: what is shown.
    """

    isLeaf = True

    def __init__(self, simulator: Simulator) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # Twisted's
        self._simulator = simulator
        factory = _Viewers(simulator)
        factory.setProtocolOptions(  # type: ignore[no-untyped-call]  # Autobahn's
            maxMessagePayloadSize=_LONGEST_MESSAGE,
            maxFramePayloadSize=_LONGEST_MESSAGE,
            openHandshakeTimeout=30,
            autoFragmentSize=0,
        )
        factory.startFactory()  # type: ignore[no-untyped-call]  # Autobahn's
        self._websocket = WebSocketResource(factory)

    def render(self, request: Request) -> bytes | int:
        """Answer a request, or turn it into a WebSocket."""
        if (request.getHeader("upgrade") or "").lower() == "websocket":
            result: bytes | int = self._websocket.render(request)
            return result
        request.setHeader("Access-Control-Allow-Origin", "*")
        request.setHeader("X-Content-Type-Options", "nosniff")
        if request.method not in (b"GET", b"HEAD"):
            request.setResponseCode(405)
            return b""
        segments = [part.decode(errors="replace") for part in request.postpath or []]
        return self._page(request) if segments in ([], [""]) else self._file(request, segments)

    def _file(self, request: Request, segments: list[str]) -> bytes | int:
        path = self._simulator.project.shown(segments)
        if path is None:
            request.setResponseCode(404)
            request.setHeader("Content-Type", "text/plain; charset=utf-8")
            return b"There is no such texture or robot window in this project.\n"
        result: bytes | int = File(str(path)).render_GET(request)
        return result

    def _page(self, request: Request) -> bytes:
        request.setHeader("Content-Type", "text/html; charset=utf-8")
        title = escape(self._simulator.title)
        return (
            f"<!DOCTYPE html><html lang='en'><meta charset='utf-8'><title>{title}</title>"
            f"<h1>{escape(NAME)}</h1><p>World: {title} ({escape(self._simulator.path.name)}), "
            f"mode: {self._simulator.mode}.</p>"
            "<p>This small simulator takes the place of Webots where Webots is not installed. "
            "Its physics is a sketch: wheels roll on a plane, robots stop at obstacles.</p></html>"
        ).encode()


def site(simulator: Simulator) -> Site:
    """The factory to listen with."""
    return Site(Root(simulator), timeout=60)
