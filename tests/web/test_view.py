"""`webots.View` in a real browser, against fake servers that do what can go wrong."""

from __future__ import annotations

import base64
import re
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Page, expect

if TYPE_CHECKING:
    from tests.web.conftest import FakeServers

PATIENCE = 60.0

OPEN_VIEW = """async ({url, silence}) => {
  const {default: webots} = await import("/webots.mjs");
  document.body.className = "full";
  const place = document.createElement("main");
  place.id = "view";
  document.body.replaceChildren(place);
  window.events = [];
  const view = window.view = new webots.View(place);
  view.silence = silence;
  for (const event of ["ready", "close", "error", "quit", "stdout", "stderr"]) {
    view[`on${event}`] = (detail) => window.events.push(detail === undefined ? event : `${event}: ${detail}`);
  }
  view.open(url);
}"""

# Not `wait_for_function`, which evaluates text again and again: the website's policy forbids that.
WAIT_FOR_EVENT = """(name) => new Promise((resolve, reject) => {
  const last = performance.now() + 60000;
  const look = () => events.includes(name) ? resolve()
    : performance.now() > last ? reject(new Error(`no event ${name}: ${events}`)) : requestAnimationFrame(look);
  look();
})"""

COUNT_PIXELS = """async (png) => {
  const picture = new Image();
  picture.src = "data:image/png;base64," + png;
  await picture.decode();
  const canvas = document.createElement("canvas");
  canvas.width = picture.width;
  canvas.height = picture.height;
  const pen = canvas.getContext("2d");
  pen.drawImage(picture, 0, 0);
  const data = pen.getImageData(0, 0, canvas.width, canvas.height).data;
  const found = {red: 0, green: 0, blue: 0, redAcross: 0};
  for (let at = 0; at < data.length; at += 4) {
    const [r, g, b] = data.subarray(at, at + 3);
    if (r > 90 && g < 60 && b < 60) {
      found.red++;
      found.redAcross += (at / 4) % canvas.width;
    }
    found.green += g > 90 && r < 90 && b < 120 && g > b + 40;
    found.blue += b > 90 && r < 60 && g < 60;
  }
  found.redAcross /= found.red || 1;
  return found;
}"""


def open_view(page: Page, servers: FakeServers, url: str, **silence: float) -> None:
    page.goto(f"http://{servers.place}/empty.html")
    page.evaluate(OPEN_VIEW, {"url": url.replace("HERE", servers.place), "silence": silence})


def open_project(page: Page, servers: FakeServers, project: str) -> None:
    open_view(page, servers, f"ws://HERE/works/{project}/worlds/fake.wbt")
    page.evaluate(WAIT_FOR_EVENT, "ready")


def press(page: Page, label: str) -> None:
    page.get_by_role("button", name=label, exact=True).click()


def colors(page: Page) -> dict[str, float]:
    """How many pixels of the scene have which colour, and where the red ones are across."""
    png = base64.b64encode(page.locator(".webots-area").screenshot()).decode()
    found: dict[str, float] = page.evaluate(COUNT_PIXELS, png)
    return found


def wait_for_colors(page: Page, condition: Callable[[dict[str, float]], bool]) -> dict[str, float]:
    """Look at the scene until it is as expected."""
    deadline = time.monotonic() + PATIENCE
    while not condition(found := colors(page)):
        assert time.monotonic() < deadline, f"the scene does not come to look as expected: {found}"
    return found


def wait_until_drawn_finely(page: Page) -> None:
    """Wait until a scene that stands still is drawn with all its pixels: while it moves it may have fewer."""
    canvas = page.locator("x3d-canvas")
    deadline = time.monotonic() + PATIENCE
    while canvas.evaluate("canvas => canvas.browser.getBrowserOption('ContentScale')") != 1:
        assert time.monotonic() < deadline, "the scene is not drawn finely"


def test_the_scene_is_drawn_and_moves_with_the_poses(page: Page, servers: FakeServers) -> None:
    open_project(page, servers, "works")
    before = wait_for_colors(page, lambda found: found["red"] > 500 and found["green"] > 200)
    press(page, "Run one step")
    wait_for_colors(page, lambda found: found["redAcross"] < before["redAcross"] - 50)
    expect(page.locator(".webots-time")).to_have_text("0:00:00.032")


