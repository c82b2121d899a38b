"""The proxies that are compared, each started as its documentation says, with one worker, before the same source."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import attrs
import psutil

from benchmarks.processes import cpu_seconds, free_port, process

_PATIENCE_SECONDS = 60
_NPM_PACKAGE = "configurable-http-proxy"

_NGINX = """
daemon off;
pid {folder}/nginx.pid;
error_log stderr error;
worker_processes 1;
worker_rlimit_nofile 8192;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{port} backlog=4096;
        location / {{
            proxy_pass http://127.0.0.1:{source};
            proxy_http_version 1.1;
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection "upgrade";
            proxy_read_timeout 1h;
        }}
    }}
}}
"""

_HAPROXY = """
global
    nbthread 1
    maxconn 4096
defaults
    mode http
    timeout connect 10s
    timeout client 1h
    timeout server 1h
    timeout tunnel 1h
frontend front
    bind 127.0.0.1:{port} backlog 4096
    default_backend back
backend back
    server source 127.0.0.1:{source}
"""


@attrs.frozen
class Proxy:
    """A proxy that runs, or none.

    @ivar port: where clients connect.
    @ivar path: what is put before the path that the source is asked for.
    @ivar main: its process; C{None} where clients connect to the source itself.
    """

    name: str
    port: int
    path: str
    main: psutil.Process | None

    def cpu_seconds(self) -> float:
        """Give the processor time of all its processes."""
        if self.main is None:
            return 0
        return sum(map(cpu_seconds, [self.main, *self.main.children(recursive=True)]))


@contextlib.contextmanager
def own(source: int) -> Iterator[Proxy]:
    """Start the gate."""
    with process("-m", "benchmarks.gate.own", str(source), stdout=subprocess.PIPE) as running:
        assert running.stdout
        port, _, path = running.stdout.readline().strip().partition(" ")
        yield Proxy("webots-cloud", int(port), path, psutil.Process(running.pid))


@contextlib.contextmanager
def nginx(source: int, folder: Path) -> Iterator[Proxy]:
    """Start nginx."""
    port, file = free_port(), folder / "nginx.conf"
    file.write_text(_NGINX.format(folder=folder, port=port, source=source))
    with other("nginx", port, [found("nginx"), "-e", "stderr", "-p", str(folder), "-c", str(file)]) as running:
        yield running


@contextlib.contextmanager
def haproxy(source: int, folder: Path) -> Iterator[Proxy]:
    """Start HAProxy."""
    port, file = free_port(), folder / "haproxy.cfg"
    file.write_text(_HAPROXY.format(port=port, source=source))
    with other("HAProxy", port, [found("haproxy"), "-q", "-db", "-f", str(file)]) as running:
        yield running


@contextlib.contextmanager
def configurable_http_proxy(source: int, folder: Path) -> Iterator[Proxy]:
    """Install and start configurable-http-proxy."""
    subprocess.run(
        [found("npm"), "install", "--no-audit", "--no-fund", "--silent", "--prefix", str(folder), _NPM_PACKAGE],
        check=True,
        cwd=folder,
    )
    port, program = free_port(), folder / "node_modules" / ".bin" / _NPM_PACKAGE
    target = f"http://127.0.0.1:{source}"
    command = [found("node"), str(program), "--ip", "127.0.0.1", "--port", str(port), "--default-target", target]
    command += ["--api-ip", "127.0.0.1", "--api-port", str(free_port()), "--log-level", "error"]
    with other(_NPM_PACKAGE, port, command) as running:
        yield running


def found(program: str) -> str:
    """Find a program, also where only root looks for it."""
    found = shutil.which(program, path=f"{os.environ.get('PATH', os.defpath)}:/usr/local/sbin:/usr/sbin")
    if found is None:
        raise SystemExit(f"there is no {program} to compare with; install it")
    return found


@contextlib.contextmanager
def other(name: str, port: int, command: Sequence[str]) -> Iterator[Proxy]:
    """Start a program, and wait until it listens."""
    # Some say a lot about clients that leave in the middle of a message.
    running = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait_for(port, running)
        yield Proxy(name, port, "", psutil.Process(running.pid))
    finally:
        running.terminate()
        running.wait()


def _wait_for(port: int, running: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < end and running.poll() is None:
        with contextlib.suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port)):
            return
        time.sleep(0.05)
    raise SystemExit(f"{running.args!r} does not listen")
