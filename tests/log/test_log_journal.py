"""The journal's own protocol, spoken to a socket that a test opens."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from webots_cloud.log.journal import Journal


@pytest.fixture
def journald() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind("journal.socket")
        listening.settimeout(60)
        yield listening


def field(name: bytes, value: bytes) -> bytes:
    return name + b"\n" + len(value).to_bytes(8, "little") + value + b"\n"


def entry(message: bytes, priority: bytes = b"6") -> bytes:
    return field(b"MESSAGE", message) + field(b"PRIORITY", priority) + field(b"SYSLOG_IDENTIFIER", b"webots-test")


@pytest.fixture
def journal() -> Iterator[Journal]:
    journal = Journal("webots-test", Path("journal.socket"))
    yield journal
    journal.close()


def test_an_entry_is_a_datagram_of_fields_with_their_lengths(journald: socket.socket, journal: Journal) -> None:
    journal.send("Zürich", 6, [("SESSION", "k3f9x2q7")])
    assert journald.recv(2**16) == entry("Zürich".encode()) + field(b"SESSION", b"k3f9x2q7")


def test_a_message_of_many_lines_makes_no_fields(journald: socket.socket, journal: Journal) -> None:
    journal.send("a\nPRIORITY=0\n_UID=0", 6)
    assert journald.recv(2**16) == entry(b"a\nPRIORITY=0\n_UID=0")


def test_without_a_journal_nothing_happens_but_that_lines_are_counted(journal: Journal) -> None:
    for _ in range(3):
        journal.send("lost", 6)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as journald:
        journald.bind("journal.socket")
        journald.settimeout(60)
        journal.send("heard", 6)
        assert journald.recv(2**16) == entry(b"3 lines of the log before this one are lost", b"4")
        assert journald.recv(2**16) == entry(b"heard")


def test_a_journal_that_takes_nothing_keeps_nobody_waiting(journald: socket.socket, journal: Journal) -> None:
    for number in range(10_000):
        journal.send(f"{number} {'x' * 1000}", 6)
    heard = [journald.recv(2**16)]
    journald.setblocking(False)
    while True:
        try:
            heard.append(journald.recv(2**16))
        except BlockingIOError:
            break
    assert len(heard) < 10_000
    assert heard[0].startswith(field(b"MESSAGE", b"0 " + b"x" * 1000))
    journal.send("again", 6)
    assert journald.recv(2**16) == entry(b"%d lines of the log before this one are lost" % (10_000 - len(heard)), b"4")
    assert journald.recv(2**16) == entry(b"again")


def test_the_largest_entry_that_there_is_goes_through(journald: socket.socket, journal: Journal) -> None:
    # As many characters as a message has at most, each as long as a character can be.
    journal.send("\N{GRINNING FACE}" * 16_400, 6)
    assert len(journald.recv(2**20)) > 65_000


def test_a_process_is_connected_whose_standard_error_is_the_stream_that_systemd_names(tmp_path: Path) -> None:
    told = "import sys; from webots_cloud.log.journal import is_connected; sys.exit(0 if is_connected() else 3)"
    with (tmp_path / "stream").open("w") as stream, (tmp_path / "other").open("w") as other:
        status = os.fstat(stream.fileno())
        environment = os.environ | {"JOURNAL_STREAM": f"{status.st_dev}:{status.st_ino}"}
        for out, error, result in ((other, stream, 0), (stream, other, 0), (other, other, 3)):
            command = [sys.executable, "-c", told]
            assert subprocess.run(command, env=environment, stdout=out, stderr=error).returncode == result
