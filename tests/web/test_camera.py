"""The camera, what is selected and its menu, with a real mouse, fingers and keys."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import Browser, CDPSession, Locator, Page, expect

from tests.web.accessibility import faults_of_view
from tests.web.test_view import PATIENCE, open_project, press, wait_until_drawn_finely

if TYPE_CHECKING:
    from tests.web.conftest import FakeServers

FIND_COLORS = """async (png) => {
  const picture = new Image();
  picture.src = "data:image/png;base64," + png;
  await picture.decode();
  const canvas = document.createElement("canvas");
  canvas.width = picture.width;
  canvas.height = picture.height;
  const pen = canvas.getContext("2d");
  pen.drawImage(picture, 0, 0);
  const data = pen.getImageData(0, 0, canvas.width, canvas.height).data;
  const found = {red: [0, 0, 0], green: [0, 0, 0], blue: [0, 0, 0]};
  for (let at = 0; at < data.length; at += 4) {
    const parts = data.subarray(at, at + 3);
    const strongest = parts.indexOf(Math.max(...parts));
    if ([0, 1, 2].every((part) => part === strongest || parts[part] < parts[strongest] / 2 - 10)) {
      const sums = found[["red", "green", "blue"][strongest]];
      sums[0]++;
      sums[1] += (at / 4) % canvas.width;
      sums[2] += Math.floor(at / 4 / canvas.width);
    }
  }
  return Object.fromEntries(Object.entries(found).map(([name, [count, x, y]]) =>
    [name, {count, x: x / (count || 1), y: y / (count || 1)}]));
}"""

Places = dict[str, dict[str, float]]


def places(page: Page) -> Places:
    """How many pixels of the scene are red, green and blue, and where their middles are."""
    png = base64.b64encode(page.locator("x3d-canvas").screenshot()).decode()
    found: Places = page.evaluate(FIND_COLORS, png)
    return found


def wait_for_places(page: Page, condition: Callable[[Places], bool]) -> Places:
    """Look at the scene until it is as expected."""
    deadline = time.monotonic() + PATIENCE
    while not condition(found := places(page)):
        assert time.monotonic() < deadline, f"the scene does not come to look as expected: {found}"
    return found


def complete(found: Places) -> bool:
    return all(found[color]["count"] > 500 for color in ("red", "green", "blue"))


def near(found: Places, color: str, x: float, y: float, slack: float = 12) -> bool:
    """Whether a colour is about there; more or less of an object's sides may have come into view."""
    return abs(found[color]["x"] - x) < slack and abs(found[color]["y"] - y) < slack


def open_scene(page: Page, servers: FakeServers, project: str = "robots") -> Places:
    """Open a scene, and look at it when it is drawn finely: before, colours are a little way off."""
    open_project(page, servers, project)
    wait_for_places(page, complete)
    wait_until_drawn_finely(page)
    return wait_for_places(page, complete)


def at(found: Places, color: str) -> tuple[float, float]:
    return found[color]["x"], found[color]["y"]


def drag(page: Page, start: tuple[float, float], across: float, down: float, button: Any = "left") -> None:
    page.mouse.move(*start)
    page.mouse.down(button=button)
    page.mouse.move(start[0] + across / 2, start[1] + down / 2)
    page.mouse.move(start[0] + across, start[1] + down)
    page.mouse.up(button=button)


def name(page: Page) -> Locator:
    return page.locator(".webots-highlight-name")


def surface(page: Page) -> Locator:
    return page.get_by_role("application", name="3D view")


def items(page: Page) -> list[str]:
    return page.locator("[role=menu] button").all_text_contents()


@pytest.mark.parametrize("project", ["robots", "nue"])
def test_a_drag_goes_round_what_it_began_at(page: Page, servers: FakeServers, project: str) -> None:
    before = open_scene(page, servers, project)
    assert before["green"]["x"] < before["red"]["x"]
    assert before["blue"]["y"] < before["green"]["y"]
    drag(page, at(before, "red"), -120, 60)
    # From further right and from above the green box is further away and higher up.
    found = wait_for_places(page, lambda found: found["green"]["y"] < before["green"]["y"] - 15)
    assert near(found, "red", *at(before, "red"), slack=40)
    assert found["green"]["count"] != before["green"]["count"]


