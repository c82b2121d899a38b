"""Robot windows in a real browser: what they can do, and what they cannot."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

import pytest
from playwright.sync_api import Browser, Dialog, FrameLocator, Locator, Page, expect

from tests.chromium import click_in_frame
from tests.web.accessibility import faults
from tests.web.test_view import open_project, press

if TYPE_CHECKING:
    from playwright.sync_api import FloatRect

    from tests.web.conftest import FakeServers

MOST_AT_ONCE = 200


def open_windows(page: Page, servers: FakeServers, *names: str, project: str = "windows") -> list[FrameLocator]:
    open_project(page, servers, project)
    for name in names:
        assert page.evaluate("(name) => view.openRobotWindow(name)", name)
    return [inside(page, name) for name in names]


def inside(page: Page, name: str) -> FrameLocator:
    return page.frame_locator(f"iframe[title='Robot window of {name}']")


def window(page: Page, name: str) -> Locator:
    return page.get_by_role("region", name=f"Robot window of {name}")


def test_a_window_and_its_robot_talk_to_each_other(page: Page, servers: FakeServers) -> None:
    [talker] = open_windows(page, servers, "talker")
    page.evaluate("view.onrobotmessage = (robot, message) => events.push(`${robot} says ${message}`)")
    servers.wait_for("page /stream/ticket/robot_windows/talker/talker.html?name=talker")
    servers.wait_for("stream robot:talker:init robot window")
    click_in_frame(talker.get_by_role("button", name="Say hello"))
    servers.wait_for("stream robot:talker:hello: <b>you</b>")
    expect(talker.locator("#heard")).to_have_text("talker: you say hello: <b>you</b>")
    assert "talker says you say hello: <b>you</b>" in page.evaluate("events")
    press(page, "Reset the simulation")
    expect(talker.locator("#heard")).to_have_text("talker: about a reset")
    expect(window(page, "talker")).to_contain_text("Talking to <i>me</i>")


def test_windows_of_r2021_work_as_well(page: Page, servers: FakeServers) -> None:
    [older, talker] = open_windows(page, servers, "older", "talker")
    servers.wait_for("stream robot:older:from before")
    expect(older.locator("#heard")).to_have_text("older: you say from before")
    expect(talker.locator("#heard")).to_have_text("talker: you say init robot window")


def test_a_window_is_opened_from_the_robots_menu(page: Page, servers: FakeServers) -> None:
    open_project(page, servers, "windows")
    for name, there in (("plain", 0), ("none", 0), ("talker", 1)):
        press(page, "Robots")
        page.get_by_role("menuitem", name=name, exact=True).click()
        expect(page.get_by_role("menuitem", name="Edit controller")).to_be_visible()
        expect(page.get_by_role("menuitem", name="Robot window")).to_have_count(there)
        if there:
            page.get_by_role("menuitem", name="Robot window").click()
        else:
            page.keyboard.press("Escape")
    expect(inside(page, "talker").locator("#heard")).to_contain_text("init robot window")


def test_names_are_text(page: Page, servers: FakeServers) -> None:
    open_project(page, servers, "windows")
    name = "<b>odd</b> & co"
    assert page.evaluate("(name) => view.openRobotWindow(name)", name)
    servers.wait_for("page /stream/ticket/robot_windows/talker/talker.html?name=%3Cb%3Eodd%3C%2Fb%3E%20%26%20co")
    servers.wait_for(f"stream robot:{name}:init robot window")
    expect(page.locator(".webots-window")).to_have_attribute("aria-label", f"Robot window of {name}")
    for other in ("plain", "none", "nobody"):
        assert page.evaluate("(name) => view.openRobotWindow(name)", other) is False


def test_a_closed_window_comes_again_and_another_world_closes_all(page: Page, servers: FakeServers) -> None:
    open_windows(page, servers, "talker", "older")
    window(page, "older").get_by_role("button", name="Close").click()
    expect(page.locator(".webots-window")).to_have_count(1)
    assert page.evaluate("view.openRobotWindow('older')")
    assert page.evaluate("view.openRobotWindow('older')")
    expect(page.locator(".webots-window")).to_have_count(2)
    expect(inside(page, "older").locator("#heard")).to_contain_text("from before")
    press(page, "Run one step")
    expect(page.locator(".webots-window")).to_have_count(0)
    expect(page.get_by_role("button", name="Run one step")).to_be_enabled()
    assert page.evaluate("view.openRobotWindow('talker')")
    page.evaluate("view.close()")
    expect(page.locator(".webots-window")).to_have_count(0)
    assert page.evaluate("view.openRobotWindow('talker')") is False


def test_the_worlds_own_window_comes_up_by_itself_and_hears_all_robots(page: Page, servers: FakeServers) -> None:
    open_project(page, servers, "worldwindow")
    world = inside(page, "World")
    servers.wait_for("page /stream/worldwindow/robot_windows/talker/talker.html?name=")
    expect(world.get_by_role("button", name="Say hello")).to_be_visible()
    world.locator("body").evaluate("() => robotWindow.send('to one of them', 'hostile')")
    servers.wait_for("stream robot:hostile:to one of them")
    expect(world.locator("#heard")).to_have_text("hostile: you say to one of them")


def box(page: Page, name: str) -> FloatRect:
    found = window(page, name).bounding_box()
    assert found
    return found


def test_windows_are_moved_and_resized_by_pointer_and_keyboard(page: Page, servers: FakeServers) -> None:
    page.set_viewport_size({"width": 1000, "height": 700})
    open_windows(page, servers, "talker")
    before = box(page, "talker")
    grip = window(page, "talker").get_by_role("button", name="Move")
    grip.hover()
    page.mouse.down()
    page.mouse.move(before["x"] - 100, before["y"] + 60)
    page.mouse.up()
    moved = box(page, "talker")
    assert moved["x"] < before["x"] - 150
    assert moved["y"] > before["y"] + 20
    grip.press("ArrowRight")
    assert box(page, "talker")["x"] == moved["x"] + 16
    corner = window(page, "talker").get_by_role("button", name="Resize")
    corner.press("ArrowDown")
    assert box(page, "talker")["height"] == moved["height"] + 16
    page.set_viewport_size({"width": 640, "height": 420})
    expect(window(page, "talker")).to_be_in_viewport(ratio=1)
    grip.press("Escape")
    expect(page.locator(".webots-window")).to_have_count(0)


def test_on_a_phone_a_window_is_a_sheet(page: Page, servers: FakeServers) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    open_windows(page, servers, "talker")
    area = page.locator(".webots-area").bounding_box()
    sheet = box(page, "talker")
    assert area
    assert (sheet["x"], sheet["width"]) == (area["x"], area["width"])
    assert sheet["y"] + sheet["height"] == pytest.approx(area["y"] + area["height"])
    assert sheet["height"] <= 0.6 * area["height"] + 1


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_frame_of_a_window_is_accessible(
    page: Page, servers: FakeServers, axe: str, scheme: Literal["light", "dark"]
) -> None:
    page.emulate_media(color_scheme=scheme)
    open_windows(page, servers, "talker")
    expect(window(page, "talker")).to_contain_text("Talking to")
    assert [fault for fault in faults(page, axe) if "webots-window" in fault or "iframe" in fault] == []


def test_a_hostile_window_gets_nothing_and_does_nothing_beyond_its_frame(page: Page, servers: FakeServers) -> None:
    dialogs: list[Dialog] = []
    errors: list[str] = []
    page.on("dialog", lambda dialog: dialogs.append(dialog))
    page.on("pageerror", lambda error: errors.append(str(error)))
    pages_before = len(page.context.pages)
    open_project(page, servers, "windows")
    page.evaluate("document.cookie = 'secret=of-the-website'")
    page.evaluate("view.openRobotWindow('talker')")
    servers.wait_for("stream robot:talker:init robot window")
    talker = inside(page, "talker")
    expect(talker.locator("#heard")).to_have_text("talker: you say init robot window")
    page.evaluate("view.openRobotWindow('hostile')")
    expect(inside(page, "hostile").locator("#found")).to_have_text(re.compile(r"^\["), timeout=60000)
    found = json.loads(inside(page, "hostile").locator("#found").inner_text())
    assert found == []

    # What it said has been heard when something said later is.
    page.evaluate("view.openRobotWindow('talker')")
    click_in_frame(talker.get_by_role("button", name="Say hello"))
    heard: list[str] = []
    while not heard or "hello" not in heard[-1]:
        heard.append(servers.wait_for("stream robot:"))
    assert {line.split(":")[1] for line in heard[:-1]} == {"hostile"}
    assert not [line for line in heard if "forged" in line or "xxx" in line]
    floods = [line for line in heard if "flood" in line]
    assert 0 < len(floods) < 3000
    expect(talker.locator("#heard")).to_have_text("talker: you say hello: <b>you</b>")

    expect(page).to_have_url(re.compile("/empty.html$"))
    assert page.evaluate("document.cookie") == "secret=of-the-website"
    assert len(page.context.pages) == pages_before
    assert (dialogs, errors) == ([], [])
    title = window(page, "hostile").locator(".webots-window-title")
    expect(title).to_have_text(re.compile(r"^<img src=x"))
    assert len(title.inner_text()) <= 100
    press(page, "Run in real time")
    servers.wait_for("stream real-time")


@pytest.fixture
def page_alone(browser: Browser, servers: FakeServers) -> Iterator[Page]:
    """A page that shares no process with those of other tests."""
    page = browser.new_page(viewport={"width": 800, "height": 600})
    yield page
    page.close()
    servers.wait_until_quiet()


def test_a_window_that_computes_without_end_keeps_only_itself_waiting(page_alone: Page, servers: FakeServers) -> None:
    page = page_alone
    open_project(page, servers, "windows")
    page.evaluate("view.openRobotWindow('busy')")
    servers.wait_for("stream robot:busy:busy from now on")
    press(page, "Run in real time")
    servers.wait_for("stream real-time")
    expect(page.locator(".webots-time")).to_have_text("0:00:39.000")
    window(page, "busy").get_by_role("button", name="Close").click()
    expect(page.locator(".webots-window")).to_have_count(0)


def test_messages_of_others_than_our_frames_are_not_heard(page: Page, servers: FakeServers) -> None:
    open_windows(page, servers, "talker")
    servers.wait_for("stream robot:talker:init robot window")
    page.evaluate("window.postMessage({webots: 'send', message: 'from the page', robot: 'talker'}, '*')")
    page.evaluate(
        """() => {
          const frame = document.createElement("iframe");
          frame.sandbox = "allow-scripts";
          frame.src = "/stream/windows/robot_windows/talker/talker.html?name=talker";
          frame.name = "webots.View";
          document.body.append(frame);
          return new Promise((resolve) => frame.onload = resolve);
        }"""
    )
    click_in_frame(inside(page, "talker").get_by_role("button", name="Say hello"))
    assert servers.wait_for("stream robot:") == "stream robot:talker:hello: <b>you</b>"
