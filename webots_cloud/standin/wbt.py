"""Reads the text of a .wbt world file into a tree of nodes; knows the syntax, not what the nodes mean.

A field's value is always a list: numbers, strings, booleans, nodes and uses of nodes, in the order of the file.
"""

import math
import re
from collections.abc import Iterator

import attrs

MAX_CHARACTERS = 32 * 1024 * 1024
MAX_DEPTH = 100
MAX_NODES = 100_000


class WbtError(ValueError):
    """A world file that cannot be read; the text names the line and the column."""


@attrs.define(eq=False)
class Node:
    """One node of the file.

    @ivar kind: type name, such as ``Solid``.
    @ivar fields: the fields written in the file; those that are absent have their default.
    @ivar name: the ``DEF`` name, or an empty string.
    @ivar size: how many nodes this is with everything below it, uses counted in full.
    @ivar depth: how many levels of nodes there are below and including this one.
    @ivar id: number of the node in the scene, given later; 0 before.
    """

    kind: str
    fields: "dict[str, list[Value]]" = attrs.field(factory=dict)
    name: str = ""
    size: int = 1
    depth: int = 1
    id: int = 0


@attrs.define(eq=False)
class Use:
    """A place where the file says ``USE NAME``: the node of that name once more."""

    node: Node
    id: int = 0


Value = float | str | bool | Node | Use


@attrs.frozen
class Document:
    """A whole file: its version as in ``R2022b`` or ``V8.5``, the URLs of its ``EXTERNPROTO`` lines, its nodes."""

    version: str
    externprotos: list[str]
    nodes: list[Value]

    @property
    def is_enu(self) -> bool:
        """Whether the z axis points up: so since R2022a, before that the y axis did (docs/protocol.md, section 5)."""
        year = re.match(r"R(\d{4})", self.version)
        return year is not None and int(year[1]) >= 2022


@attrs.frozen
class _Token:
    kind: str
    text: str
    offset: int


_HEADER = re.compile(r"\ufeff?#VRML_SIM\s+([RV]\d[\w.-]*)(?:\s+utf8)?[ \t]*(?=\r|\n|\Z)")
_TOKEN = re.compile(
    r"""(?P<blank>(?:[\s,\x00]++|\#[^\n]*+)++)
      | (?P<string>"(?:[^"\\]++|\\.)*+")
      | (?P<number>[+-]?(?:0[xX][0-9a-fA-F]+|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)(?![^\s,\#"\[\]{}]))
      | (?P<word>[^\s,"\#'\[\]{}\\.+\-\d\x00-\x1f\x7f][^\s,"\#'\[\]{}\\\x00-\x1f\x7f]*)
      | (?P<mark>[\[\]{}])""",
    re.VERBOSE | re.DOTALL,
)


def parse(text: str) -> Document:
    """Read a world file.

    @param text: the file's content.
    @raise WbtError: where it is not a world file, or larger or deeper than the bounds of this module.
    """
    if len(text) > MAX_CHARACTERS:
        raise WbtError(f"the file has more than {MAX_CHARACTERS} characters")
    header = _HEADER.match(text)
    if header is None:
        raise WbtError('line 1, column 1: a world file begins with a line such as "#VRML_SIM R2022b utf8"')
    reader = _Reader(text, header.end())
    externprotos = reader.externprotos()
    return Document(header[1], externprotos, reader.values_until("end"))


def parse_nodes(text: str) -> list[Node]:
    """Read nodes alone, without a header line; for templates of the stand-in itself."""
    return [value for value in _Reader(text, 0).values_until("end") if isinstance(value, Node)]


