"""The text of an INI file as sections and options with their lines; no mistake in it hides another."""

from __future__ import annotations

import re
from collections.abc import Sequence

import attrs

from webots_cloud.config.mistakes import Mistake

_HEADER = re.compile(r"\[\s*([^\[\]\s](?:[^\[\]]*[^\[\]\s])?)\s*\]\s*(?:[#;].*)?")
_OPTION = re.compile(r"([^\s=:](?:[^=:]*[^\s=:])?)\s*[=:](.*)")


@attrs.define
class Option:
    """An option as the file has it.

    @ivar name: in the file's spelling.
    @ivar line: where it begins, from 1.
    @ivar indent: how far its first line is indented; those that continue its value are indented further.
    """

    name: str
    line: int
    indent: int
    _lines: list[str] = attrs.field(factory=list)

    @property
    def value(self) -> str:
        """The value; one of several lines has line ends between them."""
        return "\n".join(self._lines)

    def add(self, text: str) -> None:
        """Add a line to the value."""
        if text:
            self._lines.append(text)


@attrs.define
class Section:
    """A section as the file has it.

    @ivar name: in the file's spelling; empty for what stands outside all sections.
    @ivar options: those in it, by their names in lower case.
    """

    name: str
    line: int
    options: dict[str, Option] = attrs.field(factory=dict)


def parse_ini(file: str, text: str) -> tuple[dict[str, Section], Sequence[Mistake]]:
    """Read the text of an INI file.

    @param file: the name that mistakes are told with.
    @return: the sections by their names in lower case, and what is wrong with the lines.
    """
    parsing = _Parsing(file)
    for number, line in enumerate(text.split("\n"), 1):
        content = line.strip()
        if content and content[0] not in "#;":
            parsing.take(number, len(line) - len(line.lstrip()), content)
    return parsing.sections, parsing.mistakes


class _Parsing:
    """Takes one line after another."""

    def __init__(self, file: str) -> None:
        self.sections: dict[str, Section] = {}
        self.mistakes: list[Mistake] = []
        self._file = file
        self._section: Section | None = None
        self._option: Option | None = None

    def take(self, line: int, indent: int, content: str) -> None:
        """Take a line that is no comment; C{content} is without the space around it."""
        if not content.expandtabs().isprintable():
            self._mistake(line, "", "this has characters that cannot be seen; type the line anew")
        elif self._option is not None and indent > self._option.indent:
            self._option.add(content)
        elif content.startswith("["):
            self._begin_section(line, content)
        elif self._section is None:
            self._mistake(line, "", "a section must come first, for instance [simulation]")
            self._section = Section("", line)
        else:
            self._begin_option(self._section, line, indent, content)

    def _begin_section(self, line: int, content: str) -> None:
        header = _HEADER.fullmatch(content)
        self._option = None
        if header is None:
            self._section = Section("", line)
            self._mistake(line, "", "this is no section; write for instance [simulation]")
            return
        name = header[1]
        new = Section(name, line)
        self._section = self.sections.setdefault(name.lower(), new)
        if self._section is not new:
            self._mistake(line, "", f"the section is in line {self._section.line} already; make it one")

    def _begin_option(self, section: Section, line: int, indent: int, content: str) -> None:
        option = _OPTION.fullmatch(content)
        # What follows a line that is no option, and is indented further, belongs to it and is no mistake of its own.
        self._option = new = Option(option[1] if option else "", line, indent)
        if option is None:
            self._mistake(line, "", "this is no option; write OPTION = VALUE")
            return
        new.add(option[2].strip())
        first = section.options.setdefault(new.name.lower(), new)
        if first is not new:
            self._mistake(line, new.name, f"the option is in line {first.line} already; remove one")

    def _mistake(self, line: int, option: str, what: str) -> None:
        section = self._section.name if self._section else ""
        self.mistakes.append(Mistake(self._file, line, section, option, what))
