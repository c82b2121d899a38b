"""What a window of a hostile project tries in the browser of who looks at it: it gets nothing of the page around it."""

from __future__ import annotations

import json
import re

from playwright.sync_api import Browser, Dialog, expect

from tests.e2e.cloud import Cloud
from tests.e2e.test_browser import MILLISECONDS
from tests.e2e.windows import add_project, open_window, start

HOSTILE = """<!doctype html><meta charset="utf-8"><pre id="found">trying</pre>
<script type="module">
  const [host, session] = HOSTS;
  const found = [];
  async function attempt(name, action) {
    try {
      const result = await action();
      if (result) found.push(`${name}: ${result}`);
    } catch {}
  }
  const socket = (url, first) => new Promise((resolve) => {
    const one = new WebSocket(url);
    one.onopen = () => one.send(first);
    one.onmessage = ({data}) => resolve(data.startsWith("error:") ? "" : data);
    one.onclose = () => resolve("");
  });
  const own = location.href.split("robot_windows/")[0].replace("http", "ws");
  await attempt("page", () => parent.document.body.innerHTML.length);
  await attempt("address of the page", () => parent.location.href);
  await attempt("frame", () => frameElement.outerHTML);
  await attempt("origin", () => origin === "null" ? "" : origin);
  await attempt("cookies", () => document.cookie + "x");
  await attempt("storage", () => localStorage.length + 1);
  await attempt("databases", () => indexedDB.open("a"));
  await attempt("pop-up", () => open("about:blank"));
  await attempt("dialog", () => confirm("yes?"));
  await attempt("who the visitor is", async () =>
    (await fetch(`${host}/projects.json`, {credentials: "include"})).text());
  await attempt("a simulation", () => socket(`${new URL(own).protocol}//${new URL(own).host}/client`,
    JSON.stringify({init: [host, "HOSTILE", "HOSTILE.wbt", "", "", "", "", "", ""]})));
  for (const first of ["x3d", "x3d;broadcast", "reset"]) {
    await attempt(`stream for ${first}`, () => socket(own, first));
  }
  await attempt("upload", () => fetch(`${host}/ajax/upload-file.php`, {method: "POST", mode: "no-cors",
    credentials: "include", headers: {"Content-Type": "application/x-www-form-urlencoded"},
    body: "dirname=HOSTILE/controllers/echo&filename=evil.py&content=evil"}).then(() => ""));
  for (const target of ["_top", "_parent"]) {
    const form = Object.assign(document.createElement("form"), {action: `${host}/?gone`, target});
    document.body.append(form);
    form.submit();
    const link = Object.assign(document.createElement("a"), {href: `${host}/?gone`, target});
    document.body.append(link);
    link.click();
  }
  await attempt("the page's place", () => { top.location = `${host}/?gone`; return "gone"; });
  for (let number = 0; number < 5000; number++) {
    parent.postMessage({webots: "send", message: "x".repeat(1000), robot: number % 2 ? "good" : "hostile"}, "*");
  }
  document.getElementById("found").textContent = JSON.stringify(found);
</script>"""

GOOD = """<!doctype html><meta charset="utf-8"><pre id="heard"></pre>
<script>
  addEventListener("message", ({data}) => document.getElementById("heard").append(`${data.message}\\n`));
</script>"""


def test_a_window_reaches_for_the_page_around_it(cloud: Cloud, browser: Browser) -> None:
    places = json.dumps([cloud.page.rstrip("/"), f"ws://localhost:{cloud.session}"])
    hostile = HOSTILE.replace("HOSTS", places).replace("HOSTILE", "hostile_window")
    add_project(cloud, "hostile_window", {"hostile": hostile, "good": GOOD})
    page = browser.new_page(viewport={"width": 1100, "height": 750})
    dialogs: list[Dialog] = []
    page.on("dialog", lambda dialog: dialogs.append(dialog))
    start(page, cloud, "hostile_window")
    good = open_window(page, "good")
    hostile_frame = open_window(page, "hostile")
    expect(hostile_frame.locator("#found")).to_have_text(re.compile(r"^\["), timeout=MILLISECONDS)
    assert json.loads(hostile_frame.locator("#found").inner_text()) == []

    # The page is where it was, goes on, and nothing was said or saved in its name.
    time = page.get_by_title("Simulated time", exact=True)
    before = time.inner_text()
    cloud.wait_for(lambda: time.inner_text() != before, "the simulation to go on")
    assert "hostile_window" in page.url
    assert len(page.context.pages) == 1
    assert dialogs == []
    assert good.locator("#heard").inner_text() == ""
    assert list((cloud.state / "host").rglob("evil.py")) == []
    assert cloud.instances() == 1
    page.close()
    cloud.wait_for(lambda: cloud.instances() == 0, "the instance to end")
