"""What stands over the scene in a real browser: progress, failures, notices, and the limits in time."""

from __future__ import annotations

import re
import urllib.request
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Page, expect

from tests.web.test_view import OPEN_VIEW, WAIT_FOR_EVENT, open_project, open_view, press

if TYPE_CHECKING:
    from tests.web.conftest import FakeServers

NOTE_THE_BAR = """window.bar = [];
  const shadow = document.querySelector(".webots-view").shadowRoot;
  new MutationObserver(() => bar.push(shadow.querySelector("progress").value))
    .observe(shadow, {subtree: true, attributes: true, attributeFilter: ["value"]});"""


def open_with(page: Page, servers: FakeServers, url: str, settings: str) -> None:
    """Open a view, before which something is set on it."""
    page.goto(f"http://{servers.place}/empty.html")
    script = OPEN_VIEW.replace("view.open(url)", f"{settings}; view.open(url)")
    page.evaluate(script, {"url": url.replace("HERE", servers.place), "silence": {}})


def tell_watchers(servers: FakeServers, order: str) -> None:
    urllib.request.urlopen(f"http://{servers.place}/crowded/watchers/{order}", timeout=60).close()


def test_one_bar_goes_through_all_phases_and_never_back(page: Page, servers: FakeServers) -> None:
    open_with(page, servers, "ws://HERE/works/works/worlds/fake.wbt", NOTE_THE_BAR)
    page.evaluate(WAIT_FOR_EVENT, "ready")
    values = page.evaluate("bar")
    assert values == sorted(values)
    assert len(set(values)) > 2
    expect(page.get_by_role("progressbar")).to_be_hidden()


def test_textures_that_still_come_are_said_under_the_scene(page: Page, servers: FakeServers) -> None:
    open_with(page, servers, "ws://HERE/works/textured/worlds/fake.wbt", NOTE_THE_BAR)
    page.evaluate(WAIT_FOR_EVENT, "ready")
    servers.wait_for("texture asked")
    expect(page.locator(".webots-progress-title")).to_have_text("Loading textures…")
    expect(page.locator(".webots-progress-detail")).to_contain_text("0 of 1")
    press(page, "Run one step")
    servers.wait_for("stream step")
    urllib.request.urlopen(f"http://{servers.place}/stream/textured/released", timeout=60).close()
    expect(page.get_by_role("progressbar")).to_be_hidden()
    values = page.evaluate("bar")
    assert values == sorted(values)


def test_another_world_has_a_bar_of_its_own(page: Page, servers: FakeServers) -> None:
    open_project(page, servers, "worlds")
    expect(page.get_by_role("progressbar")).to_be_hidden()
    page.evaluate(f"() => {{ {NOTE_THE_BAR} events.length = 0; view.sendMessage('load:second.wbt'); }}")
    page.evaluate(WAIT_FOR_EVENT, "ready")
    expect(page.get_by_role("progressbar")).to_be_hidden()
    assert page.evaluate("bar[0]") < 80


def test_a_phase_that_takes_long_says_so(page: Page, servers: FakeServers) -> None:
    open_view(page, servers, "ws://HERE/mute/p/worlds/w.wbt")
    expect(page.locator(".webots-progress-title")).to_have_text("Looking for a simulation server…")
    expect(page.locator(".webots-progress-detail")).to_have_text(re.compile(r"^This takes longer than usual: \d+ s"))


def test_a_picture_may_be_shown_meanwhile(page: Page, servers: FakeServers) -> None:
    open_with(page, servers, "ws://HERE/works/silent/worlds/w.wbt", "view.thumbnail = '/icon.svg'")
    picture = page.locator(".webots-progress-picture")
    expect(picture).to_be_visible()
    assert picture.evaluate("picture => picture.decode().then(() => picture.naturalWidth > 0)")
    page.evaluate("view.thumbnail = ''; view.open(`ws://${location.host}/works/silent/worlds/w.wbt`)")
    expect(picture).to_be_hidden()


def test_a_failure_says_what_to_do(page: Page, servers: FakeServers) -> None:
    open_view(page, servers, "ws://127.0.0.1:1/p/worlds/w.wbt")
    expect(page.locator(".webots-progress-detail")).to_have_text(re.compile("^Check your network connection"))
    # The sentence for the page is what happened.
    assert page.evaluate("events")[0] == "error: The session server 127.0.0.1:1 cannot be reached."


