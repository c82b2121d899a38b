"""Reading the configuration: what the file says becomes values, and everything wrong with it is told at once."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import attrs

from webots_cloud.config.ini import Option, parse_ini
from webots_cloud.config.mistakes import ConfigError, Mistake
from webots_cloud.config.sections import SECTIONS, SERVERS, AcmeConfig, Config, Section, options_of
from webots_cloud.config.sockets import inherited_sockets


def read_config(
    file: Path | None, sections: Sequence[type[Section]], prepare: Callable[[Config], None] | None = None
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
    if config is not None and prepare is not None:
        prepare(config)
    for section in sections:
        # While there are mistakes, the defaults may still lack what a first start makes.
        reading.check(section, only_given=config is None)
    if config is None or reading.mistakes:
        raise ConfigError(sorted(reading.mistakes, key=lambda mistake: mistake.line or sys.maxsize))
    return config


def _read_text(file: Path) -> str:
    try:
        return file.read_text("utf-8-sig")
    except OSError as error:
        what = f"the configuration cannot be read ({error.strerror}); name a file that is there and readable"
    except UnicodeDecodeError:
        what = "the configuration is not UTF-8 text; save it as UTF-8"
    raise ConfigError([Mistake(str(file), None, "", "", what)])


class _Reading:
    """One file being read.

    @ivar mistakes: those so far.
    """

    def __init__(self, name: str, text: str) -> None:
        self._name = name
        self._sections, mistakes = parse_ini(name, text)
        self.mistakes = list(mistakes)
        self._refuse_unknown_sections()
        self._values = {section: self._parse(section) for section in SECTIONS}
        for server in SERVERS:
            own = self._values[server]
            enabled = self._values[AcmeConfig].get("enabled", False)
            own["inherited"] = tuple(inherited_sockets(server.section))
            own["automatic"] = enabled and own.get("sslCertificate") is None and own.get("sslKey") is None

    def config(self) -> Config | None:
        """Give the configuration, if there are no mistakes."""
        if self.mistakes:
            return None
        sections: list[Any] = [section(**values) for section, values in self._values.items()]
        return Config(*sections)

    def check(self, section: type[Section], only_given: bool) -> None:
        """Look at the files that options name, and at options that do not go together.

        @param only_given: leave out the options that the file does not have.
        """
        values = self._values[section]
        for field in options_of(section):
            if field.name not in values or (only_given and self._given(section.section, field.name) is None):
                continue
            try:
                field.metadata["check"](values[field.name])
            except (ValueError, OSError) as error:
                self._mistake(section.section, field.name, str(error))
        if len(values) == len(attrs.fields(section)):
            for option, what in section(**values).contradictions():
                self._mistake(section.section, option, what)

    def _refuse_unknown_sections(self) -> None:
        known = sorted(section.section for section in SECTIONS)
        for name, section in self._sections.items():
            if name not in known:
                what = f"there is no such section; the sections are {', '.join(known)}"
                self.mistakes.append(Mistake(self._name, section.line, section.name, "", what))

    def _parse(self, section: type[Section]) -> dict[str, Any]:
        """Give the values of a section; options with mistakes are left out."""
        values: dict[str, Any] = {}
        for field in options_of(section):
            given = self._given(section.section, field.name)
            try:
                values[field.name] = field.metadata["parse"](given.value if given else field.metadata["default"])
            except ValueError as error:
                self._mistake(section.section, field.name, str(error))
        self._refuse_unknown_options(section)
        return values

    def _refuse_unknown_options(self, section: type[Section]) -> None:
        if section.section not in self._sections:
            return
        for name, option in self._sections[section.section].options.items():
            if name not in _options(section):
                self._mistake(section.section, option.name, _no_such_option(section, name))

    def _given(self, section: str, option: str) -> Option | None:
        given = self._sections.get(section)
        return given.options.get(option.lower()) if given else None

    def _mistake(self, section: str, option: str, what: str) -> None:
        given = self._given(section, option)
        self.mistakes.append(Mistake(self._name, given.line if given else None, section, option, what))


def _options(section: type[Section]) -> set[str]:
    """Give all names that may stand in a section, in lower case."""
    return {field.name.lower() for field in options_of(section)}


def _no_such_option(section: type[Section], option: str) -> str:
    elsewhere = [f"[{other.section}]" for other in SECTIONS if option in _options(other)]
    if elsewhere:
        return f"there is no such option here; it belongs to {' and '.join(elsewhere)}"
    return f"there is no such option; there are {', '.join(sorted(field.name for field in options_of(section)))}"
