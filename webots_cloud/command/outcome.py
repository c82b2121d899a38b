"""How a command ends: its exit status, and a sentence where it could not do what it was asked for."""

from __future__ import annotations

from webots_cloud.config import EX_CONFIG

FINE = 0
FOUND = 1
"""The command did its work, and there is something to look at; or a server does not do what it was asked for."""
USAGE = 2
NOT_PERMITTED = 77
"""Only another user may do that (sysexits.h)."""
MISCONFIGURED = EX_CONFIG

STATUSES = {
    FINE: "all is well",
    FOUND: "something was found, or does not run, or did not work; what, was told",
    USAGE: "the command line is wrong",
    NOT_PERMITTED: "another user may do that, and was named",
    MISCONFIGURED: "a configuration has mistakes; each of them was told",
}


class CommandError(Exception):
    """The command cannot do what it was asked for; the text tells why, and what to do.

    @ivar status: what it exits with.
    """

    def __init__(self, text: str, status: int = FOUND) -> None:
        super().__init__(text)
        self.status = status