def test_the_visitor_is_told_when_a_server_is_free_also_where_the_connection_was_lost(
    page: Page, servers: FakeServers
) -> None:
    open_view(page, servers, "ws://HERE/crowded/p/worlds/w.wbt")
    hint = page.locator(".webots-progress-hint")
    expect(hint).to_contain_text("All simulation servers are busy")
    tell_watchers(servers, "drop")
    servers.wait_for("availability closed")
    servers.wait_for("availability opened")
    expect(hint).to_contain_text("All simulation servers are busy")
    tell_watchers(servers, "free")
    expect(hint).to_contain_text("A simulation server is available now")
    expect(page.locator(".webots-progress-title")).to_have_text("No simulation server available at the moment.")


def test_quit_says_that_it_is_over_and_lets_it_be_started_again(page: Page, servers: FakeServers) -> None:
    open_project(page, servers, "works")
    press(page, "Quit the simulation")
    expect(page.locator(".webots-progress-title")).to_have_text("The simulation has ended.")
    page.evaluate("events.length = 0")
    press(page, "Start again")
    page.evaluate(WAIT_FOR_EVENT, "ready")
    expect(page.locator(".webots-progress")).to_be_hidden()


def test_the_simulation_pauses_at_its_limit_and_can_go_on(page: Page, servers: FakeServers) -> None:
    open_with(page, servers, "ws://HERE/works/modes/worlds/fake.wbt", "view.setTimeout(10)")
    page.evaluate(WAIT_FOR_EVENT, "ready")
    expect(page.locator(".webots-time-left")).to_have_text("0:10 left")
    press(page, "Run in real time")
    servers.wait_for("stream real-time:10000")
    servers.wait_for("stream pause")
    notice = page.locator(".webots-notice")
    expect(notice).to_contain_text("The simulation has run for its time of 10 s and is paused.")
    expect(page.locator(".webots-time-left")).to_have_text("0:00 left")
    expect(page.get_by_role("button", name="Run in real time")).to_be_visible()
    press(page, "Go on for another 10 s")
    servers.wait_for("stream real-time:10000")
    servers.wait_for("stream pause")
    expect(notice).to_have_count(1)
    page.evaluate("view.setTimeout(-1)")
    servers.wait_for("stream timeout:-1")
    expect(notice).to_have_count(0)
    expect(page.locator(".webots-time-left")).to_be_hidden()


def test_the_server_can_be_asked_for_more_time(page: Page, servers: FakeServers) -> None:
    open_project(page, servers, "ending")
    press(page, "Ask for more time")
    servers.wait_for('client {"extend":true}')
    notice = page.locator(".webots-notice")
    expect(notice).to_contain_text("The server has given the simulation more time.")
    press(page, "Close this notice")
    expect(notice).to_have_count(0)


def test_a_simulation_that_failed_counts_down_to_nothing(page: Page, servers: FakeServers) -> None:
    page.clock.install()
    open_project(page, servers, "ending")
    expect(page.locator(".webots-countdown")).to_be_visible()
    page.evaluate("view.sendMessage('break')")
    expect(page.get_by_role("button", name="Try again")).to_be_visible()
    page.clock.run_for(5000)
    expect(page.locator(".webots-notice")).to_have_count(0)


@pytest.mark.parametrize(
    ("project", "sentence"),
    [("stubborn", "It cannot go on for longer."), ("deaf", "This server does not give more time.")],
)
def test_a_server_that_gives_no_more_time(page: Page, servers: FakeServers, project: str, sentence: str) -> None:
    open_project(page, servers, project)
    press(page, "Ask for more time")
    notice = page.locator(".webots-notice")
    expect(notice).to_contain_text(sentence)
    expect(notice).to_contain_text(re.compile(r"This simulation ends in \d:\d\d"))
    expect(page.get_by_role("button", name="Ask for more time")).to_be_hidden()


def test_a_notice_that_is_closed_does_not_come_back_by_itself(page: Page, servers: FakeServers) -> None:
    page.clock.install()
    open_project(page, servers, "ending")
    expect(page.locator(".webots-countdown")).to_be_visible()
    press(page, "Close this notice")
    page.clock.run_for(5000)
    expect(page.locator(".webots-notice")).to_have_count(0)
