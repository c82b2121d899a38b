"""A visitor changes a robot's controller in a real browser, sees what the robot does then, and takes it back."""

from __future__ import annotations

from playwright.sync_api import Browser, Page, WebSocket, expect

from tests.e2e.cloud import Cloud
from tests.e2e.page import moved
from tests.e2e.program import PATIENCE

MILLISECONDS = PATIENCE * 1000

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
  view.open(`${sessionServer}/obstacle_course/worlds/obstacle_course.wbt`);
  return user.id;
}"""

STANDING_STILL = """from controller import Robot
robot = Robot()
print("I stand still.")
while robot.step(32) != -1:
    pass
"""


class Heard:
    """What the page hears of the simulator since its last reset."""

    def __init__(self, page: Page) -> None:
        self.messages: list[str] = []
        page.on("websocket", lambda socket: self._listen(socket))

    def _listen(self, socket: WebSocket) -> None:
        socket.on("framereceived", lambda payload: self._hear(str(payload)))

    def _hear(self, message: str) -> None:
        if message == "reset finished":
            self.messages.clear()
        self.messages.append(message)

    def moved(self) -> bool:
        return any(moved(message) for message in self.messages)


def open_course(browser: Browser, cloud: Cloud) -> tuple[Page, str, Heard]:
    """Open the obstacle course with its robot's controller in the editor; give the page and the user it has."""
    page = browser.new_page(viewport={"width": 1200, "height": 800})
    page.set_default_timeout(MILLISECONDS)
    heard = Heard(page)
    page.goto(cloud.page)
    user = str(page.evaluate(OPEN_VIEW))
    cloud.wait_for(lambda: is_open(page), "a simulation that can be run")
    page.evaluate("view.editController('explorer')")
    expect(page.get_by_role("textbox", name="explorer/explorer.py")).to_be_focused(timeout=MILLISECONDS)
    return page, user, heard


def is_open(page: Page) -> bool:
    """Tell whether a simulation can be run; a busy test machine may count as full for a while."""
    again = page.get_by_role("button", name="Try again")
    if again.is_visible():
        again.click()
    return page.get_by_role("button", name="Run in real time").is_enabled()


def write(page: Page, text: str) -> None:
    page.keyboard.press("Control+Home")
    page.keyboard.insert_text(text)


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


def seconds(page: Page) -> float:
    hours, minutes, rest = page.get_by_title("Simulated time").inner_text().split(":")
    return int(hours) * 3600 + int(minutes) * 60 + float(rest)


def run_for_a_second(page: Page, cloud: Cloud) -> None:
    press(page, "Run in real time")
    cloud.wait_for(lambda: seconds(page) > 1, "a second of simulated time")
    press(page, "Pause")


def test_a_changed_controller_drives_the_robot_and_the_original_comes_back(cloud: Cloud, browser: Browser) -> None:
    page, user, heard = open_course(browser, cloud)
    original = (cloud.state / "host/projects/obstacle_course/controllers/explorer/explorer.py").read_text()
    saved = cloud.state / "host/user" / user / "projects/obstacle_course/controllers/explorer/explorer.py"

    run_for_a_second(page, cloud)
    cloud.wait_for(heard.moved, "the robot to move")

    page.get_by_role("textbox", name="explorer/explorer.py").focus()
    write(page, STANDING_STILL)
    page.keyboard.press("Control+s")
    told = page.locator(".webots-editor-status [role=status]")
    expect(told).to_have_text("explorer.py is saved. Reset the simulation to run it.", timeout=MILLISECONDS)
    assert saved.read_text() == STANDING_STILL + original
    press(page, "Reset")
    cloud.wait_for(lambda: seconds(page) == 0, "the reset")
    press(page, "Console")
    run_for_a_second(page, cloud)
    expect(page.get_by_role("log")).to_contain_text("I stand still.", timeout=MILLISECONDS)
    assert not heard.moved()

    press(page, "Put this file back as it was delivered")
    press(page, "Put it back")
    expect(told).to_have_text(
        "explorer.py is as it was delivered. Reset the simulation to run it.", timeout=MILLISECONDS
    )
    assert saved.read_text() == original
    press(page, "Reset")
    cloud.wait_for(lambda: seconds(page) == 0, "the reset")
    run_for_a_second(page, cloud)
    cloud.wait_for(heard.moved, "the robot to move")
    page.close()
    cloud.wait_for(lambda: not cloud.processes, "the instance to end")


def test_an_error_leads_from_the_console_to_its_line(cloud: Cloud, browser: Browser) -> None:
    page, _, _ = open_course(browser, cloud)
    write(page, "import json\njson.loads('{')\n")
    press(page, "Reset the simulation")
    press(page, "Run in real time")
    press(page, "Console")
    page.get_by_role("button", name="explorer.py").click()
    expect(page.locator(".cm-activeLine")).to_have_text("json.loads('{')", timeout=MILLISECONDS)
    page.close()
    cloud.wait_for(lambda: not cloud.processes, "the instance to end")
