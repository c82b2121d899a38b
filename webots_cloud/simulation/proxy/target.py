"""What a client asks an instance's Webots for: its path and query, checked and written anew."""

from __future__ import annotations

import re
from urllib.parse import quote, unquote_to_bytes

from webots_cloud.errors import NotPassedOn

LONGEST_TARGET = 2048
_LONGEST_SEGMENT = 255
_PLAIN = "!$&'()*+,;=:@"
_QUERY = re.compile(rb"(?:[A-Za-z0-9\-._~!$&'()*+,;=:@/?]|%[0-9A-Fa-f]{2})*")
_BAD_ESCAPE = re.compile(rb"%(?![0-9A-Fa-f]{2})")
_CONTROL_ESCAPE = re.compile(rb"%(?:[01][0-9A-Fa-f]|7[Ff])")
_NOT_IN_NAMES = re.compile(r"[\x00-\x1f\x7f-\x9f/\\]")


def checked_target(path: bytes, query: bytes) -> bytes:
    """Write a request's target anew (RFC 9112 section 3.2.1), so that nobody reads it in two ways.

    @param path: empty, or what begins with a slash.
    @param query: what follows the question mark; empty if there is none.
    @raise NotPassedOn: if it is anything but plain names one below the other.
    """
    if len(path) + len(query) > LONGEST_TARGET:
        raise NotPassedOn(what="its path is too long")
    segments = (path or b"/").split(b"/")[1:]
    names = [_checked_name(segment) for segment in segments]
    if "" in names[:-1]:
        raise NotPassedOn(what="its path has a name that is empty")
    target = "".join(f"/{quote(name, safe=_PLAIN)}" for name in names).encode("ascii")
    return target + b"?" + _checked_query(query) if query else target


def _checked_name(segment: bytes) -> str:
    """Decode a name."""
    if b"#" in segment or _BAD_ESCAPE.search(segment):
        raise NotPassedOn(what="its path is not well formed")
    try:
        name = unquote_to_bytes(segment).decode()
    except UnicodeDecodeError as error:
        raise NotPassedOn(what="its path is not in UTF-8") from error
    if _NOT_IN_NAMES.search(name) or len(name) > _LONGEST_SEGMENT:
        raise NotPassedOn(what="its path has a name that no file has")
    if name and not name.strip(". "):
        raise NotPassedOn(what="its path has a name of dots")
    return name


def _checked_query(query: bytes) -> bytes:
    if _QUERY.fullmatch(query) is None or _CONTROL_ESCAPE.search(query):
        raise NotPassedOn(what="its query is not well formed")
    return query
