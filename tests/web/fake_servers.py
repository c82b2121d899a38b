"""A scripted website host, session server, simulation server and streaming Webots, all on one port of 127.0.0.1.

Run as a process of its own by the browser tests. It prints `port N`, then one line for each thing that happens. The
project named in `init` chooses what goes wrong; a path prefix chooses what the session server answers.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, ClassVar, cast

from autobahn.twisted.resource import WebSocketResource
from autobahn.twisted.websocket import WebSocketServerFactory, WebSocketServerProtocol
from twisted.internet import reactor
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Request, Site
from twisted.web.static import File

CSP = (
    "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self' ws: wss: http: https:; "
    "img-src 'self' data: blob: http: https:; frame-src http: https:; object-src 'none'; base-uri 'none'"
)

GREEN_SQUARE = (
    "data:image/png;base64,"
    "iVBORw0KGgoAAAANSUhEUgAAAAIAAAACCAIAAAD91JpzAAAAEElEQVR4nGMQWOAARAwQCgAZjgPBo800zwAAAABJRU5ErkJggg=="
)

MODEL = """<?xml version="1.0" encoding="UTF-8"?>
<X3D version="3.0" profile="Interactive"><head><meta name="generator" content="%(generator)s"/></head><Scene>
<WorldInfo id="n1" title="Fake" basicTimeStep="32" coordinateSystem="ENU"/>
<Viewpoint id="n2" orientation="0 0.3826834 0 0.7853982" position="-4 0 4" fieldOfView="0.785398"/>
<Background id="n3" skyColor="0.7 0.8 0.9"/>
<DirectionalLight id="n4" direction="0.5 -0.4 -1" intensity="2" ambientIntensity="1"/>
<Shape id="n5"><PBRAppearance id="n6" baseColor="0.9 0.9 0.9" roughness="1" metalness="0"/>
<Plane id="n7" size="6 6"/></Shape>
<Transform id="n10" solid="true" type="robot" name="robot" controller="go" translation="0 -1 0.25">
<Shape id="n11"><Appearance id="n16"><Material id="n17" diffuseColor="1 0 0"/></Appearance>
<PBRAppearance id="n12" baseColor="1 0 0" roughness="1" metalness="0"/><Box id="n13" size="0.8 0.5 0.5"/></Shape>
<Transform id="n14" translation="0 0 0.5"><Shape id="n15"><PBRAppearance USE="n12" id="n18"/>
<Cylinder id="n19" height="0.5" radius="0.15"/></Shape></Transform>
</Transform>
<Solid id="n20" translation="1 1 0.4"><Shape id="n21">
<PBRAppearance id="n22" roughness="1" metalness="0"><ImageTexture id="n23" type="baseColor" url='"textures/green.png"'/>
</PBRAppearance><Capsule id="n24" height="0.4" radius="0.2"/></Shape></Solid>
<Solid id="n30" translation="1.5 -1.6 0.3"><Shape USE="n15" id="n31"/></Solid>
<Mystery id="n40"/>
</Scene></X3D>"""


ADDED = """<Transform id="n50" translation="-1.2 0 0.3"><Shape id="n51">
<PBRAppearance id="n52" baseColor="0 0 1" roughness="1" metalness="0"/><Box id="n53" size="0.6 1.5 0.6"/></Shape>
<Transform id="n54" translation="0 0 0.5"><Shape USE="n15" id="n55"/></Transform></Transform>"""

CHANGES = (f"node:0:{ADDED}", "visibility:50:0", "visibility:50:1", "delete:50")


def say(event: str) -> None:
    """Tell the test what happened."""
    print(event, flush=True)


class Open:
    """How many sockets are open, and who waits until there are none."""

    count = 0
    waiting: ClassVar[list[Request]] = []

    @classmethod
    def change(cls, by: int) -> None:
        cls.count += by
        while cls.count == 0 and cls.waiting:
            say("quiet")
            cls.waiting.pop().finish()


class Quiet(Resource):
    """Answers as soon as no socket is open."""

    isLeaf = True

    def render_GET(self, request: Request) -> int:
        Open.waiting.append(request)
        Open.change(0)
        return NOT_DONE_YET


class Counted(WebSocketServerProtocol):
    """A socket that is counted, and says when it closes."""

    name = ""
    opened = 0

    def onOpen(self) -> None:
        self.opened = 1
        Open.change(self.opened)

    def onClose(self, was_clean: bool, code: int | None, reason: str | None) -> None:
        say(f"{self.name} closed")
        Open.change(-self.opened)


class FakeClient(Counted):
    """The simulation server's `/client`: does what the project in `init` asks for."""

    name = "client"
    flaky_visits = 0

    def onMessage(self, payload: bytes, is_binary: bool) -> None:
        say(f"client {payload.decode()}")
        message = json.loads(payload)
        if "reset controller" in message:
            self.reset_controller(message["reset controller"])
        if "extend" in message:
            self.extend()
        if "init" in message:
            self.start(message["init"][1])
        if "start" in message:
            self.start("github")

    def start(self, project: str) -> None:
        self.project = project
        stream = f"{self.factory.base}/stream/{self.project}"
        if self.project == "refused":
            self.say("error: the project <b>refused</b> is not here.")
        elif self.project == "flaky" and FakeClient.flaky_visits == 0:
            FakeClient.flaky_visits += 1
            self.say("error: the simulator did not start.")
        elif self.project == "dropped":
            self.sendClose()
        elif self.project == "gone":
            self.say("webots:ws://127.0.0.1:1")
        elif self.project not in ("silent", "queued"):
            self.say("loading: unpacking")
            if self.project == "windows":
                self.say(f"windows:{self.factory.base}/stream/ticket")
            self.say(f"webots:{stream}")
            self.say("shutdownTimeout: 7200")
            if self.project in ("ending", "stubborn", "deaf"):
                self.say("shutdownTimeout: 300")
        if self.project == "queued":
            self.say("queue:3")

    def extend(self) -> None:
        if self.project != "deaf":
            self.say(f"shutdownTimeout: {7500 if self.project == 'ending' else 120}")

    def reset_controller(self, path: str) -> None:
        if path.endswith(".txt"):
            self.say(f"error: The project has no controller file {path} to go back to.")
        else:
            self.say(f"reset controller: {path}")

    def say(self, text: str) -> None:
        WebSocketServerProtocol.sendMessage(self, text.encode())


