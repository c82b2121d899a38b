"""A library of graphics cards for tests, compiled from nvidia.c; as a program, what reads it through the real binding.

The program takes lines from its standard input: how the cards are from then on, and how many seconds have passed. It
answers each with a line of JSON: what was read, and what was logged.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Any

import attrs
from twisted.internet.task import Clock
from twisted.logger import capturedLogs, formatEvent

from webots_cloud.simulation.gpu import Journal, Nvml

SOURCE = Path(__file__).with_suffix(".c")
CHECKOUT = SOURCE.parents[2]


class Library:
    """A library and the state of its cards.

    @ivar environment: has programs find the library.
    """

    def __init__(self, folder: Path) -> None:
        """Compile it into a folder."""
        self._state = folder / "state"
        self.environment = {"LD_LIBRARY_PATH": str(folder), "NVIDIA_STATE": str(self._state)}
        library = folder / "libnvidia-ml.so.1"
        subprocess.run(
            ["cc", "-shared", "-fPIC", "-Wall", "-Wextra", "-Werror", "-o", library, SOURCE], check=True, timeout=60
        )
        self.is_now("ok")

    def is_now(self, state: str) -> None:
        """Say how the cards are, in a word of nvidia.c."""
        new = self._state.with_suffix(".new")
        new.write_text(state)
        new.replace(self._state)


class Reading:
    """The program, running."""

    def __init__(self, environment: dict[str, str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.simulation.nvidia"],
            cwd=CHECKOUT,
            env=os.environ | environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Reading:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._process.communicate()

    def after(self, seconds: float) -> dict[str, Any]:
        """Read after so many seconds."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(f"{seconds}\n")
        self._process.stdin.flush()
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        return answer


def main() -> None:
    """Read when told to."""
    clock = Clock()
    nvml, journal = Nvml(clock.seconds), Journal()
    for line in sys.stdin:
        clock.advance(float(line))
        with capturedLogs() as logs:
            cards = nvml.read()
            journal.note(cards)
        logged = [f"{event['log_level'].name}: {formatEvent(event)}" for event in logs]
        measures = {"compute": cards.compute, "memory": cards.memory}
        print(json.dumps(attrs.asdict(cards) | measures | {"logged": logged}), flush=True)


if __name__ == "__main__":
    main()