def test_the_textures_and_scripts_of_the_scene_need_no_laxer_policy(page: Page, servers: FakeServers) -> None:
    troubles: list[str] = []
    page.on("console", lambda message: troubles.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: troubles.append(str(error)))
    open_project(page, servers, "works")
    wait_for_colors(page, lambda found: found["green"] > 200)
    assert troubles == []


def test_the_browser_asks_this_website_only(page: Page, servers: FakeServers) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    open_project(page, servers, "works")
    wait_for_colors(page, lambda found: found["red"] > 500)
    strangers = [url for url in asked if servers.place not in url and not url.startswith(("data:", "blob:"))]
    assert strangers == []


def test_the_first_message_holds_the_nine_strings_of_init(page: Page, servers: FakeServers) -> None:
    page.goto(f"http://{servers.place}/empty.html")
    page.evaluate(
        """async () => {
          const {default: webots} = await import("/webots.mjs");
          Object.assign(webots, {User1Id: 12, User1Name: "Ann", User1Authentication: "s3", CustomData: '{"a": 1}'});
        }"""
    )
    page.evaluate(OPEN_VIEW, {"url": f"ws://{servers.place}/works/silent/worlds/fake.wbt", "silence": {}})
    assert servers.wait_for("client ") == (
        f'client {{"init":["http://{servers.place}","silent","fake.wbt","12","Ann","s3","","","{{\\"a\\": 1}}"]}}'
    )


def test_run_pause_and_reset_are_sent_and_shown(page: Page, servers: FakeServers) -> None:
    open_project(page, servers, "works")
    page.evaluate("view.setTimeout(90)")
    servers.wait_for("stream timeout:90000")
    expect(page.locator(".webots-time-left")).to_have_text("1:30 left")
    press(page, "Run in real time")
    servers.wait_for("stream real-time:90000")
    expect(page.locator(".webots-time")).to_have_text("0:00:39.000")
    expect(page.locator(".webots-time-left")).to_have_text("0:51 left")
    press(page, "Pause")
    servers.wait_for("stream pause")
    press(page, "Reset the simulation")
    servers.wait_for("stream reset")
    expect(page.locator(".webots-time")).to_have_text("0:00:00.000")
    expect(page.get_by_role("button", name="Run in real time")).to_be_visible()


def test_nodes_come_go_and_hide_while_it_runs(page: Page, servers: FakeServers) -> None:
    open_project(page, servers, "changes")
    wait_for_colors(page, lambda found: found["blue"] == 0 and found["red"] > 500)
    wait_until_drawn_finely(page)
    before = colors(page)["red"]
    for shown in (True, False, True, False):
        press(page, "Run one step")
        wait_for_colors(page, lambda found, shown=shown: (found["blue"] > 300) == shown)  # type: ignore[misc]
    wait_for_colors(page, lambda found: abs(found["red"] - before) < 100)


def test_another_scene_takes_the_place_of_the_one_before(page: Page, servers: FakeServers) -> None:
    open_project(page, servers, "reloads")
    wait_for_colors(page, lambda found: found["red"] > 500 and found["blue"] == 0)
    press(page, "Run one step")
    wait_for_colors(page, lambda found: found["blue"] > 500 and found["red"] == 0)
    expect(page.get_by_role("button", name="Run one step")).to_be_enabled()


def test_what_controllers_print_is_text_and_is_told_to_the_page(page: Page, servers: FakeServers) -> None:
    open_project(page, servers, "works")
    press(page, "Console")
    expect(page.locator(".webots-stdout")).to_have_text(["hello <img src=x onerror=alert(1)>", "second line"])
    expect(page.locator(".webots-stderr")).to_have_text(["Traceback of <b>something</b>"])
    events = page.evaluate("events")
    assert "stdout: hello <img src=x onerror=alert(1)>\nsecond line\n" in events
    assert "stderr: Traceback of <b>something</b>\n" in events


