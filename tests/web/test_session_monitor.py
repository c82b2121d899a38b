"""The session server's monitor page in a real browser: of a real server, and of a thousand that a test makes up."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, WebSocketRoute, expect

from tests.session.test_session_process import Session, SimulationServer, session
from tests.web.accessibility import faults
from tests.web.monitors import LOOKS, WALL, Scheme, fits, is_live, looking, tile

HOSTILE = "<img/src=x/onerror=alert(1)>"
SUMMARY = 'instances=12, idle=3, capacity=100, waiting=0, version="1.0.0", simulator="Webots R2023b"'


class Fleet:
    """A session server and its simulation servers: one that says all, an old one, and one that makes no sense."""

    def __init__(self, ending: ExitStack, folder: Path, more: str = "") -> None:
        self.servers = [
            ending.enter_context(server.running())
            for server in (SimulationServer("30", summary=SUMMARY), SimulationServer("99.5"), SimulationServer(HOSTILE))
        ]
        self.session: Session = ending.enter_context(session(folder, *self.servers, more=more))
        self.page = f"http://127.0.0.1:{self.session.port}/monitor"

    def card(self, page: Page, number: int) -> Any:
        name = f"127.0.0.1:{self.servers[number].port}"
        return page.locator(".server").filter(has=page.get_by_role("link", name=name, exact=True))


@pytest.fixture
def ending(static: Path) -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def fleet(ending: ExitStack, tmp_path: Path) -> Fleet:
    return Fleet(ending, tmp_path)


def test_it_shows_each_server_and_what_changes(browser: Browser, fleet: Fleet) -> None:
    with looking(browser) as page:
        page.goto(fleet.page)
        is_live(page)
        first = fleet.card(page, 0)
        expect(first.locator(".state")).to_have_text("Available")
        expect(first.locator(".load .number")).to_have_text("30 %")
        expect(first.locator(".instances .number")).to_have_text("12 of 100")
        expect(first.locator(".version")).to_have_text("1.0.0 · Webots R2023b")
        link = first.get_by_role("link")
        assert link.get_attribute("href") == f"http://127.0.0.1:{fleet.servers[0].port}/monitor"
        expect(fleet.card(page, 1).locator(".state")).to_have_text("Full")
        expect(fleet.card(page, 1).locator(".instances .number")).to_have_text("\N{EN DASH}")
        expect(fleet.card(page, 2).locator(".state")).to_have_text("Not responding")
        assert tile(page, "Available") == "1"
        expect(page).to_have_title("1 not responding \N{EN DASH} Simulation servers")

        fleet.servers[0].load = "77"
        fleet.servers[0].summary = SUMMARY.replace("waiting=0", "waiting=4")
        fleet.servers[2].load = "5"

        expect(first.locator(".load .number")).to_have_text("77 %")
        expect(first.locator(".waiting .number")).to_have_text("4")
        expect(fleet.card(page, 2).locator(".state")).to_have_text("Available")
        expect(page).to_have_title("Simulation servers")
        assert first.locator(".strip rect").count() >= 1
        assert first.locator(".curve .line").get_attribute("d")


def test_what_a_server_says_stays_text(browser: Browser, fleet: Fleet) -> None:
    with looking(browser) as page:
        page.goto(fleet.page)
        expect(fleet.card(page, 2).locator(".reason")).to_contain_text(HOSTILE)
        assert page.locator("main img").count() == 0


def test_a_server_that_is_gone_is_said_to_be(browser: Browser, fleet: Fleet) -> None:
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(fleet.page)
        is_live(page)
        fleet.session.process.kill()
        expect(page.locator("#connection")).to_have_text("Not connected; what is shown may be old")
        assert tile(page, "Available")


@LOOKS
def test_everybody_can_read_it(browser: Browser, fleet: Fleet, axe: str, scheme: Scheme, size: tuple[int, int]) -> None:
    with looking(browser, scheme, size) as page:
        for view in ("cards", "table"):
            page.goto("about:blank")
            page.goto(f"{fleet.page}#view={view}")
            expect(fleet.card(page, 2).locator(".state")).to_have_text("Not responding")
            assert faults(page, axe) == []
            assert fits(page, size)


def test_the_password_lets_page_data_and_socket_in(browser: Browser, ending: ExitStack, tmp_path: Path) -> None:
    fleet = Fleet(ending, tmp_path, "monitorPassword = sesame\n")
    with looking(browser, password="sesame") as page:
        page.goto(fleet.page)
        is_live(page)
    assert fleet.session.get("/monitor")[0] == "HTTP/1.1 401 Unauthorized"


def made_up(count: int) -> dict[str, Any]:
    """Give what a session server would tell of a fleet."""
    now = time.time()
    servers = {
        f"simulation{number}.example.org:2000": {
            "page": f"http://simulation{number}.example.org:2000/monitor",
            "state": "failed" if number % 100 == 7 else "available",
            "since": now - 60 * number,
            "asked": now,
            "load": number / count * 98,
            "onTheWay": 0,
            "instances": number % 90,
            "idle": 0,
            "capacity": 100,
            "waiting": 0,
            "version": "1.0.0",
            "simulator": "Webots R2023b",
            "history": [[now - 60 * number, "available"]],
            "curve": {"step": 10, "end": now // 10 * 10, "loads": [number % 100] * 60},
        }
        for number in range(count)
    }
    totals = {"servers": count, "unknown": 0, "available": count - count // 100, "full": 0, "failed": count // 100}
    return {
        "time": now,
        "server": {"name": "session.example.org", "version": "1.0.0", "began": now},
        "totals": {**totals, "load": 49.0, "sent": 0, "watchers": 3},
        "servers": servers,
    }


@pytest.fixture
def thousand(browser: Browser, fleet: Fleet) -> Iterator[Page]:
    """The page of a fleet of a thousand."""
    with looking(browser) as page:
        sockets: list[WebSocketRoute] = []

        def open_socket(socket: WebSocketRoute) -> None:
            sockets.append(socket)
            socket.send(json.dumps({"whole": made_up(1000)}))

        page.route_web_socket("**/monitor/live", open_socket)
        page.goto(fleet.page)
        is_live(page)
        page.sockets = sockets  # type: ignore[attr-defined]  # kept with the page that they belong to
        yield page


def first(page: Page) -> str:
    """Give the name in the first row."""
    return page.locator(".row a").first.inner_text().partition(".")[0]


def test_of_a_thousand_servers_only_the_rows_that_are_seen_are_in_the_page(thousand: Page) -> None:
    expect(thousand.locator("#found")).to_have_text("1,000 servers")
    assert thousand.get_by_role("table").get_attribute("aria-rowcount") == "1001"
    assert first(thousand) == "simulation7"
    assert thousand.locator(".row").count() < 40
    thousand.evaluate("scrollTo(0, document.body.scrollHeight)")
    expect(thousand.get_by_role("link", name="simulation0.example.org:2000", exact=True)).to_be_visible()
    assert thousand.locator(".row").count() < 40


def test_they_are_sorted_by_what_is_clicked_and_the_other_way_round(thousand: Page) -> None:
    heading = thousand.get_by_role("columnheader", name="Load")
    heading.get_by_role("button").click()
    expect(heading).to_have_attribute("aria-sort", "descending")
    assert first(thousand) == "simulation999"
    heading.get_by_role("button").click()
    expect(heading).to_have_attribute("aria-sort", "ascending")
    assert first(thousand) == "simulation0"
    thousand.get_by_label("Sort by").select_option("Name")
    expect(thousand.get_by_role("columnheader", name="Server")).to_have_attribute("aria-sort", "ascending")


def test_searching_finds_as_one_types_and_is_remembered_in_the_address(thousand: Page) -> None:
    thousand.keyboard.press("/")
    thousand.keyboard.type("simulation99 avail")
    expect(thousand.locator("#found")).to_have_text("11 of 1,000 servers")
    thousand.get_by_label("Show").select_option("Not responding")
    expect(thousand.locator("#found")).to_have_text("0 of 1,000 servers")
    thousand.get_by_label("Show").select_option("All states")
    thousand.reload()
    expect(thousand.get_by_role("searchbox")).to_have_value("simulation99 avail")
    expect(thousand.locator("#found")).to_have_text("11 of 1,000 servers")


def test_a_change_moves_a_server_to_its_place(thousand: Page) -> None:
    thousand.get_by_label("Search").fill("simulation5.")
    expect(thousand.locator(".row .state")).to_have_text("Available")
    change = {"state": "failed", "reason": "it hangs", "load": None, "since": time.time()}
    sockets: list[WebSocketRoute] = thousand.sockets  # type: ignore[attr-defined]
    sockets[-1].send(json.dumps({"patch": {"servers": {"simulation5.example.org:2000": change}}}))
    expect(thousand.locator(".row .state")).to_have_text("Not responding")
    expect(thousand.locator(".row .reason")).to_have_text("it hangs")
    thousand.get_by_label("Search").fill("")
    thousand.get_by_label("Show").select_option("Not responding")
    expect(thousand.locator("#found")).to_have_text("11 of 1,000 servers")


def test_a_dozen_servers_fit_a_screen_on_the_wall(browser: Browser, fleet: Fleet) -> None:
    with looking(browser, "dark", WALL) as page:
        page.route_web_socket("**/monitor/live", lambda socket: socket.send(json.dumps({"whole": made_up(12)})))
        page.goto(fleet.page)
        expect(page.locator(".card")).to_have_count(12)
        assert page.evaluate("document.documentElement.scrollHeight") <= WALL[1]
        # Seen from three metres: a figure of a load is as high as a hand's breadth at arm's length.
        assert (
            page.locator(".card .load .number").first.evaluate("it => parseFloat(getComputedStyle(it).fontSize)") > 70
        )
