"""All three servers with certificates of an authority that only this test trusts, and nothing in front of them."""

from __future__ import annotations

import json
import signal
import socket
import ssl
import sys
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any
from urllib.request import HTTPSHandler, build_opener

from cryptography import x509
from playwright.sync_api import Browser
from websockets.sync.client import ClientConnection, connect

from tests.certificate import Made, authority, certify, websocket_trust
from tests.chromium import chromium, trust
from tests.e2e.cloud import Cloud, attended
from tests.e2e.program import PATIENCE
from tests.e2e.raw import Answer, Raw, request
from tests.e2e.test_browser import open_tutorial
from tests.ports import free_port

HSTS = 3600
MOST_SOCKETS = 30
"""That one address may have with the simulation server."""


class Encrypted(Cloud):
    """Running servers, each of which sends those who come without encryption to where it encrypts.

    @ivar plain: the port of the website host that stands for 80.
    @ivar root: the authority.
    """

    def __init__(self, state: Path) -> None:
        self.plain = free_port()
        self.root = authority("Root")
        self._ca, self._certificate, self._key = (state / name for name in ("ca.pem", "fullchain.pem", "privkey.pem"))
        self._ca.write_bytes(self.root.pem)
        self._trust = ssl.create_default_context(cafile=self._ca)
        self._websocket_trust = websocket_trust(self._ca)
        self.certify()
        super().__init__([sys.executable, "-m", "twisted", "--log-format=text", "webots-cloud"], state)

    def _ini(self) -> str:
        """What the configuration says."""
        ports = {"session": self.session, "simulation": self.simulation, "host": self.host}
        more = {
            "session": f"simulationServers = localhost:{self.simulation}\ncaFile = {self._ca}\n",
            "simulation": f"hostPorts = {self.host}\nmaxConnections = 20\ncaFile = {self._ca}\n"
            f"maxSocketsPerAddress = {MOST_SOCKETS}\n",
            "host": f"listen = tcp:{self.plain}:interface=127.0.0.1\nhsts = {HSTS}\n",
        }
        return "".join(
            f"[{section}]\nport = {port}\ntlsListen = tcp:{port}:interface=127.0.0.1\n"
            f"sslCertificate = {self._certificate}\nsslKey = {self._key}\n"
            f"logDir = {self.state / 'logs'}\n{more[section]}"
            for section, port in ports.items()
        )

    @contextmanager
    def browser(self) -> Iterator[Browser]:
        """Run a browser that trusts the authority."""
        home = self.state / "browser"
        if not home.exists():
            trust(home, self._ca)
        with chromium(home=home) as browser:
            yield browser

    def certify(self, names: Sequence[str] = ("localhost",)) -> Made:
        """Put another certificate where the servers look for it."""
        made = certify(names, self.root)
        self._key.write_bytes(made.key_pem)
        self._certificate.write_bytes(made.pem + self.root.pem)
        return made

    def hang_up(self) -> None:
        """Tell the servers that there is another certificate."""
        self.process.send_signal(signal.SIGHUP)

    @property
    def hangups(self) -> int:
        """How often they were told so."""
        return sum("SIGHUP: certificate files are read again" in line for line in self.output)

    @property
    def page(self) -> str:
        return f"https://localhost:{self.host}/"

    def get(self, port: int, path: str) -> str:
        opener = build_opener(HTTPSHandler(context=self._trust))
        with opener.open(f"https://localhost:{port}{path}", timeout=PATIENCE) as answer:
            return str(answer.read().decode())

    def open_socket(self, url: str) -> AbstractContextManager[ClientConnection]:
        """Open a WebSocket, as a page of the website does."""
        return connect(url, ssl=self._websocket_trust, open_timeout=PATIENCE, max_size=None, proxy=None)

    def ask(self, port: int, target: str, method: str = "GET") -> Answer:
        """Ask one of the servers, encrypted; C{plain} is asked without encryption."""
        with Raw(port) if port == self.plain else self.encrypted_socket(port) as raw:
            raw.say(request(target, {"Connection": "close"}, method))
            return raw.answer()

    def encrypted_socket(self, port: int, source: str = "127.0.0.1") -> Raw:
        """Connect to one of the servers.

        @raise OSError: if it does not let one in.
        """
        raw = Raw(port, source)
        raw.socket = self._trust.wrap_socket(raw.socket, server_hostname="localhost")
        return raw

    def is_answered(self, port: int, source: str) -> bool:
        """Tell whether a client is let in."""
        try:
            self.encrypted_socket(port, source).socket.close()
        except OSError:
            return False
        return True

    def certificate(self, port: int) -> x509.Certificate:
        """Give the certificate that a new connection gets."""
        with (
            socket.create_connection(("127.0.0.1", port), PATIENCE) as plain,
            self._trust.wrap_socket(plain, server_hostname="localhost") as encrypted,
        ):
            return x509.load_der_x509_certificate(encrypted.getpeercert(binary_form=True) or b"")

    def wait_for_certificate(self, port: int, serial: int) -> None:
        """Wait until new connections get it."""
        self.wait_for(lambda: self.certificate(port).serial_number == serial, "the new certificate")

    def wait_for_notice(self, port: int, part: str) -> None:
        """Wait until the page for people says something about the certificate."""
        self.wait_for(lambda: part in self.notice(port), "a notice")

    def notice(self, port: int) -> str:
        """Give what the page for people says is to be done about the certificate."""
        return str(self.shown_certificate(port).get("notice", ""))

    def shown_certificate(self, port: int) -> dict[str, Any]:
        """Give all that the page for people says of the certificate."""
        return dict(json.loads(self.get(port, "/monitor.json"))["certificate"])


def simulate_in_browser(servers: Encrypted) -> None:
    """Run a simulation in a page, and see that all is encrypted, and that nothing is left of it."""
    servers.wait_until_available()
    with servers.browser() as browser:
        page = browser.new_page()
        faults: list[str] = []
        urls: list[str] = []
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("request", lambda request: urls.append(request.url))
        page.on("websocket", lambda socket: urls.append(socket.url))

        run = open_tutorial(page, servers)
        run.click()
        servers.wait_for(lambda: page.get_by_title("Simulated time").inner_text() > "0:00:01", "the robot to move")

        (cookie,) = page.context.cookies()
        assert cookie.get("secure") is True
        for part in (
            f"https://localhost:{servers.host}/",
            f"wss://localhost:{servers.session}/",
            f"wss://localhost:{servers.simulation}/client",
            f"wss://localhost:{servers.simulation}/webots/",
        ):
            assert any(url.startswith(part) for url in urls), urls
        assert [url for url in urls if url.startswith(("http:", "ws:"))] == []
        page.get_by_role("button", name="Quit the simulation").click()
        page.wait_for_url(servers.page)
        assert faults == []
    servers.wait_for(lambda: not servers.processes and not servers.folders, "nothing to be left")


def encrypted(state: Path) -> AbstractContextManager[Encrypted]:
    """Run them."""
    return attended(Encrypted(state))
