"""The launcher as a process of its own, at the other end of a channel, for tests."""

from __future__ import annotations

import os
import select
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType

import psutil

from webots_cloud.simulation.sandbox import INSIDE

PATIENCE_SECONDS = 60


def has_ended(pid: int) -> bool:
    """Wait until a process has ended, whether or not somebody has asked for its exit status; tell if it has."""
    try:
        process = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([process], [], [], PATIENCE_SECONDS)[0])
    finally:
        os.close(process)


class Launched:
    """A running launcher, without a sandbox.

    @ivar channel: the server's end of the socket.
    @ivar process: psutil's view of it.
    """

    def __init__(
        self,
        folder: Path,
        command: list[str],
        path: str = os.defpath,
        orders: bytes = b"",
        narrow: bool = False,
        **changed: object,
    ) -> None:
        """Start it.

        @param folder: of the project and the home.
        @param command: what it has to start; a script in Python, if it is one word.
        @param path: where it looks for programs.
        @param orders: what the server has sent before it begins.
        @param narrow: whether the channel takes few reports at a time.
        @param changed: settings that are not as usual.
        """
        for name in ("project", "home"):
            (folder / name).mkdir(exist_ok=True)
        self.channel, theirs = socket.socketpair()
        self.channel.settimeout(PATIENCE_SECONDS)
        self.channel.sendall(orders)
        if narrow:
            theirs.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1)
        settings = {
            "channel": theirs.fileno(),
            "port": 1,
            "project": (folder / "project").resolve(),
            "home": folder / "home",
            "sandboxed": "no",
            "display": "no",
            "patience": 60,
            "megabytes": 500,
            "files": 10000,
            "openFiles": 1024,
            "fileMegabytes": 500,
            "addressSpaceMegabytes": 32768,
            "cpuSeconds": 1000,
            "processes": 10**6,
            **changed,
        }
        if len(command) == 1:
            command = [sys.executable, "-S", "-c", *command]
        words = [f"{name}={value}" for name, value in settings.items()]
        launcher = [sys.executable, "-I", "-S", str(INSIDE / "__main__.py"), *words, "--", *command]
        with theirs:
            self._process = subprocess.Popen(
                launcher,
                cwd=folder / "project",
                env={"PATH": path},
                pass_fds=[theirs.fileno()],
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
        self.process = psutil.Process(self._process.pid)
        self._data = b""
        self._said = b""
        self.connections: list[socket.socket] = []

    def __enter__(self) -> Launched:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.channel.close()
        for connection in self.connections:
            connection.close()
        with self._process as process:
            if kind is not None:
                process.kill()

    def order(self, data: bytes) -> None:
        self.channel.sendall(data)

    def line(self) -> str:
        """Wait for the next report; empty at the end."""
        while b"\n" not in self._data:
            data, descriptors, _, _ = socket.recv_fds(self.channel, 4096, 1)
            self.connections.extend(socket.socket(fileno=descriptor) for descriptor in descriptors)
            if not data:
                return ""
            self._data += data
        line, _, self._data = self._data.partition(b"\n")
        return line.decode()

    def tells(self, *beginnings: str) -> str:
        """Wait for a report that begins with one of some words."""
        end = time.monotonic() + PATIENCE_SECONDS
        while not (line := self.line()).startswith(beginnings):
            assert line.startswith("uses "), f"it says {line!r}"
            assert time.monotonic() < end, f"it does not say {beginnings}"
        return line

    def says(self, text: bytes) -> bytes:
        """Wait until the program has said something; give all that it has said."""
        end = time.monotonic() + PATIENCE_SECONDS
        assert self._process.stdout is not None
        while text not in self._said:
            ready, _, _ = select.select([self._process.stdout], [], [], max(0, end - time.monotonic()))
            piece = os.read(self._process.stdout.fileno(), 65536) if ready else b""
            assert piece, f"it says {self._said!r}"
            self._said += piece
        return self._said

    def last_words(self) -> tuple[bytes, bytes]:
        """Wait until it has ended and all of its output is closed, and give what is left of that."""
        return self._process.communicate(timeout=PATIENCE_SECONDS)

    @property
    def exit_code(self) -> int:
        """Wait until it has ended."""
        return self._process.wait(PATIENCE_SECONDS)