class FakeStream(Counted):
    """Webots' stream: one scene, then whatever the buttons ask for."""

    name = "stream"

    def onConnect(self, request: Any) -> None:
        self.project = request.path.rsplit("/", 2)[-2]
        self.changes = iter(CHANGES)

    def onMessage(self, payload: bytes, is_binary: bool) -> None:
        text = payload.decode()
        say(f"stream {text}")
        if text in ("x3d", "w3d", "x3d;broadcast"):
            self.open_scene()
        elif text == "step" and self.project == "changes":
            self.say(next(self.changes))
        elif text == "step" and self.project == "reloads":
            self.say(f"model:{MODEL.replace('1 0 0', '0 0 1') % {'generator': 'Webots'}}")
            self.say("scene load completed")
        elif text == "step":
            self.move(32, "0 1 0.25")
        elif text.startswith("real-time:"):
            self.say("real-time")
            for step in range(1, 40):
                self.move(1000 * step, f"{step / 40} 1 0.25")
            for start in range(0, 6000, 100):
                self.say("stdout:" + "\n".join(f"line {start + line}" for line in range(100)) + "\n")
        elif text == "break":
            self.sendClose()
        elif text == "pause":
            self.say("pause")
        elif text == "reset":
            self.move(0, "0 -1 0.25")
            self.say("reset finished")

    def open_scene(self) -> None:
        self.say("world:fake.wbt:fake.wbt")
        self.say("pause")
        if self.project == "stalled":
            return
        generator = "Webots stand-in" if self.project == "standin" else "Webots"
        self.say("model:<X3D><Scene>" if self.project == "broken" else f"model:{MODEL % {'generator': generator}}")
        self.say(f"image[textures/green.png]:{GREEN_SQUARE}")
        self.move(0, "0 -1 0.25")
        self.say("scene load completed")
        self.say("stdout:hello <img src=x onerror=alert(1)>\nsecond line\n")
        self.say("stderr:Traceback of <b>something</b>\n")
        if self.project == "lost":
            self.sendClose()

    def move(self, time: int, place: str) -> None:
        self.say("application/json:" + json.dumps({"time": time, "poses": [{"id": 10, "translation": place}]}))

    def say(self, text: str) -> None:
        WebSocketServerProtocol.sendMessage(self, text.encode())


class FakeAvailability(Counted):
    """The session server's `/`."""

    name = "availability"

    def onOpen(self) -> None:
        Counted.onOpen(self)
        WebSocketServerProtocol.sendMessage(self, b"1")


class Text(Resource):
    """A text, after one more line was printed about who asked."""

    isLeaf = True

    def __init__(self, text: str, kind: str = "text/plain") -> None:
        Resource.__init__(self)
        self.text = text
        self.kind = kind

    def render_GET(self, request: Request) -> bytes:
        request.setHeader("Access-Control-Allow-Origin", "*")
        request.setHeader("Content-Type", self.kind)
        return self.text.encode()


class Project(Resource):
    """What a page is told of one project, whichever it asks for."""

    def __init__(self, site: dict[str, Any]) -> None:
        Resource.__init__(self)
        self.site = site

    def getChild(self, path: bytes, request: Request) -> Resource:
        name = path.decode().removesuffix(".json")
        known = {project["name"]: project for project in self.site["projects"]}
        project = known.get(name, {"name": name, "title": name, "description": "", "worlds": ["fake.wbt"]})
        told = {**self.site, "project": project, "saved": []}
        return Text(json.dumps(told), "application/json")


