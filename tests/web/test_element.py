"""The element `<webots-view>` in a real browser."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Page, expect

from tests.web.fake_camera import ENU, ROBOTS
from tests.web.test_animation import RECORDING, serve
from tests.web.test_view import WAIT_FOR_EVENT, wait_for_colors

if TYPE_CHECKING:
    from tests.web.conftest import FakeServers

PLACE = """async (html) => {
  await import("/webots.mjs");
  window.events = [];
  window.connected = () => events.push("ready");
  window.disconnected = () => events.push("disconnected");
  document.body.className = "full";
  document.body.innerHTML = html.replaceAll("HERE", location.host);
  window.element = document.querySelector("webots-view");
}"""


def place(page: Page, servers: FakeServers, attributes: str) -> None:
    """Put an element into a page."""
    page.goto(f"http://{servers.place}/empty.html")
    page.evaluate(PLACE, f"<webots-view id='view' {attributes}></webots-view>")


def test_its_attributes_start_a_simulation(page: Page, servers: FakeServers) -> None:
    place(page, servers, "data-server=ws://HERE/works/works/worlds/fake.wbt data-connectCallback=connected")
    page.evaluate(WAIT_FOR_EVENT, "ready")
    wait_for_colors(page, lambda found: found["red"] > 500)
    assert page.evaluate("[element.hasView(), element.hasAnimation()]") == [True, False]


@pytest.mark.parametrize(
    ("attributes", "greeting"),
    [
        ("data-broadcast=true", "x3d;broadcast"),
        ("data-isBroadcast", "x3d;broadcast"),
        ("data-broadcast=false data-mode=w3d", "w3d"),
    ],
)
def test_its_attributes_say_how(page: Page, servers: FakeServers, attributes: str, greeting: str) -> None:
    place(page, servers, f"data-server=ws://HERE/stream/works {attributes}")
    assert servers.wait_for("stream x3d" if greeting[0] == "x" else "stream w3d") == f"stream {greeting}"


def test_taken_off_the_page_it_ends_the_simulation(page: Page, servers: FakeServers) -> None:
    place(page, servers, "data-server=ws://HERE/works/works/worlds/fake.wbt data-disconnectCallback=disconnected")
    servers.wait_for("stream x3d")
    page.evaluate("element.remove()")
    servers.wait_for_all("client closed", "stream closed")
    page.evaluate(WAIT_FOR_EVENT, "disconnected")
    assert page.evaluate("element.hasView()") is False


def test_it_is_connected_as_in_the_first_release_with_functions(page: Page, servers: FakeServers) -> None:
    place(page, servers, "")
    page.evaluate(
        """() => {
          const server = `ws://${location.host}/works/works/worlds/fake.wbt`;
          element.connect(server, "x3d", false, false, connected, disconnected);
        }"""
    )
    page.evaluate(WAIT_FOR_EVENT, "ready")
    page.evaluate("element.close()")
    page.evaluate(WAIT_FOR_EVENT, "disconnected")


def test_it_is_connected_as_in_later_releases_and_says_what_is_printed(page: Page, servers: FakeServers) -> None:
    place(page, servers, "")
    page.evaluate(
        """() => {
          element.onready = connected;
          element.setWebotsMessageCallback((text) => events.push(`out ${text}`));
          element.setWebotsErrorMessageCallback((text) => events.push(`err ${text}`));
          element.setAmbientOcclusion(2);
          element.showQuit = false;
          element.showTerminal = false;
          element.connect(`ws://${location.host}/works/works/worlds/fake.wbt`, "x3d", false, true, 20, "/icon.svg");
        }"""
    )
    page.evaluate(WAIT_FOR_EVENT, "ready")
    page.evaluate(WAIT_FOR_EVENT, "err Traceback of <b>something</b>\n")
    expect(page.locator(".webots-time-left")).to_have_text("0:20 left")
    for name in ("Quit the simulation", "Console"):
        expect(page.get_by_role("button", name=name)).to_have_count(0)
    page.evaluate("element.displayQuit(true)")
    expect(page.get_by_role("button", name="Quit the simulation")).to_be_visible()
    page.evaluate("element.hideToolbar()")
    expect(page.get_by_role("toolbar")).to_have_count(0)
    page.evaluate("element.sendMessage('pause')")
    servers.wait_for("stream pause")
    page.evaluate("element.showToolbar()")
    expect(page.get_by_role("toolbar")).to_be_visible()


def test_several_are_on_one_page(page: Page, servers: FakeServers) -> None:
    page.goto(f"http://{servers.place}/empty.html")
    one = "<webots-view data-server=ws://HERE/stream/works data-broadcast></webots-view>"
    page.evaluate(PLACE, one * 3)
    for _ in range(3):
        servers.wait_for("stream x3d;broadcast")
    page.evaluate("document.querySelectorAll('webots-view')[1].remove()")
    servers.wait_for("stream closed")
    assert page.evaluate("[...document.querySelectorAll('webots-view')].map((one) => one.hasView())") == [True, True]


@pytest.mark.parametrize(("autoplay", "status"), [("", "Pause"), ("data-autoplay=false", "Play")])
def test_a_scene_and_its_animation_win_over_a_server(
    page: Page, servers: FakeServers, autoplay: str, status: str
) -> None:
    serve(page, "scene.x3d", ROBOTS % ENU)
    serve(page, "animation.json", RECORDING)
    files = "data-scene=recorded/scene.x3d data-animation=recorded/animation.json"
    place(page, servers, f"{files} {autoplay} data-server=ws://HERE/stream/works data-connectCallback=connected")
    page.evaluate(WAIT_FOR_EVENT, "ready")
    assert page.evaluate("[element.hasView(), element.hasAnimation()]") == [True, True]
    expect(page.get_by_role("group", name="Recorded animation").get_by_role("button", name=status)).to_be_visible()
    for name in ("Run in real time", "Console"):
        expect(page.get_by_role("button", name=name)).to_have_count(0)
    page.evaluate("element.loadScene('recorded/scene.x3d')")
    expect(page.get_by_role("group", name="Recorded animation")).to_have_count(0)
    assert page.evaluate("[element.hasView(), element.hasAnimation()]") == [True, False]
