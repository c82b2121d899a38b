"""The simulation server's monitor page in a real browser, of a real server that runs instances."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, WebSocketRoute, expect

from tests.simulation.test_drain import Stage
from tests.web.accessibility import faults
from tests.web.monitors import LOOKS, Scheme, fits, is_live, looking, tile

HOSTILE = "<b>bold</b><img src=x onerror=alert(1)>"


@pytest.fixture
def stage(static: Path, tmp_path: Path) -> Iterator[Stage]:
    with ExitStack() as ending:
        yield Stage(tmp_path, ending)


def address(stage: Stage) -> str:
    return f"http://localhost:{stage.server.simulation}/monitor"


def legend(page: Page, chart: str, curve: str) -> Any:
    figure = page.locator("figure").filter(has=page.get_by_role("heading", name=chart, exact=True))
    return figure.locator(".legend li").filter(has_text=curve).locator(".value")


def test_it_shows_the_machine_and_each_instance_while_it_lives(browser: Browser, stage: Stage) -> None:
    stage.serve()
    with looking(browser) as page:
        page.goto(address(stage))
        is_live(page)
        expect(page.get_by_text("No simulation runs.")).to_be_visible()
        client = stage.started()
        row = page.locator("tbody tr")
        expect(row).to_have_count(1)
        expect(row.locator("td").nth(1)).to_have_text("simple")
        expect(row.locator("td").nth(2)).to_have_text("simple.wbt")
        expect(row.locator("td").nth(4)).to_have_text("running")
        expect(row.locator("td").nth(5)).to_have_text("idle")
        expect(legend(page, "Instances", "Idle")).to_have_text("1")
        assert (tile(page, "Instances"), tile(page, "Started")) == ("1", "1")
        expect(page.locator("#sandbox")).to_contain_text("NO SANDBOX")
        expect(page.get_by_role("heading", level=1)).to_have_text(f"localhost:{stage.server.simulation}")
        client.socket.close()
        expect(row).to_have_count(0)
        assert (tile(page, "Instances"), tile(page, "Started")) == ("0", "1")


def test_curves_go_on_and_can_be_of_a_day(browser: Browser, stage: Stage) -> None:
    stage.serve()
    with looking(browser) as page:
        page.goto(address(stage))
        is_live(page)
        # What there is no curve of is hidden when the first data come.
        expect(page.locator("figure:visible:not(:has(canvas))")).to_have_count(0)
        expect(page.locator("figure canvas")).to_have_count(page.locator("figure:visible").count())
        expect(legend(page, "Processor", "Processor")).to_contain_text("%")
        page.get_by_role("button", name="24 hours").click()
        expect(page.get_by_role("button", name="24 hours")).to_have_attribute("aria-pressed", "true")
        assert page.url.endswith("#day")
        page.reload()
        expect(page.get_by_role("button", name="24 hours")).to_have_attribute("aria-pressed", "true")
        is_live(page)


@LOOKS
def test_everybody_can_read_it(browser: Browser, stage: Stage, axe: str, scheme: Scheme, size: tuple[int, int]) -> None:
    stage.serve()
    stage.started()
    with looking(browser, scheme, size) as page:
        page.goto(address(stage))
        expect(page.locator("tbody tr")).to_have_count(1)
        expect(page.locator("figure canvas").first).to_be_visible()
        assert faults(page, axe) == []
        assert fits(page, size)


def made_up() -> dict[str, Any]:
    """Give what a simulation server would tell that had the worst names."""
    now = time.time()
    names = ["time", "load", "cpu", "memory", "swap", "gpu_compute", "gpu_memory", "received", "sent", "disk"]
    names += ["disk_read", "disk_written", "busy", "idle", "waiting", "starts", "failures"]
    row = {"host": HOSTILE, "phase": "running", "idle": False, "began": now - 5, "project": HOSTILE, "world": HOSTILE}
    return {
        "time": now,
        "server": {"name": HOSTILE, "version": HOSTILE, "simulator": HOSTILE, "began": now, "state": "available"},
        "machine": {
            "system": HOSTILE,
            "processor": HOSTILE,
            "processors": 2,
            "memory": 8e9,
            "swap": 0,
            "disk": 1e12,
            "booted": now,
            "python": "3",
        },
        "gpus": [{"name": HOSTILE, "memoryTotal": 1e9}],
        "sandbox": {"kind": "none", "network": "host", "gate": "direct", "warning": HOSTILE},
        "certificate": {"names": [HOSTILE], "ends": now, "notice": HOSTILE},
        "totals": {
            "load": 1,
            "instances": 1,
            "idle": 0,
            "capacity": 5,
            "waiting": 0,
            "asked": 1,
            "started": 1,
            "failed": {HOSTILE: 1},
            "refused": {},
        },
        "instances": {"1": row},
        "curves": {"names": names, "seconds": [[now, *[1] * 16]], "minutes": []},
    }


def test_names_stay_text_and_where_no_socket_can_be_opened_all_is_asked_for(browser: Browser, stage: Stage) -> None:
    stage.serve()
    with browser.new_context() as context:
        page = context.new_page()
        dialogs: list[str] = []
        page.on("dialog", lambda dialog: dialogs.append(dialog.message))

        def refuse(socket: WebSocketRoute) -> None:
            socket.close()

        page.route_web_socket("**/monitor/live", refuse)
        page.route("**/monitor.json", lambda route: route.fulfill(json=made_up()))
        page.goto(address(stage))
        expect(page.locator("#connection")).to_have_text("Updated every 10 seconds")
        expect(page.get_by_role("heading", level=1)).to_have_text(HOSTILE)
        expect(page.locator("tbody td").nth(1)).to_have_text(HOSTILE)
        for place in ("#sandbox", "#certificate", "#facts"):
            expect(page.locator(place)).to_contain_text(HOSTILE)
        assert page.locator("body img, body b").count() == 0
        assert dialogs == []


def test_nothing_on_the_page_comes_from_elsewhere(browser: Browser, stage: Stage) -> None:
    stage.serve()
    with looking(browser) as page:
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.on("websocket", lambda socket: asked.append(socket.url))
        page.goto(address(stage))
        is_live(page)
        places = {url.partition("://")[2].partition("/")[0] for url in asked}
        assert places == {f"localhost:{stage.server.simulation}"}
