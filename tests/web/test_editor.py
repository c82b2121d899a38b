"""The editor in a real browser: what it sends, what it keeps, and what it tells the visitor."""

from __future__ import annotations

import urllib.request
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.web.accessibility import faults
from tests.web.test_view import OPEN_VIEW, PATIENCE, WAIT_FOR_EVENT, press

if TYPE_CHECKING:
    from tests.web.conftest import FakeServers

ANN = {"User1Id": "7", "User1Name": "Ann", "User1Authentication": "s3cret"}
SET_VISITOR = """async (visitor) => {
  const {default: webots} = await import("/webots.mjs");
  Object.assign(webots, visitor);
}"""


@pytest.fixture
def troubles(page: Page) -> list[str]:
    """What the browser complains about: scripts that fail, policies that are broken."""
    found: list[str] = []
    page.on("console", lambda message: found.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: found.append(str(error)))
    return found


def open_editor(page: Page, servers: FakeServers, visitor: dict[str, str] = ANN) -> Locator:
    """Open the files of the only robot's controller, and give the text of the first one."""
    page.goto(f"http://{servers.place}/empty.html")
    page.evaluate(SET_VISITOR, visitor)
    page.evaluate(OPEN_VIEW, {"url": f"ws://{servers.place}/works/editable/worlds/fake.wbt", "silence": {}})
    page.evaluate(WAIT_FOR_EVENT, "ready")
    page.evaluate("view.editController('go')")
    servers.wait_for("stream get controller:go")
    expect(page.get_by_role("tab")).to_have_count(4)
    return page.get_by_role("textbox", name="go/go.py")


def write(page: Page, text: str) -> None:
    """Write at the beginning of the text that is shown."""
    page.locator(".cm-content").click()
    page.keyboard.press("Control+Home")
    page.keyboard.insert_text(text)


def tab(page: Page, name: str) -> Locator:
    return page.locator(f"[role=tab]:has-text('{name}')")


def status(page: Page) -> Locator:
    return page.locator(".webots-editor-status [role=status]")


def go_on(servers: FakeServers) -> None:
    with urllib.request.urlopen(f"http://{servers.place}/ajax/go-on", timeout=PATIENCE):
        pass


def test_each_file_has_a_tab_and_its_highlighting(page: Page, servers: FakeServers, troubles: list[str]) -> None:
    text = open_editor(page, servers)
    expect(page.get_by_role("tab")).to_have_text(["go.py", "helper.c", "notes.txt", "<b>odd & name"])
    expect(text).to_be_focused()
    expect(text.locator(".tok-keyword").first).to_have_text("from")
    tab(page, "helper.c").click()
    expect(page.locator(".cm-content .tok-typeName").first).to_have_text("int")
    expect(page.locator(".cm-content .tok-comment")).to_have_text("// again")
    tab(page, "odd").click()
    expect(page.locator(".cm-content")).to_have_text("<script>alert(1)</script>")
    assert troubles == []


def test_tabs_are_used_by_keyboard(page: Page, servers: FakeServers) -> None:
    open_editor(page, servers)
    tab(page, "go.py").focus()
    page.keyboard.press("ArrowRight")
    expect(tab(page, "helper.c")).to_be_focused()
    expect(tab(page, "helper.c")).to_have_attribute("aria-selected", "true")
    page.keyboard.press("End")
    page.keyboard.press("ArrowRight")
    expect(tab(page, "go.py")).to_be_focused()
    page.keyboard.press("Delete")
    expect(page.get_by_role("tab")).to_have_text(["helper.c", "notes.txt", "<b>odd & name"])


def test_tab_indents_and_after_escape_leaves_the_text(page: Page, servers: FakeServers) -> None:
    text = open_editor(page, servers)
    page.keyboard.press("Control+Home")
    page.keyboard.press("Tab")
    expect(text.locator(".cm-line").first).to_have_text("    from controller import Robot", use_inner_text=True)
    page.keyboard.press("Escape")
    page.keyboard.press("Tab")
    expect(text).not_to_be_focused()
    assert "Escape" in page.locator(".webots-editor-hint").inner_text()


