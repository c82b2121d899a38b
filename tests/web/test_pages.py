"""The demo pages in a real browser, against fake servers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Page, expect

if TYPE_CHECKING:
    from tests.web.conftest import FakeServers

HOSTILE = "<b>bold</b><img src=x onerror=alert(1)>"


def test_the_front_page_lists_the_projects_and_says_that_one_can_be_started(page: Page, servers: FakeServers) -> None:
    page.goto(f"http://{servers.place}/index.html")
    expect(page.locator(".card h2")).to_have_text(["<b>Other</b>", "Four wheels"])
    expect(page.locator("#availability")).to_have_text("A simulation can be started now.")


def test_a_click_on_a_project_shows_its_simulation_for_the_guest_and_quit_leads_back(
    page: Page, servers: FakeServers
) -> None:
    troubles: list[str] = []
    page.on("console", lambda message: troubles.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.goto(f"http://{servers.place}/index.html")
    page.get_by_role("link", name="Start Four wheels").click()
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
    expect(page.locator("#notice")).to_contain_text("does not answer as it should")


@pytest.mark.parametrize("path", ["index.html", "simulation.html?project=standin&world=fake.wbt"])
def test_pages_fit_a_phone(page: Page, servers: FakeServers, path: str) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"http://{servers.place}/{path}")
    expect(page.locator(".card h2, .webots-toolbar").first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def listed(page: Page, number: int) -> None:
    """Have the website list many projects."""
    projects = [
        {"name": f"maze_{n}", "title": f"Maze {n}", "description": HOSTILE, "worlds": ["a.wbt"]} for n in range(number)
    ]
    page.route(
        "**/projects.json",
        lambda route: route.fulfill(json={"sessionServer": "ws://127.0.0.1:1", "projects": projects, "user": None}),
    )


def test_of_many_projects_only_what_is_seen_is_in_the_page(page: Page, servers: FakeServers) -> None:
    listed(page, 1000)
    page.goto(f"http://{servers.place}/index.html")
    expect(page.locator("#found")).to_have_text("1000 simulations")
    expect(page.locator(".card h2").first).to_have_text("Maze 0")
    assert page.locator(".card").count() < 100
    page.locator(".card h2 a").nth(23).focus()
    page.locator(".card h2").filter(has_text="Maze 40").wait_for()
    assert page.locator(".card").count() < 200


def test_searching_finds_as_one_types_and_says_how_many(page: Page, servers: FakeServers) -> None:
    listed(page, 300)
    page.goto(f"http://{servers.place}/index.html")
    expect(page.locator(".card").first).to_be_visible()
    page.keyboard.press("/")
    page.keyboard.type("MAZE 29")
    expect(page.locator("#found")).to_have_text("13 of 300 simulations")
    expect(page.locator(".card h2")).to_have_text([f"Maze {n}" for n in (29, 129, 229, *range(290, 300))])
    page.get_by_role("link", name="Maze 295", exact=True).focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/project.html?project=maze_295")
    page.go_back()
    expect(page.get_by_role("searchbox")).to_have_value("MAZE 29")
    expect(page.locator("#found")).to_have_text("13 of 300 simulations")
    page.get_by_role("searchbox").fill("nothing like this")
    expect(page.locator("#found")).to_have_text("0 of 300 simulations")
    page.get_by_role("searchbox").fill("")
    expect(page.locator("#found")).to_have_text("300 simulations")


def test_what_projects_say_of_themselves_stays_text(page: Page, servers: FakeServers) -> None:
    listed(page, 1)
    page.goto(f"http://{servers.place}/index.html")
    expect(page.locator(".card > p").first).to_have_text(HOSTILE)
    assert page.locator(".card b, .card img").count() == 0
