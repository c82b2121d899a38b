"""Small programs that do something, say so, and wait, for tests of what looks at processes."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO, cast

_PREAMBLE = """
import ctypes, mmap, os, select, signal, socket, sys, threading

libc = ctypes.CDLL(None, use_errno=True)

def deleted(size, name="deleted"):
    file = os.open(name, os.O_RDWR | os.O_CREAT)
    os.write(file, os.urandom(size))
    os.unlink(name)
    return file

def wait():
    print("ready", flush=True)
    sys.stdin.readline()

"""


class Child:
    """A running program.

    @ivar pid: its process id.
    """

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.pid = process.pid
        self._process = process

    def ready(self) -> None:
        """Wait until it calls C{wait}."""
        line = cast(IO[str], self._process.stdout).readline()
        assert line == "ready\n", f"it said {line!r}"

    def go_on(self) -> None:
        """End its C{wait}."""
        file = cast(IO[str], self._process.stdin)
        file.write("\n")
        file.flush()


@contextlib.contextmanager
def child(script: str, folder: Path | None = None) -> Iterator[Child]:
    """Run a script until it calls C{wait}; it does not outlive this.

    @param script: Python, with what the preamble has.
    @param folder: its current folder.
    """
    command = [sys.executable, "-S", "-c", _PREAMBLE + script]
    with subprocess.Popen(command, cwd=folder, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        try:
            running = Child(process)
            running.ready()
            yield running
        finally:
            process.kill()
