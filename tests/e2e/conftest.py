"""Servers for the end-to-end tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.chromium import chromium
from tests.e2e.cloud import CHECKOUT, Cloud, add_tutorial, running
from tests.e2e.exposed import Driver, Server, honest_page


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


@pytest.fixture(scope="module")
def honest(server: Server) -> Iterator[Driver]:
    """A page that uses a server which others attack."""
    with honest_page(server) as driver:
        yield driver


@pytest.fixture
def nobody_else_notices(server: Server, honest: Driver) -> Iterator[None]:
    """See that the honest page can go on after an attack, and that nothing is left of the attackers' instances."""
    before = server.monitor("instances")
    yield
    honest.steps()
    server.wait_for(lambda: server.monitor("instances") == before, "the instances of the others to end")
