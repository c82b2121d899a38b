"""The mode mjpeg in a real browser: the simulator draws, and hears of the mouse."""

from __future__ import annotations

from typing import TYPE_CHECKING

from playwright.sync_api import Page, expect

from tests.web.test_view import OPEN_VIEW, WAIT_FOR_EVENT, press, wait_for_colors

if TYPE_CHECKING:
    from tests.web.conftest import FakeServers


def open_pictures(page: Page, servers: FakeServers, settings: str = "") -> None:
    page.goto(f"http://{servers.place}/empty.html")
    script = OPEN_VIEW.replace("view.open(url)", f"{settings}; view.open(url, 'mjpeg')")
    page.evaluate(script, {"url": f"ws://{servers.place}/stream/pictures", "silence": {}})
    page.evaluate(WAIT_FOR_EVENT, "ready")


def test_pictures_come_over_http_or_over_the_socket(page: Page, servers: FakeServers) -> None:
    open_pictures(page, servers)
    box = page.locator(".webots-area").bounding_box()
    assert box
    servers.wait_for(f"stream mjpeg: {box['width']:.0f}x{box['height']:.0f}")
    wait_for_colors(page, lambda found: found["green"] > 10_000)
    press(page, "Run one step")
    wait_for_colors(page, lambda found: found["red"] > 10_000 and found["green"] == 0)


def test_the_simulator_hears_of_the_mouse_and_of_another_size(page: Page, servers: FakeServers) -> None:
    open_pictures(page, servers)
    page.mouse.move(300, 200)
    page.mouse.down(button="right")
    servers.wait_for("stream mouse -1 2 2 300 200 0 0")
    page.mouse.move(310, 220)
    servers.wait_for("stream mouse 0 0 2 310 220 0 0")
    page.mouse.up(button="right")
    servers.wait_for("stream mouse 1 2 0 310 220 0 0")
    page.mouse.wheel(0, 100)
    servers.wait_for("stream mouse 2 0 0 310 220 0 1")
    page.set_viewport_size({"width": 640, "height": 480})
    servers.wait_for("stream resize: 640x")


def test_who_only_watches_moves_nothing(page: Page, servers: FakeServers) -> None:
    open_pictures(page, servers, "view.broadcast = true")
    page.mouse.move(300, 200)
    page.mouse.down()
    page.mouse.up()
    page.evaluate("view.close()")
    said = servers.said_before("stream closed")
    assert [line for line in said if line.startswith(("stream mouse", "stream resize"))] == []
    assert any(line.endswith(";broadcast") for line in said)


def test_another_simulation_after_it_has_its_scene(page: Page, servers: FakeServers) -> None:
    open_pictures(page, servers)
    page.evaluate("events.length = 0; view.open(`ws://${location.host}/stream/works`)")
    page.evaluate(WAIT_FOR_EVENT, "ready")
    expect(page.locator(".webots-pictures")).to_be_hidden()
    wait_for_colors(page, lambda found: found["red"] > 500)