def test_saving_tells_the_simulation_and_the_website(page: Page, servers: FakeServers) -> None:
    open_editor(page, servers)
    write(page, "# new\n")
    expect(tab(page, "go.py").get_by_label("not saved")).to_be_visible()
    assert page.evaluate("view.unsaved")
    page.keyboard.press("Control+s")
    servers.wait_for("stream set controller:go/go.py:6")
    sent = servers.wait_for("upload editable/controllers/go go.py ")
    assert sent.endswith("""'# new\\nfrom controller import Robot\\n\\nrobot = Robot()\\n"""
                         """while robot.step(32) != -1:\\n    print("go")\\n'""")  # fmt: skip
    expect(status(page)).to_have_text("go.py is saved. Reset the simulation to run it.")
    expect(tab(page, "go.py").get_by_label("not saved")).to_have_count(0)
    assert not page.evaluate("view.unsaved")
    page.get_by_role("button", name="Reset", exact=True).click()
    servers.wait_for("stream reset")


def test_the_ends_of_lines_stay_as_they_are(page: Page, servers: FakeServers) -> None:
    open_editor(page, servers)
    tab(page, "notes.txt").click()
    write(page, "zeroth\n")
    press(page, "Save")
    assert servers.wait_for("upload ").endswith(r"notes.txt 'zeroth\r\nfirst\r\nsecond\r\n'")


def test_undoing_all_changes_leaves_nothing_to_save(page: Page, servers: FakeServers) -> None:
    open_editor(page, servers)
    write(page, "x")
    expect(page.get_by_role("button", name="Save", exact=True)).to_be_enabled()
    press(page, "Undo")
    expect(page.get_by_role("button", name="Save", exact=True)).to_be_disabled()
    assert not page.evaluate("view.unsaved")


def test_a_refusal_of_the_website_is_shown_and_the_file_stays_unsaved(page: Page, servers: FakeServers) -> None:
    open_editor(page, servers)
    write(page, "# too much\n")
    press(page, "Save")
    expect(status(page)).to_have_text(
        "go.py is not saved. Your saved files would take more than your 10 MB; make them smaller."
        " The running simulation has your changes until it ends."
    )
    expect(tab(page, "go.py").get_by_label("not saved")).to_be_visible()
    servers.wait_for("stream set controller:go/go.py:6")


def test_what_is_written_while_saving_is_saved_afterwards(page: Page, servers: FakeServers) -> None:
    open_editor(page, servers)
    write(page, "# slow\n")
    page.keyboard.press("Control+s")
    servers.wait_for("upload ")
    write(page, "# newest\n")
    page.keyboard.press("Control+s")
    servers.wait_for("stream set controller:go/go.py:7")
    expect(tab(page, "go.py").get_by_label("not saved")).to_be_visible()
    go_on(servers)
    assert "# newest" in servers.wait_for("upload ")
    go_on(servers)
    expect(status(page)).to_have_text("go.py is saved. Reset the simulation to run it.")
    assert not page.evaluate("view.unsaved")


def test_a_reset_of_the_simulation_saves_first(page: Page, servers: FakeServers) -> None:
    open_editor(page, servers)
    write(page, "# new\n")
    press(page, "Reset the simulation")
    servers.wait_for("stream set controller:go/go.py:6")
    servers.wait_for("stream reset")
    expect(status(page)).to_have_text("Saved.")


def test_another_world_runs_what_was_written(page: Page, servers: FakeServers) -> None:
    open_editor(page, servers)
    write(page, "# new\n")
    press(page, "Choose a world")
    page.get_by_role("menuitemcheckbox", name="other").click()
    servers.wait_for("stream set controller:go/go.py:6")
    servers.wait_for("stream load:other.wbt")
    expect(page.get_by_role("textbox", name="go/go.py")).to_contain_text("# new")


def test_the_world_loaded_again_runs_what_was_written(page: Page, servers: FakeServers) -> None:
    open_editor(page, servers)
    page.evaluate("view.buttons = {revert: true}")
    write(page, "# new\n")
    press(page, "Load the world again")
    servers.wait_for("stream set controller:go/go.py:6")
    servers.wait_for("stream revert")


def test_without_a_user_a_file_is_saved_until_the_simulation_ends(page: Page, servers: FakeServers) -> None:
    open_editor(page, servers, {})
    write(page, "# new\n")
    press(page, "Save")
    servers.wait_for("stream set controller:go/go.py:6")
    expect(status(page)).to_contain_text("go.py is saved until the simulation ends: nobody is logged in.")
    assert page.evaluate("view.unsaved")


