"""The whole system with certificates that a real authority makes for it, asked by nobody but the servers themselves."""

from __future__ import annotations

import ssl
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from tests.e2e.cloud import Cloud, add_tutorial, attended
from tests.e2e.encrypted import Encrypted, simulate_in_browser
from tests.ports import free_port
from tests.tls.pebble import Pebble, pebble


class Certified(Encrypted):
    """Running servers without a certificate in a file.

    @ivar authority: whom they ask for one.
    """

    def __init__(self, state: Path, authority: Pebble, challenge: str) -> None:
        self.plain = free_port()
        self.authority = authority
        self._challenge = challenge
        self._ca = state / "root.pem"
        self._ca.write_bytes(authority.root().public_bytes(Encoding.PEM))
        self._trust = ssl.create_default_context(cafile=self._ca)
        Cloud.__init__(self, [sys.executable, "-m", "twisted", "--log-format=text", "webots-cloud"], state)

    def _ini(self) -> str:
        here = "interface=127.0.0.1"
        more = {
            "session": f"simulationServers = localhost:{self.simulation}\ncaFile = {self._ca}\n",
            "simulation": f"hostPorts = {self.host}\nmaxConnections = 20\ncaFile = {self._ca}\n",
            "host": f"listen = tcp:{self.plain}:{here}\n",
        }
        ports = {"session": self.session, "simulation": self.simulation, "host": self.host}
        looked_at = f", tcp:{self.authority.tls_port}:{here}" if self._challenge == "tls-alpn-01" else ""
        servers = "".join(
            f"[{section}]\nport = {port}\ntlsListen = tcp:{port}:{here}{looked_at if section == 'host' else ''}\n"
            f"logDir = {self.state / 'logs'}\n{more[section]}"
            for section, port in ports.items()
        )
        return (
            f"{servers}[acme]\nenabled = yes\nagreeToTerms = yes\nemail = admin@example.org\n"
            f"directory = {self.authority.directory}\ncaFile = {self.authority.ca_file}\n"
            f"challenge = {self._challenge}\nchallengeListen = tcp:{self.authority.http_port}:{here}\n"
        )

    def is_certified(self, port: int) -> bool:
        """Tell whether what a new connection gets is from the authority, whom this test trusts."""
        try:
            return self.certificate(port).issuer != x509.Name([])
        except ssl.SSLCertVerificationError:
            return False


@pytest.fixture(params=["http-01", "tls-alpn-01"])
def servers(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Certified]:
    add_tutorial(tmp_path / "host" / "projects")
    with (
        pebble(tmp_path / "authority") as authority,
        attended(Certified(tmp_path, authority, request.param)) as servers,
    ):
        yield servers


def test_servers_without_a_certificate_get_one_that_browsers_trust(servers: Certified) -> None:
    for port in (servers.session, servers.simulation, servers.host):
        servers.wait_for(lambda port=port: servers.is_certified(port), "a certificate")  # type: ignore[misc]
    assert servers.shown_certificate(servers.session)["names"] == ["localhost"]
    assert servers.notice(servers.simulation) == ""
    simulate_in_browser(servers)
    for secret in (servers.state / "acme").rglob("*"):
        assert secret.is_dir() or secret.stat().st_mode & 0o077 == 0, secret
    log = "\n".join(servers.output)
    assert "PRIVATE KEY" not in log
    assert log.count("localhost: has a new certificate") == 1
