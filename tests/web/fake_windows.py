"""A streaming Webots whose robots have windows: one that talks, one of R2021, one that does all it should not, none."""

from __future__ import annotations

from pathlib import Path

from twisted.web.resource import Resource
from twisted.web.server import Request
from twisted.web.static import File

from tests.web.fake_servers import BELOW, MODEL, STREAMS, FakeStream, say

ROBOTS = "".join(
    f'<Transform id="n{70 + number}" solid="true" type="robot" name="{name}" controller="go" window="{window}" '
    f'translation="0 {number - 2} 0.2"><Shape id="n{80 + number}"><Box size="0.3 0.3 0.3"/></Shape></Transform>'
    for number, (name, window) in enumerate(
        {
            "talker": "talker",
            "older": "older",
            "hostile": "hostile",
            "&lt;b&gt;odd&lt;/b&gt; &amp; co": "talker",
            "busy": "busy",
            "plain": "&lt;generic&gt;",
            "none": "&lt;none&gt;",
        }.items()
    )
)

TALKER = """<!doctype html><meta charset="utf-8"><title>Talker</title>
<p id="heard">nothing</p><button id="say">Say hello</button>
<script type="module">
  import RobotWindow from "./robot_window.js";
  const robotWindow = window.robotWindow = new RobotWindow();
  robotWindow.receive = (message, robot) => document.getElementById("heard").textContent = `${robot}: ${message}`;
  document.getElementById("say").onclick = () => robotWindow.send("hello: <b>you</b>");
  robotWindow.setTitle("Talking to <i>me</i>");
</script>"""

OLDER = """<!doctype html><meta charset="utf-8"><p id="heard">nothing</p>
<script type="module">
  import "./robot_window.js";
  const heard = document.getElementById("heard");
  window.robotWindow = webots.window("older");
  window.robotWindow.receive = (message, robot) => heard.textContent = `${robot}: ${message}`;
  window.robotWindow.send("from before", "older");
</script>"""

HOSTILE = """<!doctype html><meta charset="utf-8"><pre id="found">trying</pre>
<script type="module">
  const found = [];
  async function attempt(name, action) {
    try {
      const result = await action();
      if (result) found.push(`${name}: ${result}`);
    } catch {}
  }
  await attempt("parent", () => parent.document.body.innerHTML.length);
  await attempt("view", () => parent.view.close);
  await attempt("frame", () => frameElement.id + "x");
  await attempt("cookie", () => document.cookie = "a=b");
  await attempt("storage", () => localStorage.length + 1);
  await attempt("pop-up", () => window.open("about:blank"));
  await attempt("dialog", () => confirm("yes?"));
  await attempt("file of the website", async () => (await fetch("/index.html", {mode: "cors"})).text());
  await attempt("worker", () => navigator.serviceWorker.register("/worker.js"));
  await attempt("full screen", async () => { await document.documentElement.requestFullscreen(); return true; });
  await attempt("camera", () => navigator.mediaDevices.getUserMedia({video: true}));
  for (const robot of ["talker", "older", "", null, {}, ["hostile"]]) {
    parent.postMessage({webots: "send", message: "for another", robot}, "*");
  }
  for (const data of ["robot:talker:for another", null, {webots: "receive", message: "forged", robot: "talker"},
      {webots: "send", message: "x".repeat(1e7)},
      {webots: "title", title: "<img src=x onerror=alert(1)>".repeat(1e5)}]) {
    parent.postMessage(data, "*");
    for (let number = 0; number < parent.length; number++) {
      parent[number].postMessage(data, "*");
    }
  }
  for (let number = 0; number < 3000; number++) {
    parent.postMessage({webots: "send", message: `flood ${number}`}, "*");
  }
  for (const target of ["_top", "_parent"]) {
    const form = document.createElement("form");
    Object.assign(form, {action: "/simulation.html", target});
    document.body.append(form);
    form.submit();
  }
  await attempt("top", () => { top.location = "about:blank#gone"; return "sent away"; });
  document.getElementById("found").textContent = JSON.stringify(found);
</script>"""

BUSY = """<!doctype html><meta charset="utf-8"><p>busy</p>
<script>
  parent.postMessage({webots: "send", message: "busy from now on"}, "*");
  setTimeout(() => { for (;;); });
</script>"""


class FakeWindows(FakeStream):
    """Robots that answer what their windows say."""

    def onMessage(self, payload: bytes, is_binary: bool) -> None:
        text = payload.decode()
        if text.startswith("robot:"):
            say(f"stream {text[:200]}")
            _, name, message = text.split(":", 2)
            self.say(f'robot:{{"message":"you say {message}","name":"{name}"}}')
        elif text == "reset":
            self.say("robot:talker:about a reset")
            super().onMessage(payload, is_binary)
        elif text == "step":
            self.open_scene()
        else:
            super().onMessage(payload, is_binary)

    def open_scene(self) -> None:
        window = ' window="talker"' if self.project == "worldwindow" else ""
        model = MODEL.replace("</Scene>", f"{ROBOTS}</Scene>").replace('title="Fake"', f'title="Fake"{window}')
        self.say("world:fake.wbt:fake.wbt")
        self.say(f"model:{model % {'generator': 'Webots'}}")
        self.move(0, "0 -1 0.25")
        self.say("scene load completed")


class Page(Resource):
    """A file of a window, for pages without an origin."""

    isLeaf = True

    def __init__(self, content: bytes, kind: str) -> None:
        Resource.__init__(self)
        self.content = content
        self.kind = kind

    def render_GET(self, request: Request) -> bytes:
        say(f"page {request.uri.decode()}")
        request.setHeader("Access-Control-Allow-Origin", "*")
        request.setHeader("Content-Type", self.kind)
        return self.content


def register(static: Path) -> None:
    """Make it known."""
    STREAMS[b"windows"] = STREAMS[b"worldwindow"] = FakeWindows
    bridge = File(str(static / "robot_window.js")).getContent()
    below = BELOW[b"robot_windows"] = Resource()
    for name, page in {b"talker": TALKER, b"older": OLDER, b"hostile": HOSTILE, b"busy": BUSY}.items():
        folder = Resource()
        folder.putChild(name + b".html", Page(page.encode(), "text/html; charset=utf-8"))
        folder.putChild(b"robot_window.js", Page(bridge, "text/javascript; charset=utf-8"))
        below.putChild(name, folder)
