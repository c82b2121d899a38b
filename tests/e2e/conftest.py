"""Servers for the end-to-end tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.chromium import chromium
from tests.e2e.cloud import CHECKOUT, Cloud, add_tutorial, running


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """The servers of script/server, whose website host has the tutorial world."""
    state = tmp_path_factory.mktemp("cloud")
    add_tutorial(state / "host" / "projects")
    with running([str(CHECKOUT / "script" / "server")], state) as cloud:
        yield cloud


@pytest.fixture
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser
