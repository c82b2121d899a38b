"""The toolbar in a real browser: names, keys, touch, narrow screens, and what its buttons do."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Page, expect

from tests.web.test_view import OPEN_VIEW, WAIT_FOR_EVENT, open_project, open_view, press

if TYPE_CHECKING:
    from tests.web.conftest import FakeServers

CONTROLS = ["Reset the simulation", "Run one step", "Run in real time", "Run as fast as possible"]
FINGER = 44
PHONE = {"width": 390, "height": 844}

ACTIVE = "() => document.querySelector('.webots-view').shadowRoot.activeElement?.getAttribute('aria-label')"


def focused(page: Page) -> str | None:
    """The name of what has the focus in the view."""
    name: str | None = page.evaluate(ACTIVE)
    return name


def set_on_webots(page: Page, settings: str) -> None:
    page.evaluate(f"async () => {{ const {{default: webots}} = await import('/webots.mjs'); {settings} }}")


def test_every_button_has_a_name_a_tooltip_with_its_key_and_the_key_itself(page: Page, servers: FakeServers) -> None:
    open_project(page, servers, "worlds")
    page.set_viewport_size({"width": 1280, "height": 800})
    shown = page.locator(".webots-toolbar button:visible")
    assert [button.get_attribute("aria-label") for button in shown.all()] == [
        "Quit the simulation",
        "Information",
        "Choose a world",
        "Reset the simulation",
        "Run one step",
        "Run in real time",
        "Run as fast as possible",
        "Robots",
        "Console",
        "Help",
        "Full screen",
    ]
    for element in shown.all():
        key = element.get_attribute("aria-keyshortcuts") or "no key"
        assert (element.get_attribute("title") or "").endswith(f"({key.replace('+', ' + ')})")


def test_one_button_is_in_the_tab_order_and_arrow_keys_go_to_the_others(page: Page, servers: FakeServers) -> None:
    open_project(page, servers, "works")
    assert page.locator(".webots-toolbar button[tabindex='0']").count() == 1
    page.get_by_role("button", name="Quit the simulation").focus()
    for key, name in (
        ("ArrowRight", "Information"),
        ("ArrowLeft", "Quit the simulation"),
        ("ArrowLeft", "Full screen"),
        ("ArrowRight", "Quit the simulation"),
        ("End", "Full screen"),
        ("Home", "Quit the simulation"),
    ):
        page.keyboard.press(key)
        assert focused(page) == name
    assert page.locator(".webots-toolbar button[tabindex='0']").count() == 1


def test_keys_press_buttons_while_the_focus_is_in_the_view(page: Page, servers: FakeServers) -> None:
    open_project(page, servers, "modes")
    page.keyboard.press("s")
    page.get_by_role("button", name="Help").focus()
    page.keyboard.press("p")
    assert "stream step" not in servers.said_before("stream real-time:-1")
    expect(page.get_by_role("button", name="Pause")).to_be_visible()
    page.keyboard.press("p")
    servers.wait_for("stream pause")
    page.keyboard.press("f")
    servers.wait_for("stream fast:-1")
    page.keyboard.press("r")
    servers.wait_for("stream reset")
    page.keyboard.press("c")
    expect(page.get_by_role("log")).to_be_visible()


def test_in_a_text_field_letters_are_letters(page: Page, servers: FakeServers) -> None:
    open_project(page, servers, "works")
    press(page, "Console")
    page.get_by_role("searchbox").press_sequentially("ship")
    expect(page.get_by_role("searchbox")).to_have_value("ship")
    expect(page.get_by_role("dialog")).to_have_count(0)
    press(page, "Run one step")
    assert not {"stream step", "stream pause"} & set(servers.said_before("stream step"))


def test_while_it_loads_nothing_can_be_controlled(page: Page, servers: FakeServers) -> None:
    open_view(page, servers, "ws://HERE/works/stalled/worlds/w.wbt")
    servers.wait_for("stream x3d")
    for name in CONTROLS:
        expect(page.get_by_role("button", name=name)).to_be_disabled()
    page.get_by_role("button", name="Run one step").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("s")
    page.evaluate("view.close()")
    assert "stream step" not in servers.said_before("stream closed")


def test_who_only_watches_asks_for_that_and_controls_nothing(page: Page, servers: FakeServers) -> None:
    page.goto(f"http://{servers.place}/empty.html")
    script = OPEN_VIEW.replace("view.open(url)", "view.broadcast = true; view.setTimeout(9); view.open(url)")
    page.evaluate(script, {"url": f"ws://{servers.place}/stream/works", "silence": {}})
    page.evaluate(WAIT_FOR_EVENT, "ready")
    servers.wait_for("stream x3d;broadcast")
    for name in CONTROLS:
        expect(page.get_by_role("button", name=name)).to_be_disabled()
    expect(page.locator(".webots-time-left")).to_be_hidden()
    press(page, "Information")
    expect(page.get_by_role("dialog")).to_contain_text("watch only")


def test_another_world_is_chosen_from_a_menu(page: Page, servers: FakeServers) -> None:
    open_project(page, servers, "worlds")
    press(page, "Choose a world")
    items = page.get_by_role("menuitemcheckbox")
    expect(items).to_have_count(3)
    expect(items.nth(0)).to_have_attribute("aria-checked", "true")
    expect(items.nth(2)).to_have_text(re.compile(r"^<b>w+…$"))
    page.keyboard.press("ArrowDown")
    page.evaluate("events.length = 0")
    page.keyboard.press("Enter")
    servers.wait_for("stream load:second.wbt")
    page.evaluate(WAIT_FOR_EVENT, "ready")
    press(page, "Choose a world")
    expect(items.nth(1)).to_have_attribute("aria-checked", "true")


def test_a_menu_opens_by_its_key_and_gives_the_focus_back(page: Page, servers: FakeServers) -> None:
    open_project(page, servers, "worlds")
    page.get_by_role("button", name="Choose a world").focus()
    page.keyboard.press("w")
    expect(page.get_by_role("menuitemcheckbox").first).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("menu")).to_have_count(0)
    assert focused(page) == "Choose a world"


def test_a_project_with_one_world_has_nothing_to_choose(page: Page, servers: FakeServers) -> None:
    open_project(page, servers, "works")
    expect(page.get_by_role("button", name="Choose a world")).to_have_count(0)


def test_the_page_says_which_buttons_there_are(page: Page, servers: FakeServers) -> None:
    open_project(page, servers, "works")
    expect(page.get_by_role("button", name="Load the world again")).to_have_count(0)
    set_on_webots(page, "webots.showRevert = true; webots.showQuit = false; webots.showRun = false;")
    page.evaluate("events.length = 0; view.open(`ws://${location.host}/works/works/worlds/fake.wbt`)")
    page.evaluate(WAIT_FOR_EVENT, "ready")
    for name in ("Quit the simulation", "Run as fast as possible"):
        expect(page.get_by_role("button", name=name)).to_have_count(0)
    press(page, "Load the world again")
    servers.wait_for("stream revert")
    page.evaluate("view.buttons = {quit: true, revert: false}")
    expect(page.get_by_role("button", name="Quit the simulation")).to_be_visible()
    expect(page.get_by_role("button", name="Load the world again")).to_have_count(0)


def test_running_fast_can_be_paused_or_slowed_down(page: Page, servers: FakeServers) -> None:
    open_project(page, servers, "modes")
    press(page, "Run as fast as possible")
    servers.wait_for("stream fast:-1")
    expect(page.get_by_role("button", name="Run as fast as possible")).to_have_count(0)
    expect(page.get_by_role("button", name="Pause")).to_be_visible()
    press(page, "Run in real time")
    servers.wait_for("stream real-time:-1")
    expect(page.get_by_role("button", name="Run as fast as possible")).to_be_visible()


def test_the_focus_stays_where_a_button_gives_way_to_another(page: Page, servers: FakeServers) -> None:
    open_project(page, servers, "modes")
    press(page, "Run in real time")
    expect(page.get_by_role("button", name="Pause")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Run in real time")).to_be_focused()


def test_on_a_phone_nothing_overflows_and_the_rest_is_in_a_menu(page: Page, servers: FakeServers) -> None:
    page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    page.goto(f"http://{servers.place}/empty.html")
    script = OPEN_VIEW.replace("webots.View(place)", "webots.View(place, true)").replace(
        "view.open(url)", "view.setTimeout(36000); view.open(url)"
    )
    page.evaluate(script, {"url": f"ws://{servers.place}/works/works/worlds/fake.wbt", "silence": {}})
    page.evaluate(WAIT_FOR_EVENT, "ready")
    expect(page.locator(".webots-time-left")).to_have_text("10:00:00 left")
    bar = page.locator(".webots-toolbar")
    assert bar.evaluate("bar => bar.scrollWidth <= bar.clientWidth")
    for element in page.locator(".webots-toolbar button:visible").all():
        box = element.bounding_box()
        assert box
        assert box["width"] >= FINGER
        assert box["height"] >= FINGER
        assert box["x"] + box["width"] <= PHONE["width"]
    press(page, "More")
    page.get_by_role("menuitem", name="Help").click()
    expect(page.get_by_role("dialog", name="Help")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="More", exact=True)).to_be_focused()
    page.set_viewport_size({"width": 1280, "height": 800})
    expect(page.get_by_role("button", name="More", exact=True)).to_have_count(0)
    expect(page.get_by_role("button", name="Help")).to_be_visible()


def test_the_information_is_text_whatever_the_world_says(page: Page, servers: FakeServers) -> None:
    open_project(page, servers, "worlds")
    press(page, "Information")
    sheet = page.get_by_role("dialog")
    expect(sheet.get_by_role("heading")).to_have_text(
        re.compile("^<img src=x onerror=alert\\(1\\)>\x9b\u202ey{100,271}$")
    )
    expect(sheet).to_contain_text("<b>About</b>")
    expect(sheet).to_contain_text("first.wbt")
    expect(sheet).to_contain_text("0:00:00.000, paused")
    expect(sheet).not_to_contain_text("/stream/")
    press(page, "Run one step")
    expect(sheet).to_contain_text("0:00:00.032")
    sheet.focus()
    page.keyboard.press("Escape")
    expect(sheet).to_have_count(0)
    assert focused(page) == "Information"


def test_the_information_says_for_whom_it_runs(page: Page, servers: FakeServers) -> None:
    page.goto(f"http://{servers.place}/empty.html")
    set_on_webots(page, "Object.assign(webots, {User1Id: '7', User1Name: 'Ann', User2Id: '8', User2Name: '<i>Bob'});")
    page.evaluate(OPEN_VIEW, {"url": f"ws://{servers.place}/works/works/worlds/fake.wbt", "silence": {}})
    page.evaluate(WAIT_FOR_EVENT, "ready")
    press(page, "Information")
    expect(page.get_by_role("dialog")).to_contain_text("Ann and <i>Bob")


@pytest.mark.parametrize(
    ("url", "leads"),
    [("https://docs.example/x", "https://docs.example/x"), ("javascript:alert(1)", ""), ("http://[", ""), ("", "")],
)
def test_the_help_leads_to_documentation_on_the_web_only(
    page: Page, servers: FakeServers, url: str, leads: str
) -> None:
    open_project(page, servers, "works")
    page.evaluate("url => view.setWebotsDocUrl(url)", url)
    press(page, "Help")
    expect(page.get_by_role("dialog")).to_contain_text("Shift + Q")
    links = page.get_by_role("dialog").get_by_role("link")
    assert [link.get_attribute("href") for link in links.all()] == ([leads] if leads else [])


def test_the_view_fills_the_screen_and_comes_back(page: Page, servers: FakeServers) -> None:
    open_project(page, servers, "works")
    full = page.get_by_role("button", name="Full screen")
    full.click()
    expect(full).to_have_attribute("aria-pressed", "true")
    assert page.evaluate("document.fullscreenElement.className") == "webots-view"
    full.click()
    expect(full).to_have_attribute("aria-pressed", "false")


def test_robots_are_chosen_without_a_pointer(page: Page, servers: FakeServers) -> None:
    open_project(page, servers, "works")
    page.get_by_role("button", name="Robots").focus()
    page.keyboard.press("b")
    expect(page.get_by_role("menuitem", name="robot")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("menuitem", name="Edit controller")).to_be_visible()


def test_each_of_two_views_on_a_page_has_its_own_keys_sockets_and_end(page: Page, servers: FakeServers) -> None:
    open_project(page, servers, "modes")
    page.evaluate(
        """async () => {
          const place = document.createElement("div");
          document.body.append(place);
          document.body.classList.remove("full");
          for (const element of [place, document.getElementById("view")]) {
            element.style.height = "300px";
          }
          const {default: webots} = await import("/webots.mjs");
          window.second = new webots.View(place);
          await new Promise((resolve) => {
            second.onready = resolve;
            second.open(`ws://${location.host}/works/works/worlds/fake.wbt`);
          });
          second.onquit = () => events.push("second quit");
        }"""
    )
    page.locator(".webots-view").nth(1).get_by_role("button", name="Help").focus()
    servers.wait_for("stream of works")
    servers.wait_for("stream x3d")
    page.keyboard.press("s")
    servers.wait_for("stream step")
    expect(page.locator(".webots-time").nth(1)).to_have_text("0:00:00.032")
    expect(page.locator(".webots-time").nth(0)).to_have_text("0:00:00.000")
    page.keyboard.press("Shift+Q")
    page.evaluate(WAIT_FOR_EVENT, "second quit")
    assert "close" not in page.evaluate("events")
    page.locator(".webots-view").nth(0).get_by_role("button", name="Run in real time").click()
    servers.wait_for("stream real-time:-1")
