"""What the browser tests share: the built files, the fake servers, and one Chromium."""

from __future__ import annotations

import importlib.util
import queue
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.chromium import chromium

TOP = Path(__file__).resolve().parents[2]
PATIENCE = 60.0


class FakeServers:
    """The process of `fake_servers.py`, and what it said."""

    def __init__(self, static: Path) -> None:
        command = [sys.executable, "-m", "tests.web.fake_servers", str(static)]
        self.process = subprocess.Popen(command, cwd=TOP, stdout=subprocess.PIPE, text=True)
        self.lines: queue.Queue[str] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()
        self.place = f"127.0.0.1:{self.wait_for('port ').split()[1]}"

    def _read(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            self.lines.put(line.strip())

    def wait_for(self, start: str) -> str:
        """Return the next line that begins so; others before it are dropped."""
        seen: list[str] = []
        while True:
            try:
                line = self.lines.get(timeout=PATIENCE)
            except queue.Empty:
                raise AssertionError(f"no line begins with {start!r}; there were {seen}") from None
            if line.startswith(start):
                return line
            seen.append(line)

    def wait_for_all(self, *expected: str) -> None:
        """Wait for lines in whatever order."""
        missing = set(expected)
        while missing:
            missing.discard(self.lines.get(timeout=PATIENCE))

    def said_before(self, end: str) -> list[str]:
        """Return all lines before one, which is waited for."""
        before: list[str] = []
        while (line := self.lines.get(timeout=PATIENCE)) != end:
            before.append(line)
        return before

    def wait_until_quiet(self) -> None:
        """Wait until no page has a socket open, and drop what was said so far."""
        with urllib.request.urlopen(f"http://{self.place}/quiet", timeout=PATIENCE):
            self.wait_for("quiet")

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(PATIENCE)


@pytest.fixture(scope="session")
def build_step() -> ModuleType:
    """The build step of the browser files."""
    spec = importlib.util.spec_from_file_location("webots_cloud_setup", TOP / "setup.py")
    assert spec
    assert spec.loader
    build = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(build)
    return build


@pytest.fixture(scope="session")
def static(build_step: ModuleType) -> Path:
    """The browser files, built if they are not."""
    build_step.make_browser_files()
    return TOP / "webots_cloud" / "web" / "static"


@pytest.fixture(scope="session")
def axe(build_step: ModuleType) -> str:
    """The script that finds what keeps people out."""
    with build_step.only_one_build():
        build_step.install_npm_packages()
    return (TOP / "webots_cloud" / "web" / "node_modules" / "axe-core" / "axe.min.js").read_text()


@pytest.fixture(scope="module")
def servers(static: Path) -> Iterator[FakeServers]:
    fake = FakeServers(static)
    yield fake
    fake.stop()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    expect.set_options(timeout=PATIENCE * 1000)
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def context(browser: Browser) -> Iterator[BrowserContext]:
    """What the pages of a module share: scripts that were loaded and compiled need not be again."""
    with browser.new_context(viewport={"width": 800, "height": 600}) as context:
        yield context


@pytest.fixture
def page(context: BrowserContext, servers: FakeServers) -> Iterator[Page]:
    """A page, 800 by 600."""
    page = context.new_page()
    page.set_default_timeout(PATIENCE * 1000)
    yield page
    page.close()
    servers.wait_until_quiet()
