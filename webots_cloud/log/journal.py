"""The journal of systemd, spoken to in its own protocol: one datagram for each entry.

The protocol is U{https://systemd.io/JOURNAL_NATIVE_PROTOCOL}.
"""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Iterable
from pathlib import Path

SOCKET = Path("/run/systemd/journal/socket")
SEND_BUFFER_BYTES = 8 * 1024 * 1024
"""How much may be on its way, as far as the system allows: a journal that is busy for a while loses nothing."""


class Journal:
    """A connection to the journal.

    It never keeps the server waiting: what the journal does not take is lost, and counted; when it takes something
    again it is told how many entries it lacks.
    """

    def __init__(self, identifier: str, path: Path = SOCKET) -> None:
        """Prepare to send.

        @param identifier: the program's name, which C{journalctl -t} takes.
        @param path: where the journal listens.
        """
        self._identifier = identifier
        self._path = str(path)
        self._lost = 0
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)

    def send(self, message: str, priority: int, fields: Iterable[tuple[str, str]] = ()) -> None:
        """Send an entry.

        @param priority: as syslog has it: 3 is an error, 4 a warning, 6 information, 7 for debugging.
        @param fields: more of it, as pairs of a name in capitals and a text.
        """
        if self._lost and self._try(self._entry(f"{self._lost} lines of the log before this one are lost", 4, ())):
            self._lost = 0
        if self._lost or not self._try(self._entry(message, priority, fields)):
            self._lost += 1

    def close(self) -> None:
        """Send nothing any more."""
        self._socket.close()

    def _entry(self, message: str, priority: int, fields: Iterable[tuple[str, str]]) -> bytes:
        own = (("MESSAGE", message), ("PRIORITY", str(priority)), ("SYSLOG_IDENTIFIER", self._identifier))
        return b"".join(_field(name, value) for name, value in (*own, *fields))

    def _try(self, entry: bytes) -> bool:
        try:
            self._socket.sendto(entry, self._path)
        except OSError:
            return False
        return True


def _field(name: str, value: str) -> bytes:
    """Give a field with its length before it, in which line ends are part of the text and end nothing."""
    data = value.encode("utf-8", "backslashreplace")
    return b"%s\n%s%s\n" % (name.encode("ascii"), len(data).to_bytes(8, "little"), data)


def is_connected() -> bool:
    """Tell whether what this process writes goes to the journal, as in a service of systemd's (systemd.exec(5))."""
    device, _, inode = os.environ.get("JOURNAL_STREAM", "").partition(":")
    for stream in (sys.__stdout__, sys.__stderr__):
        try:
            status = os.fstat(stream.fileno()) if stream is not None else None
        except (OSError, ValueError):
            continue
        if status is not None and (str(status.st_dev), str(status.st_ino)) == (device, inode):
            return True
    return False