def test_the_console_keeps_the_newest_five_thousand_lines(page: Page, servers: FakeServers) -> None:
    open_project(page, servers, "works")
    press(page, "Console")
    press(page, "Run in real time")
    expect(page.locator(".webots-console-lines > div")).to_have_count(5000)
    expect(page.locator(".webots-console-lines > div").last).to_have_text("line 5999")
    expect(page.locator(".webots-console-lines > div").first).to_have_text("line 1000")


def test_quit_closes_both_sockets_and_tells_the_page(page: Page, servers: FakeServers) -> None:
    open_project(page, servers, "works")
    press(page, "Quit the simulation")
    servers.wait_for_all("client closed", "stream closed")
    assert page.evaluate("events").count("quit") == 1
    assert page.evaluate("events").count("close") == 1
    expect(page.get_by_role("button", name="Run one step")).to_be_disabled()


def test_the_page_may_let_others_watch(page: Page, servers: FakeServers) -> None:
    open_project(page, servers, "works")
    assert page.evaluate("view.allowBroadcast") is False
    page.evaluate("view.allowBroadcast = true")
    servers.wait_for('client {"allowBroadcast":true}')
    page.evaluate("view.open(`ws://${location.host}/works/standin/worlds/fake.wbt`)")
    servers.wait_for('client {"init"')
    servers.wait_for('client {"allowBroadcast":true}')


def test_the_visitor_is_warned_before_the_simulation_ends(page: Page, servers: FakeServers) -> None:
    open_project(page, servers, "works")
    expect(page.locator(".webots-notice")).to_have_count(0)
    open_project(page, servers, "ending")
    expect(page.locator(".webots-notice p")).to_have_text(re.compile(r"This simulation ends in [45]:\d\d"))
    press(page, "Quit the simulation")
    expect(page.locator(".webots-notice")).to_have_count(0)


def test_a_visitor_who_has_to_wait_sees_how_many_are_ahead(page: Page, servers: FakeServers) -> None:
    open_view(page, servers, "ws://HERE/works/queued/worlds/w.wbt", starting=1)
    expect(page.locator(".webots-progress-title")).to_have_text("The server is full; waiting for a place…")
    expect(page.locator(".webots-progress-detail")).to_have_text("Visitors ahead: 3.")


def test_a_page_may_open_one_simulation_after_another(page: Page, servers: FakeServers) -> None:
    open_project(page, servers, "works")
    page.evaluate("events.length = 0; view.open(`ws://${location.host}/works/standin/worlds/fake.wbt`)")
    servers.wait_for_all("client closed", "stream closed")
    page.evaluate(WAIT_FOR_EVENT, "ready")
    wait_for_colors(page, lambda found: found["red"] > 500)
    expect(page.locator(".webots-badge")).to_have_text("stand-in simulator")


def test_a_simulator_that_streams_is_watched_without_a_session_server(page: Page, servers: FakeServers) -> None:
    open_view(page, servers, "ws://HERE/stream/works")
    page.evaluate(WAIT_FOR_EVENT, "ready")
    wait_for_colors(page, lambda found: found["red"] > 500)


FAILURES = [
    ("ws://127.0.0.1:1/p/worlds/w.wbt", {}, "The session server 127.0.0.1:1 cannot be reached."),
    ("ws://HERE/none/p/worlds/w.wbt", {}, "No simulation server available at the moment."),
    ("ws://HERE/odd/p/worlds/w.wbt", {}, "The session server HERE/odd gave an answer that is not understood."),
    ("ws://HERE/absent/p/worlds/w.wbt", {}, "The session server HERE/absent refused the request."),
    ("ws://HERE/mute/p/worlds/w.wbt", {"looking": 1}, "The session server does not answer."),
    ("ws://HERE/away/p/worlds/w.wbt", {}, "The simulation server 127.0.0.1:1 cannot be reached."),
    (
        "ws://HERE/works/refused/worlds/w.wbt",
        {},
        "The simulation server reports: the project <b>refused</b> is not here.",
    ),
    (
        "ws://HERE/works/dropped/worlds/w.wbt",
        {},
        "The simulation server closed the connection before the simulation started.",
    ),
    (
        "ws://HERE/works/silent/worlds/w.wbt",
        {"starting": 1},
        "The simulation server did not start the simulation in time.",
    ),
    ("ws://HERE/works/gone/worlds/w.wbt", {}, "The simulator at 127.0.0.1:1 cannot be reached."),
    ("ws://HERE/works/stalled/worlds/w.wbt", {"loading": 1}, "The simulator did not send the scene in time."),
    (
        "ws://HERE/works/broken/worlds/w.wbt",
        {},
        "The scene cannot be shown: it is not well-formed XML.",
    ),
    ("ws://HERE/works/lost/worlds/w.wbt", {}, "The connection to the simulator was lost."),
    (
        "http://HERE/",
        {},
        "“http://HERE/” is not the address of a simulation.",
    ),
]


