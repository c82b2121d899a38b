"""Which names may become files: of projects, controllers, files and visitors; everything from outside passes here."""

from __future__ import annotations

import re
import unicodedata

import attrs

from webots_cloud.host.refusals import BadName

MAX_NAME = 64
"""Longest name of a project, a controller or a file, in characters."""

MIN_ACCOUNT_NAME, MAX_ACCOUNT_NAME = 2, 40
"""How long the name of an account may be, in characters."""

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


@attrs.frozen
class AccountName:
    """A name that somebody may have.

    @ivar shown: as it is shown.
    @ivar key: the same for all names that people take for the same.
    """

    shown: str
    key: str


def account_name(text: str) -> AccountName:
    """Read the name of an account.

    @raise BadName: if it is none: letters and digits of any script, and C{_}, C{-}, C{.} and spaces between them.
    """
    if len(text) > 4 * MAX_ACCOUNT_NAME:
        raise BadName(what=f"has more than {MAX_ACCOUNT_NAME} characters")
    shown = " ".join(unicodedata.normalize("NFKC", text).split())
    if len(shown) > MAX_ACCOUNT_NAME:
        raise BadName(what=f"has more than {MAX_ACCOUNT_NAME} characters")
    if len(shown) < MIN_ACCOUNT_NAME:
        raise BadName(what=f"has fewer than {MIN_ACCOUNT_NAME} characters")
    if not all(letter in "_-. " or unicodedata.category(letter)[0] in "LMN" for letter in shown):
        raise BadName(what="has other characters than letters, digits, spaces, dots, _ and -")
    if not any(unicodedata.category(letter)[0] in "LN" for letter in shown):
        raise BadName(what="has neither a letter nor a digit")
    return AccountName(shown, unicodedata.normalize("NFKC", shown.casefold()))
