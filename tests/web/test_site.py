"""The site as visitors use it, in a real browser, with the real website host."""

from __future__ import annotations

import io
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from zipfile import ZipFile

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect

from tests.host.test_host_process import port_of, read_until
from tests.web.accessibility import faults

PASSWORD = "correct horse"
LOOKS = pytest.mark.parametrize(
    ("scheme", "width", "height"), [("light", 1280, 800), ("dark", 390, 844)], ids=["light desktop", "dark phone"]
)

_UPLOAD = """async ([filename, content]) => {
  const dirname = "maze/controllers/run";
  const form = new URLSearchParams({dirname, filename, content});
  const answer = await fetch("ajax/upload-file.php", {method: "POST", body: form});
  return await answer.text();
}"""


@pytest.fixture(scope="module")
def place(static: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a website with two projects."""
    folder = tmp_path_factory.mktemp("host")
    for path, text in {
        "key": "sesame\n",
        "data/projects/maze/project.ini": "[project]\ntitle = The maze\ndescription = A mouse looks for cheese.\n",
        "data/projects/maze/worlds/maze.wbt": "#VRML_SIM R2022b utf8\n",
        "data/projects/maze/worlds/cellar.wbt": "#VRML_SIM R2022b utf8\n",
        "data/projects/maze/controllers/run/run.py": "original\n",
        "data/projects/plain/worlds/plain.wbt": "#VRML_SIM R2022b utf8\n",
        "host.ini": f"[host]\nlisten = tcp:0:interface=127.0.0.1\ndataDir = {folder}/data\nkeyFile = {folder}/key\n",
    }.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    command = [
        sys.executable,
        "-m",
        "twisted",
        "--log-format=text",
        "webots-host",
        "--config",
        str(folder / "host.ini"),
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        read_until(process.stdout, r"\[host\] listens on tcp:")
        yield f"http://127.0.0.1:{port_of(process)}"
        process.send_signal(signal.SIGTERM)
        output, _ = process.communicate(timeout=60)
        assert "Traceback" not in output
        assert PASSWORD not in output


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    context.set_default_timeout(60_000)
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext) -> Page:
    return context.new_page()


def sign_up(page: Page, place: str, name: str) -> None:
    page.goto(f"{place}/account.html#sign-up")
    form = page.locator("#sign-up-form")
    form.get_by_label("Name").fill(name)
    form.get_by_label("Password").fill(PASSWORD)
    form.get_by_role("button").click()
    page.wait_for_url("**/my_projects.html")


def log_in(page: Page, place: str, name: str, password: str = PASSWORD) -> None:
    page.goto(f"{place}/account.html")
    form = page.locator("#log-in-form")
    form.get_by_label("Name").fill(name)
    form.get_by_label("Password").fill(password)
    form.get_by_role("button").click()


def save(page: Page, filename: str = "run.py", content: str = "mine\n") -> None:
    assert page.evaluate(_UPLOAD, [filename, content]) == "OK"


def is_trouble(message: ConsoleMessage) -> bool:
    """Tell whether the browser complains, but for that there is no session server here."""
    return message.type == "error" and not message.text.startswith("WebSocket connection to")


def downloaded(page: Page) -> dict[str, str]:
    with page.expect_download() as download:
        page.get_by_role("link", name=re.compile("Download as ZIP")).first.click()
    path = download.value.path()
    with ZipFile(io.BytesIO(path.read_bytes())) as archive:
        return {name: archive.read(name).decode() for name in archive.namelist()}


def test_an_account_from_its_beginning_to_its_end(browser: Browser, page: Page, place: str) -> None:
    troubles: list[str] = []
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.on("console", lambda message: troubles.append(message.text) if is_trouble(message) else None)
    page.goto(f"{place}/my_projects.html")
    expect(page.get_by_text("You have saved nothing yet.")).to_be_visible()
    save(page)
    save(page, "more.py", "more of mine\n")

    sign_up(page, place, "Ada Lovelace")
    expect(page.locator("#account-link")).to_have_text("Ada Lovelace")
    expect(page.get_by_text("2 files, 18 bytes, saved just now.")).to_be_visible()
    expect(page.locator("#quota-text")).to_have_text("18 bytes of 10 MB used")
    files = downloaded(page)
    assert files["maze/controllers/run/run.py"] == "mine\n"
    assert files["maze/worlds/cellar.wbt"].startswith("#VRML_SIM")

    page.get_by_text("Files that you have changed").click()
    page.get_by_role("button", name="Restore the original controllers/run/run.py").click()
    page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
    expect(page.get_by_text("2 files, 18 bytes")).to_be_visible()
    page.get_by_role("button", name="Restore the original controllers/run/run.py").click()
    page.get_by_role("dialog").get_by_role("button", name="Restore").click()
    expect(page.get_by_text("1 file, 13 bytes")).to_be_visible()
    expect(page.locator("main")).to_be_focused()
    files = downloaded(page)
    assert files["maze/controllers/run/run.py"] == "original\n"
    assert files["maze/controllers/run/more.py"] == "more of mine\n"

    page.goto(f"{place}/account.html")
    page.get_by_role("button", name="Log out").click()
    page.wait_for_url(f"{place}/")
    expect(page.locator("#account-link")).to_have_text("Log in")
    assert [cookie["name"] for cookie in page.context.cookies()] == ["webots_guest"]

    elsewhere = browser.new_context()
    other = elsewhere.new_page()
    log_in(other, place, "ada lovelace")
    expect(other.get_by_text("1 file, 13 bytes")).to_be_visible()
    other.goto(f"{place}/account.html")
    form = other.locator("#delete-form")
    form.get_by_label("Password").fill("wrong horse")
    form.get_by_role("button").click()
    other.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(form.get_by_text("Name or password is wrong.")).to_be_visible()
    form.get_by_label("Password").fill(PASSWORD)
    form.get_by_role("button").click()
    other.get_by_role("dialog").get_by_role("button", name="Delete").click()
    other.wait_for_url(f"{place}/")
    log_in(other, place, "Ada Lovelace")
    expect(other.get_by_text("Name or password is wrong.")).to_be_visible()
    elsewhere.close()
    assert troubles == []


def test_what_is_wrong_is_said_beside_its_field_and_read_aloud(page: Page, place: str) -> None:
    page.goto(f"{place}/account.html#sign-up")
    form = page.locator("#sign-up-form")
    expect(form.get_by_label("Name")).to_be_focused()
    form.get_by_label("Name").fill("<b>")
    form.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(form.get_by_label("Name")).to_be_focused()
    expect(form.get_by_label("Name")).to_have_attribute("aria-invalid", "true")
    expect(page.locator("#sign-up-name-trouble")).to_contain_text("has other characters than letters")
    form.get_by_label("Name").fill("Somebody")
    form.get_by_label("Password").fill("short")
    page.keyboard.press("Enter")
    expect(form.get_by_label("Password")).to_be_focused()
    expect(page.locator("#sign-up-name-trouble")).to_be_empty()
    expect(page.locator("#sign-up-password-trouble")).to_have_attribute("role", "alert")
    expect(page.locator("#sign-up-password-trouble")).to_contain_text("fewer than 8 characters")


def test_another_password_ends_what_runs_elsewhere(browser: Browser, page: Page, place: str) -> None:
    sign_up(page, place, "Grace")
    elsewhere = browser.new_context()
    other = elsewhere.new_page()
    log_in(other, place, "Grace")
    other.wait_for_url("**/my_projects.html")
    page.goto(f"{place}/account.html")
    page.get_by_label("Present password").fill(PASSWORD)
    page.get_by_label("New password").fill("battery staple")
    page.get_by_role("button", name="Change the password").click()
    expect(page.get_by_text("You have another password now")).to_be_visible()
    other.reload()
    expect(other.locator("#account-link")).to_have_text("Log in")
    elsewhere.close()
    page.reload()
    expect(page.locator("#account-link")).to_have_text("Grace")


def test_the_page_of_a_project_has_its_worlds_and_the_visitors_version(page: Page, place: str) -> None:
    page.goto(f"{place}/")
    page.get_by_role("link", name="The maze", exact=True).click()
    expect(page.get_by_role("heading", name="The maze")).to_be_visible()
    expect(page.get_by_text("A mouse looks for cheese.")).to_be_visible()
    expect(page.locator("#worlds h3")).to_have_text(["cellar", "maze"])
    expect(page.get_by_text("This is the original")).to_be_visible()
    save(page)
    page.reload()
    page.get_by_role("button", name="Restore the original project").click()
    page.get_by_role("dialog").get_by_role("button", name="Restore").click()
    expect(page.get_by_text("This is the original")).to_be_visible()
    expect(page.get_by_role("heading", name="Your version")).to_be_focused()


def test_a_project_that_is_not_there_is_told_in_a_sentence(page: Page, place: str) -> None:
    page.goto(f"{place}/project.html?project=<b>absent</b>")
    expect(page.get_by_role("alert")).to_have_text("There is no project <b>absent</b> on this website.")


def test_the_page_of_a_simulation_says_whose_version_it_is_also_after_saving(page: Page, place: str) -> None:
    page.goto(f"{place}/simulation.html?project=maze")
    expect(page.locator("#title")).to_have_text("The maze")
    expect(page.locator("#version")).to_have_text("Original")
    save(page)
    expect(page.locator("#version")).to_have_text("Your version")
    page.locator("#version").click()
    page.wait_for_url("**/project.html?project=maze")


@LOOKS
def test_all_pages_fit_and_keep_nobody_out(
    page: Page, place: str, axe: str, scheme: str, width: int, height: int
) -> None:
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    page.set_viewport_size({"width": width, "height": height})

    def look(path: str, seen: str) -> None:
        page.goto(f"{place}/{path}")
        page.locator(seen).first.wait_for()
        assert faults(page, axe) == [], path
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path

    look("", ".card")
    save(page)
    look("project.html?project=maze", ".files")
    look("account.html", "#guest:not([hidden])")
    page.locator("#log-in-form button").click()
    page.locator("#log-in-form [aria-invalid]").first.wait_for()
    assert faults(page, axe) == []
    sign_up(page, place, f"{scheme} colours, a very long name 7890".replace(",", ""))
    look("my_projects.html", ".row")
    page.get_by_text("Files that you have changed").click()
    page.get_by_role("button", name="Restore the original project").click()
    assert faults(page, axe) == []
    look("account.html", "#account:not([hidden])")