def test_a_drag_with_the_right_button_moves_the_scene_with_the_pointer(page: Page, servers: FakeServers) -> None:
    before = open_scene(page, servers)
    drag(page, at(before, "red"), 60, 40, button="right")
    wait_for_places(page, lambda found: near(found, "red", before["red"]["x"] + 60, before["red"]["y"] + 40))
    expect(page.get_by_role("menu")).to_be_hidden()


def test_the_wheel_brings_nearer_what_is_under_the_pointer(page: Page, servers: FakeServers) -> None:
    before = open_scene(page, servers)
    page.mouse.move(*at(before, "red"))
    page.mouse.wheel(0, -300)
    found = wait_for_places(page, lambda found: found["red"]["count"] > 1.4 * before["red"]["count"])
    assert near(found, "red", *at(before, "red"))
    page.mouse.wheel(0, 600)
    wait_for_places(page, lambda found: found["red"]["count"] < 0.8 * before["red"]["count"])


def test_the_keyboard_alone_moves_the_camera_and_brings_it_back(page: Page, servers: FakeServers) -> None:
    before = open_scene(page, servers)
    surface(page).focus()
    for _ in range(3):
        page.keyboard.press("ArrowUp")
    # From above the blue ball is nearer to the middle of the box that it is on.
    wait_for_places(page, lambda found: found["blue"]["y"] > before["blue"]["y"] + 5)
    page.keyboard.press("Home")
    wait_for_places(page, lambda found: near(found, "red", *at(before, "red"), slack=1))
    page.keyboard.press("Shift+ArrowLeft")
    wait_for_places(page, lambda found: found["red"]["x"] > before["red"]["x"] + 25)
    page.keyboard.press("+")
    wait_for_places(page, lambda found: found["green"]["count"] > 1.2 * before["green"]["count"])
    page.keyboard.press("-")
    page.keyboard.press("-")
    wait_for_places(page, lambda found: found["green"]["count"] < 0.8 * before["green"]["count"])


@pytest.fixture
def phone(browser: Browser, servers: FakeServers) -> Iterator[Page]:
    """A page of a phone."""
    context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True)
    page = context.new_page()
    page.set_default_timeout(PATIENCE * 1000)
    yield page
    context.close()
    servers.wait_until_quiet()


class Fingers:
    """Real touches."""

    def __init__(self, page: Page) -> None:
        self.session: CDPSession = page.context.new_cdp_session(page)

    def touch(self, kind: str, *points: tuple[float, float]) -> None:
        touches = [{"x": x, "y": y, "id": index} for index, (x, y) in enumerate(points)]
        self.session.send("Input.dispatchTouchEvent", {"type": f"touch{kind}", "touchPoints": touches})


def test_one_finger_goes_round_and_two_move_and_zoom(phone: Page, servers: FakeServers) -> None:
    before = open_scene(phone, servers)
    fingers = Fingers(phone)
    x, y = at(before, "red")
    fingers.touch("Start", (x, y))
    fingers.touch("Move", (x - 60, y + 30))
    fingers.touch("Move", (x - 120, y + 60))
    fingers.touch("End")
    wait_for_places(phone, lambda found: found["green"]["y"] < before["green"]["y"] - 8)
    surface(phone).press("Home")
    wait_for_places(phone, lambda found: near(found, "red", x, y, slack=1))
    fingers.touch("Start", (x - 30, y), (x + 30, y))
    fingers.touch("Move", (x - 45, y + 30), (x + 45, y + 30))
    fingers.touch("Move", (x - 60, y + 60), (x + 60, y + 60))
    fingers.touch("End")
    found = wait_for_places(phone, lambda found: found["red"]["y"] > y + 40)
    assert found["red"]["count"] > 2 * before["red"]["count"]
    expect(name(phone)).to_be_hidden()


