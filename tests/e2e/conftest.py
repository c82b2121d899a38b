"""Servers for the end-to-end tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.e2e.cloud import CHECKOUT, Cloud, add_tutorial, running

CHROMIUM = "/usr/bin/chromium"
CHROMIUM_OPTIONS = [
    "--no-sandbox",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """The servers of script/server, whose website host has the tutorial world."""
    state = tmp_path_factory.mktemp("cloud")
    add_tutorial(state / "host" / "projects")
    with running([str(CHECKOUT / "script" / "server")], state) as cloud:
        yield cloud


@pytest.fixture
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_OPTIONS)
        try:
            yield browser
        finally:
            browser.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path