def test_another_users_files_can_be_read_only(page: Page, servers: FakeServers) -> None:
    text = open_editor(page, servers, {"User1Id": "8", "User1Name": "Bob"})
    expect(page.locator(".webots-editor-why")).to_have_text(
        "These are another user's controllers: they can be read, not changed."
    )
    text.click()
    page.keyboard.insert_text("x")
    expect(text.locator(".cm-line").first).to_have_text("from controller import Robot")
    for name in ("Save", "Put this file back as it was delivered"):
        expect(page.get_by_role("button", name=name, exact=True)).to_be_disabled()


def test_a_file_is_put_back_in_the_simulation_and_at_the_website(page: Page, servers: FakeServers) -> None:
    text = open_editor(page, servers)
    write(page, "# mine\n")
    press(page, "Save")
    servers.wait_for("upload ")
    press(page, "Put this file back as it was delivered")
    expect(page.get_by_role("button", name="Cancel")).to_be_focused()
    press(page, "Put it back")
    servers.wait_for('client {"reset controller":"go/go.py"}')
    servers.wait_for("stream sync controller:go/go.py")
    assert "'from controller" in servers.wait_for("upload ")
    expect(status(page)).to_have_text("go.py is as it was delivered. Reset the simulation to run it.")
    expect(text.locator(".cm-line").first).to_have_text("from controller import Robot")
    assert not page.evaluate("view.unsaved")
    press(page, "Undo")
    expect(text.locator(".cm-line").first).to_have_text("# mine")


def test_a_file_that_cannot_be_put_back_stays_as_it_is_and_the_simulation_goes_on(
    page: Page, servers: FakeServers
) -> None:
    open_editor(page, servers)
    tab(page, "notes.txt").click()
    write(page, "mine")
    press(page, "Put this file back as it was delivered")
    press(page, "Put it back")
    expect(status(page)).to_have_text(
        "notes.txt is not put back. The project has no controller file go/notes.txt to go back to."
    )
    expect(page.locator(".cm-line").first).to_have_text("minefirst")
    expect(page.get_by_role("button", name="Run one step")).to_be_enabled()


def test_nothing_is_put_back_where_the_visitor_thinks_better_of_it(page: Page, servers: FakeServers) -> None:
    text = open_editor(page, servers)
    write(page, "mine")
    press(page, "Put this file back as it was delivered")
    page.keyboard.press("Escape")
    expect(page.get_by_role("alertdialog")).to_have_count(0)
    expect(text.locator(".cm-line").first).to_have_text("minefrom controller import Robot")


def test_closing_a_changed_file_asks(page: Page, servers: FakeServers) -> None:
    open_editor(page, servers)
    write(page, "mine")
    tab(page, "go.py").press("Delete")
    press(page, "Keep it open")
    expect(page.get_by_role("tab")).to_have_count(4)
    tab(page, "go.py").press("Delete")
    press(page, "Save and close")
    servers.wait_for("upload ")
    expect(page.get_by_role("tab")).to_have_count(3)
    write(page, "more")
    tab(page, "helper.c").press("Delete")
    press(page, "Close without saving")
    expect(page.get_by_role("tab")).to_have_count(2)


def test_closing_the_editor_keeps_what_was_written(page: Page, servers: FakeServers) -> None:
    text = open_editor(page, servers)
    write(page, "mine")
    press(page, "Close the editor")
    expect(text).to_be_hidden()
    assert page.evaluate("view.unsaved")
    page.evaluate("view.editController('go')")
    expect(text.locator(".cm-line").first).to_have_text("minefrom controller import Robot")


def test_a_lost_connection_loses_nothing_that_was_written(page: Page, servers: FakeServers) -> None:
    text = open_editor(page, servers, {})
    write(page, "mine")
    page.evaluate("view.sendRobotMessage('leave', 'robot')")
    expect(page.locator(".webots-progress-title")).to_contain_text("The connection to the simulator was lost.")
    expect(status(page)).to_have_text(
        "The simulation has ended. What you have written is still here: save, copy or download it. "
        "Close the editor to start again."
    )
    press(page, "Save")
    expect(status(page)).to_contain_text("go.py is not saved: its simulation has ended.")
    with page.expect_download() as download:
        press(page, "Download this file")
    assert download.value.suggested_filename == "go.py"
    assert download.value.path().read_text().startswith("minefrom controller import Robot\n")
    page.evaluate("events.length = 0; view.open(`ws://${location.host}/works/editable/worlds/fake.wbt`)")
    page.evaluate(WAIT_FOR_EVENT, "ready")
    expect(page.get_by_role("tab")).to_have_count(4)
    expect(text.locator(".cm-line").first).to_have_text("minefrom controller import Robot")
    press(page, "Save")
    servers.wait_for("stream set controller:go/go.py:5")


