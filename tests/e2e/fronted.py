"""All three servers behind the nginx of docs/behind_nginx.md, with its examples as they are but for names and ports.

Everything runs as an ordinary user, so port 443 of localhost, which clients are sent to, is another one.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin

from tests.certificate import make_certificate, websocket_trust
from tests.e2e.cloud import CHECKOUT, Cloud
from tests.e2e.exposed import MARK, project
from tests.e2e.program import PATIENCE
from tests.e2e.raw import Answer, Raw, request
from tests.ports import free_port

DOCUMENTED_PORTS = "200[1-9]|20[1-9][0-9]|2100"
"""Of instances, in the rule of the manual."""
ODD_NAME = "worlds/textures/100% sure#.png"
_NAME = "robots.example.org"
_PLACES = 20
_MAIN = """\
pid nginx.pid;
error_log error.log;
worker_processes 1;
events {
    worker_connections 256;
}
http {
    access_log access.log;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    include site.conf;
}
"""
"""What Debian's own nginx.conf has around a site, in a folder of the test's own."""


def examples() -> tuple[str, str, str]:
    """Give what the manual says: configuration of the servers, of nginx, and what else nginx needs for direct ports."""
    manual = (CHECKOUT / "docs" / "behind_nginx.md").read_text()
    section = manual.partition("## How do I encrypt it")[2].partition("\n## ")[0]
    servers, site, direct = re.findall(r"```(?:ini|nginx)\n(.*?)```", section, re.DOTALL)
    return servers, site, direct


def save_certificate(folder: Path) -> Path:
    """Make a certificate for localhost, and its key, under the names that Let's Encrypt gives them."""
    key, certificate = make_certificate()
    folder.mkdir()
    (folder / "privkey.pem").write_bytes(key)
    (folder / "fullchain.pem").write_bytes(certificate)
    return folder / "fullchain.pem"


class Fronted(Cloud):
    """Running servers, and nginx in front of them.

    @ivar front: the port of nginx that stands for 443.
    @ivar plain: the one that stands for 80.
    """

    def __init__(self, place: Path, **options: object) -> None:
        """Start all.

        @param options: more of the simulation server's.
        """
        self.front, self.plain = free_port(), free_port()
        self._more = options
        self._certificate = save_certificate(place / "tls")
        self._trust = ssl.create_default_context(cafile=self._certificate)
        self._websocket_trust = websocket_trust(self._certificate)
        for name, content in {**project(), ODD_NAME: MARK}.items():
            file = place / "host" / "projects" / "arena" / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
        twist = [sys.executable, "-m", "twisted", "--log-format=text", "webots-cloud"]
        super().__init__(twist, place)

    def _ini(self) -> str:
        servers, _, _ = examples()
        logs = f"logDir = {self.state / 'logs'}\n"
        trust = f"caFile = {self._certificate}\n"
        more = {"port": self.simulation, "hostPorts": self.front, "maxConnections": _PLACES, **self._more}
        mine = logs + trust + "".join(f"{name} = {value}\n" for name, value in more.items())
        text = self._here(servers).replace("[simulation]\n", f"[simulation]\n{mine}")
        # Servers that ask each other through nginx do so in vain at first.
        text = text.replace("[session]\n", f"[session]\n{logs}{trust}pollIntervalSeconds = 0.5\n")
        return text.replace("[host]\n", f"[host]\n{logs}")

    def site(self) -> str:
        """What nginx is told."""
        _, site, direct = examples()
        if self._more.get("gate") == "direct":
            site = f"{site.rstrip().removesuffix('}')}{direct}}}\n"
        site = site.replace(f"/etc/letsencrypt/live/{_NAME}", str(self._certificate.parent))
        site = site.replace("/var/log/nginx/", "")
        site = re.sub(r"listen \[::\]:.*\n", "", site)
        site = site.replace("listen 443", f"listen 127.0.0.1:{self.front}")
        site = site.replace("listen 80;", f"listen 127.0.0.1:{self.plain};")
        return self._here(site).replace(DOCUMENTED_PORTS, "|".join(map(str, self.instance_ports)))

    def _here(self, text: str) -> str:
        """Put our names and ports into an example."""
        ports = {"1999": self.session, "2000": self.simulation, "8080": self.host}
        text = re.sub(r"\b(1999|2000|8080)\b", lambda found: str(ports[found[0]]), text)
        return text.replace(f"{_NAME}/", f"localhost:{self.front}/").replace(_NAME, "localhost")

    @property
    def instance_ports(self) -> range:
        """Where instances are, with a port for each."""
        return range(self.simulation + 1, self.simulation + 1 + _PLACES)

    @property
    def origin(self) -> str:
        """What the site's pages call it."""
        return f"https://localhost:{self.front}"

    @property
    def client_url(self) -> str:
        """Where its pages ask for simulations."""
        return f"wss://localhost:{self.front}/{self.simulation}/client"

    @property
    def logs(self) -> str:
        """All that anything has logged."""
        files = [*(self.state / "logs").iterdir(), *(self.state / "nginx").glob("*.log")]
        return "\n".join([*self.output, *(file.read_text() for file in files)])

    @contextmanager
    def socket(self, url: str, source: str = "127.0.0.1", **headers: str) -> Iterator[ClientConnection]:
        """Open a WebSocket, as a page of the site does."""
        assert url.startswith((f"wss://localhost:{self.front}/", "wss://localhost/"))
        named: dict[str, Any] = {name.replace("_", "-"): value for name, value in headers.items()}
        with connect(
            url,
            sock=socket.create_connection(("127.0.0.1", self.front), PATIENCE, (source, 0)),
            ssl=self._websocket_trust,
            origin=Origin(self.origin),
            additional_headers=named,
            open_timeout=PATIENCE,
            close_timeout=PATIENCE,
            max_size=None,
            proxy=None,
        ) as opened:
            yield opened

    def ask(
        self, target: str, source: str = "127.0.0.1", method: str = "GET", body: str = "", **headers: str
    ) -> Answer:
        """Send a request whose target nothing corrects."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        with Raw(self.front, source) as raw:
            raw.socket = self._trust.wrap_socket(raw.socket, server_hostname="localhost")
            length = {"Connection": "close", "Content-Length": str(len(body))}
            raw.say(request(target, length | named, method), body.encode())
            return raw.answer()

    def is_fronted(self) -> bool:
        """Tell whether nginx listens."""
        try:
            socket.create_connection(("127.0.0.1", self.front), PATIENCE).close()
        except ConnectionRefusedError:
            return False
        return True


@contextmanager
def nginx(servers: Fronted) -> Iterator[None]:
    """Run nginx in front of servers."""
    folder = servers.state / "nginx"
    folder.mkdir()
    (folder / "nginx.conf").write_text(_MAIN)
    (folder / "site.conf").write_text(servers.site())
    # Debian has it where only root looks for programs.
    program = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
    assert program, "nginx is not installed"
    command = [program, "-p", str(folder), "-c", "nginx.conf", "-e", "error.log", "-g", "daemon off;"]
    with subprocess.Popen(command) as process:
        try:
            servers.wait_for(lambda: process.poll() is not None or servers.is_fronted(), "nginx to listen")
            assert process.poll() is None
            yield
        finally:
            process.terminate()


@contextmanager
def fronted(place: Path, **options: object) -> Iterator[Fronted]:
    """Run servers behind nginx.

    @param options: more of the simulation server's.
    """
    servers = Fronted(place, **options)
    try:
        with nginx(servers):
            servers.wait_until_started()
            yield servers
    finally:
        servers.stop()
    assert "Traceback" not in servers.logs, servers.logs
