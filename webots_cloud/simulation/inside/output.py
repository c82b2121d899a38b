"""What Webots prints, passed on within bounds."""

from __future__ import annotations

import contextlib
import os
import socket
import time

_BYTES_PER_SECOND = 64 * 1024
_CHUNK = 16 * 1024
_LAST_CHUNKS = 4


class Output:
    """One of the outputs of a program, passed on to the same of this process, but only so much of it a second.

    @ivar ended: whether the program has closed it.
    """

    def __init__(self, source: socket.socket, target: int) -> None:
        """Prepare to read.

        @param source: its end is the program's output. It is a socket, as a pipe could be opened once more, through
            C{/proc}, by programs that would like to speak in its name.
        @param target: descriptor that what is read goes to.
        """
        self.ended = False
        self._source = source
        self._source.setblocking(False)
        self._target = target
        self._second = 0.0
        self._left = 0

    def fileno(self) -> int:
        """Give the descriptor to wait for."""
        return self._source.fileno()

    def read(self) -> None:
        """Pass on what there is; what is too much is lost, so that the program does not have to wait."""
        try:
            data = self._source.recv(_CHUNK)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self.ended = True
            return
        now = time.monotonic()
        if now >= self._second + 1:
            self._second, self._left = now, _BYTES_PER_SECOND
        self._left -= len(data)
        if self._left >= 0:
            with contextlib.suppress(OSError):
                os.write(self._target, data)

    def read_last_words(self) -> None:
        """Pass on what was said at the end."""
        for _ in range(_LAST_CHUNKS):
            if not self.ended:
                self.read()

    def close(self) -> None:
        """Give the socket back."""
        self._source.close()
