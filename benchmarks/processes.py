"""What all benchmarks need: the servers as processes of their own, free ports, and what a process or machine is."""

from __future__ import annotations

import contextlib
import os
import random
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO

import psutil

CHECKOUT = Path(__file__).parents[1]
_BELOW_EPHEMERAL = range(10000, 30000)


@contextlib.contextmanager
def process(
    *command: str,
    cwd: Path | None = None,
    stdout: IO[str] | int | None = None,
    stderr: IO[str] | int | None = None,
    environment: Mapping[str, str] | None = None,
) -> Iterator[subprocess.Popen[str]]:
    """Run this Python with a command line, and end it afterwards.

    @param environment: what is added to this process's environment.
    """
    own = os.environ | {"PYTHONPATH": str(CHECKOUT)} | dict(environment or {})
    running = subprocess.Popen([sys.executable, *command], text=True, env=own, cwd=cwd, stdout=stdout, stderr=stderr)
    try:
        yield running
    finally:
        running.terminate()
        running.wait()


def lines(stream: IO[str] | None, end: str) -> Iterator[str]:
    """Read lines up to one that says C{end}."""
    assert stream
    for line in stream:
        if line.strip() == end:
            return
        yield line.strip()
    raise SystemExit("a process of the benchmark ended early")


def free_port() -> int:
    """Find a port of 127.0.0.1 that nothing uses."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def listened_on(ports: range) -> set[int]:
    """Tell on which of some ports any program of this machine listens."""
    found = (connection for connection in psutil.net_connections("tcp") if connection.status == psutil.CONN_LISTEN)
    return {connection.laddr[1] for connection in found if connection.laddr} & set(ports)


def free_port_range(length: int) -> int:
    """Find the first of so many ports in a row that nothing listens on, and that no outgoing connection is given."""
    for _ in range(1000):
        first = random.choice(_BELOW_EPHEMERAL)
        if not listened_on(range(first, first + length)):
            return first
    raise SystemExit(f"there are no {length} free ports in a row")


def cpu_seconds(measured: psutil.Process) -> float:
    """Give the processor time that a process has used."""
    times = measured.cpu_times()
    return float(times.user + times.system)


def machine() -> str:
    """Describe this machine in a line."""
    with contextlib.suppress(OSError, StopIteration):
        information = Path("/proc/cpuinfo").read_text().splitlines()
        model = next(line for line in information if line.startswith("model name")).partition(": ")[2]
        return f"{psutil.cpu_count()} x {model}, Python {sys.version.split()[0]}"
    return f"{psutil.cpu_count()} CPUs, Python {sys.version.split()[0]}"
