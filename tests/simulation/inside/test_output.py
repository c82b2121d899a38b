"""What a program prints, passed on within bounds."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator

import attrs
import pytest

from webots_cloud.simulation.inside import output as output_module
from webots_cloud.simulation.inside.output import Output

CHUNK = 16 * 1024
CHUNKS_PER_SECOND = 4


@attrs.define
class Screen:
    """An output with both its ends.

    @ivar program: the program's end.
    @ivar seconds: what its clock says.
    """

    output: Output
    program: socket.socket
    target: int
    seconds: float = 100.0

    def monotonic(self) -> float:
        return self.seconds

    def passes_on(self, data: bytes) -> bytes:
        """Print something; give what arrives."""
        self.program.sendall(data)
        self.output.read()
        return self.arrived()

    def arrived(self) -> bytes:
        try:
            return os.read(self.target, 2**20)
        except BlockingIOError:
            return b""


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> Iterator[Screen]:
    ours, theirs = socket.socketpair()
    reading, writing = os.pipe()
    for end in (reading, writing):
        os.set_blocking(end, False)
    screen = Screen(Output(ours, writing), theirs, reading)
    monkeypatch.setattr(output_module, "time", screen)
    yield screen
    for file in (screen.output, theirs):
        file.close()
    os.close(reading)
    with open(writing, "wb"):
        pass


def test_what_is_said_is_passed_on_as_it_is(screen: Screen) -> None:
    assert screen.passes_on(b"open\n\x00\xff") == b"open\n\x00\xff"
    assert not screen.output.ended


def test_nothing_is_waited_for(screen: Screen) -> None:
    screen.output.read()
    assert screen.arrived() == b""
    assert not screen.output.ended


def test_what_is_too_much_for_a_second_is_lost(screen: Screen) -> None:
    for _ in range(CHUNKS_PER_SECOND):
        assert screen.passes_on(b"x" * CHUNK) == b"x" * CHUNK
    assert screen.passes_on(b"too much") == b""
    screen.seconds += 0.9
    assert screen.passes_on(b"still too much") == b""
    screen.seconds += 0.2
    assert screen.passes_on(b"heard") == b"heard"


def test_whoever_does_not_read_holds_up_nobody(screen: Screen) -> None:
    os.write(screen.output._target, bytes(64 * 1024))
    screen.program.sendall(b"lost")
    screen.output.read()
    assert len(screen.arrived()) == 64 * 1024
    assert screen.passes_on(b"heard") == b"heard"


def test_nobody_there_to_read_is_no_failure(screen: Screen) -> None:
    os.close(screen.target)
    screen.program.sendall(b"lost")
    screen.output.read()
    screen.target = os.open(os.devnull, os.O_RDONLY)
    assert not screen.output.ended


@pytest.mark.parametrize("how", [socket.SHUT_WR, socket.SHUT_RDWR])
def test_its_end_is_noticed_after_what_was_said(screen: Screen, how: int) -> None:
    screen.program.sendall(b"bye")
    screen.program.shutdown(how)
    screen.output.read()
    assert (screen.arrived(), screen.output.ended) == (b"bye", False)
    screen.output.read()
    assert screen.output.ended


def test_last_words_are_read_up_to_a_limit(screen: Screen) -> None:
    screen.program.sendall(b"x" * CHUNK * (CHUNKS_PER_SECOND + 1))
    screen.output.read_last_words()
    assert screen.arrived() == b"x" * CHUNK * CHUNKS_PER_SECOND


def test_last_words_may_be_none(screen: Screen) -> None:
    screen.program.sendall(b"bye")
    screen.program.close()
    screen.output.read_last_words()
    screen.output.read_last_words()
    assert (screen.arrived(), screen.output.ended) == (b"bye", True)
