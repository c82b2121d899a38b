"""A program that runs beside the tests, as an operator starts it."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Sequence

import pytest

PATIENCE = 120.0
"""Seconds after which something that should happen counts as not happening, on a busy machine."""


class Program:
    """A program in a session of its own.

    @ivar output: the lines that it has written.
    """

    def __init__(self, command: Sequence[str], **environment: str) -> None:
        """Start it.

        @param environment: what is added to the environment.
        """
        self.output: list[str] = []
        self.process = subprocess.Popen(
            command,
            env=os.environ | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            text=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.output.append(line.rstrip("\n"))

    def wait_for(self, condition: Callable[[], bool], what: str) -> None:
        """Wait for something that nobody tells of."""
        deadline = time.monotonic() + PATIENCE
        while not condition():
            if time.monotonic() > deadline or self.process.poll() is not None:
                pytest.fail(f"waited in vain for {what}; the log:\n" + "\n".join(self.output))
            threading.Event().wait(0.05)

    def press_ctrl_c(self) -> None:
        """Do what a terminal does: tell the whole foreground group."""
        os.killpg(self.process.pid, signal.SIGINT)
        self.process.wait(PATIENCE)
        self._reader.join(PATIENCE)

    def stop(self) -> None:
        """End it, if it has not ended."""
        if self.process.poll() is None:
            self.press_ctrl_c()
