"""A configuration file of a reference server: JSON, and of which server it is."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import attrs

from webots_cloud.command.importing.keys import KEYS

_MOST_BYTES = 1_000_000


class UnreadableFile(Exception):
    """It is no configuration of a reference server; the text tells why."""


@attrs.frozen
class OldFile:
    """What a file says.

    @ivar section: C{session} or C{simulation}.
    """

    path: Path
    section: str
    values: Mapping[str, object] = attrs.field(repr=False)


def read_old_file(path: Path) -> OldFile:
    """Read a file.

    @raise UnreadableFile: if it cannot be read, or is of neither server.
    """
    try:
        with path.open("rb") as file:
            data = file.read(_MOST_BYTES + 1)
    except OSError as error:
        raise UnreadableFile(f"{path} cannot be read ({error.strerror})") from error
    if len(data) > _MOST_BYTES:
        raise UnreadableFile(f"{path} has more than {_MOST_BYTES} bytes, which no configuration has")
    try:
        values = json.loads(data.decode("utf-8-sig"))
    except json.JSONDecodeError as error:
        # The error's own text has nothing of the file's in it.
        raise UnreadableFile(f"{path}:{error.lineno}: this is not JSON ({error.msg})") from error
    except (UnicodeDecodeError, RecursionError, ValueError) as error:
        raise UnreadableFile(f"{path} is not JSON in UTF-8") from error
    if not isinstance(values, dict):
        raise UnreadableFile(f"{path} has no object in it, as {{...}}")
    return OldFile(path, _section(path, values), values)


def _section(path: Path, values: Mapping[str, object]) -> str:
    """Tell of which server a file is: by the keys that the other has not, or by its name."""
    others = {"session": "simulation", "simulation": "session"}
    own = {name: values.keys() & (KEYS[name].keys() - KEYS[other].keys()) for name, other in others.items()}
    found = [name for name, keys in own.items() if keys]
    if not found:
        found = [name for name in others if name in path.name.lower()]
    if len(found) != 1:
        why = "has keys of both servers" if found else "has no key that tells"
        raise UnreadableFile(
            f"{path} {why} of which server it is; name it session.json or simulation.json, with the keys of that only"
        )
    return found[0]
