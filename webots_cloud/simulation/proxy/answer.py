"""What an instance's Webots answers to HTTP requests: its head, read strictly, and where its body ends."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Protocol

import attrs

from webots_cloud.errors import BadAnswer

LONGEST_HEAD = 16 * 1024
HEAD_END = b"\r\n\r\n"
_STATUS_LINE = re.compile(rb"HTTP/1\.[01] ([1-5][0-9]{2})(?: [\t\x20-\x7e\x80-\xff]*)?")
_FIELD = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*([\t\x20-\x7e\x80-\xff]*?)[ \t]*")
_LENGTH = re.compile(rb"[0-9]{1,15}")
_CHUNK_LINE = re.compile(rb"([0-9A-Fa-f]{1,12})[ \t]*(?:;[\t\x20-\x7e]*)?")
_LONGEST_CHUNK_LINE = 256
_MOST_FIELDS = 100
_MOST_STEPS = 1000
"""How many lines and chunks may be read from one piece of data, so that tiny ones do not keep others waiting."""
_NO_CONTENT, _NOT_MODIFIED = 204, 304


@attrs.frozen
class Head:
    """The head of an answer.

    @ivar fields: values in the order they came, by names in lower case.
    """

    status: int
    fields: Mapping[bytes, tuple[bytes, ...]]

    def one(self, name: bytes) -> bytes | None:
        """Give a field that may be there only once.

        @raise BadAnswer: if it is there more often.
        """
        values = self.fields.get(name, ())
        if len(values) > 1:
            raise BadAnswer(what=f"more than one {name.decode('ascii')}")
        return values[0] if values else None


def parse_head(data: bytes) -> Head:
    """Read a head.

    @param data: without the empty line at its end.
    @raise BadAnswer: if it is not as RFC 9112 says.
    """
    first, *lines = data.split(b"\r\n")
    status = _STATUS_LINE.fullmatch(first)
    if status is None or len(lines) > _MOST_FIELDS:
        raise BadAnswer(what="not HTTP")
    fields: dict[bytes, tuple[bytes, ...]] = {}
    for line in lines:
        field = _FIELD.fullmatch(line)
        if field is None:
            raise BadAnswer(what="a header that is not well formed")
        name = field[1].lower()
        fields[name] = (*fields.get(name, ()), field[2])
    return Head(int(status[1]), fields)


class Body(Protocol):
    """The body of an answer, piece by piece.

    @ivar complete: whether all of it has come.
    @ivar ends_with_connection: whether it is complete when Webots closes the connection.
    """

    complete: bool
    ends_with_connection: bool

    def take(self, data: bytes) -> bytes:
        """Take what came, and give what of it is content.

        @raise BadAnswer: if it is not as it must be.
        """


class SizedBody:
    """A body of known length; what comes after it is dropped."""

    ends_with_connection = False

    def __init__(self, length: int) -> None:
        self._left = length
        self.complete = length == 0

    def take(self, data: bytes) -> bytes:
        """Take up to as much as is left."""
        content = data[: self._left]
        self._left -= len(content)
        self.complete = self._left == 0
        return content


class EndlessBody:
    """A body that goes on until Webots closes the connection."""

    ends_with_connection = True
    complete = False

    def take(self, data: bytes) -> bytes:
        """Take all."""
        return data


class ChunkedBody:
    """A body in chunks (RFC 9112 section 7.1)."""

    ends_with_connection = False

    def __init__(self) -> None:
        self.complete = False
        self._line = b""
        self._left = 0
        self._after_chunk = False
        self._in_trailers = False

    def take(self, data: bytes) -> bytes:
        """Take chunks, and drop what comes after the last one."""
        content, at, steps = [], 0, 0
        while at < len(data) and not self.complete:
            steps += 1
            if steps > _MOST_STEPS:
                raise BadAnswer(what="chunks that are too small")
            if self._left:
                piece = data[at : at + self._left]
                content.append(piece)
                self._left -= len(piece)
                self._after_chunk = self._left == 0
                at += len(piece)
            else:
                at = self._take_line(data, at)
        return b"".join(content)

    def _take_line(self, data: bytes, at: int) -> int:
        longest = at + _LONGEST_CHUNK_LINE + 1
        end = data.find(b"\n", at, longest) + 1
        self._line += data[at : end or longest]
        if len(self._line) > _LONGEST_CHUNK_LINE or (end and not self._line.endswith(b"\r\n")):
            raise BadAnswer(what="a chunk that is not well formed")
        if end:
            line, self._line = self._line[:-2], b""
            self._end_line(line)
        return end or len(data)

    def _end_line(self, line: bytes) -> None:
        if self._in_trailers:
            self.complete = not line
        elif self._after_chunk and not line:
            self._after_chunk = False
        else:
            size = _CHUNK_LINE.fullmatch(line)
            if self._after_chunk or size is None:
                raise BadAnswer(what="a chunk that is not well formed")
            self._left = int(size[1], 16)
            self._in_trailers = self._left == 0


def body_of(head: Head) -> Body:
    """Tell where a body ends (RFC 9112 section 6.3).

    @raise BadAnswer: if the head says so in two ways.
    """
    coding, length = head.one(b"transfer-encoding"), head.one(b"content-length")
    if coding is not None:
        if length is not None or coding.lower() != b"chunked":
            raise BadAnswer(what="no known length")
        return ChunkedBody()
    if length is not None and _LENGTH.fullmatch(length) is None:
        raise BadAnswer(what="no known length")
    if head.status in (_NO_CONTENT, _NOT_MODIFIED):
        return SizedBody(0)
    return EndlessBody() if length is None else SizedBody(int(length))