def test_a_tap_selects_and_a_finger_that_rests_opens_the_menu(phone: Page, servers: FakeServers) -> None:
    before = open_scene(phone, servers)
    fingers = Fingers(phone)
    fingers.touch("Start", at(before, "green"))
    fingers.touch("End")
    expect(name(phone)).to_have_text("table")
    fingers.touch("Start", at(before, "red"))
    expect(phone.get_by_role("menu", name="rover")).to_be_visible()
    fingers.touch("End")
    expect(phone.get_by_role("menuitemcheckbox", name="Follow")).to_be_focused()
    box = phone.get_by_role("menu").bounding_box()
    assert box
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 390


def test_a_click_selects_the_robot_or_the_solid_and_one_beside_selects_nothing(
    page: Page, servers: FakeServers
) -> None:
    found = open_scene(page, servers)
    for color, expected in (("red", "rover"), ("green", "table"), ("blue", "rider")):
        page.mouse.click(*at(found, color))
        expect(name(page)).to_have_text(expected)
        expect(page.get_by_role("status").filter(has_text=f"Selected: {expected}")).to_be_attached()
    page.mouse.click(20, 20)
    expect(name(page)).to_be_hidden()
    page.mouse.click(*at(found, "red"))
    expect(name(page)).to_be_visible()
    page.keyboard.press("Escape")
    expect(name(page)).to_be_hidden()


def middle(locator: Locator) -> float:
    box = locator.bounding_box()
    assert box
    return box["x"] + box["width"] / 2


def test_the_mark_goes_along_with_the_object_and_with_the_camera(page: Page, servers: FakeServers) -> None:
    found = open_scene(page, servers)
    page.mouse.click(*at(found, "red"))
    expect(name(page)).to_be_visible()
    assert abs(middle(name(page)) - found["red"]["x"]) < 10
    press(page, "Run one step")
    found = wait_for_places(page, lambda now: now["red"]["x"] < found["red"]["x"] - 60)
    assert abs(middle(name(page)) - found["red"]["x"]) < 10
    surface(page).press("Shift+ArrowLeft")
    found = wait_for_places(page, lambda now: now["red"]["x"] > found["red"]["x"] + 25)
    assert abs(middle(name(page)) - found["red"]["x"]) < 10


def test_an_object_that_is_gone_is_selected_no_more(page: Page, servers: FakeServers) -> None:
    found = open_scene(page, servers)
    page.mouse.click(*at(found, "red"))
    expect(name(page)).to_have_text("rover")
    press(page, "Run in real time")
    wait_for_places(page, lambda found: found["red"]["count"] == 0)
    expect(name(page)).to_be_hidden()


def test_the_camera_follows_what_the_visitor_chooses(page: Page, servers: FakeServers) -> None:
    before = open_scene(page, servers)
    page.mouse.click(*at(before, "red"), button="right")
    assert items(page) == ["Follow", "Look at it", "Reset the viewpoint"]
    page.get_by_role("menuitemcheckbox", name="Follow").click()
    expect(page.get_by_role("menu")).to_be_hidden()
    for _ in range(2):
        press(page, "Run one step")
    # The red robot goes left; with the camera beside it the others go right.
    found = wait_for_places(page, lambda found: found["green"]["x"] > before["green"]["x"] + 120)
    assert near(found, "red", *at(before, "red"))


def test_a_world_may_say_what_the_camera_follows_and_a_reset_brings_both_back(page: Page, servers: FakeServers) -> None:
    before = open_scene(page, servers, "followed")
    press(page, "Run one step")
    found = wait_for_places(page, lambda found: found["green"]["x"] > before["green"]["x"] + 60)
    assert near(found, "red", *at(before, "red"))
    press(page, "Reset the simulation")
    found = wait_for_places(page, lambda found: near(found, "green", *at(before, "green")))
    assert near(found, "red", *at(before, "red"))


