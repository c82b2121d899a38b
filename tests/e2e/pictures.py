"""Makes the pictures of the demo projects: `script/pictures` runs it.

Each world of each demo project is started, runs for some seconds of simulated time, and is then photographed in a real
browser. The pictures lie where Webots puts its own: `worlds/.WORLD.jpg`.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

from playwright.sync_api import Browser, Page, expect

from tests.chromium import chromium
from tests.e2e.cloud import CHECKOUT, Cloud, running
from tests.e2e.program import PATIENCE

WIDTH, HEIGHT = 480, 270
QUALITY = 85
SECONDS = 3
"""How long a simulation has run, in simulated time."""

_ONLY_THE_SCENE = """() => {
  const area = document.querySelector(".webots-view").shadowRoot.querySelector(".webots-area");
  for (const element of area.querySelectorAll(":scope > :not(x3d-canvas)")) {
    element.style.visibility = "hidden";
  }
}"""


def worlds(projects: Path) -> Iterator[Path]:
    """List the worlds of all projects in a folder."""
    return (world for world in sorted(projects.glob("*/worlds/*.wbt")))


def photograph(browser: Browser, cloud: Cloud, world: Path) -> bytes:
    """Start a world, let it run, and give a picture of it."""
    page = browser.new_page(viewport={"width": WIDTH, "height": 2 * HEIGHT})
    page.set_default_timeout(PATIENCE * 1000)
    page.goto(f"{cloud.page}simulation.html?" + urlencode({"project": world.parents[1].name, "world": world.name}))
    run = page.get_by_role("button", name="Run in real time")
    expect(run).to_be_enabled(timeout=PATIENCE * 1000)
    give_room(page)
    run.click()
    cloud.wait_for(
        lambda: page.get_by_title("Simulated time").inner_text() > f"0:00:{SECONDS:02}",
        "some seconds of simulated time",
    )
    page.get_by_role("button", name="Pause").click()
    page.evaluate(_ONLY_THE_SCENE)
    pictures = [b"", b"-"]

    def still() -> bool:
        area = page.locator(".webots-area")
        pictures.append(area.screenshot(type="jpeg", quality=QUALITY))
        return pictures[-1] == pictures[-2]

    cloud.wait_for(still, "a picture that stands still")
    page.close()
    return pictures[-1]


def give_room(page: Page) -> None:
    """Make the window as high as gives the scene its proportions."""
    box = page.locator(".webots-area").bounding_box()
    assert box
    page.set_viewport_size({"width": WIDTH, "height": round(2 * HEIGHT + HEIGHT - box["height"])})


def main() -> None:
    """Make all pictures again."""
    with (
        tempfile.TemporaryDirectory() as state,
        chromium() as browser,
        running([sys.executable, "-m", "twisted", "--log-format=text", "webots-cloud"], Path(state)) as cloud,
    ):
        for world in worlds(CHECKOUT / "webots_cloud" / "projects"):
            cloud.wait_until_available()
            picture = photograph(browser, cloud, world)
            path = world.with_name(f".{world.stem}.jpg")
            path.write_bytes(picture)
            print(f"{path.relative_to(CHECKOUT)}: {len(picture)} bytes")


if __name__ == "__main__":
    main()
