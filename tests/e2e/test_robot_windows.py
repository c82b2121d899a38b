"""Robot windows with the real servers: of the demo project, and of projects made for Webots."""

from __future__ import annotations

import re

from playwright.sync_api import Browser, expect

from tests.chromium import click_in_frame
from tests.e2e.cloud import Cloud
from tests.e2e.test_browser import MILLISECONDS
from tests.e2e.windows import add_demo, add_project, open_window, start

# Does what the class does that Webots offers to such pages: a socket of its own, at the address they came from.
OWN_SOCKET = """<!doctype html><meta charset="utf-8">
<pre id="heard"></pre><button id="say">Say</button><pre id="said"></pre>
<script>
  const name = decodeURIComponent(/name=([^&]*)/.exec(location.search)[1]);
  const base = location.href.substring(0, location.href.indexOf("robot_windows/"));
  const socket = new WebSocket(base.replace("http", "ws"));
  const send = (text) => socket.send(`robot:${name}:${text}`);
  socket.onopen = () => send("init robot window");
  socket.onmessage = ({data}) => {
    const heard = /^robot:\\{"message":"(.*)","name":"(.*)"\\}$/.exec(data);
    if (heard && heard[2] === name) {
      document.getElementById("heard").append(`${heard[1]}\\n`);
    }
  };
  document.getElementById("say").onclick = () => {
    send("hello");
    document.getElementById("said").append("hello");
  };
</script>"""


def test_the_window_of_the_demo_shows_the_sensors_and_sets_the_speed(cloud: Cloud, browser: Browser) -> None:
    page = browser.new_page(viewport={"width": 1100, "height": 750})
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    add_demo(cloud, "obstacle_course")
    start(page, cloud, "obstacle_course")
    explorer = open_window(page, "explorer")
    expect(explorer.locator("dt")).to_have_text(["far left", "left", "right", "far right"], timeout=MILLISECONDS)
    expect(explorer.locator("dd").first).to_have_text(re.compile(r"^([0-9]+ mm|free)$"))
    expect(explorer.locator("#speed-now")).to_have_text("10 rad/s")
    explorer.get_by_label("Speed").fill("17.5")
    expect(explorer.locator("#speed-now")).to_have_text("17.5 rad/s", timeout=MILLISECONDS)
    expect(explorer.locator("#state")).to_contain_text("An obstacle", timeout=MILLISECONDS)
    expect(page.get_by_text(re.compile("^Obstacles: [0-9]+$"))).to_be_visible(timeout=MILLISECONDS)
    assert faults == []
    page.close()
    cloud.wait_for(lambda: cloud.instances() == 0, "the instance to end")


def test_a_window_with_a_socket_of_its_own_talks_to_its_robot(cloud: Cloud, browser: Browser) -> None:
    add_project(cloud, "own_sockets", {"first robot": OWN_SOCKET, "second": OWN_SOCKET})
    page = browser.new_page(viewport={"width": 1100, "height": 750})
    start(page, cloud, "own_sockets")
    first, second = open_window(page, "first robot"), open_window(page, "second")
    expect(second.locator("#heard")).to_have_text("second hears init robot window", timeout=MILLISECONDS)
    click_in_frame(second.get_by_role("button", name="Say"))
    expect(second.locator("#said")).to_have_text("hello", timeout=MILLISECONDS)
    expect(second.locator("#heard")).to_contain_text("second hears hello", timeout=MILLISECONDS)
    expect(first.locator("#heard")).to_have_text("first robot hears init robot window", timeout=MILLISECONDS)
    page.close()
    cloud.wait_for(lambda: cloud.instances() == 0, "the instance to end")
