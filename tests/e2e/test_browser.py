"""The tutorial world in a real browser, from the list of projects to the end of its instance."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Browser, Locator, Page, expect

from tests.e2e.cloud import Cloud
from tests.e2e.program import PATIENCE

MILLISECONDS = PATIENCE * 1000


def open_tutorial(page: Page, cloud: Cloud) -> Locator:
    """Start the tutorial world from the list of projects; on a busy machine there may be no place for it at first."""
    page.set_default_timeout(MILLISECONDS)
    page.goto(cloud.page)
    expect(page.get_by_text("A simulation can be started now.")).to_be_visible(timeout=MILLISECONDS)
    page.locator("a[href^='simulation.html'][href*='four_wheels']").click()
    return started(page, cloud)


def started(page: Page, cloud: Cloud) -> Locator:
    """Wait until a page's simulation can be run; give the button that does."""
    run = page.get_by_role("button", name="Run in real time", exact=True)
    again = page.get_by_role("button", name="Try again")

    def is_ready() -> bool:
        if again.is_visible():
            cloud.wait_until_available()
            again.click()
        return run.is_enabled()

    cloud.wait_for(is_ready, "the simulation to start")
    return run


def picture_once_still(page: Page, cloud: Cloud) -> bytes:
    """Take a picture of the scene when nothing moves: two pictures in a row are the same."""
    pictures = [b"", b"-"]

    def still() -> bool:
        pictures.append(page.locator("#view").screenshot())
        return pictures[-1] == pictures[-2]

    cloud.wait_for(still, "a picture that stands still")
    return pictures[-1]


def simulated_time(page: Page) -> str:
    return page.get_by_title("Simulated time").inner_text()


def test_a_click_shows_the_robot_moving_and_quitting_ends_its_instance(cloud: Cloud, browser: Browser) -> None:
    page = browser.new_page(viewport={"width": 800, "height": 600})
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))

    run = open_tutorial(page, cloud)
    assert cloud.instances() == 1
    expect(page.get_by_text("stand-in simulator")).to_be_visible()
    at_first = picture_once_still(page, cloud)
    assert simulated_time(page) == "0:00:00.000"

    run.click()
    cloud.wait_for(lambda: page.locator("#view").screenshot() != at_first, "the robot to move")
    cloud.wait_for(lambda: simulated_time(page) > "0:00:01", "a second of simulated time")
    page.get_by_role("button", name="Pause").click()
    assert picture_once_still(page, cloud) != at_first

    page.get_by_role("button", name="Reset the simulation").click()
    cloud.wait_for(lambda: simulated_time(page) == "0:00:00.000", "the time to be reset")

    page.get_by_role("button", name="Quit the simulation").click()
    page.wait_for_url(cloud.page)
    cloud.wait_for(lambda: cloud.instances() == 0, "the instance to end")
    cloud.wait_for(lambda: not cloud.processes, "its processes to end")
    assert cloud.folders == []
    assert faults == []


def test_a_closed_tab_ends_its_instance(cloud: Cloud, browser: Browser) -> None:
    page = browser.new_page()
    open_tutorial(page, cloud)
    page.close()
    cloud.wait_for(lambda: cloud.instances() == 0, "the instance to end")
    cloud.wait_for(lambda: not cloud.processes and not cloud.folders, "nothing to be left")


def test_the_page_says_so_when_no_simulation_can_be_had(browser: Browser, cloud: Cloud, tmp_path: Path) -> None:
    page = browser.new_page()
    page.route("**/projects/*.json", lambda route: route.fulfill(json={
        "sessionServer": "ws://localhost:1", "project": {"name": "four_wheels"}, "saved": [], "user": None,
    }))  # fmt: skip
    page.goto(f"{cloud.page}simulation.html?project=four_wheels&world=4_wheels_robot.wbt")
    expect(page.get_by_role("button", name="Try again")).to_be_visible(timeout=MILLISECONDS)
