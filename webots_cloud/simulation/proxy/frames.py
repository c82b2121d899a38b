"""WebSocket frames from clients (RFC 6455 section 5): reading the first message, and letting through what may pass."""

from __future__ import annotations

import struct
from typing import NamedTuple

from webots_cloud.errors import BadFrames
from webots_cloud.simulation.entrance import TO_ROBOT

LONGEST_FIRST_MESSAGE = 4096
"""Bytes of frames that are held until the first message is complete."""
LONGEST_ROBOT_MESSAGE = 64 * 1024
"""Bytes of frames of one message from a robot window, which are held until it is complete."""
MOST_FRAMES_AT_ONCE = 1000
"""How many frames may be read from one piece of data, so that a flood of tiny ones does not keep others waiting."""
PROTOCOL_ERROR, POLICY_VIOLATION, INTERNAL_ERROR = 1002, 1008, 1011
_CONTINUATION, _TEXT, _BINARY, _CLOSE, _PONG = 0, 1, 2, 8, 10
_FIN, _RESERVED, _OPCODE, _MASKED, _LENGTH = 0x80, 0x70, 0x0F, 0x80, 0x7F
_MASK_SIZE = 4
_LONGEST_CONTROL = 125
_TO_ROBOT = TO_ROBOT.encode()


class Header(NamedTuple):
    """What comes before a frame's payload.

    @ivar size: bytes of the header, mask included.
    @ivar length: bytes of the payload.
    """

    opcode: int
    fin: bool
    size: int
    length: int

    @property
    def is_control(self) -> bool:
        """Whether it is a close, ping or pong."""
        return self.opcode >= _CLOSE


def read_header(data: bytes | bytearray, at: int = 0) -> Header | None:
    """Read a frame's header.

    @param at: where it begins.
    @return: C{None} if there is not enough of it.
    @raise BadFrames: if it is none that a client may send.
    """
    if len(data) - at < 2:
        return None
    first, second = data[at], data[at + 1]
    opcode, length = first & _OPCODE, second & _LENGTH
    header = Header(opcode, bool(first & _FIN), 2 + _MASK_SIZE, length)
    if first & _RESERVED or opcode > _PONG or _BINARY < opcode < _CLOSE:
        raise BadFrames(what="a frame of no known kind")
    if not second & _MASKED:
        raise BadFrames(what="a frame without a mask")
    if header.is_control and (length > _LONGEST_CONTROL or not header.fin):
        raise BadFrames(what="a control frame that is too long, or in parts")
    if length > _LONGEST_CONTROL:
        width = 2 if length == 126 else 8
        if len(data) - at < 2 + width:
            return None
        length = int.from_bytes(data[at + 2 : at + 2 + width], "big")
        if length >> 63:
            raise BadFrames(what="a frame without end")
        header = Header(opcode, header.fin, 2 + width + _MASK_SIZE, length)
    return header if len(data) - at >= header.size else None


