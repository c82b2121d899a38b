"""An X display of an instance's own: Xvfb, which nobody can use without its authority file."""

from __future__ import annotations

import os
import select
import time

_SECONDS = 20.0
_SCREEN = "1280x1024x24"


class NoDisplay(Exception):
    """Xvfb does not start."""


class Interrupted(Exception):
    """There is no need for a display any more."""


def xvfb_command(authority: str, answer: int) -> list[str]:
    """Give the command line (Xserver(1), Xvfb(1)).

    @param authority: the authority file.
    @param answer: the descriptor to which it writes the number of its display.
    """
    options = ["-displayfd", str(answer), "-auth", authority, "-nolisten", "tcp", "-noreset"]
    return ["Xvfb", *options, "-screen", "0", _SCREEN]


def write_authority(path: str) -> None:
    """Write an authority file with a new cookie for every display of this machine (Xau(3), C{FamilyWild})."""
    fields = (b"", b"", b"MIT-MAGIC-COOKIE-1", os.urandom(16))
    entry = b"\xff\xff" + b"".join(len(field).to_bytes(2, "big") + field for field in fields)
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    os.write(file, entry)
    os.close(file)


def read_display_number(answer: int, interruption: int) -> int:
    """Wait until Xvfb writes the number of its display.

    @param interruption: a descriptor; there is something to be read from it if the display is not needed any more.
    @raise NoDisplay: if it ends, writes something else, or takes too long.
    @raise Interrupted: if it is not needed.
    """
    text = b""
    end = time.monotonic() + _SECONDS
    while not text.endswith(b"\n"):
        poll = select.poll()
        for descriptor in (answer, interruption):
            poll.register(descriptor, select.POLLIN)
        ready = [descriptor for descriptor, _ in poll.poll(1000 * max(0.0, end - time.monotonic()))]
        if interruption in ready:
            raise Interrupted
        piece = os.read(answer, 64) if ready else b""
        if not piece:
            raise NoDisplay
        text += piece
    try:
        return int(text)
    except ValueError as error:
        raise NoDisplay from error
