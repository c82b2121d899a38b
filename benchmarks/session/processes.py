"""Starts what the benchmarks measure: the session server, and the simulation servers that it asks."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import attrs
import psutil

CHECKOUT = Path(__file__).parents[2]


@attrs.frozen
class Stage:
    """A session server and its simulation servers, each in a process of its own.

    @ivar port: where the session server listens on 127.0.0.1.
    @ivar session: the process of the session server.
    """

    port: int
    session: psutil.Process
    _simulation: subprocess.Popen[str]

    def toggle_loads(self) -> None:
        """Have all simulation servers change between free and full, each when it is asked next."""
        self._simulation.send_signal(signal.SIGUSR1)

    def told_at(self) -> float:
        """Give the time of the first answer with the new load, in seconds of C{time.monotonic()}."""
        assert self._simulation.stdout
        return float(self._simulation.stdout.readline())


def _lines(stream: IO[str] | None, end: str) -> Iterator[str]:
    assert stream
    for line in stream:
        if line.strip() == end:
            return
        yield line.strip()
    raise SystemExit("a process of the benchmark ended early")


@contextlib.contextmanager
def _process(*command: str, **options: object) -> Iterator[subprocess.Popen[str]]:
    environment = os.environ | {"PYTHONPATH": str(CHECKOUT)}
    process = subprocess.Popen([sys.executable, *command], text=True, env=environment, **options)  # type: ignore[call-overload]
    try:
        yield process
    finally:
        process.terminate()
        process.wait()


@contextlib.contextmanager
def stage(servers: int, hanging: int = 0, poll_seconds: float = 5) -> Iterator[Stage]:
    """Start everything, wait until it answers, and end it afterwards."""
    with contextlib.ExitStack() as stack:
        numbers = ("--servers", str(servers), "--hanging", str(hanging))
        script = str(Path(__file__).with_name("simulation_servers.py"))
        simulation = stack.enter_context(_process(script, *numbers, stdout=subprocess.PIPE))
        addresses = ", ".join(f"127.0.0.1:{port}" for port in _lines(simulation.stdout, "ready"))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        (folder / "session.ini").write_text(
            f"[session]\nlisten = tcp:{port}:interface=127.0.0.1:backlog=1000\nsimulationServers = {addresses}\n"
            f"pollIntervalSeconds = {poll_seconds}\npollTimeoutSeconds = {min(4.0, poll_seconds)}\n"
        )
        command = ("-m", "twisted", "webots-session", "--config", str(folder / "session.ini"))
        log = stack.enter_context((folder / "session.log").open("w"))
        session = stack.enter_context(_process(*command, cwd=folder, stdout=log, stderr=log))
        _wait_until_available(port)
        yield Stage(port, psutil.Process(session.pid), simulation)


def _wait_until_available(port: int) -> None:
    for _ in range(300):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)) as client:
            client.sendall(b"GET / HTTP/1.0\r\n\r\n")
            if b"".join(iter(lambda: client.recv(4096), b"")).endswith(b"\r\n\r\n1"):
                return
        time.sleep(0.1)
    raise SystemExit("the session server does not become available")


def machine() -> str:
    """Describe this machine in a line."""
    with contextlib.suppress(OSError, StopIteration):
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        model = next(line for line in lines if line.startswith("model name")).partition(": ")[2]
        return f"{psutil.cpu_count()} x {model}, Python {sys.version.split()[0]}"
    return f"{psutil.cpu_count()} CPUs, Python {sys.version.split()[0]}"
