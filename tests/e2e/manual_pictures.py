"""Takes the pictures of the manual: `script/manual_pictures` runs it.

Those that a chapter shows are taken, or of them those that are named, as `docs/pictures/NAME.png`: of a computer, a
phone, and an operator's screen.
"""

from __future__ import annotations

import json
import re
import sys
import tempfile
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from threading import Thread
from urllib.parse import urlencode

from playwright.sync_api import Browser, Page, expect
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection

from tests.chromium import chromium
from tests.e2e.cloud import CHECKOUT, Cloud, running
from tests.e2e.manual import DOCS, chapters
from tests.e2e.page import receive
from tests.e2e.page import simulation as visit
from tests.e2e.program import PATIENCE
from webots_cloud.simulation.overview import USE_SECONDS

DESKTOP = (1280, 760)
PHONE = (390, 844)
ONE_SERVER = (1280, 460)
"""The session server's page has room for it in this."""
MACHINE = (1280, 940)
"""The simulation server's page has room for curves and instances in this."""
PROJECT = "obstacle_course"
VISITED = ("robot_dance", "obstacle_course", "obstacle_course")
"""What runs while monitor pages are looked at; the last one is paused."""
CURVE_SECONDS = 20
"""How long each of them runs before the next comes."""
SECONDS = 9
"""How long a simulation has run, in simulated time: the robot is among the pillars then."""


def shown() -> set[str]:
    """Name the pictures that the manual shows, without C{.png}."""
    text = "".join((DOCS / f"{chapter}.md").read_text() for chapter in chapters())
    return set(re.findall(r"\]\(pictures/(\w+)\.png\)", text))


def open_page(browser: Browser, size: tuple[int, int], url: str) -> Page:
    """Open a page as somebody who was never there before.

    @param size: width and height of the window.
    """
    context = browser.new_context(viewport={"width": size[0], "height": size[1]}, has_touch=size == PHONE)
    page = context.new_page()
    page.set_default_timeout(PATIENCE * 1000)
    page.goto(url)
    return page


def projects(browser: Browser, cloud: Cloud) -> Page:
    """Open the list of projects, and wait for their pictures, and for the news that they can be started."""
    page = open_page(browser, DESKTOP, cloud.page)
    expect(page.locator("article img").first).to_be_visible()
    expect(page.get_by_role("status").first).to_contain_text("can be started", timeout=PATIENCE * 1000)
    page.wait_for_function("[...document.images].every((image) => image.complete)")
    return page


def run_for_a_while(cloud: Cloud, page: Page) -> None:
    """Run a simulation for some seconds, and have it stand still."""
    page.get_by_role("button", name="Run in real time").click()
    cloud.wait_for(
        lambda: page.get_by_title("Simulated time").inner_text() > f"0:00:{SECONDS:02}",
        "some seconds of simulated time",
    )
    page.get_by_role("button", name="Pause").click()
    pictures = [b"", b"-"]

    def still() -> bool:
        pictures.append(page.screenshot())
        return pictures[-1] == pictures[-2]

    cloud.wait_for(still, "a page that stands still")


def started(browser: Browser, cloud: Cloud, size: tuple[int, int]) -> Page:
    """Open a simulation that can be run."""
    cloud.wait_until_available()
    world = urlencode({"project": PROJECT, "world": f"{PROJECT}.wbt"})
    page = open_page(browser, size, f"{cloud.page}simulation.html?{world}")
    expect(page.get_by_role("button", name="Run in real time")).to_be_enabled(timeout=PATIENCE * 1000)
    return page


def simulation(browser: Browser, cloud: Cloud) -> Page:
    """Open a robot's program beside the scene, and run it."""
    page = started(browser, cloud, DESKTOP)
    page.get_by_role("button", name="Robots", exact=True).click()
    page.get_by_role("menuitem").first.click()
    page.get_by_role("menuitem", name="Edit").first.click()
    expect(page.locator(".cm-content")).to_be_visible()
    run_for_a_while(cloud, page)
    return page


def phone(browser: Browser, cloud: Cloud) -> Page:
    """Run a simulation on a phone."""
    page = started(browser, cloud, PHONE)
    run_for_a_while(cloud, page)
    return page


def monitor(server: str, size: tuple[int, int], visitors: ExitStack) -> Callable[[Browser, Cloud], Page]:
    """Open the monitor page of a server while simulations run.

    @param server: which port of the cloud it has.
    @param size: of the window.
    @param visitors: gets those who have come; they draw nothing, which leaves the processor to the servers.
    """

    def opened(browser: Browser, cloud: Cloud) -> Page:
        for project in VISITED:
            _, stream = visitors.enter_context(visit(cloud, cloud.guest()[0], project, f"{project}.wbt"))
            stream.send("real-time:-1")
            receive(stream, lambda message: _seconds(message) > CURVE_SECONDS)
            Thread(target=_listen, args=[stream], daemon=True).start()
        stream.send("pause")
        shown = open_page(browser, size, f"http://localhost:{getattr(cloud, server)}/monitor")
        expect(shown.get_by_text("Live", exact=True)).to_be_visible(timeout=PATIENCE * 1000)
        # So old what is told of each instance may be.
        shown.wait_for_timeout(1000 * USE_SECONDS)
        cloud.wait_until_available()
        return shown

    return opened


def _listen(stream: ClientConnection) -> None:
    """Take what is said, as else the visitor is taken for gone."""
    with suppress(ConnectionClosed):
        for _ in stream:
            pass


def _seconds(message: str) -> float:
    """Give how much simulated time has passed, in a message that says so; else 0."""
    if not message.startswith("application/json:"):
        return 0
    return float(json.loads(message.removeprefix("application/json:"))["time"]) / 1000


def pictures(visitors: ExitStack) -> dict[str, Callable[[Browser, Cloud], Page]]:
    """Give what makes the page that each picture is of."""
    return {
        "projects": projects,
        "simulation": simulation,
        "phone": phone,
        "session_monitor": monitor("session", ONE_SERVER, visitors),
        "simulation_monitor": monitor("simulation", MACHINE, visitors),
    }


def main() -> None:
    """Take those that are named on the command line, or all that are shown."""
    with (
        tempfile.TemporaryDirectory() as state,
        chromium() as browser,
        running([sys.executable, "-m", "twisted", "--log-format=text", "webots-cloud"], Path(state)) as cloud,
        ExitStack() as visitors,
    ):
        opened = pictures(visitors)
        for name in sys.argv[1:] or sorted(shown()):
            shows = opened[name](browser, cloud)
            path = DOCS / "pictures" / f"{name}.png"
            path.write_bytes(shows.screenshot())
            shows.context.close()
            visitors.close()
            print(f"{path.relative_to(CHECKOUT)}: {path.stat().st_size} bytes")
        for context in browser.contexts:
            context.close()


if __name__ == "__main__":
    main()
