"""Says in our configuration what files of the reference servers say; what cannot be said is listed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import attrs

from webots_cloud.command.importing.keys import KEYS, Handled, Nothing, Option
from webots_cloud.command.importing.old_file import OldFile
from webots_cloud.config import SERVERS, ServerConfig
from webots_cloud.config.sections import options_of
from webots_cloud.errors import quoted

_LONGEST = 300
_CLASSES: Mapping[str, type[ServerConfig]] = {server.section: server for server in SERVERS}


@attrs.frozen
class Imported:
    """A configuration of ours.

    @ivar ini: the text of the file.
    @ivar notes: what could not be said, a line each; nothing secret.
    @ivar has_secret: whether the text has.
    """

    ini: str = attrs.field(repr=False)
    notes: tuple[str, ...]
    has_secret: bool


class NotTaken(Exception):
    """A value cannot be said in a file of ours; the text tells why, and has nothing of the value in it."""


def translate(files: Iterable[OldFile]) -> Imported:
    """Say the same as files of different servers."""
    texts, notes, secret = [], [], False
    for file in files:
        section = _Section(file)
        texts.append(section.text())
        notes += [f"{file.path}: {line}" for line in section.notes]
        secret = secret or section.has_secret
    return Imported("\n".join(texts), tuple(notes), secret)


class _Section:
    """A section in the making.

    @ivar notes: what could not be said.
    """

    def __init__(self, file: OldFile) -> None:
        self.notes: list[str] = []
        self._file = file
        self._class = _CLASSES[file.section]
        self._known = {field.name: field for field in options_of(self._class)}
        self._lines: dict[str, str] = {}
        self._secrets: set[str] = set()
        for key, value in file.values.items():
            self._take(key, value)
        self._drop_what_contradicts()

    @property
    def has_secret(self) -> bool:
        """Whether there is something that others must not read."""
        return bool(self._secrets & self._lines.keys())

    def text(self) -> str:
        """Give the section."""
        return "".join(
            [
                f"# From {quoted(self._file.path.name, _LONGEST)}.\n[{self._file.section}]\n",
                *(f"{name} ={'' if line.startswith(_NEXT) else ' '}{line}\n" for name, line in self._lines.items()),
                *(f"# {note}\n" for note in self.notes),
            ]
        )

    def _take(self, key: str, value: object) -> None:
        match KEYS[self._file.section].get(key):
            case Option(name, secret):
                self._set(key, name, value, secret)
            case Nothing(why):
                self._note(key, f"there is nothing like it here: {why}")
            case Handled():
                if not isinstance(value, bool):
                    self._note(key, "this is neither true nor false")
                elif key == "ssl" and value and not self._has_certificate and not self._rewritten:
                    self._note(
                        key, "clients were told wss://, but there is no certificate; give sslCertificate, sslKey"
                    )
            case None:
                self._note(key, "neither the servers that Webots ships nor these know it")

    def _set(self, key: str, name: str, value: object, secret: bool) -> None:
        field = self._known.get(name)
        if field is None:
            self._note(key, "this version has no such option")
        elif name in ("sslCertificate", "sslKey") and self._file.values.get("ssl") is False:
            self._note(key, "it was not used, as ssl was false; give it for a server that encrypts")
        elif name in self._lines:
            self._note(key, f"{name} is given already")
        else:
            try:
                line = self._line(name, value)
                field.metadata["parse"](line)
            except NotTaken as error:
                self._note(key, str(error))
            except ValueError as error:
                self._note(key, "its value cannot be used" if secret else _without_user(str(error)))
            else:
                self._lines[name] = line
                if secret:
                    self._secrets.add(name)

    def _line(self, name: str, value: object) -> str:
        """Give what stands after the equals sign.

        @raise NotTaken: if there is nothing that would be read as this value.
        """
        if name == "simulationServers":
            return self._servers(value)
        return _plain(value)

    def _servers(self, value: object) -> str:
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise NotTaken("this is no list of servers")
        items = [_plain(item) for item in value]
        if self._rewritten:
            items = [re.sub(r":([0-9]+)$", r"/\1", item) for item in items]
        return "".join(f"{_NEXT}{item}" for item in items)

    def _drop_what_contradicts(self) -> None:
        """Leave out what our servers would not start with; what lacks instead is listed."""
        while True:
            try:
                values = {name: self._value(name) for name in self._known}
            except ValueError:
                # A default that has a variable in it which is good for nothing here; the servers will tell.
                return
            wrong = list(self._class(**values).contradictions())
            given = next((pair for pair in wrong if pair[0] in self._lines), None)
            if given is None:
                for option, what in wrong:
                    self._note(option, what)
                return
            option, what = given
            del self._lines[option]
            self._note(option, what)

    def _value(self, name: str) -> Any:
        metadata = self._known[name].metadata
        return metadata["parse"](self._lines.get(name, metadata["default"]))

    @property
    def _rewritten(self) -> bool:
        return self._file.values.get("portRewrite") is True

    @property
    def _has_certificate(self) -> bool:
        return bool(self._file.values.get("sslCertificate"))

    def _note(self, key: str, what: str) -> None:
        self.notes.append(f"{quoted(key)}: {quoted(what, _LONGEST)}")


_NEXT = "\n    "
"""What begins a line that goes on with a list."""


def _plain(value: object) -> str:
    """Give a value as our files have it.

    @raise NotTaken: if it is not one that fits on a line.
    """
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float) and value.is_integer() and abs(value) < 10**12:
        value = int(value)
    if not isinstance(value, str | int | float):
        raise NotTaken("this is neither a text nor a number")
    text = str(value)
    if not text.isprintable() or text != text.strip() or text[:1] in ("#", ";"):
        raise NotTaken("it has characters that cannot stand in an INI file; write it by hand")
    return text


def _without_user(text: str) -> str:
    """Leave out of URLs what may be a password."""
    return re.sub(r"//[^/\s]*@", "//", text)
