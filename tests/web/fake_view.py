"""Streams and servers for the tests of what stands around the scene."""

from __future__ import annotations

import base64
from typing import Any, ClassVar, cast

from autobahn.twisted.websocket import WebSocketServerProtocol
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Request
from twisted.web.static import Data

from tests.web.fake_servers import BELOW, GREEN_SQUARE, MODEL, STREAMS, Counted, FakeStream, Text, say, sockets

# XML has no other control characters.
HOSTILE = "&lt;img src=x onerror=alert(1)&gt;\x9b\u202e" + "y" * 3_000_000
GREEN_PICTURE = base64.b64decode(GREEN_SQUARE.partition(",")[2])
RED_SQUARE = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAIAAAACCAIAAAD91JpzAAAAEElEQVR4nGO4IyICRAwQCgAfngQRsu1RiQAAAABJRU5ErkJggg=="
)
HOSTILE_WORLD = "<b>" + "w" * 10_000 + ".wbt"


class FakeWorlds(FakeStream):
    """Several worlds, with names and a title that mean harm; another one is loaded with all its messages."""

    def open_scene(self, world: str = "first.wbt") -> None:
        self.say(f"world:{world}:first.wbt;second.wbt;{HOSTILE_WORLD}")
        model = MODEL.replace('title="Fake"', f'title="{HOSTILE}" info="&lt;b&gt;About&lt;/b&gt;"')
        self.say(f"model:{model % {'generator': 'Webots'}}")
        self.move(0, "0 -1 0.25")
        self.say("scene load completed")

    def onMessage(self, payload: bytes, is_binary: bool) -> None:
        super().onMessage(payload, is_binary)
        text = payload.decode()
        if text.startswith("load:"):
            self.say(f"loading:Loading {text}:50")
            self.open_scene(text.removeprefix("load:"))


class FakeModes(FakeStream):
    """Says in which mode it is, and that some time has passed."""

    def onMessage(self, payload: bytes, is_binary: bool) -> None:
        text = payload.decode()
        if not text.startswith(("real-time:", "fast:")):
            super().onMessage(payload, is_binary)
            return
        say(f"stream {text}")
        self.say(text.partition(":")[0])
        self.time = getattr(self, "time", 0) + 10_000
        self.say(f"time: {self.time}")


class FakeRelease(FakeStream):
    """A Webots of the second generation."""

    def open_scene(self) -> None:
        version = '<meta name="version" content="R2023b"/>'
        self.say(f"model:{MODEL.replace('<head>', '<head>' + version) % {'generator': 'Webots'}}")
        self.say("scene load completed")


class FakeTextured(FakeStream):
    """A scene with a texture that takes its time."""

    def open_scene(self) -> None:
        self.say(f"model:{MODEL.replace('textures/green.png', 'slow.png') % {'generator': 'Webots'}}")
        self.say("scene load completed")


class Held(Resource):
    """A picture that is given once C{released} is asked for."""

    isLeaf = True
    waiting: ClassVar[list[Request]] = []

    def render_GET(self, request: Request) -> int:
        request.setHeader("Access-Control-Allow-Origin", "*")
        request.setHeader("Content-Type", "image/png")
        self.waiting.append(request)
        say("texture asked")
        return NOT_DONE_YET


class Released(Resource):
    """Gives the picture to all that wait for it."""

    isLeaf = True

    def render_GET(self, request: Request) -> bytes:
        while Held.waiting:
            held = Held.waiting.pop()
            held.write(GREEN_PICTURE)
            held.finish()
        return b""


class FakePictures(FakeStream):
    """Draws by itself: one picture over HTTP, and with each step one over the socket."""

    def onMessage(self, payload: bytes, is_binary: bool) -> None:
        text = payload.decode()
        if text.startswith("mjpeg: "):
            say(f"stream {text}")
            self.say("world:fake.wbt:fake.wbt")
            self.say("multimedia: /picture.png")
            self.say("scene load completed")
        elif text == "step":
            WebSocketServerProtocol.sendMessage(self, RED_SQUARE, isBinary=True)
        else:
            super().onMessage(payload, is_binary)


class Crowded(Counted):
    """Says that no simulation server is available, until one is."""

    name = "availability"
    watchers: ClassVar[list[Crowded]] = []

    def onOpen(self) -> None:
        Counted.onOpen(self)
        self.watchers.append(self)
        self.say("0")
        say("availability opened")

    def onClose(self, was_clean: bool, code: int | None, reason: str | None) -> None:
        if self in self.watchers:
            self.watchers.remove(self)
        Counted.onClose(self, was_clean, code, reason)

    def say(self, text: str) -> None:
        WebSocketServerProtocol.sendMessage(self, text.encode())


class Watchers(Resource):
    """Does something to all that watch."""

    isLeaf = True

    def render_GET(self, request: Request) -> bytes:
        for watcher in list(Crowded.watchers):
            if request.postpath == [b"free"]:
                watcher.say("1")
            else:
                cast(Any, watcher).dropConnection(abort=True)
        return b""


class CrowdedSessionServer(Resource):
    """A session server without a simulation server to give; GET of C{watchers/free} makes one available."""

    def __init__(self) -> None:
        Resource.__init__(self)
        self.putChild(b"session", Text("Error: no simulation server available at the moment."))
        self.putChild(b"watchers", cast(Any, Watchers)())
        self.putChild(b"", sockets(Crowded))


def register() -> None:
    """Let the projects stream."""
    STREAMS[b"worlds"] = FakeWorlds
    STREAMS[b"modes"] = FakeModes
    STREAMS[b"release"] = FakeRelease
    STREAMS[b"pictures"] = FakePictures
    STREAMS[b"textured"] = FakeTextured
    BELOW[b"slow.png"] = cast(Any, Held)()
    BELOW[b"released"] = cast(Any, Released)()
    BELOW[b"picture.png"] = cast(Any, Data)(GREEN_PICTURE, "image/png")
