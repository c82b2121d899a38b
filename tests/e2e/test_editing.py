"""A visitor changes a robot's controller in a real browser, sees what the robot does then, and takes it back."""

from __future__ import annotations

import json

from playwright.sync_api import Browser, Locator, Page, WebSocket, expect

from tests.e2e.cloud import TUTORIAL_CONTROLLER, Cloud
from tests.e2e.program import PATIENCE

MILLISECONDS = PATIENCE * 1000
FILE = f"{TUTORIAL_CONTROLLER}.py"

# What a page of somebody else's does with the files of this website.
OPEN_VIEW = """async () => {
  const {default: webots} = await import("/webots.mjs");
  const {sessionServer, user} = await (await fetch("/projects.json")).json();
  Object.assign(webots, {User1Id: user.id, User1Name: user.name, User1Authentication: user.authentication});
  document.body.className = "full";
  const place = document.createElement("main");
  place.id = "view";
  document.body.replaceChildren(place);
  const view = window.view = new webots.View(place);
  view.open(`${sessionServer}/four_wheels/worlds/4_wheels_robot.wbt`);
  return user.id;
}"""

STANDING_STILL = """from controller import Robot
robot = Robot()
print("I stand still.")
while robot.step(int(robot.getBasicTimeStep())) != -1:
    pass
"""


class Heard:
    """Where the page hears that things are, since the last reset."""

    def __init__(self, page: Page) -> None:
        self._places: dict[int, set[tuple[str, ...]]] = {}
        page.on("websocket", lambda socket: self._listen(socket))

    def _listen(self, socket: WebSocket) -> None:
        socket.on("framereceived", lambda payload: self._hear(str(payload)))

    def _hear(self, message: str) -> None:
        if message == "reset finished":
            self._places.clear()
        elif message.startswith("application/json:"):
            for pose in json.loads(message.removeprefix("application/json:"))["poses"]:
                # Not how high it is: at first the robot sinks onto the floor.
                across = tuple(pose["translation"].split()[:2])
                self._places.setdefault(pose["id"], set()).add(across)

    def moved(self) -> bool:
        return any(len(places) > 1 for places in self._places.values())


def open_tutorial(browser: Browser, cloud: Cloud) -> tuple[Page, str, Heard]:
    """Open the tutorial world with its robot's controller in the editor; give the page and the user it has."""
    page = browser.new_page(viewport={"width": 1200, "height": 800})
    page.set_default_timeout(MILLISECONDS)
    heard = Heard(page)
    # A busy test machine counts as full, and this is not about finding a place.
    page.route("**/session", lambda route: route.fulfill(
        body=f"ws://localhost:{cloud.simulation}", headers={"Access-Control-Allow-Origin": "*"}
    ))  # fmt: skip
    page.goto(cloud.page)
    user = str(page.evaluate(OPEN_VIEW))
    expect(page.get_by_role("button", name="Run in real time")).to_be_enabled(timeout=MILLISECONDS)
    page.evaluate("(name) => view.editController(name)", TUTORIAL_CONTROLLER)
    expect(text(page)).to_be_focused(timeout=MILLISECONDS)
    return page, user, heard


def text(page: Page) -> Locator:
    return page.get_by_role("textbox", name=f"{TUTORIAL_CONTROLLER}/{FILE}")


def write(page: Page, text: str) -> None:
    page.keyboard.press("Control+Home")
    page.keyboard.insert_text(text)


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


def seconds(page: Page) -> float:
    hours, minutes, rest = page.get_by_title("Simulated time", exact=True).inner_text().split(":")
    return int(hours) * 3600 + int(minutes) * 60 + float(rest)


def run_for_a_second(page: Page, cloud: Cloud) -> None:
    press(page, "Run in real time")
    cloud.wait_for(lambda: seconds(page) > 1, "a second of simulated time")
    press(page, "Pause")


def test_a_changed_controller_drives_the_robot_and_the_original_comes_back(cloud: Cloud, browser: Browser) -> None:
    page, user, heard = open_tutorial(browser, cloud)
    path = f"four_wheels/controllers/{TUTORIAL_CONTROLLER}/{FILE}"
    original = (cloud.state / "host" / "projects" / path).read_text()
    saved = cloud.state / "host" / "user" / user / "projects" / path

    run_for_a_second(page, cloud)
    cloud.wait_for(heard.moved, "the robot to move")

    text(page).focus()
    write(page, STANDING_STILL)
    page.keyboard.press("Control+s")
    told = page.locator(".webots-editor-status [role=status]")
    expect(told).to_have_text(f"{FILE} is saved. Reset the simulation to run it.", timeout=MILLISECONDS)
    assert saved.read_text() == STANDING_STILL + original
    press(page, "Reset")
    cloud.wait_for(lambda: seconds(page) == 0, "the reset")
    press(page, "Console")
    run_for_a_second(page, cloud)
    expect(page.get_by_role("log")).to_contain_text("I stand still.", timeout=MILLISECONDS)
    assert not heard.moved()

    press(page, "Put this file back as it was delivered")
    press(page, "Put it back")
    expect(told).to_have_text(f"{FILE} is as it was delivered. Reset the simulation to run it.", timeout=MILLISECONDS)
    assert saved.read_text() == original
    press(page, "Reset")
    cloud.wait_for(lambda: seconds(page) == 0, "the reset")
    run_for_a_second(page, cloud)
    cloud.wait_for(heard.moved, "the robot to move")
    page.close()
    cloud.wait_for(lambda: not cloud.processes, "the instance to end")


def test_an_error_leads_from_the_console_to_its_line(cloud: Cloud, browser: Browser) -> None:
    page, _, _ = open_tutorial(browser, cloud)
    write(page, "import json\njson.loads('{')\n")
    press(page, "Reset the simulation")
    press(page, "Run in real time")
    press(page, "Console")
    page.get_by_role("button", name=FILE).click()
    expect(page.locator(".cm-activeLine")).to_have_text("json.loads('{')", timeout=MILLISECONDS)
    page.close()
    cloud.wait_for(lambda: not cloud.processes, "the instance to end")
