"""Scenes from files and their recorded animations, in a real browser."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tests.web.accessibility import faults_of_view
from tests.web.fake_camera import ENU, ROBOTS
from tests.web.test_camera import at, complete, near, places, wait_for_places
from tests.web.test_view import PATIENCE, WAIT_FOR_EVENT

if TYPE_CHECKING:
    from tests.web.conftest import FakeServers

OPEN = """async ({scene, animation, gui, loop}) => {
  const {default: webots} = await import("/webots.mjs");
  document.body.className = "full";
  const place = document.createElement("main");
  place.id = "view";
  document.body.replaceChildren(place);
  window.events = [];
  const view = window.view = new webots.View(place);
  for (const event of ["ready", "close", "error"]) {
    view[`on${event}`] = (detail) => window.events.push(detail === undefined ? event : `${event}: ${detail}`);
  }
  if (animation) {
    view.setAnimation(animation, gui, loop);
  }
  view.open(scene);
}"""

STEP = 100

FRAMES: list[dict[str, Any]] = [
    {"time": STEP * step, "poses": [{"id": 10, "translation": f"0 {-1.5 + step / 10} 0"}]} for step in range(40)
]
FRAMES[5]["labels"] = [
    {"id": 0, "text": "<b>five</b>", "font": "Arial", "rgba": "0 0 0 1", "size": 0.1, "x": 0, "y": 0}
]
FRAMES[8]["labels"] = [{"id": 0, "text": ""}]
FRAMES[10]["poses"].append({"id": 20, "translation": "0 1.5 1"})

RECORDING = json.dumps({"basicTimeStep": STEP, "ids": "10;20;", "frames": FRAMES})


def serve(page: Page, name: str, body: str, status: int = 200) -> None:
    def answer(route: Route) -> None:
        route.fulfill(body=body, status=status)

    page.route(f"**/recorded/{name}", answer)


def open_recorded(page: Page, servers: FakeServers, gui: str = "pause", *, loop: bool = True) -> None:
    serve(page, "scene.x3d", ROBOTS % ENU)
    serve(page, "animation.json", RECORDING)
    page.goto(f"http://{servers.place}/empty.html")
    order = {"scene": "recorded/scene.x3d", "animation": "recorded/animation.json", "gui": gui, "loop": loop}
    page.evaluate(OPEN, order)
    page.evaluate(WAIT_FOR_EVENT, "ready")


def open_file(page: Page, servers: FakeServers, scene: str, animation: str = "") -> None:
    page.goto(f"http://{servers.place}/empty.html")
    page.evaluate(OPEN, {"scene": scene, "animation": animation, "gui": "play", "loop": True})


def bar(page: Page) -> Locator:
    return page.get_by_role("group", name="Recorded animation")


def button(page: Page, label: str) -> Locator:
    return bar(page).get_by_role("button", name=label, exact=True)


def slider(page: Page) -> Locator:
    return bar(page).get_by_role("slider", name="Time")


def test_a_scene_from_a_file_is_shown_with_nothing_to_control(page: Page, servers: FakeServers) -> None:
    serve(page, "scene.x3d", ROBOTS % ENU)
    open_file(page, servers, "recorded/scene.x3d")
    page.evaluate(WAIT_FOR_EVENT, "ready")
    found = wait_for_places(page, complete)
    expect(bar(page)).to_have_count(0)
    expect(page.get_by_role("button", name="Run in real time")).to_be_hidden()
    page.mouse.click(*at(found, "red"))
    expect(page.locator(".webots-highlight-name")).to_have_text("rover")


def test_an_animation_waits_plays_and_pauses(page: Page, servers: FakeServers) -> None:
    open_recorded(page, servers)
    before = wait_for_places(page, complete)
    assert page.evaluate("view.animation.getStatus()") == "pause"
    button(page, "Play").click()
    assert page.evaluate("view.animation.getStatus()") == "play"
    wait_for_places(page, lambda found: found["red"]["x"] < before["red"]["x"] - 50)
    button(page, "Pause").click()
    value = slider(page).input_value()
    assert page.evaluate("view.animation.getStatus()") == "pause"
    assert float(value) > 0
    expect(button(page, "Play")).to_be_focused()


def test_it_plays_at_once_and_again_and_again_where_the_page_says_so(page: Page, servers: FakeServers) -> None:
    open_recorded(page, servers, "play")
    bar(page).get_by_role("combobox", name="Speed").select_option("4")
    expect(button(page, "Repeat")).to_have_attribute("aria-pressed", "true")
    page.evaluate(
        """() => new Promise((resolve) => {
          let last = 0;
          const look = () => {
            const now = view.time;
            now < last ? resolve() : requestAnimationFrame(look);
            last = now;
          };
          look();
        })"""
    )
    button(page, "Repeat").click()
    expect(button(page, "Play")).to_be_visible()
    expect(slider(page)).to_have_attribute("aria-valuetext", "0:04.0 of 0:04.0")


def test_it_goes_anywhere_back_and_forth(page: Page, servers: FakeServers) -> None:
    open_recorded(page, servers)
    before = wait_for_places(page, complete)
    slider(page).fill("2000")
    wait_for_places(page, lambda found: found["green"]["y"] < before["green"]["y"] - 40)
    # What first moves later is again where it was before.
    slider(page).fill("300")
    found = wait_for_places(page, lambda found: near(found, "green", *at(before, "green")))
    assert found["red"]["x"] < before["red"]["x"] - 20
    slider(page).fill("0")
    wait_for_places(page, lambda found: near(found, "red", *at(before, "red")))


def test_it_goes_from_frame_to_frame_with_the_keyboard(page: Page, servers: FakeServers) -> None:
    open_recorded(page, servers)
    before = wait_for_places(page, complete)
    button(page, "One frame forward").focus()
    for _ in range(3):
        page.keyboard.press("Enter")
    expect(slider(page)).to_have_attribute("aria-valuetext", "0:00.3 of 0:04.0")
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Shift+Tab")
    expect(button(page, "One frame back")).to_be_focused()
    page.keyboard.press("Enter")
    expect(slider(page)).to_have_attribute("aria-valuetext", "0:00.2 of 0:04.0")
    slider(page).focus()
    page.keyboard.press("End")
    expect(slider(page)).to_have_attribute("aria-valuetext", "0:04.0 of 0:04.0")
    wait_for_places(page, lambda found: found["red"]["x"] < before["red"]["x"] - 200)


def test_labels_come_and_go_and_are_text(page: Page, servers: FakeServers) -> None:
    open_recorded(page, servers)
    slider(page).fill("500")
    expect(page.locator(".webots-label")).to_have_text("<b>five</b>")
    slider(page).fill("800")
    expect(page.locator(".webots-label")).to_have_count(0)
    slider(page).fill("600")
    expect(page.locator(".webots-label")).to_have_text("<b>five</b>")
    slider(page).fill("0")
    expect(page.locator(".webots-label")).to_have_count(0)


def test_another_animation_may_be_set_while_the_scene_is_shown(page: Page, servers: FakeServers) -> None:
    open_recorded(page, servers)
    frames = [{"time": 0, "poses": []}, {"time": 50, "poses": [{"id": 10, "translation": "0 0 0"}]}]
    serve(page, "other.json", json.dumps({"basicTimeStep": 50, "frames": frames}))
    page.evaluate("view.setAnimation('recorded/other.json', 'pause', false)")
    expect(slider(page)).to_have_attribute("aria-valuetext", "0:00.0 of 0:00.1")
    expect(bar(page)).to_have_count(1)
    page.evaluate("view.setAnimation('')")
    expect(bar(page)).to_have_count(0)


def test_an_animation_that_is_replaced_while_it_comes_does_not_hold_up_the_scene(
    page: Page, servers: FakeServers
) -> None:
    asked: list[Route] = []
    page.route("**/recorded/slow.json", lambda route: asked.append(route))
    serve(page, "scene.x3d", ROBOTS % ENU)
    serve(page, "animation.json", RECORDING)
    with page.expect_request("**/recorded/slow.json"):
        open_file(page, servers, "recorded/scene.x3d", "recorded/slow.json")
    page.evaluate("view.setAnimation('recorded/animation.json', 'pause')")
    page.evaluate(WAIT_FOR_EVENT, "ready")
    expect(slider(page)).to_have_attribute("aria-valuetext", "0:00.0 of 0:04.0")
    expect(page.locator(".webots-progress")).to_be_hidden()


def test_closing_takes_the_bar_and_the_scene_away(page: Page, servers: FakeServers) -> None:
    open_recorded(page, servers, "play")
    wait_for_places(page, complete)
    page.evaluate("view.close()")
    expect(bar(page)).to_have_count(0)
    wait_for_places(page, lambda found: all(color["count"] == 0 for color in found.values()))
    assert page.evaluate("[view.animation, events.at(-1)]") == [None, "close"]


def test_closing_while_the_files_come_is_no_failure(page: Page, servers: FakeServers) -> None:
    asked: list[Route] = []
    page.route("**/recorded/slow.x3d", lambda route: asked.append(route))
    with page.expect_request("**/recorded/slow.x3d"):
        open_file(page, servers, "recorded/slow.x3d")
    page.evaluate("view.close()")
    serve(page, "scene.x3d", ROBOTS % ENU)
    page.evaluate("view.open('recorded/scene.x3d')")
    page.evaluate(WAIT_FOR_EVENT, "ready")
    assert page.evaluate("events") == ["close", "ready"]


FAILURES = [
    ("nothing.x3d", "", "The scene cannot be loaded: the website has no recorded/nothing.x3d (status 404)."),
    ("page.x3d", "", "The scene cannot be shown: recorded/page.x3d is not an X3D file."),
    ("broken.x3d", "", "The scene cannot be shown: it is not well-formed XML."),
    (
        "scene.x3d",
        "nothing.json",
        "The animation cannot be loaded: the website has no recorded/nothing.json (status 404).",
    ),
    ("scene.x3d", "page.x3d", "The animation cannot be played: it is not JSON."),
    ("scene.x3d", "empty.json", "The animation cannot be played: it has no frames."),
]


@pytest.mark.parametrize(("scene", "animation", "sentence"), FAILURES, ids=[failure[2][:50] for failure in FAILURES])
def test_a_file_that_is_bad_or_not_there_is_told_in_a_sentence(
    page: Page, servers: FakeServers, scene: str, animation: str, sentence: str
) -> None:
    serve(page, "no*", "", 404)
    serve(page, "page.x3d", "<html>hello</html>")
    serve(page, "broken.x3d", "<X3D><Scene>")
    serve(page, "empty.json", '{"frames": []}')
    serve(page, "scene.x3d", ROBOTS % ENU)
    open_file(page, servers, f"recorded/{scene}", animation and f"recorded/{animation}")
    expect(page.locator(".webots-progress-title")).to_have_text(sentence, timeout=PATIENCE * 1000)
    expect(page.get_by_role("button", name="Try again")).to_be_visible()
    expect(bar(page)).to_have_count(0)
    assert f"error: {sentence}" in page.evaluate("events")


def test_the_bar_has_room_on_a_phone(page: Page, servers: FakeServers) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    open_recorded(page, servers)
    for control in [*bar(page).get_by_role("button").all(), slider(page), bar(page).get_by_role("combobox")]:
        box = control.bounding_box()
        assert box
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 390
    assert complete(places(page))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_bar_is_accessible(page: Page, servers: FakeServers, axe: str, scheme: Any) -> None:
    page.emulate_media(color_scheme=scheme)
    open_recorded(page, servers)
    assert faults_of_view(page, axe) == []
