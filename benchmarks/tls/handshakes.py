"""Handshakes of TLS beside nginx: full and resumed ones, for each second of the server's processor time."""

from __future__ import annotations

import argparse
import contextlib
import random
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import attrs
import psutil

from benchmarks.gate.compare import wait_for
from benchmarks.gate.proxies import Proxy, found, other
from benchmarks.processes import free_port, machine, process
from benchmarks.tls.files import Files
from webots_cloud.tls.contexts import SUITES

_NGINX = """
daemon off;
pid {folder}/nginx.pid;
error_log stderr error;
worker_processes 1;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{port} ssl backlog=4096;
        ssl_certificate {certificate};
        ssl_certificate_key {key};
        ssl_protocols TLSv1.2 TLSv1.3;
        ssl_ciphers {suites};
        ssl_session_tickets on;
        ssl_session_timeout 4h;
    }}
}}
"""


@attrs.frozen
class Kind:
    """A kind of handshakes.

    @ivar version: of TLS.
    @ivar kind: C{full} or C{resumed}.
    """

    version: str
    kind: str


KINDS = [Kind(version, kind) for version in ("1.3", "1.2") for kind in ("full", "resumed")]


@attrs.frozen
class Round:
    """What was measured once.

    @ivar per_cpu: handshakes for each second of the server's processor time.
    @ivar rate: handshakes a second.
    """

    per_cpu: float
    rate: float


@contextlib.contextmanager
def servers(folder: Path) -> Iterator[list[Proxy]]:
    """Start both servers, with the same certificate."""
    files, port, file = Files.in_folder(folder), free_port(), folder / "nginx.conf"
    files.renew()
    file.write_text(
        _NGINX.format(folder=folder, port=port, certificate=files.certificate, key=files.key, suites=":".join(SUITES))
    )
    nginx = [found("nginx"), "-e", "stderr", "-p", str(folder), "-c", str(file)]
    own = process("-m", "benchmarks.tls.own", str(files.certificate), str(files.key), stdout=subprocess.PIPE)
    with own as running, other("nginx", port, nginx) as beside:
        assert running.stdout
        yield [Proxy("webots-cloud", int(running.stdout.readline()), "", psutil.Process(running.pid)), beside]


def measure(server: Proxy, kind: Kind, seconds: float) -> Round:
    """Shake hands with a server."""
    arguments = [str(server.port), kind.version, kind.kind, str(seconds)]
    with process("-m", "benchmarks.tls.client", *arguments, stdout=subprocess.PIPE) as running:
        wait_for(running, "begin")
        before = server.cpu_seconds()
        wait_for(running, "end")
        used = server.cpu_seconds() - before
        assert running.stdout
        handshakes, took = running.stdout.readline().split()
    return Round(int(handshakes) / used, int(handshakes) / float(took))


def main() -> None:
    """Measure, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=5)
    arguments = parser.parse_args()
    print(machine())
    figures: dict[tuple[Kind, str], list[Round]] = {}
    with tempfile.TemporaryDirectory() as folder, servers(Path(folder)) as both:
        for _ in range(arguments.rounds):
            for kind in KINDS:
                for server in random.sample(both, len(both)):
                    rounds = figures.setdefault((kind, server.name), [])
                    rounds.append(measure(server, kind, arguments.seconds))
    print(f"\n{'':32} {'per CPU second':>14} {'rounds':>16} {'per second':>11}")
    for kind in KINDS:
        for name in (server.name for server in both):
            measured = figures[kind, name]
            per_cpu = [one.per_cpu for one in measured]
            span, rate = f"{min(per_cpu):.0f} to {max(per_cpu):.0f}", median(one.rate for one in measured)
            title = f"TLS {kind.version}, {kind.kind:8} {name}"
            print(f"{title:32} {median(per_cpu):14.0f} {span:>16} {rate:11.0f}")


if __name__ == "__main__":
    main()
