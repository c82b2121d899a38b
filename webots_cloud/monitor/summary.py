"""What a simulation server says of itself beside its load: a header of C{/load}, which old servers do not have; no I/O.

It is a dictionary of structured fields (RFC 9651), such as
C{Webots-Cloud: instances=3, idle=1, capacity=100, waiting=0, queue=100, attention=0, version="1.0.0",
simulator="Webots R2023b"}. Whoever reads it takes what is well-formed, and leaves what is not, or is not known.
"""

from __future__ import annotations

import re
from typing import Any

import attrs

HEADER = "Webots-Cloud"
MAX_HEADER = 1000
"""How many characters of the header are looked at."""

_COUNTS = ("instances", "idle", "capacity", "waiting", "queue", "attention")
_TEXTS = ("version", "simulator")
_MEMBER = re.compile(r'\s*([a-z]+)=(?:([0-9]{1,6})|"([ !#-\[\]-~]{1,60})")\s*')


@attrs.frozen
class Summary:
    """What is known; C{None} where it is not.

    @ivar instances: how many instances have a place.
    @ivar idle: how many of them are paused.
    @ivar capacity: how many may have one.
    @ivar waiting: how many clients wait for one.
    @ivar version: of webots-cloud.
    @ivar simulator: what instances run, for instance C{Webots R2023b}.
    @ivar queue: how many clients may wait.
    @ivar attention: 1 if its certificate needs attention, which its monitor page says more of, and 0 if not.
    """

    instances: int | None = None
    idle: int | None = None
    capacity: int | None = None
    waiting: int | None = None
    version: str | None = None
    simulator: str | None = None
    queue: int | None = None
    attention: int | None = None

    def header(self) -> str:
        """Give the header's value."""
        counts = [f"{name}={value}" for name in _COUNTS if (value := getattr(self, name)) is not None]
        texts = [f'{name}="{_plain(value)}"' for name in _TEXTS if (value := getattr(self, name)) is not None]
        return ", ".join([*counts, *texts])


NOTHING = Summary()
"""Of a server that says nothing of itself."""


def parse_summary(header: str) -> Summary:
    """Read the header's value, whatever it is."""
    known: dict[str, Any] = {}
    for member in header[:MAX_HEADER].split(","):
        match = _MEMBER.fullmatch(member)
        if match is None:
            continue
        name, number, text = match.groups()
        if name in _COUNTS and number is not None:
            known[name] = int(number)
        elif name in _TEXTS and text is not None:
            known[name] = text
    return attrs.evolve(NOTHING, **known)


def _plain(text: str) -> str:
    """Give a text as it may stand in quotes, and without the comma that separates members."""
    return re.sub(r"[^ !#-+\--\[\]-~]", "?", text or "?")[:60]