class _Reader:
    """Recursive descent over the tokens of one text, always one token ahead."""

    def __init__(self, text: str, offset: int) -> None:
        self._text = text
        self._tokens = self._scan(offset)
        self._ahead = next(self._tokens)
        self._named: dict[str, Node] = {}
        self._count = 0
        self._level = 0

    def _scan(self, offset: int) -> Iterator[_Token]:
        while offset < len(self._text):
            match = _TOKEN.match(self._text, offset)
            if match is None:
                raise self._error(self._complaint(offset), offset)
            kind = match.lastgroup or ""
            if kind != "blank":
                yield _Token(match[0] if kind == "mark" else kind, match[0], offset)
            offset = match.end()
        yield _Token("end", "the end of the file", offset)

    def _complaint(self, offset: int) -> str:
        if self._text[offset] == '"':
            return "this string has no end"
        return f"unexpected {self._text[offset : offset + 12].split()[0]!r}"

    def _error(self, message: str, offset: int) -> WbtError:
        line = self._text.count("\n", 0, offset) + 1
        column = offset - self._text.rfind("\n", 0, offset)
        return WbtError(f"line {line}, column {column}: {message}")

    def _take(self) -> _Token:
        token = self._ahead
        if token.kind != "end":
            self._ahead = next(self._tokens)
        return token

    def _expect(self, kind: str, what: str) -> _Token:
        token = self._take()
        if token.kind != kind:
            raise self._error(f"expected {what}, found {token.text[:40]!r}", token.offset)
        return token

    def externprotos(self) -> list[str]:
        """Read the ``EXTERNPROTO "URL"`` and ``IMPORTABLE EXTERNPROTO "URL"`` lines at the top."""
        urls = []
        while self._ahead.kind == "word" and self._ahead.text in ("EXTERNPROTO", "IMPORTABLE"):
            if self._take().text == "IMPORTABLE" and self._take().text != "EXTERNPROTO":
                raise self._error("expected EXTERNPROTO after IMPORTABLE", self._ahead.offset)
            urls.append(_unescape(self._expect("string", "the URL of a PROTO").text))
        return urls

    def values_until(self, end: str) -> list[Value]:
        """Read nodes (top level) or the items of a bracketed list, and the closing token."""
        values: list[Value] = []
        while self._ahead.kind != end:
            values += self._atoms()
        self._take()
        return values

    def _atoms(self) -> list[Value]:
        """Read one item; ``NULL`` is none at all."""
        token = self._take()
        if token.kind == "number":
            return [self._number(token)]
        if token.kind == "string":
            return [_unescape(token.text)]
        if token.kind == "word":
            return self._word(token)
        raise self._error(f"expected a value or a node, found {token.text[:40]!r}", token.offset)

    def _word(self, token: _Token) -> list[Value]:
        match token.text:
            case "TRUE" | "FALSE":
                return [token.text == "TRUE"]
            case "NULL":
                return []
            case "USE":
                return [self._use()]
            case "DEF":
                name = self._expect("word", "a name after DEF").text
                node = self._node(self._expect("word", "a node type after DEF"))
                node.name = name
                self._named[name] = node
                return [node]
        return [self._node(token)]

    def _use(self) -> Use:
        token = self._expect("word", "a name after USE")
        node = self._named.get(token.text)
        if node is None:
            raise self._error(f"USE {token.text[:60]}: no node of that name is complete before this", token.offset)
        self._grow(node.size, node.depth, token.offset)
        return Use(node)

    def _grow(self, nodes: int, depth: int, offset: int) -> None:
        self._count += nodes
        if self._count > MAX_NODES:
            raise self._error(f"the world has more than {MAX_NODES} nodes", offset)
        if self._level + depth > MAX_DEPTH:
            raise self._error(f"nodes are nested more than {MAX_DEPTH} deep", offset)

    def _node(self, kind: _Token) -> Node:
        self._expect("{", f"'{{' after {kind.text[:60]!r}")
        self._grow(1, 1, kind.offset)
        self._level += 1
        node = Node(kind.text)
        while self._ahead.kind != "}":
            name = self._expect("word", "a field name or '}'")
            if name.text == "hidden":
                name = self._expect("word", "a field name after 'hidden'")
            node.fields[name.text] = self._field()
        self._take()
        self._level -= 1
        below = [value.node if isinstance(value, Use) else value for value in _nodes_in(node)]
        node.size = 1 + sum(child.size for child in below)
        node.depth = 1 + max((child.depth for child in below), default=0)
        return node

    def _field(self) -> list[Value]:
        if self._ahead.kind == "[":
            self._take()
            return self.values_until("]")
        if self._ahead.kind != "number":
            return self._atoms()
        values: list[Value] = []
        while self._ahead.kind == "number":
            values.append(self._number(self._take()))
        return values

    def _number(self, token: _Token) -> float:
        text = token.text
        value = float(int(text, 16)) if "x" in text.lower() else float(text)
        if not math.isfinite(value):
            raise self._error(f"{text[:40]} is too large a number", token.offset)
        return value


def _nodes_in(node: Node) -> Iterator[Node | Use]:
    for values in node.fields.values():
        for value in values:
            if isinstance(value, Node | Use):
                yield value


def _unescape(literal: str) -> str:
    return re.sub(r"\\(.)", r"\1", literal[1:-1], flags=re.DOTALL)
