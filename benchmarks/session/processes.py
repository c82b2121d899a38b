"""Starts what the benchmarks measure: the session server, and the simulation servers that it asks."""

from __future__ import annotations

import contextlib
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import attrs
import psutil

from benchmarks.processes import free_port, lines, process


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


@contextlib.contextmanager
def stage(servers: int, hanging: int = 0, poll_seconds: float = 5) -> Iterator[Stage]:
    """Start everything, wait until it answers, and end it afterwards."""
    with contextlib.ExitStack() as stack:
        numbers = ("--servers", str(servers), "--hanging", str(hanging))
        script = str(Path(__file__).with_name("simulation_servers.py"))
        simulation = stack.enter_context(process(script, *numbers, stdout=subprocess.PIPE))
        addresses = ", ".join(f"127.0.0.1:{port}" for port in lines(simulation.stdout, "ready"))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        port = free_port()
        (folder / "session.ini").write_text(
            f"[session]\nlisten = tcp:{port}:interface=127.0.0.1:backlog=1000\nsimulationServers = {addresses}\n"
            f"pollIntervalSeconds = {poll_seconds}\npollTimeoutSeconds = {min(4.0, poll_seconds)}\n"
        )
        command = ("-m", "twisted", "webots-session", "--config", str(folder / "session.ini"))
        log = stack.enter_context((folder / "session.log").open("w"))
        session = stack.enter_context(process(*command, cwd=folder, stdout=log, stderr=log))
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
