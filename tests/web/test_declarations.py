"""The TypeScript declarations beside the built files: a compiler takes a page that uses them, and they are complete."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Page

if TYPE_CHECKING:
    from tests.web.conftest import FakeServers

USAGE = Path(__file__).with_name("usage.mts")
CLASSIC = """/// <reference path="webots.d.ts" />
const view = new webots.View(document.body);
view.open("scene.x3d");
"""

MEMBERS = """async (source) => {
  const {default: webots} = await import("/webots.mjs");
  const object = source === "View" ? new webots.View(document.createElement("div"))
    : source === "Webots" ? webots : document.createElement("webots-view");
  const names = new Set(Object.keys(object));
  const foreign = source === "WebotsViewElement" ? HTMLElement.prototype : Object.prototype;
  for (let at = Object.getPrototypeOf(object); at !== foreign; at = Object.getPrototypeOf(at)) {
    Object.getOwnPropertyNames(at).forEach((name) => names.add(name));
  }
  return [...names];
}"""

OF_BROWSERS = {"constructor", "connectedCallback", "disconnectedCallback"}


def compile_page(build_step: ModuleType, static: Path, folder: Path, name: str, text: str) -> str:
    """Have a page compiled beside the declarations; give what the compiler complains of."""
    for declarations in ("webots.d.ts", "webots.d.mts"):
        shutil.copy(static / declarations, folder)
    (folder / name).write_text(text)
    node = build_step.node_folder() / "bin" / "node"
    tsc = build_step.WEB / "node_modules" / "typescript" / "bin" / "tsc"
    options = ["--noEmit", "--strict", "--target", "es2022", "--module", "nodenext", "--lib", "es2022,dom,dom.iterable"]
    command = [str(node), str(tsc), *options, str(folder / name)]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


@pytest.fixture
def installed(build_step: ModuleType) -> ModuleType:
    with build_step.only_one_build():
        build_step.install_npm_packages()
    return build_step


def test_a_page_that_uses_everything_compiles(installed: ModuleType, static: Path, tmp_path: Path) -> None:
    assert compile_page(installed, static, tmp_path, "usage.mts", USAGE.read_text()) == ""


def test_a_page_with_the_classic_script_compiles(installed: ModuleType, static: Path, tmp_path: Path) -> None:
    assert compile_page(installed, static, tmp_path, "page.ts", CLASSIC) == ""


def test_a_mistake_is_found(installed: ModuleType, static: Path, tmp_path: Path) -> None:
    text = USAGE.read_text().replace('element.loadScene("scene.x3d")', "element.loadScene(7)")
    assert "TS2345" in compile_page(installed, static, tmp_path, "usage.mts", text)


@pytest.mark.parametrize("source", ["View", "Webots", "WebotsViewElement"])
def test_every_member_is_declared_and_no_other(page: Page, servers: FakeServers, static: Path, source: str) -> None:
    page.goto(f"http://{servers.place}/empty.html")
    actual = set(page.evaluate(MEMBERS, source)) - OF_BROWSERS
    text = (static / "webots.d.mts").read_text()
    (body,) = re.findall(rf"^export (?:class|interface) {source}\b[^{{]*{{\n(.*?)^}}", text, re.DOTALL | re.MULTILINE)
    required = {
        name for name, optional in re.findall(r"^  (?:readonly )?(\w+)(\??)[(:]", body, re.MULTILINE) if not optional
    }
    assert actual == required - {"constructor"}
