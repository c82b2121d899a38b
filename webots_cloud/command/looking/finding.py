"""One thing that was looked at."""

from __future__ import annotations

from enum import Enum

import attrs


class Mark(Enum):
    """How something is."""

    FINE = "fine"
    NOTE = "note"
    WRONG = "wrong"


@attrs.frozen
class Finding:
    """What was found.

    @ivar subject: what was looked at, in a few words.
    @ivar what: how it is; where it is wrong, also what to do.
    """

    mark: Mark
    subject: str
    what: str


def fine(subject: str, what: str) -> Finding:
    """Say that something is as it should be."""
    return Finding(Mark.FINE, subject, what)


def note(subject: str, what: str) -> Finding:
    """Say something that may be meant so."""
    return Finding(Mark.NOTE, subject, what)


def wrong(subject: str, what: str) -> Finding:
    """Say that something must be put right."""
    return Finding(Mark.WRONG, subject, what)
