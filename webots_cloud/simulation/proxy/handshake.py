"""The opening handshake of WebSockets (RFC 6455 section 4), on both sides of the proxy."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Sequence

import attrs
from twisted.web.http_headers import Headers

from webots_cloud.errors import BadAnswer, NotPassedOn, WrongVersion
from webots_cloud.simulation.proxy.answer import Head

VERSION = b"13"
_MAGIC = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_SWITCHING = 101
_KEY = re.compile(rb"[+/0-9A-Za-z]{22}==")
_TOKEN = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,64}")
_MOST_PROTOCOLS = 8


@attrs.frozen
class Handshake:
    """A client's wish to open a WebSocket.

    @ivar key: its C{Sec-WebSocket-Key}.
    @ivar protocols: the subprotocols that it offers.
    """

    key: bytes
    protocols: tuple[bytes, ...]

    @property
    def accept(self) -> bytes:
        """The C{Sec-WebSocket-Accept} that proves that the key was read."""
        return base64.b64encode(hashlib.sha1(self.key + _MAGIC, usedforsecurity=False).digest())

    def request(self, target: bytes) -> bytes:
        """Write the request to Webots, without extensions, so that frames can be read."""
        lines = [
            b"GET " + target + b" HTTP/1.1",
            b"Host: localhost",
            b"Upgrade: websocket",
            b"Connection: Upgrade",
            b"Sec-WebSocket-Key: " + self.key,
            b"Sec-WebSocket-Version: " + VERSION,
        ]
        if self.protocols:
            lines.append(b"Sec-WebSocket-Protocol: " + b", ".join(self.protocols))
        return b"\r\n".join([*lines, b"", b""])

    def answer(self, head: Head) -> bytes:
        """Write the answer to the client.

        @param head: what Webots answered.
        @raise BadAnswer: if it did not agree to what it was asked.
        """
        if head.status != _SWITCHING:
            raise BadAnswer(what=f"{head.status} where a WebSocket was to be opened")
        protocol = head.one(b"sec-websocket-protocol")
        if (
            (head.one(b"upgrade") or b"").lower() != b"websocket"
            or b"upgrade" not in _listed(head.fields.get(b"connection", ()))
            or head.one(b"sec-websocket-accept") != self.accept
            or head.one(b"sec-websocket-extensions")
            or (protocol is not None and protocol not in self.protocols)
        ):
            raise BadAnswer(what="another WebSocket than was asked for")
        lines = [
            b"HTTP/1.1 101 Switching Protocols",
            b"Upgrade: websocket",
            b"Connection: Upgrade",
            b"Sec-WebSocket-Accept: " + self.accept,
        ]
        if protocol is not None:
            lines.append(b"Sec-WebSocket-Protocol: " + protocol)
        return b"\r\n".join([*lines, b"", b""])


def read_handshake(method: bytes, version: bytes, headers: Headers) -> Handshake:
    """Read a client's request that has an C{Upgrade} header.

    @param version: of HTTP.
    @raise WrongVersion: if it is another version of WebSockets than ours.
    @raise NotPassedOn: if it is anything else than a proper handshake.
    """
    if method != b"GET" or version != b"HTTP/1.1":
        raise NotPassedOn(what="an upgrade needs GET and HTTP/1.1")
    if _only(headers, b"upgrade").lower() != b"websocket":
        raise NotPassedOn(what="an upgrade to something else than a WebSocket")
    if b"upgrade" not in _listed(headers.getRawHeaders(b"connection", [])):
        raise NotPassedOn(what="an upgrade that is not for this connection")
    if _only(headers, b"sec-websocket-version") != VERSION:
        raise WrongVersion(what="a WebSocket of another version")
    key = _only(headers, b"sec-websocket-key")
    protocols = [
        name.strip() for value in headers.getRawHeaders(b"sec-websocket-protocol", []) for name in value.split(b",")
    ]
    if (
        _KEY.fullmatch(key) is None
        or len(protocols) > _MOST_PROTOCOLS
        or not all(_TOKEN.fullmatch(name) for name in protocols)
    ):
        raise NotPassedOn(what="a WebSocket's headers that are not well formed")
    return Handshake(key, tuple(protocols))


def _only(headers: Headers, name: bytes) -> bytes:
    values = headers.getRawHeaders(name, [])
    return values[0] if len(values) == 1 else b""


def _listed(values: Sequence[bytes]) -> set[bytes]:
    return {name.strip().lower() for value in values for name in value.split(b",")}