def test_robots_are_chosen_and_looked_at_without_a_pointer(page: Page, servers: FakeServers) -> None:
    before = open_scene(page, servers)
    surface(page).focus()
    page.keyboard.press("Shift+F10")
    expect(page.get_by_role("menu", name="Robots and view")).to_be_visible()
    assert items(page) == ["rover", "rider", "Reset the viewpoint"]
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.get_by_role("menu", name="rider")).to_be_visible()
    expect(name(page)).to_have_text("rider")
    page.keyboard.press("l")
    expect(page.get_by_role("menuitem", name="Look at it")).to_be_focused()
    page.keyboard.press("Enter")
    wait_for_places(page, lambda found: found["blue"]["count"] > 10 * before["blue"]["count"])
    expect(surface(page)).to_be_focused()
    page.keyboard.press("ContextMenu")
    expect(page.get_by_role("menu", name="rider")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("menu")).to_be_hidden()
    expect(surface(page)).to_be_focused()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_view_with_its_mark_and_menu_is_accessible(page: Page, servers: FakeServers, axe: str, scheme: Any) -> None:
    page.emulate_media(color_scheme=scheme)
    found = open_scene(page, servers)
    page.mouse.click(*at(found, "red"), button="right")
    expect(page.get_by_role("menu")).to_be_visible()
    assert faults_of_view(page, axe) == []


def test_a_menu_closes_when_something_else_is_pressed(page: Page, servers: FakeServers) -> None:
    found = open_scene(page, servers)
    page.mouse.click(*at(found, "red"), button="right")
    expect(page.get_by_role("menu")).to_be_visible()
    press(page, "Console")
    expect(page.get_by_role("menu")).to_be_hidden()


def test_the_name_of_a_robot_is_text_and_is_cut(page: Page, servers: FakeServers) -> None:
    dialogs: list[str] = []
    page.on("dialog", lambda dialog: dialogs.append(dialog.message))
    found = open_scene(page, servers, "hostile")
    page.mouse.click(*at(found, "red"), button="right")
    expect(page.locator(".webots-menu-title")).to_contain_text("<img src=x onerror=alert(1)>\x9b\u202exxx")
    texts = [name(page).text_content(), page.locator(".webots-menu-title").text_content()]
    assert all(len(text or "") <= 80 for text in texts)
    assert page.locator(".webots-area img[src=x]").count() == 0
    assert dialogs == []


COUNT_FRAMES = """() => new Promise((resolve) => {
  const request = window.requestAnimationFrame;
  let asked = 0;
  window.requestAnimationFrame = (callback) => {
    asked++;
    return request.call(window, callback);
  };
  let left = 60;
  const count = () => --left ? request.call(window, count) : resolve(asked);
  count();
})"""


def test_nothing_is_drawn_while_nothing_changes(page: Page, servers: FakeServers) -> None:
    found = open_scene(page, servers)
    page.mouse.click(*at(found, "red"))
    expect(name(page)).to_be_visible()
    deadline = time.monotonic() + PATIENCE
    while page.evaluate(COUNT_FRAMES):
        assert time.monotonic() < deadline, "frames are asked for without end"


CLICK = """() => {
  const surface = document.querySelector(".webots-view").shadowRoot.querySelector(".webots-surface");
  const {left, top, width, height} = surface.getBoundingClientRect();
  const event = {pointerId: 1, clientX: left + width / 2, clientY: top + height / 2, button: 0, pointerType: "mouse"};
  surface.setPointerCapture = () => {};
  const start = performance.now();
  surface.dispatchEvent(new PointerEvent("pointerdown", event));
  surface.dispatchEvent(new PointerEvent("pointerup", event));
  return performance.now() - start;
}"""


def test_a_click_among_hundreds_of_solids_is_answered_at_once(page: Page, servers: FakeServers) -> None:
    open_project(page, servers, "crowd")
    deadline = time.monotonic() + PATIENCE
    # The quickest counts: others may want the machine, too.
    while (milliseconds := page.evaluate(CLICK)) >= 100:
        assert time.monotonic() < deadline, f"a click takes {milliseconds:.1f} ms"
    expect(name(page)).to_contain_text("solid")
