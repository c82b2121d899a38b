"""What tests of the simulation server share."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

import pytest

from tests.simulation.sleepers import Sleeper


@pytest.fixture
def sleeper() -> Iterator[Sleeper]:
    """Give a maker of processes that sleep, each in a session of its own."""
    started = []

    def start() -> subprocess.Popen[bytes]:
        started.append(subprocess.Popen(["sleep", "1000"], start_new_session=True))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.wait()
