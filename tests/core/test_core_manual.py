"""What the manual must have beside what is true of it."""

from __future__ import annotations

import inspect
import re
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.e2e import manual_pictures
from webots_cloud import __version__, errors
from webots_cloud.errors import ClientError

CHECKOUT = Path(__file__).parents[2]
MAX_PICTURE_BYTES = 200_000
SENTENCES = [
    kind.sentence
    for _, kind in inspect.getmembers(errors, inspect.isclass)
    if issubclass(kind, ClientError) and "sentence" in vars(kind)
]


def as_in_the_manual(sentence: str) -> str:
    """Give a sentence with dots for what differs; a full stop after these is one of them."""
    return re.sub(r"\{\w+\}", "...", sentence).replace("....", "...")


@pytest.mark.parametrize("sentence", SENTENCES)
def test_every_sentence_that_a_visitor_may_be_told_is_in_the_chapter_on_trouble(sentence: str) -> None:
    rows = (CHECKOUT / "docs" / "troubleshooting.md").read_text()
    assert f"`{as_in_the_manual(sentence)}`" in rows


def test_the_news_begin_with_this_version() -> None:
    assert (CHECKOUT / "NEWS").read_text().splitlines()[0] == f"webots-cloud {__version__}"


def test_nothing_refers_to_a_chapter_that_is_not_there() -> None:
    kinds = ("*.py", "*.js", "*.mts", "*.ini", "*.service")
    folders = [CHECKOUT / name for name in ("etc", "systemd", "tests", "webots_cloud")]
    sources = [path for folder in folders for kind in kinds for path in folder.rglob(kind)]
    for path in [CHECKOUT / "README.md", *sources]:
        if "node_modules" not in path.parts:
            for chapter in re.findall(r"\bdocs/(\w+\.md)\b", path.read_text()):
                assert (CHECKOUT / "docs" / chapter).exists(), f"{path} refers to {chapter}"


def test_the_pictures_are_those_that_the_script_takes_and_the_manual_shows() -> None:
    pictures = {path.stem: path.stat().st_size for path in (CHECKOUT / "docs" / "pictures").iterdir()}
    assert set(pictures) == manual_pictures.shown() <= set(manual_pictures.pictures(ExitStack()))
    assert max(pictures.values()) < MAX_PICTURE_BYTES
