"""Reading the INI file; every mistake names file, line, section and option."""

from __future__ import annotations

import configparser
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import attrs

from webots_cloud.config.sections import NOT_IN_THIS_VERSION, SECTIONS, Config, ServerConfig


@attrs.frozen
class Mistake:
    """One thing wrong in a configuration.

    @ivar line: its line in the file, from 1; C{None} where the file does not mention it.
    """

    file: str
    line: int | None
    section: str
    option: str
    what: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        names = " ".join(name for name in (f"[{self.section}]" if self.section else "", self.option) if name)
        return f"{place}: {names}: {self.what}" if names else f"{place}: {self.what}"


class ConfigError(Exception):
    """The configuration has mistakes; its text has a line for each of them.

    @ivar mistakes: all that were found.
    """

    def __init__(self, mistakes: Sequence[Mistake]) -> None:
        super().__init__("\n".join(str(mistake) for mistake in mistakes))
        self.mistakes = tuple(mistakes)


def read_config(
    file: Path | None, sections: Sequence[type[ServerConfig]], prepare: Callable[[Config], None] | None = None
) -> Config:
    """Read a configuration.

    @param file: the INI file; C{None}: only defaults.
    @param sections: those that this process uses: files and folders are looked at for them only.
    @param prepare: called when all is well but for the file system, to make what a first start lacks.
    @raise ConfigError: with every mistake that was found.
    """
    name = str(file) if file else "built-in defaults"
    reading = _Reading(name, _read_text(file) if file else "")
    config = reading.config()
    reading.complain()
    if prepare is not None:
        prepare(config)
    for section in sections:
        reading.check(getattr(config, section.section))
    reading.complain()
    return config


def _read_text(file: Path) -> str:
    try:
        return file.read_text("utf-8")
    except OSError as error:
        what = f"the configuration cannot be read ({error.strerror}); name a file that is there and readable"
    except UnicodeDecodeError:
        what = "the configuration is not UTF-8 text; save it as UTF-8"
    raise ConfigError([Mistake(str(file), None, "", "", what)])


class _Reading:
    """One file being read: its options in lower case, where they stand, and the mistakes so far."""

    def __init__(self, name: str, text: str) -> None:
        self._name = name
        self._mistakes: list[Mistake] = []
        self._lines = _line_numbers(text)
        self._given: dict[str, dict[str, str]] = {}
        self._parse(text)

    def complain(self) -> None:
        if self._mistakes:
            raise ConfigError(sorted(self._mistakes, key=lambda mistake: mistake.line or sys.maxsize))

    def config(self) -> Config:
        known = {section.section for section in SECTIONS}
        for name in self._given:
            if name not in known:
                self._mistake(name, "", f"there is no such section; the sections are {', '.join(sorted(known))}")
        return Config(*(self._section(section) for section in SECTIONS))

    def check(self, section: ServerConfig) -> None:
        for field in attrs.fields(type(section)):
            try:
                field.metadata["check"](getattr(section, field.name))
            except (ValueError, OSError) as error:
                self._mistake(section.section, field.name, str(error))
        for option, what in section.contradictions():
            self._mistake(section.section, option, what)

    def _parse(self, text: str) -> None:
        parser = configparser.ConfigParser(interpolation=None, default_section="")
        try:
            parser.read_string(text, self._name)
        except configparser.DuplicateSectionError as error:
            self._mistake_at(error.lineno, error.section, "", "the section is there twice; make it one")
        except configparser.DuplicateOptionError as error:
            self._mistake_at(error.lineno, error.section, error.option, "the option is there twice; remove one")
        except configparser.MissingSectionHeaderError as error:
            self._mistake_at(error.lineno, "", "", "a section must come first, for instance [simulation]")
        except configparser.ParsingError as error:
            for line, _ in error.errors:
                self._mistake_at(line, "", "", "this is no option; write OPTION = VALUE")
        for name in parser.sections():
            self._given.setdefault(name.lower(), {}).update(parser.items(name))

    def _section(self, section: type[ServerConfig]) -> Any:
        given = {option: value.strip() for option, value in self._given.get(section.section, {}).items()}
        for option, what in NOT_IN_THIS_VERSION[section.section].items():
            if given.pop(option.lower(), ""):
                self._mistake(section.section, option, what)
        values: dict[str, Any] = {}
        for field in attrs.fields(section):
            text = given.pop(field.name.lower(), field.metadata["default"])
            try:
                values[field.name] = field.metadata["parse"](text)
            except ValueError as error:
                self._mistake(section.section, field.name, str(error))
        for option in given:
            self._mistake(section.section, option, _no_such_option(section, option))
        return None if self._mistakes else section(**values)

    def _mistake(self, section: str, option: str, what: str) -> None:
        self._mistake_at(self._lines.get((section, option.lower())), section, option, what)

    def _mistake_at(self, line: int | None, section: str, option: str, what: str) -> None:
        self._mistakes.append(Mistake(self._name, line, section, option, what))


def _no_such_option(section: type[ServerConfig], option: str) -> str:
    elsewhere = [other.section for other in SECTIONS if option in {field.name.lower() for field in attrs.fields(other)}]
    if elsewhere:
        return f"there is no such option here; it belongs to [{elsewhere[0]}]"
    return f"there is no such option; there are {', '.join(sorted(field.name for field in attrs.fields(section)))}"


def _line_numbers(text: str) -> dict[tuple[str, str], int]:
    """Find where each section (option C{""}) and each option stands, by the rules of C{configparser}."""
    lines: dict[tuple[str, str], int] = {}
    section = ""
    for number, line in enumerate(text.splitlines(), 1):
        header = re.match(r"\[([^]]+)\]", line)
        option = re.match(r"([^\s#;=:][^=:]*?)\s*[=:]", line)
        if header:
            section = header.group(1).lower()
            lines.setdefault((section, ""), number)
        elif option:
            lines.setdefault((section, option.group(1).lower()), number)
    return lines
