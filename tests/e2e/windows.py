"""A project whose robots have windows, in a browser."""

from __future__ import annotations

import shutil
from pathlib import Path

from playwright.sync_api import FrameLocator, Page

from tests.e2e.cloud import CHECKOUT, Cloud
from tests.e2e.test_browser import MILLISECONDS, started

_ROBOT = """Robot { translation %(place)s name "%(name)s" controller "echo" window "%(window)s" children [
  Shape { appearance PBRAppearance { baseColor 1 0 0 metalness 0 } geometry Box { size 0.3 0.3 0.3 } } ] }
"""
_ECHO = """from controller import Robot
robot = Robot()
while robot.step(32) != -1:
    text = robot.wwiReceiveText()
    while text:
        robot.wwiSendText(f"{robot.getName()} hears {text}")
        text = robot.wwiReceiveText()
"""


def add_project(cloud: Cloud, name: str, pages: dict[str, str]) -> None:
    """Put a project where the website host has its projects; each robot has a window of its own name.

    @param pages: the HTML of each robot's window.
    """
    folder = cloud.state / "host" / "projects" / name
    robots = "".join(
        _ROBOT % {"place": f"0 {number} 0", "name": robot, "window": robot} for number, robot in enumerate(pages)
    )
    world = f"#VRML_SIM R2022b utf8\nWorldInfo {{ }}\nViewpoint {{ position -6 0 0 }}\n{robots}"
    _write(folder / "worlds" / f"{name}.wbt", world)
    _write(folder / "controllers" / "echo" / "echo.py", _ECHO)
    for robot, page in pages.items():
        _write(folder / "plugins" / "robot_windows" / robot / f"{robot}.html", page)


def add_demo(cloud: Cloud, name: str) -> None:
    """Put a demo project where the website host has its projects."""
    source = CHECKOUT / "webots_cloud" / "projects" / name
    shutil.copytree(source, cloud.state / "host" / "projects" / name, dirs_exist_ok=True)


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def start(page: Page, cloud: Cloud, project: str) -> None:
    """Start a project and run it."""
    page.set_default_timeout(MILLISECONDS)
    cloud.wait_until_available()
    page.goto(f"{cloud.page}simulation.html?project={project}&world={project}.wbt")
    started(page, cloud).click()


def open_window(page: Page, robot: str) -> FrameLocator:
    """Open a robot's window from the menu, and give what is in it."""
    page.get_by_role("button", name="Robots", exact=True).click()
    page.get_by_role("menuitem", name=robot, exact=True).click()
    page.get_by_role("menuitem", name="Robot window").click()
    return page.frame_locator(f"iframe[title='Robot window of {robot}']")
