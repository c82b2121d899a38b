"""The manual as a reader meets it: its chapters in their order, and in each what is to be typed, saved or opened."""

from __future__ import annotations

import re
from collections.abc import Iterator

import attrs

from tests.e2e.cloud import CHECKOUT

DOCS = CHECKOUT / "docs"
COMMANDS = (
    "apt-get",
    "curl",
    "journalctl",
    "nginx",
    "runuser",
    "script/server",
    "sysctl",
    "systemctl",
    "twist",
    "webots-accounts",
    "webots-cloud",
)
"""What a text between backquotes begins with, and a blank after it, where it is a command."""


@attrs.frozen
class Block:
    """A block of code.

    @ivar place: the chapter's file, and the block's line in it, counted from 1.
    @ivar language: what follows the backquotes that open it.
    @ivar before: all that the chapter has before it.
    """

    place: str
    language: str
    text: str
    before: str


def chapters() -> list[str]:
    """Name the chapters in the order of the table of contents, those that are missing there last."""
    listed = re.findall(r"^\w+$", (DOCS / "index.md").read_text(), re.MULTILINE)
    return ["index", *listed, *sorted({file.stem for file in DOCS.glob("*.md")} - {"index", *listed})]


def blocks(chapter: str) -> Iterator[Block]:
    """Give what stands between lines of three backquotes, wherever these are on their line."""
    text = (DOCS / f"{chapter}.md").read_text()
    for found in re.finditer(r"^( *)```(.*)\n((?:.*\n)*?) *```$", text, re.MULTILINE):
        indent, language, inner = found.groups()
        before = text[: found.start()]
        lines = [line.removeprefix(indent) for line in inner.splitlines()]
        yield Block(f"{chapter}.md:{before.count(chr(10)) + 1}", language, "\n".join(lines) + "\n", before)


def commands_between_words(chapter: str) -> list[str]:
    """Give the commands in the text, without those that it only names, and those with a word in capitals to replace."""
    text = re.sub(r"^ *```.*\n(?:.*\n)*? *```$", "", (DOCS / f"{chapter}.md").read_text(), flags=re.MULTILINE)
    spans = dict.fromkeys(" ".join(span.split()) for span in re.findall(r"(?<!`)`([^`]+)`(?!`)", text))
    begins = tuple(f"{command} " for command in COMMANDS)
    incomplete = re.compile(r"(?:systemctl|webots-cloud) [\w-]+|.*\b[A-Z]{4,}")
    return [span for span in spans if span.startswith(begins) and not incomplete.fullmatch(span)]


def build_block() -> Block:
    """Give the block with the command for wheel and source archive."""
    return next(block for block in blocks("development") if "-m build " in block.text)
