"""The console in a real browser: colours, links, filters, and floods."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Dialog, Locator, Page, expect

from tests.web.accessibility import faults
from tests.web.test_view import PATIENCE, open_project, press

if TYPE_CHECKING:
    from tests.web.conftest import FakeServers


SAID_AT_FIRST = 5
"""How many lines the talker says without being asked."""


def rows(page: Page) -> Locator:
    return page.locator(".webots-console-lines > div")


def open_console(page: Page, servers: FakeServers, project: str = "talker") -> None:
    open_project(page, servers, project)
    press(page, "Console")
    if project == "talker":
        expect(rows(page)).to_have_count(SAID_AT_FIRST)


def main_thread_seconds(page: Page) -> float:
    """How long the page's main thread has worked, not counting the time in which others had the processor."""
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})
    metrics = session.send("Performance.getMetrics")["metrics"]
    return next(float(metric["value"]) for metric in metrics if metric["name"] == "TaskDuration")


def color_of(locator: Locator) -> str:
    return str(locator.evaluate("(it) => getComputedStyle(it).color"))


def test_colours_are_shown_and_other_sequences_are_not(page: Page, servers: FakeServers) -> None:
    open_console(page, servers)
    line = rows(page).filter(has_text="plain")
    expect(line).to_have_text("plain red bold own blue end")
    assert color_of(line) == "rgb(28, 36, 48)"
    assert color_of(line.get_by_text("red", exact=False).first) == "rgb(179, 38, 30)"
    expect(line.locator(".webots-bold")).to_have_css("font-weight", "700")
    assert line.get_by_text("blue").evaluate("(it) => getComputedStyle(it).backgroundColor") != "rgba(0, 0, 0, 0)"


def test_what_is_hostile_stays_text(page: Page, servers: FakeServers) -> None:
    alerts: list[str] = []

    def note(dialog: Dialog) -> None:
        alerts.append(dialog.message)
        dialog.dismiss()

    page.on("dialog", note)
    open_console(page, servers)
    expect(rows(page).filter(has_text="txt.exe")).to_have_text("<img src=x onerror=alert(1)> \u202etxt.exe")
    press(page, "Run one step")
    expect(rows(page).filter(has_text="xxx")).to_have_text("x" * 10_000)
    assert alerts == []
    assert page.locator(".webots-console-lines img").count() == 0


def test_a_link_leads_to_the_line_in_the_editor(page: Page, servers: FakeServers) -> None:
    open_console(page, servers, "editable")
    press(page, "Run one step")
    press(page, 'File "/home/x/controllers/go/go.py", line 4')
    servers.wait_for("stream get controller:go")
    expect(page.get_by_role("tab", selected=True)).to_have_text("go.py")
    expect(page.get_by_role("textbox", name="go/go.py")).to_be_focused()
    expect(page.locator(".cm-activeLine")).to_have_text("while robot.step(32) != -1:")


def test_lines_are_filtered_by_stream_and_words(page: Page, servers: FakeServers) -> None:
    open_console(page, servers)
    page.get_by_label("Which lines to show").select_option("Errors")
    expect(rows(page)).to_have_text(["Traceback of <b>something</b>"])
    page.get_by_label("Which lines to show").select_option("All lines")
    expect(rows(page)).to_have_count(SAID_AT_FIRST)
    page.get_by_label("Show lines with these words").fill("SECOND")
    expect(rows(page)).to_have_text(["second line"])
    page.get_by_label("Show lines with these words").fill("nothing such")
    expect(rows(page)).to_have_count(0)


def test_the_lines_that_are_shown_are_copied(page: Page, servers: FakeServers) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    open_console(page, servers)
    page.get_by_label("Show lines with these words").fill("line")
    press(page, "Copy these lines")
    expect(page.get_by_text("1 line copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == "second line\n"


def test_without_a_clipboard_lines_are_copied_as_a_selection_is(page: Page, servers: FakeServers) -> None:
    page.add_init_script("Object.defineProperty(navigator, 'clipboard', {value: undefined})")
    open_console(page, servers)
    page.get_by_label("Show lines with these words").fill("second")
    press(page, "Copy these lines")
    expect(page.get_by_text("1 line copied")).to_be_visible()
    page.get_by_label("Show lines with these words").fill("")
    page.keyboard.press("Control+v")
    expect(page.get_by_label("Show lines with these words")).to_have_value("second line")


def test_clearing_leaves_nothing(page: Page, servers: FakeServers) -> None:
    open_console(page, servers)
    press(page, "Clear the console")
    expect(rows(page)).to_have_count(0)
    press(page, "Run one step")
    expect(rows(page)).to_have_count(2)


def test_a_closed_console_marks_errors_until_it_is_opened(page: Page, servers: FakeServers) -> None:
    open_project(page, servers, "talker")
    expect(page.locator(".webots-marked")).to_have_count(1)
    press(page, "Console")
    expect(page.locator(".webots-marked")).to_have_count(0)
    press(page, "Console")
    press(page, "Run one step")
    expect(page.locator(".webots-marked")).to_have_count(1)


def test_a_flood_costs_little_and_its_end_is_shown(page: Page, servers: FakeServers) -> None:
    open_console(page, servers)
    before = main_thread_seconds(page)
    press(page, "Run in real time")
    expect(rows(page).last).to_have_text("line 99999")
    expect(rows(page)).to_have_count(5000)
    expect(rows(page).first).to_have_text("line 95000")
    # 100,000 lines; putting each of them on the page would take many times as long.
    assert main_thread_seconds(page) - before < 3


def test_who_reads_older_lines_is_not_taken_away_from_them(page: Page, servers: FakeServers) -> None:
    open_console(page, servers, "works")
    press(page, "Run in real time")
    expect(rows(page).last).to_have_text("line 5999")
    lines = page.locator(".webots-console-lines")
    lines.evaluate("(it) => { it.scrollTop = 1000 }")
    news = page.get_by_role("button", name="New lines")
    expect(news).to_be_hidden()
    press(page, "Pause")
    press(page, "Run in real time")
    expect(news).to_be_visible()
    news.click()
    expect(news).to_be_hidden()
    expect(rows(page).last).to_be_in_viewport()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_in_the_console_keeps_people_out(page: Page, servers: FakeServers, axe: str, scheme: str) -> None:
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    open_console(page, servers)
    expect(rows(page).filter(has_text="plain")).to_be_visible(timeout=PATIENCE * 1000)
    assert [fault for fault in faults(page, axe) if not fault.startswith("moderate")] == []
