"""A streaming Webots with a controller to edit, and a website host that saves files or does not."""

from __future__ import annotations

from typing import Any, ClassVar, cast
from urllib.parse import parse_qs

from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Request

from tests.web.fake_servers import STREAMS, FakeStream, say

FILES = {
    "go.py": 'from controller import Robot\n\nrobot = Robot()\nwhile robot.step(32) != -1:\n    print("go")\n',
    "helper.c": "int twice(int x) {\n  return 2 * x; // again\n}\n",
    "notes.txt": "first\r\nsecond\r\n",
    "<b>odd & name": "<script>alert(1)</script>",
    "..": "nowhere",
}

TRACEBACK = '  File "/home/x/controllers/go/go.py", line 4, in <module>\n'


class FakeEditable(FakeStream):
    """Keeps the files of a controller named `go`; its robots print where an error is."""

    def open_scene(self) -> None:
        super().open_scene()
        self.say("world:fake.wbt:fake.wbt;other.wbt")

    def onMessage(self, payload: bytes, is_binary: bool) -> None:
        text = payload.decode()
        order, _, rest = text.partition(":")
        if order == "x3d":
            self.files = dict(FILES)
        if order == "get controller" and rest == "go":
            for file, content in self.files.items():
                self.send_file(file, content)
        elif order == "sync controller":
            file = rest.partition("/")[2]
            self.send_file(file, FILES[file])
        elif order == "set controller":
            head, _, content = rest.partition("\n")
            file, _, _ = head.partition("/")[2].rpartition(":")
            self.files[file] = content
        elif order == "step":
            self.say(f"stderr:{TRACEBACK}")
            self.say("stderr:helper.c:2:10: error: no\n")
        elif order == "robot":
            self.sendClose()
        super().onMessage(payload, is_binary)

    def send_file(self, file: str, content: str) -> None:
        self.say(f"set controller:go/{file}:{len(content.splitlines())}\n{content}")


class Upload(Resource):
    """Takes a file, unless its content says that it should not; one that is slow, only when it is told to go on."""

    isLeaf = True
    held: ClassVar[list[Request]] = []

    def render_POST(self, request: Any) -> bytes | int:
        form = {name: value[0] for name, value in parse_qs(request.content.read().decode(), True).items()}
        say(f"upload {form['dirname']} {form['filename']} {form['content']!r}")
        request.setHeader("Content-Type", "text/plain; charset=utf-8")
        if "too much" in form["content"]:
            return b"Error: your saved files would take more than your 10 MB; make them smaller."
        if "slow" in form["content"]:
            self.held.append(request)
            return NOT_DONE_YET
        return b"OK"


class GoOn(Resource):
    """Lets the uploads that wait go on."""

    isLeaf = True

    def render_GET(self, request: Request) -> bytes:
        while Upload.held:
            waiting = Upload.held.pop()
            waiting.write(b"OK")
            waiting.finish()
        return b"gone on"


class Ajax(Resource):
    """The scripts of the website host."""

    def __init__(self) -> None:
        Resource.__init__(self)
        self.putChild(b"upload-file.php", cast(Any, Upload)())
        self.putChild(b"go-on", cast(Any, GoOn)())


def register() -> None:
    """Let the project stream."""
    STREAMS[b"editable"] = FakeEditable
