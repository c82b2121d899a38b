"""A real certificate authority for tests: Pebble, with name servers that say that all names lead to this machine."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import ssl
import subprocess
import threading
import time
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import attrs
from cryptography import x509

from tests.certificate import authority, certify
from tests.ports import free_ports

PATIENCE_SECONDS = 60


@attrs.frozen
class Pebble:
    """A certificate authority that runs.

    @ivar directory: the URL of its directory.
    @ivar ca_file: whom to trust that it is it.
    @ivar http_port: where it looks for answers to http-01.
    @ivar tls_port: where it looks for answers to tls-alpn-01.
    @ivar log: what it says.
    """

    directory: str
    ca_file: Path
    http_port: int
    tls_port: int
    log: Path
    _management: str

    def root(self) -> x509.Certificate:
        """Give the certificate that vouches for what it makes."""
        context = ssl.create_default_context(cafile=str(self.ca_file))
        with urllib.request.urlopen(f"{self._management}/roots/0", context=context) as answer:
            return x509.load_pem_x509_certificate(answer.read())

    def said(self, text: str) -> int:
        """Count lines of its log."""
        return sum(text in line for line in self.log.read_text().splitlines())


@contextlib.contextmanager
def pebble(
    folder: Path, environment: Mapping[str, str] | None = None, settings: Mapping[str, Any] | None = None
) -> Iterator[Pebble]:
    """Start Pebble, in its strict mode, wait until it answers, and end it afterwards.

    @param environment: more of it for Pebble.
    @param settings: more of them for its file.
    """
    folder.mkdir(parents=True, exist_ok=True)
    ca_file, certificate, key_file = (folder / name for name in ("ca.pem", "pebble.pem", "pebble.key"))
    root = authority("Pebble's own")
    own = certify(["localhost"], root)
    for path, content in ((ca_file, root.pem), (certificate, own.pem), (key_file, own.key_pem)):
        path.write_bytes(content)
    port, management, http_port, tls_port, dns, dns_management = free_ports(6)
    config = {
        "listenAddress": f"127.0.0.1:{port}",
        "managementListenAddress": f"127.0.0.1:{management}",
        "certificate": str(certificate),
        "privateKey": str(key_file),
        "httpPort": http_port,
        "tlsPort": tls_port,
        "ocspResponderURL": "",
        "externalAccountBindingRequired": False,
        **(settings or {}),
    }
    (folder / "pebble.json").write_text(json.dumps({"pebble": config}))
    names = ("-dns01", f"127.0.0.1:{dns}", "-management", f"127.0.0.1:{dns_management}", "-defaultIPv6", "")
    unused = ("-http01", "", "-https01", "", "-tlsalpn01", "")
    command = ("pebble", "-strict", "-config", str(folder / "pebble.json"), "-dnsserver", f"127.0.0.1:{dns}")
    variables = {"PEBBLE_VA_NOSLEEP": "1", **(environment or {})}
    with (
        _process(folder / "names.log", ("pebble-challtestsrv", *names, *unused), {}) as name_server,
        _process(folder / "pebble.log", command, variables) as running,
    ):
        _wait(dns, name_server, folder / "names.log")
        _wait(port, running, folder / "pebble.log")
        _wait(management, running, folder / "pebble.log")
        yield Pebble(
            f"https://localhost:{port}/dir",
            ca_file,
            http_port,
            tls_port,
            folder / "pebble.log",
            f"https://localhost:{management}",
        )


@contextlib.contextmanager
def _process(log: Path, command: tuple[str, ...], environment: Mapping[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("wb") as output:
        running = subprocess.Popen(command, env=os.environ | environment, stdout=output, stderr=output)
    try:
        yield running
    finally:
        running.terminate()
        running.wait()


def _wait(port: int, running: subprocess.Popen[bytes], log: Path) -> None:
    """Wait until a port is listened on."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while running.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            return
        threading.Event().wait(0.05)
    raise AssertionError(f"{running.args!r} does not listen on {port}: {log.read_text()}")