def test_quitting_with_unsaved_text_asks_and_then_forgets_it(page: Page, servers: FakeServers) -> None:
    text = open_editor(page, servers)
    write(page, "mine")
    press(page, "Quit the simulation")
    press(page, "Cancel")
    expect(text.locator(".cm-line").first).to_have_text("minefrom controller import Robot")
    press(page, "Quit the simulation")
    press(page, "Quit")
    page.evaluate(WAIT_FOR_EVENT, "quit")
    expect(text).to_have_count(0)
    assert not page.evaluate("view.unsaved")


def test_an_editor_that_could_not_be_loaded_is_loaded_at_the_next_try(page: Page, servers: FakeServers) -> None:
    page.route("**/editor.mjs*", lambda route: route.abort(), times=1)
    page.goto(f"http://{servers.place}/empty.html")
    page.evaluate(OPEN_VIEW, {"url": f"ws://{servers.place}/works/editable/worlds/fake.wbt", "silence": {}})
    page.evaluate(WAIT_FOR_EVENT, "ready")
    page.evaluate("view.editController('go')")
    expect(page.locator(".webots-notice")).to_contain_text("The editor could not be loaded from this website.")
    page.evaluate("view.editController('go')")
    expect(page.get_by_role("tab")).to_have_count(4)


def test_the_classic_script_finds_the_editor_too(page: Page, servers: FakeServers) -> None:
    page.goto(f"http://{servers.place}/empty.html")
    page.add_script_tag(url="/webots.js")
    page.evaluate(
        """async (url) => {
          document.body.replaceChildren();
          const view = new webots.View(document.body);
          await new Promise((resolve, reject) => {
            view.onready = resolve;
            view.onerror = reject;
            view.open(url);
          });
          view.editController("go");
        }""",
        f"ws://{servers.place}/works/editable/worlds/fake.wbt",
    )
    expect(page.get_by_role("tab")).to_have_count(4)


def test_a_controller_without_files_is_told(page: Page, servers: FakeServers) -> None:
    page.clock.install()
    open_editor(page, servers)
    page.evaluate("view.editController('absent')")
    servers.wait_for("stream get controller:absent")
    page.clock.run_for(21_000)
    expect(status(page)).to_have_text("The simulator has sent no files of the controller absent.")


def test_the_separator_is_moved_by_keyboard_and_pointer(page: Page, servers: FakeServers) -> None:
    open_editor(page, servers)
    separator = page.get_by_role("separator", name="Width of the editor")
    editor = page.get_by_role("region", name="Editor")
    width = editor.evaluate("(it) => it.offsetWidth")
    separator.press("ArrowLeft")
    assert editor.evaluate("(it) => it.offsetWidth") > width
    box = separator.bounding_box()
    assert box
    page.mouse.move(box["x"] + 1, 100)
    page.mouse.down()
    page.mouse.move(500, 100)
    page.mouse.up()
    assert editor.evaluate("(it) => it.offsetWidth") == pytest.approx(300, abs=10)


def test_on_a_phone_the_editor_covers_the_scene(page: Page, servers: FakeServers) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    open_editor(page, servers)
    expect(page.get_by_role("separator", name="Width of the editor")).to_be_hidden()
    editor = page.get_by_role("region", name="Editor").bounding_box()
    area = page.locator(".webots-area").bounding_box()
    assert editor == area
    press(page, "Close the editor")
    expect(page.get_by_role("region", name="Editor")).to_be_hidden()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_in_the_editor_keeps_people_out(page: Page, servers: FakeServers, axe: str, scheme: str) -> None:
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    open_editor(page, servers)
    write(page, "too much ")
    press(page, "Save")
    expect(status(page)).to_contain_text("is not saved")
    page.keyboard.press("Control+f")
    assert [fault for fault in faults(page, axe) if not fault.startswith("moderate")] == []
    press(page, "Put this file back as it was delivered")
    assert [fault for fault in faults(page, axe) if not fault.startswith("moderate")] == []