EMPTY_PAGE = """<!DOCTYPE html><html lang="en"><head><title>A page</title><link rel="icon" href="icon.svg">
<link rel="stylesheet" href="pages.css"></head><body></body></html>"""


class EmptyPage(Text):
    """A page that shows nothing yet, under the policy that the website host sends."""

    def __init__(self) -> None:
        Text.__init__(self, EMPTY_PAGE, "text/html")

    def render_GET(self, request: Request) -> bytes:
        request.setHeader("Content-Security-Policy", CSP)
        return Text.render_GET(self, request)


class Silent(Resource):
    """Never answers."""

    isLeaf = True

    def render_GET(self, request: Request) -> int:
        say("session asked")
        return NOT_DONE_YET


class Files(File):
    """The browser files, under the policy that the website host sends."""

    def render_GET(self, request: Request) -> bytes | int:
        request.setHeader("Content-Security-Policy", CSP)
        result: bytes | int = File.render_GET(self, request)
        return result


class FakeFactory(WebSocketServerFactory):
    """Knows under which URL the streams are."""

    def __init__(self, base: str) -> None:
        WebSocketServerFactory.__init__(self)
        self.base = base


def sockets(protocol: type[WebSocketServerProtocol], base: str = "") -> Resource:
    factory = FakeFactory(base)
    factory.protocol = protocol
    return cast(Resource, WebSocketResource(factory))


class SessionServer(Resource):
    """`/` as a WebSocket and `/session`, under a prefix of its own."""

    def __init__(self, session: Resource) -> None:
        Resource.__init__(self)
        self.putChild(b"session", session)
        self.putChild(b"", sockets(FakeAvailability))


class SimulationServer(Resource):
    """`/client`."""

    def __init__(self, base: str) -> None:
        Resource.__init__(self)
        self.putChild(b"client", sockets(FakeClient, base))


class Streams(Resource):
    """One stream for each project."""

    def getChild(self, path: bytes, request: Request) -> Resource:
        say(f"stream of {path.decode()}")
        return cast(Resource, cast(Any, Slash)(path))


STREAMS: dict[bytes, type[FakeStream]] = {}
"""Projects that stream in a way of their own."""
BELOW: dict[bytes, Resource] = {}
"""What is below each stream, by the name of its folder."""


class Slash(Resource):
    """The stream is at the slash after its name."""

    def __init__(self, project: bytes) -> None:
        Resource.__init__(self)
        self.project = project

    def getChild(self, path: bytes, request: Request) -> Resource:
        return BELOW[path] if path in BELOW else sockets(STREAMS.get(self.project, FakeStream))


def main(static: Path) -> None:
    """Serve until the test ends the process."""
    from tests.web import fake_camera, fake_console, fake_editor, fake_view, fake_windows

    for fake in (fake_camera, fake_console, fake_editor, fake_view):
        fake.register()
    fake_windows.register(static)
    root = Files(str(static))
    root.contentTypes = {**File.contentTypes, ".mjs": "text/javascript", ".svg": "image/svg+xml"}
    port = cast(Any, reactor).listenTCP(0, Site(root), interface="127.0.0.1").getHost().port
    base = f"ws://127.0.0.1:{port}"
    root.putChild(b"empty.html", cast(Any, EmptyPage)())
    root.putChild(b"quiet", cast(Any, Quiet)())
    root.putChild(b"works", SessionServer(Text(f"{base}/simulation")))
    root.putChild(b"none", SessionServer(Text("Error: no simulation server available at the moment.")))
    root.putChild(b"mute", SessionServer(cast(Any, Silent)()))
    root.putChild(b"away", SessionServer(Text("ws://127.0.0.1:1")))
    root.putChild(b"odd", SessionServer(Text("<b>hello</b>")))
    root.putChild(b"crowded", fake_view.CrowdedSessionServer())
    root.putChild(b"simulation", SimulationServer(base))
    root.putChild(b"stream", cast(Any, Streams)())
    root.putChild(b"ajax", fake_editor.Ajax())
    site = {
        "sessionServer": f"{base}/works",
        "projects": [
            {
                "name": "standin",
                "title": "Four wheels",
                "description": "A small robot drives about and avoids the walls by itself.",
                "worlds": ["fake.wbt"],
                "world": "fake.wbt",
            },
            {"name": "other", "title": "<b>Other</b>", "description": "Another one.", "worlds": ["fake.wbt"]},
        ],
        "user": {"id": "7", "name": "Guest 7"},
    }
    root.putChild(b"projects.json", Text(json.dumps(site), "application/json"))
    root.putChild(b"projects", Project(site))
    say(f"port {port}")
    cast(Any, reactor).run()


if __name__ == "__main__":
    # Under its own name, so that other files of this folder share what it holds.
    from tests.web import fake_servers

    fake_servers.main(Path(sys.argv[1]))
