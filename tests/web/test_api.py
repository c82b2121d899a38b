"""The programming interface of `webots.View` and of the availability widget, as pages of other releases use it."""

from __future__ import annotations

import json
import re
import urllib.request
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Page, expect

from tests.web.test_view import OPEN_VIEW, WAIT_FOR_EVENT, open_project, open_view, press

if TYPE_CHECKING:
    from tests.web.conftest import FakeServers

GITHUB = "https://github.com/user/repo/blob/main/worlds/w.wbt"

ASK_EVERYTHING = """async () => {
  const {default: webots} = await import("/webots.mjs");
  const view = new webots.View(document.body);
  view.onerror = (sentence) => window.heard = sentence;
  for (const call of [
    () => view.open(), () => view.open(null, null), () => view.open({}, "vrml"), () => view.open("ws://"),
    () => view.open("x".repeat(1e6)), () => view.setTimeout("soon"), () => view.setTimeout(NaN),
    () => view.setWebotsDocUrl(), () => view.setWebotsDocUrl("http://["), () => view.sendMessage(), () => view.close(),
    () => view.sendRobotMessage(), () => view.resize(), () => view.resize(-1, "a"), () => view.close(),
    () => view.openRobotWindow("nobody"), () => view.dispose(), () => view.dispose(),
  ]) {
    call();
  }
  return webots.currentView === view;
}"""


def test_nothing_is_thrown_whatever_a_page_asks_for(page: Page, servers: FakeServers) -> None:
    page.goto(f"http://{servers.place}/empty.html")
    assert page.evaluate(ASK_EVERYTHING) is True
    assert len(page.evaluate("heard")) < 500


def test_a_page_whose_own_code_fails_loses_nothing_else(page: Page, servers: FakeServers) -> None:
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(f"http://{servers.place}/empty.html")
    script = OPEN_VIEW.replace("view.open(url)", "view.onready = () => { throw new Error('mine'); }; view.open(url)")
    page.evaluate(script, {"url": f"ws://{servers.place}/works/works/worlds/fake.wbt", "silence": {}})
    press(page, "Run one step")
    servers.wait_for("stream step")
    press(page, "Quit the simulation")
    page.evaluate(WAIT_FOR_EVENT, "quit")
    assert errors == ["mine"]


def test_a_world_on_github_is_asked_for_by_its_url(page: Page, servers: FakeServers) -> None:
    open_view(page, servers, f"http://HERE/works/session?url={GITHUB}")
    servers.wait_for(f"client {json.dumps({'start': {'url': GITHUB, 'mode': 'x3d'}}, separators=(',', ':'))}")
    page.evaluate(WAIT_FOR_EVENT, "ready")
    page.evaluate("view.sendRobotMessage('go', 'robot')")
    servers.wait_for('stream robot:{"name":"robot","message":"go"}')


@pytest.mark.parametrize(
    ("project", "message"),
    [("works", "robot:my robot:go: on"), ("release", 'robot:{"name":"my robot","message":"go: on"}')],
)
def test_a_message_to_a_robot_has_the_form_of_the_release(
    page: Page, servers: FakeServers, project: str, message: str
) -> None:
    open_project(page, servers, project)
    page.evaluate("view.sendRobotMessage('go: on', 'my robot')")
    servers.wait_for(f"stream {message}")


def test_the_mode_w3d_is_asked_for(page: Page, servers: FakeServers) -> None:
    page.goto(f"http://{servers.place}/empty.html")
    script = OPEN_VIEW.replace("view.open(url)", "view.open(url, 'w3d')")
    page.evaluate(script, {"url": f"ws://{servers.place}/stream/works", "silence": {}})
    servers.wait_for("stream w3d")
    page.evaluate(WAIT_FOR_EVENT, "ready")


def test_who_has_not_saved_is_asked_before_the_simulation_ends(page: Page, servers: FakeServers) -> None:
    open_project(page, servers, "works")
    page.evaluate("Object.defineProperty(view, 'unsaved', {value: true})")
    press(page, "Quit the simulation")
    press(page, "Cancel")
    assert page.evaluate("events").count("quit") == 0
    assert page.evaluate("!dispatchEvent(new Event('beforeunload', {cancelable: true}))")
    press(page, "Quit the simulation")
    page.get_by_role("alertdialog").get_by_role("button", name="Quit").click()
    page.evaluate(WAIT_FOR_EVENT, "quit")
    page.evaluate("view.dispose()")
    assert page.evaluate("dispatchEvent(new Event('beforeunload', {cancelable: true}))")


def test_without_a_page_that_does_more_quit_goes_back(page: Page, servers: FakeServers) -> None:
    page.goto(f"http://{servers.place}/icon.svg")
    open_project(page, servers, "works")
    page.evaluate("view.onquit = null")
    press(page, "Quit the simulation")
    page.wait_for_url("**/icon.svg")


def test_the_page_is_told_of_another_size(page: Page, servers: FakeServers) -> None:
    open_view(page, servers, "ws://HERE/works/silent/worlds/w.wbt")
    page.evaluate("events.length = 0; document.body.className = ''; view.onresize = () => events.push('resize')")
    page.evaluate("view.resize(500, 400)")
    page.evaluate(WAIT_FOR_EVENT, "resize")
    box = page.locator(".webots-view").bounding_box()
    assert box
    assert (box["width"], box["height"]) == (500, 400)


WIDGET = """async ({url, withNew}) => {
  const {default: webots} = await import("/webots.mjs");
  document.body.replaceChildren();
  window.states = [];
  window.widget = withNew ? new webots.Availability(document.body, url) : webots.Availability(document.body, url);
  window.widget.onchange = (state) => states.push(state);
}"""


@pytest.mark.parametrize("with_new", [True, False])
def test_the_widget_says_live_whether_a_simulation_can_be_started(
    page: Page, servers: FakeServers, with_new: bool
) -> None:
    page.goto(f"http://{servers.place}/empty.html")
    page.evaluate(WIDGET, {"url": f"ws://{servers.place}/crowded", "withNew": with_new})
    status = page.get_by_role("status")
    expect(status).to_have_text("All simulation servers are busy or away at the moment.")
    urllib.request.urlopen(f"http://{servers.place}/crowded/watchers/free", timeout=60).close()
    expect(status).to_have_text("A simulation can be started now.")
    urllib.request.urlopen(f"http://{servers.place}/crowded/watchers/drop", timeout=60).close()
    expect(status).to_have_text("All simulation servers are busy or away at the moment.")
    assert page.evaluate("states") == ["busy", "available", "unreachable", "busy"]
    page.evaluate("widget.close()")
    servers.wait_for("availability closed")
    expect(page.get_by_role("status")).to_have_count(0)


def test_a_widget_with_an_address_that_is_none_says_so(page: Page, servers: FakeServers) -> None:
    page.goto(f"http://{servers.place}/empty.html")
    page.evaluate(WIDGET, {"url": "<b>no</b>", "withNew": True})
    expect(page.get_by_role("status")).to_have_text(re.compile("^“<b>no</b>” is not the address"))
    assert page.evaluate("widget.state") == "invalid"