def unmasked(payload: bytes, mask: bytes) -> bytes:
    """Undo a client's masking."""
    pattern = (mask * (len(payload) // _MASK_SIZE + 1))[: len(payload)]
    return (int.from_bytes(payload, "big") ^ int.from_bytes(pattern, "big")).to_bytes(len(payload), "big")


def close_frame(code: int, reason: str) -> bytes:
    """Make a server's close frame.

    @param reason: a short sentence; what does not fit is left out.
    """
    text = reason.encode()[: _LONGEST_CONTROL - 2].decode(errors="ignore").encode()
    return struct.pack("!BBH", _FIN | _CLOSE, 2 + len(text), code) + text


class Message:
    """A message of which more and more frames come.

    @ivar frames: as they came.
    @ivar payload: what is in them.
    """

    def __init__(self) -> None:
        self.frames = bytearray()
        self.payload = bytearray()
        self._opcode = _CONTINUATION

    def add(self, header: Header, frame: bytes) -> bool:
        """Take a frame that is no control frame.

        @return: whether it was the last.
        @raise BadFrames: if it is not a part of this message.
        """
        if (header.opcode == _CONTINUATION) != bool(self.frames):
            raise BadFrames(what="parts of messages out of order")
        self._opcode = self._opcode or header.opcode
        self.frames += frame
        self.payload += unmasked(frame[header.size :], frame[header.size - _MASK_SIZE : header.size])
        return header.fin

    @property
    def is_text(self) -> bool:
        """Whether it is not binary."""
        return self._opcode == _TEXT


class FirstMessage:
    """Holds what a client sends until its first message is complete.

    @ivar complete: whether it is.
    @ivar text: the message; C{None} if it is not text.
    @ivar rest: what came after it.
    """

    def __init__(self) -> None:
        self.complete = False
        self.text: str | None = None
        self.rest = b""
        self._message = Message()

    @property
    def frames(self) -> bytes:
        """The message as it came."""
        return bytes(self._message.frames)

    def take(self, data: bytes) -> bytes:
        """Take what has come.

        @return: control frames that come before the end of the message, to be passed on at once.
        @raise BadFrames: if it is not what a client may send, or too much.
        """
        held, at, passed = self.rest + data, 0, []
        for _ in range(MOST_FRAMES_AT_ONCE):
            header = read_header(held, at) if not self.complete else None
            end = at + header.size + header.length if header else at
            if header is None or end > len(held):
                break
            if header.is_control:
                passed.append(held[at:end])
            else:
                self._take_data(header, held[at:end])
            at = end
        else:
            raise BadFrames(what="too many frames at once")
        self.rest = held[at:]
        if len(self.frames) + (0 if self.complete else len(self.rest)) > LONGEST_FIRST_MESSAGE:
            raise BadFrames(what="too much at first")
        return b"".join(passed)

    def _take_data(self, header: Header, frame: bytes) -> None:
        if self._message.add(header, frame):
            self.complete = True
            if self._message.is_text:
                self.text = self._message.payload.decode(errors="replace")


class ControlFrames:
    """Lets control frames through, and drops all others, however long they are and however they are cut."""

    def __init__(self) -> None:
        self._held = bytearray()
        self._to_drop = 0

    def take(self, data: bytes) -> bytes:
        """Take what has come.

        @return: the control frames that are complete.
        @raise BadFrames: if it is not what a client may send, or too much at once.
        """
        held, passed = self._held, bytearray()
        held += data
        for _ in range(MOST_FRAMES_AT_ONCE):
            dropped = min(self._to_drop, len(held))
            del held[:dropped]
            self._to_drop -= dropped
            header = read_header(held) if not self._to_drop else None
            if header is None:
                return bytes(passed)
            end = header.size + header.length
            if not header.is_control:
                self._to_drop = end
            elif end <= len(held):
                passed += held[:end]
                del held[:end]
            else:
                return bytes(passed)
        raise BadFrames(what="too many frames at once")


class RobotMessages:
    """Lets control frames and messages to robots through, and drops all other messages."""

    def __init__(self) -> None:
        self._held = bytearray()
        self._message = Message()

    def take(self, data: bytes) -> bytes:
        """Take what has come.

        @return: the control frames, and the messages to robots, that are complete.
        @raise BadFrames: if it is not what a client may send, or too much at once.
        """
        held, passed = self._held, bytearray()
        held += data
        for _ in range(MOST_FRAMES_AT_ONCE):
            header = read_header(held)
            if header is None:
                return bytes(passed)
            end = header.size + header.length
            if len(self._message.frames) + end > LONGEST_ROBOT_MESSAGE:
                raise BadFrames(what="a message to a robot that is too long")
            if end > len(held):
                return bytes(passed)
            frame = bytes(held[:end])
            del held[:end]
            passed += frame if header.is_control else self._passed(header, frame)
        raise BadFrames(what="too many frames at once")

    def _passed(self, header: Header, frame: bytes) -> bytes | bytearray:
        if not self._message.add(header, frame):
            return b""
        message, self._message = self._message, Message()
        return message.frames if message.is_text and message.payload.startswith(_TO_ROBOT) else b""
