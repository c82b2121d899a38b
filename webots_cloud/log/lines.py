"""Events of the log as text and as fields, in which nothing from outside can pass for something of ours; no I/O."""

from __future__ import annotations

import time
import unicodedata
from collections.abc import Iterator

from twisted.logger import LogEvent, LogLevel, eventAsText, formatEvent

MESSAGE_CHARACTERS = 16 * 1024
"""How much of a message is kept, a traceback included: what is cut off is its middle."""

_PRIORITIES = {LogLevel.debug: 7, LogLevel.info: 6, LogLevel.warn: 4, LogLevel.error: 3, LogLevel.critical: 2}
_FIELDS = {
    "session": "SESSION",
    "instance": "INSTANCE",
    "project": "PROJECT",
    "world": "WORLD",
    "host": "HOST",
    "user": "USER",
    "visitor": "VISITOR",
    "address": "ADDRESS",
    "server": "SIMULATION_SERVER",
    "ending": "ENDING",
    "waited": "WAITED_SECONDS",
    "fetched": "FETCHED_SECONDS",
    "started": "STARTED_SECONDS",
    "ran": "RAN_SECONDS",
    "message_id": "MESSAGE_ID",
}
"""What of an event is a field of its own in the journal, under which name."""


def priority(event: LogEvent) -> int:
    """Give an event's priority as syslog has it (RFC 5424 section 6.2.1)."""
    return _PRIORITIES.get(event.get("log_level", LogLevel.info), 6)


def line(event: LogEvent) -> str:
    """Give an event as a line for a file; a traceback goes on in lines that begin with a tab."""
    level = event.get("log_level", LogLevel.info).name
    return f"{_moment(event.get('log_time'))} [{_plain(event.get('log_namespace', '-'))}#{level}] {message(event)}\n"


def message(event: LogEvent) -> str:
    """Give what an event says: one line, and its traceback, where there is one, in further lines after tabs."""
    text = escaped(formatEvent(event))
    if "log_failure" in event:
        whole = eventAsText(event, includeTimestamp=False, includeSystem=False)
        traceback = whole.removeprefix(formatEvent(event)).strip("\n")
        text = "\n\t".join([text, *map(escaped, traceback.split("\n"))])
    return _bounded(text)


def fields(event: LogEvent) -> Iterator[tuple[str, str]]:
    """Give the fields of an event that people look for in the journal, as pairs of name and text of one line."""
    yield "LOGGER", _plain(event.get("log_namespace", "-"))
    for key, name in _FIELDS.items():
        if event.get(key) not in (None, ""):
            yield name, _bounded(_plain(event[key]))


def escaped(text: str) -> str:
    """Write what does not show, or moves what shows, as Python would; line ends among it."""
    return "".join(
        character if character == " " or unicodedata.category(character)[0] not in "CZ" else _escape(character)
        for character in text
    )


def _escape(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")


def _plain(value: object) -> str:
    return escaped(str(value))


def _bounded(text: str) -> str:
    half = MESSAGE_CHARACTERS // 2
    return text if len(text) <= MESSAGE_CHARACTERS else f"{text[:half]} … {text[-half:]}"


def _moment(seconds: float | None) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S%z", time.localtime(seconds))
