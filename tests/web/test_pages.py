"""The demo pages in a real browser, against fake servers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Page, expect

if TYPE_CHECKING:
    from tests.web.conftest import FakeServers


def test_the_front_page_lists_the_projects_and_says_that_one_can_be_started(page: Page, servers: FakeServers) -> None:
    page.goto(f"http://{servers.place}/index.html")
    expect(page.locator(".card h2")).to_have_text(["Four wheels", "<b>Other</b>"])
    expect(page.locator("#availability")).to_have_text("A simulation can be started now.")


def test_a_click_on_a_project_shows_its_simulation_for_the_guest_and_quit_leads_back(
    page: Page, servers: FakeServers
) -> None:
    troubles: list[str] = []
    page.on("console", lambda message: troubles.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.goto(f"http://{servers.place}/index.html")
    page.locator(".card").first.click()
    sent = servers.wait_for("client ")
    assert '"standin","fake.wbt","7","Guest 7","","","",""]' in sent
    expect(page.get_by_role("button", name="Run in real time")).to_be_enabled()
    expect(page.locator(".webots-badge")).to_have_text("stand-in simulator")
    expect(page.locator("#title")).to_have_text("Four wheels")
    assert troubles == []
    page.get_by_role("button", name="Quit the simulation").click()
    servers.wait_for_all("client closed", "stream closed")
    page.wait_for_url(f"http://{servers.place}/")


def test_leaving_the_page_ends_the_simulation(page: Page, servers: FakeServers) -> None:
    page.goto(f"http://{servers.place}/simulation.html?project=standin&world=fake.wbt")
    expect(page.get_by_role("button", name="Run in real time")).to_be_enabled()
    page.get_by_role("link", name="All simulations").click()
    servers.wait_for_all("client closed", "stream closed")


def test_a_website_without_its_list_says_so(page: Page, servers: FakeServers) -> None:
    page.route("**/projects.json", lambda route: route.fulfill(status=500, body="no"))
    page.goto(f"http://{servers.place}/index.html")
    expect(page.locator("#notice")).to_contain_text("cannot be read")


@pytest.mark.parametrize("path", ["index.html", "simulation.html?project=standin&world=fake.wbt"])
def test_pages_fit_a_phone(page: Page, servers: FakeServers, path: str) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"http://{servers.place}/{path}")
    expect(page.locator(".card h2, .webots-toolbar").first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
