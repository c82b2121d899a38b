"""Which names may become files: of projects, controllers, files and visitors; everything from outside passes here."""

from __future__ import annotations

import re

MAX_NAME = 64
"""Longest name of a project, a controller or a file, in characters."""

_PLAIN = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]*")


def is_plain(name: str) -> bool:
    """Tell whether C{name} has letters, digits, C{_}, C{-} and C{.} only, does not begin with a dot, and is short."""
    return len(name) <= MAX_NAME and _PLAIN.fullmatch(name) is not None


def controller_of(dirname: str) -> tuple[str, str] | None:
    """Read the C{dirname} of an upload (docs/protocol.md section 6).

    @return: the project and the controller; C{None} if it is not C{PROJECT/controllers/NAME} of plain names.
    """
    parts = dirname.split("/")
    if len(parts) != 3 or parts[1] != "controllers" or not all(is_plain(part) for part in parts):
        return None
    return parts[0], parts[2]