@pytest.mark.parametrize(("url", "silence", "sentence"), FAILURES, ids=[failure[2][:40] for failure in FAILURES])
def test_a_failure_ends_the_waiting_with_one_sentence(
    page: Page, servers: FakeServers, url: str, silence: dict[str, float], sentence: str
) -> None:
    open_view(page, servers, url, **silence)
    expected = sentence.replace("HERE", servers.place)
    expect(page.locator(".webots-progress-title")).to_have_text(expected)
    expect(page.get_by_role("progressbar")).to_be_hidden()
    expect(page.get_by_role("button", name="Try again")).to_be_visible()
    assert f"error: {expected}" in page.evaluate("events")


@pytest.mark.parametrize("project", ["stalled", "broken", "lost"])
def test_a_failure_leaves_no_socket_open(page: Page, servers: FakeServers, project: str) -> None:
    open_view(page, servers, f"ws://HERE/works/{project}/worlds/w.wbt", loading=1)
    servers.wait_for_all("client closed", "stream closed")


def test_try_again_starts_it_afresh(page: Page, servers: FakeServers) -> None:
    open_view(page, servers, "ws://HERE/works/flaky/worlds/w.wbt")
    press(page, "Try again")
    page.evaluate(WAIT_FOR_EVENT, "ready")
    wait_for_colors(page, lambda found: found["red"] > 500)
    expect(page.locator(".webots-progress")).to_be_hidden()


def test_a_3d_engine_that_could_not_be_loaded_is_loaded_at_the_next_try(page: Page, servers: FakeServers) -> None:
    page.route("**/x_ite.min.mjs*", lambda route: route.abort())
    open_view(page, servers, "ws://HERE/works/works/worlds/w.wbt")
    expect(page.locator(".webots-progress-title")).to_have_text("The 3D engine could not be loaded from this website.")
    page.unroute("**/x_ite.min.mjs*")
    press(page, "Try again")
    page.evaluate(WAIT_FOR_EVENT, "ready")


def test_under_a_failure_the_visitor_learns_that_a_server_is_free(page: Page, servers: FakeServers) -> None:
    open_view(page, servers, "ws://HERE/none/p/worlds/w.wbt")
    expect(page.locator(".webots-progress-hint")).to_have_text(
        "A simulation server is available now: try again.", timeout=PATIENCE * 1000
    )


def test_without_webgl_nothing_is_started(page: Page, servers: FakeServers) -> None:
    page.add_init_script(
        """const getContext = HTMLCanvasElement.prototype.getContext;
        HTMLCanvasElement.prototype.getContext = function (kind, ...more) {
          return kind.startsWith("webgl") ? null : getContext.call(this, kind, ...more);
        };"""
    )
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    open_view(page, servers, "ws://HERE/works/works/worlds/w.wbt")
    expect(page.locator(".webots-progress-title")).to_contain_text("it has no WebGL 2")
    assert not [url for url in asked if url.endswith("/session")]


def test_the_classic_script_defines_the_same_view(page: Page, servers: FakeServers) -> None:
    page.goto(f"http://{servers.place}/empty.html")
    page.add_script_tag(url="/webots.js")
    assert page.evaluate("[typeof webots.View, webots.User1Id, webots.CustomData]") == ["function", "", ""]
    page.evaluate(
        """async (place) => {
          document.body.replaceChildren();
          const view = new webots.View(document.body);
          await new Promise((resolve, reject) => {
            view.onready = resolve;
            view.onerror = reject;
            view.open(`ws://${place}/works/works/worlds/fake.wbt`);
          });
        }""",
        servers.place,
    )
