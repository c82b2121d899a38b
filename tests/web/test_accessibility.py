"""Nothing on the pages keeps people out, whatever colours they like and however wide their screen is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import pytest
from playwright.sync_api import Page, expect

from tests.web.accessibility import faults

if TYPE_CHECKING:
    from tests.web.conftest import FakeServers

PHONE = (390, 844)
DESKTOP = (1280, 800)
Scheme = Literal["light", "dark"]

LOOKS = pytest.mark.parametrize(
    ("scheme", "size"), [("light", DESKTOP), ("dark", PHONE)], ids=["light desktop", "dark phone"]
)


def go(page: Page, servers: FakeServers, path: str, scheme: Scheme, size: tuple[int, int]) -> None:
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": size[0], "height": size[1]})
    page.goto(f"http://{servers.place}/{path}")


@LOOKS
def test_the_list_of_projects(
    page: Page, servers: FakeServers, axe: str, scheme: Scheme, size: tuple[int, int]
) -> None:
    go(page, servers, "index.html", scheme, size)
    expect(page.locator(".card")).to_have_count(2)
    assert faults(page, axe) == []


@LOOKS
def test_a_simulation(page: Page, servers: FakeServers, axe: str, scheme: Scheme, size: tuple[int, int]) -> None:
    go(page, servers, "simulation.html?project=standin&world=fake.wbt", scheme, size)
    expect(page.get_by_role("button", name="Reset the simulation")).to_be_enabled()
    # On a phone its button is in a menu.
    page.get_by_role("button", name="Reset the simulation").focus()
    page.keyboard.press("c")
    expect(page.locator(".webots-stderr")).to_be_visible()
    assert faults(page, axe) == []


@LOOKS
@pytest.mark.parametrize("key", ["i", "h", "b"])
def test_what_opens_over_a_simulation(
    page: Page, servers: FakeServers, axe: str, scheme: Scheme, size: tuple[int, int], key: str
) -> None:
    go(page, servers, "simulation.html?project=ending&world=fake.wbt", scheme, size)
    expect(page.get_by_role("button", name="Ask for more time")).to_be_visible()
    expect(page.get_by_role("button", name="Reset the simulation")).to_be_enabled()
    page.get_by_role("button", name="Reset the simulation").focus()
    page.keyboard.press(key)
    expect(page.get_by_role("menu" if key == "b" else "dialog")).to_be_visible()
    assert faults(page, axe) == []


@LOOKS
def test_a_simulation_that_starts(
    page: Page, servers: FakeServers, axe: str, scheme: Scheme, size: tuple[int, int]
) -> None:
    go(page, servers, "simulation.html?project=queued&world=fake.wbt", scheme, size)
    servers.wait_for("client ")
    assert faults(page, axe) == []


@LOOKS
def test_a_simulation_that_failed(
    page: Page, servers: FakeServers, axe: str, scheme: Scheme, size: tuple[int, int]
) -> None:
    go(page, servers, "simulation.html?project=refused&world=fake.wbt", scheme, size)
    expect(page.get_by_role("button", name="Try again")).to_be_visible()
    assert faults(page, axe) == []


@LOOKS
def test_an_address_with_nothing_at_it(
    page: Page, servers: FakeServers, axe: str, scheme: Scheme, size: tuple[int, int]
) -> None:
    go(page, servers, "not_found.html", scheme, size)
    expect(page.get_by_role("link", name="All simulations")).to_be_visible()
    assert faults(page, axe) == []


def test_a_fault_would_be_found(page: Page, servers: FakeServers, axe: str) -> None:
    go(page, servers, "index.html", "light", DESKTOP)
    page.evaluate("document.querySelector('main').append(document.createElement('button'))")
    found = faults(page, axe)
    assert len(found) == 1
    assert found[0].startswith("critical button-name at button")
