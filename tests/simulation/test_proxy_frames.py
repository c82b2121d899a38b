"""WebSocket frames of clients: what the first message is, and that of watchers only control frames get through."""

from __future__ import annotations

from itertools import pairwise

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.simulation.proxied import BINARY, CLOSE, PING, PONG, TEXT, frame
from webots_cloud.errors import BadFrames
from webots_cloud.simulation.proxy.frames import (
    LONGEST_FIRST_MESSAGE,
    MOST_FRAMES_AT_ONCE,
    ControlFrames,
    FirstMessage,
    close_frame,
    read_header,
)

masks = st.binary(min_size=4, max_size=4)
controls = st.builds(frame, st.binary(max_size=125), st.sampled_from([CLOSE, PING, PONG]), st.just(True), masks)
lengths = st.sampled_from([0, 1, 125, 126, 127, 300, 65535, 65536, 70000])
data_frames = st.builds(frame, lengths.map(bytes), st.sampled_from([0, TEXT, BINARY]), st.booleans(), masks)


@attrs.frozen
class Pieces:
    """A stream of frames, cut somewhere."""

    frames: list[bytes]
    is_control: list[bool]
    cuts: list[int]

    def pieces(self) -> list[bytes]:
        stream = b"".join(self.frames)
        at = sorted({cut % (len(stream) + 1) for cut in self.cuts} | {0, len(stream)})
        return [stream[begin:end] for begin, end in pairwise(at)]


frame_lists = st.lists(
    st.one_of(controls.map(lambda data: (data, True)), data_frames.map(lambda data: (data, False))), max_size=12
)
streams = st.builds(
    lambda frames, cuts: Pieces([data for data, _ in frames], [kind for _, kind in frames], cuts),
    frame_lists,
    st.lists(st.integers(0, 10**6), max_size=20),
)


@given(streams)
def test_a_watchers_control_frames_get_through_however_the_stream_is_cut(stream: Pieces) -> None:
    wanted = b"".join(data for data, control in zip(stream.frames, stream.is_control, strict=True) if control)
    frames = ControlFrames()
    assert b"".join(frames.take(piece) for piece in stream.pieces()) == wanted
    assert ControlFrames().take(b"".join(stream.frames)) == wanted


@given(streams)
def test_byte_by_byte_is_the_same(stream: Pieces) -> None:
    whole = b"".join(stream.frames)[:3000]
    frames = ControlFrames()
    assert b"".join(frames.take(whole[at : at + 1]) for at in range(len(whole))) == ControlFrames().take(whole)


def test_a_frame_of_any_length_is_dropped_without_being_held() -> None:
    frames = ControlFrames()
    assert frames.take(b"\x82\xff" + (2**62).to_bytes(8, "big") + b"mask") == b""
    for _ in range(100):
        assert frames.take(bytes(65536)) == b""
    assert len(frames._held) == 0


@pytest.mark.parametrize(
    "bad",
    [
        b"\x81\x00",
        b"\x89\x00",
        b"\xc1\x80",
        b"\xa1\x80",
        b"\x91\x80",
        b"\x83\x80",
        b"\x87\x80",
        b"\x8b\x80",
        b"\x8f\x80",
        b"\x09\x80",
        b"\x08\x80",
        b"\x89\xfe",
        b"\x81\xff\x80" + bytes(7),
    ],
)
def test_what_a_client_may_not_send_is_known_at_once(bad: bytes) -> None:
    for reader in (ControlFrames(), FirstMessage()):
        with pytest.raises(BadFrames):
            reader.take(bad)


def test_a_flood_of_tiny_frames_is_not_read() -> None:
    assert ControlFrames().take(frame(b"") * (MOST_FRAMES_AT_ONCE // 2 - 1)) == b""
    for kind in (TEXT, PING):
        with pytest.raises(BadFrames):
            ControlFrames().take(frame(b"", kind) * (MOST_FRAMES_AT_ONCE + 1))
    with pytest.raises(BadFrames):
        FirstMessage().take(frame(b"", PING) * (MOST_FRAMES_AT_ONCE + 1))


@given(st.text(max_size=200), st.lists(st.integers(1, 50), max_size=5), masks, st.binary(max_size=30), st.data())
def test_a_first_message_is_read_however_it_is_cut(
    text: str, parts: list[int], mask: bytes, rest: bytes, data: st.DataObject
) -> None:
    payload, sent, controls_sent = text.encode(), [], []
    for index, length in enumerate([*parts, len(payload)]):
        part, payload = payload[:length], payload[length:]
        sent.append(frame(part, 0 if index else TEXT, index == len(parts), mask))
        if index < len(parts) and data.draw(st.booleans()):
            controls_sent.append(frame(b"?", PING, True, mask))
            sent.append(controls_sent[-1])
    stream, first, passed = b"".join(sent), FirstMessage(), b""
    at = 0
    while at < len(stream):
        step = data.draw(st.integers(1, len(stream)))
        passed += first.take(stream[at : at + step] + (rest if at + step >= len(stream) else b""))
        at += step
    assert first.complete
    assert (first.text, first.rest, passed) == (text, rest, b"".join(controls_sent))
    assert first.frames == b"".join(part for part in sent if part not in controls_sent)


def test_a_binary_first_message_is_no_text() -> None:
    first = FirstMessage()
    first.take(frame(b"x3d", BINARY))
    assert (first.complete, first.text) == (True, None)


@pytest.mark.parametrize("step", [1, 100, 10000])
def test_what_is_held_for_a_first_message_is_bounded(step: int) -> None:
    fits, too_long = frame(b"x" * (LONGEST_FIRST_MESSAGE - 8)), frame(b"x" * (LONGEST_FIRST_MESSAGE - 7))
    first = FirstMessage()
    _fed(first, fits, step)
    assert first.complete
    with pytest.raises(BadFrames):
        _fed(FirstMessage(), too_long, step)


def _fed(first: FirstMessage, data: bytes, step: int) -> None:
    for at in range(0, len(data), step):
        first.take(data[at : at + step])


@given(st.binary(max_size=20))
def test_a_header_is_read_or_refused_and_nothing_else(data: bytes) -> None:
    try:
        header = read_header(data)
    except BadFrames:
        return
    if header is not None:
        assert header.size <= len(data)
        assert header.length >= 0


def test_a_close_frame_is_short() -> None:
    assert close_frame(1008, "no") == b"\x88\x04\x03\xf0no"
    long = close_frame(1008, "é" * 100)
    assert len(long) == 2 + 124
    assert long[4:].decode() == "é" * 61
