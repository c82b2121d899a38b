"""Everything in docs/ that can be typed, saved or opened works."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser

from tests.e2e.cloud import Cloud
from tests.e2e.manual import DOCS, Block, blocks, chapters
from tests.e2e.reader import UNITS, Reader
from webots_cloud.config import read_config

pytestmark = pytest.mark.alone


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory, cloud: Cloud) -> Reader:
    """Somebody who has installed everything on one machine."""
    reader = Reader(tmp_path_factory.mktemp("machine"), cloud)
    reader.read("one_machine")
    return reader


@pytest.mark.parametrize("chapter", chapters())
def test_what_a_chapter_says_works(chapter: str, reader: Reader, browser: Browser) -> None:
    reader.browser = browser
    reader.read(chapter)


def test_each_server_finds_what_it_needs_on_the_machine(reader: Reader) -> None:
    for name, section in UNITS.items():
        with reader.state(reader.root / "var" / "lib" / f"webots-{name}"):
            read_config(reader.root / "etc" / "webots-cloud.ini", [section])


def test_the_projects_that_were_put_aside_are_still_there(reader: Reader) -> None:
    reader.read("website_host")
    reader.read("upgrading")
    data = reader.root / "var" / "lib" / "webots-host" / "host"
    assert (data / "projects.before" / "my_course" / "worlds").is_dir()
    assert (data / "projects" / "obstacle_course").is_dir()
    assert not (data / "projects" / "my_course").exists()


def test_the_manual_is_made(reader: Reader) -> None:
    reader.read("development")
    pages = {file.stem for file in (reader.root / "build" / "manual").glob("*.html")}
    assert set(chapters()) <= pages


def test_a_block_that_no_rule_covers_fails(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    for language in ("", "fish"):
        block = Block("new.md:1", language, "true\n", "")
        monkeypatch.setattr("tests.e2e.reader.blocks", lambda chapter, block=block: [block])
        with pytest.raises(AssertionError, match="no rule covers"):
            reader.read("new")


def test_a_command_that_fails_is_found(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    for command, told in (
        ("apt-get install -y webots", "invalid choice: 'webots'"),
        ("systemctl restart webots-sesion", "there is no unit"),
        ("chown nobody /etc/webots-cloud.ini", "nobody is none of the users"),
        ("false | cat", "false | cat"),
    ):
        block = Block("new.md:1", "sh", f"{command}\n", "")
        monkeypatch.setattr("tests.e2e.reader.blocks", lambda chapter, block=block: [block])
        with pytest.raises(AssertionError, match=told.replace("|", r"\|")):
            reader.read("new")


def test_no_block_is_overlooked() -> None:
    for chapter in chapters():
        fences = (DOCS / f"{chapter}.md").read_text().count("```")
        assert 2 * len(list(blocks(chapter))) == fences, chapter
