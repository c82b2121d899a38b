"""A log file that begins anew each day and when it is full, and of which a number of earlier ones is kept."""

from __future__ import annotations

import contextlib
import datetime
import os
import stat
import sys
from collections.abc import Callable
from pathlib import Path

FULL_BYTES = 10 * 1024 * 1024
"""How large a file becomes."""

MODE = 0o640
"""Who may read it: its user, and its group, for programs that collect logs."""


class RotatedFile:
    """The files C{NAME}, C{NAME.1}, C{NAME.2} and so on, the later ones older.

    What is written is in the file at once: nothing is kept back. Where the disk does not take it, it is lost, and
    standard error is told so once, until the disk takes something again.
    """

    def __init__(self, path: Path, keep: int, now: Callable[[], float], full: int = FULL_BYTES) -> None:
        """Go on in the file that is there, or begin one.

        @param keep: how many earlier files are kept.
        @param now: the time, in seconds since 1970.
        @param full: how many bytes a file may have.
        @raise OSError: if there is none that can be written.
        """
        self._path = path
        self._keep = keep
        self._now = now
        self._full = full
        self._troubled = False
        self._descriptor = -1
        self._open()
        self._remove_old()

    def write(self, text: str) -> None:
        """Write a whole line, or several."""
        data = text.encode("utf-8", "backslashreplace")
        try:
            if self._descriptor < 0:
                self._open()
            if self._size and (self._size + len(data) > self._full or self._day != self._today()):
                self._rotate()
            self._size += os.write(self._descriptor, data)
            self._troubled = False
        except OSError as error:
            self._complain(error)

    def close(self) -> None:
        """Write nothing any more."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _open(self) -> None:
        # Nobody may read it, not even for the moment before its mode is set; and no link is followed out of the folder.
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        self._descriptor = os.open(self._path, flags, MODE)
        status = os.fstat(self._descriptor)
        if stat.S_IMODE(status.st_mode) != MODE:
            os.fchmod(self._descriptor, MODE)
        self._size = status.st_size
        self._day = self._date(status.st_mtime) if status.st_size else self._today()

    def _rotate(self) -> None:
        self.close()
        for number in range(self._keep, 0, -1):
            with contextlib.suppress(FileNotFoundError):
                os.replace(self._numbered(number - 1), self._numbered(number))
        if self._keep == 0:
            self._path.unlink()
        self._open()
        self._remove_old()

    def _remove_old(self) -> None:
        """Remove what is more than is to be kept, for instance as fewer are from now on."""
        for path in self._path.parent.glob(f"{self._path.name}.*"):
            number = path.name.removeprefix(f"{self._path.name}.")
            if number.isdecimal() and int(number) > self._keep:
                path.unlink(missing_ok=True)

    def _numbered(self, number: int) -> Path:
        return self._path.with_name(f"{self._path.name}.{number}") if number else self._path

    def _today(self) -> datetime.date:
        return self._date(self._now())

    def _date(self, seconds: float) -> datetime.date:
        return datetime.date.fromtimestamp(seconds)

    def _complain(self, error: OSError) -> None:
        if not self._troubled and sys.__stderr__ is not None:
            self._troubled = True
            # Past the log, of which this is an error.
            with contextlib.suppress(OSError):
                sys.__stderr__.write(f"{self._path} cannot be written: {error.strerror}; lines of the log are lost\n")
                sys.__stderr__.flush()
