"""The session server as an operator starts it, a simulation server that goes away, and the mail that comes of it."""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, cast
from urllib.request import urlopen

from tests.e2e.cloud import attended
from tests.e2e.encrypted import Encrypted
from tests.e2e.program import PATIENCE, Program
from tests.ports import free_port
from tests.session.mail_servers import PASSWORD, USER, Authority, Mailbox, mail_server


class _Load(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"10")

    def log_message(self, *arguments: object) -> None:
        """Be quiet."""


@contextmanager
def simulation_server(port: int) -> Iterator[None]:
    """Run what tells a load, and keeps no connection."""
    with ThreadingHTTPServer(("127.0.0.1", port), _Load) as server:
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join(PATIENCE)


@contextmanager
def session_server(folder: Path, port: int, simulation: int, options: str) -> Iterator[Program]:
    file = folder / "webots-cloud.ini"
    file.write_text(
        f"[session]\nlisten = tcp:{port}:interface=127.0.0.1\nserver = robots.example.org\n"
        f"simulationServers = 127.0.0.1:{simulation}\npollIntervalSeconds = 0.2\npollTimeoutSeconds = {PATIENCE}\n"
        f"administrator = admin@example.org\nmailServer = localhost\nmailSender = webots@example.org\n"
        f"mailIntervalSeconds = 2\n{options}"
    )
    program = Program([sys.executable, "-m", "twisted", "--log-format=text", "webots-session", "--config", str(file)])
    try:
        yield program
    finally:
        program.stop()
    assert "Traceback" not in "\n".join(program.output)


class Mailing(Encrypted):
    """All three servers, with certificates that end tomorrow, and a mail server."""

    def __init__(self, state: Path, mail_port: int) -> None:
        self._mail_port = mail_port
        Encrypted.__init__(self, state)

    def _ini(self) -> str:
        mail = (
            f"administrator = admin@example.org\nmailServer = localhost\nmailServerPort = {self._mail_port}\n"
            "mailSecurity = plain\nmailSender = webots@example.org\nmailIntervalSeconds = 2\n"
        )
        return Encrypted._ini(self).replace("[session]\n", f"[session]\n{mail}")


def wait_for_log(program: Program, words: str) -> None:
    program.wait_for(lambda: any(words in line for line in list(program.output)), words)


def received(mailbox: Mailbox) -> EmailMessage:
    message = message_from_bytes(cast(bytes, mailbox.next().content), policy=default)
    assert isinstance(message, EmailMessage)
    return message


def test_a_simulation_server_that_goes_away_is_one_mail_and_its_return_another(tmp_path: Path) -> None:
    authority, mailbox = Authority(tmp_path), Mailbox()
    demands: dict[str, Any] = {"require_starttls": True, "auth_required": True, "authenticator": mailbox.log_in}
    port, simulation = free_port(), free_port()
    with mail_server(mailbox, authority.context, **demands) as mail_port:
        options = (
            f"mailServerPort = {mail_port}\nmailSenderUser = {USER}\nmailSenderPassword = {PASSWORD}\n"
            f"caFile = {authority.file}\n"
        )
        with session_server(tmp_path, port, simulation, options) as program:
            with simulation_server(simulation):
                wait_for_log(program, "simulations can be started")
            message = received(mailbox)
            assert message["Subject"].startswith(
                "[webots-cloud] Simulations cannot be started; simulation servers: 1 not responding (and 1 more)"
            )
            text = message.get_content()
            assert f"127.0.0.1:{simulation} is not available: it cannot be connected to" in text
            assert f"http://127.0.0.1:{simulation}/monitor" in text
            assert f"http://robots.example.org:{port}/monitor" in text

            with simulation_server(simulation):
                message = received(mailbox)
                wait_for_log(program, "Simulations can be started again")
                program.stop()
            assert message["Subject"].startswith("[webots-cloud] Simulations can be started again, after ")

    assert mailbox.empty
    assert PASSWORD not in "\n".join(program.output)


def test_without_its_mail_server_all_else_works_and_the_log_says_what_nobody_was_told(tmp_path: Path) -> None:
    port, nothing = free_port(), free_port()
    options = f"mailServerPort = {nothing}\nmailSecurity = plain\n"
    with session_server(tmp_path, port, free_port(), options) as program:
        wait_for_log(program, f"the mail server localhost:{nothing} cannot be connected to")
        assert any("it is tried again in " in line for line in program.output)
        with urlopen(f"http://127.0.0.1:{port}/", timeout=PATIENCE) as answer:
            assert answer.read() == b"0"
    assert any("nobody was told by mail: Simulations cannot be started" in line for line in program.output)


def test_certificates_that_end_soon_are_told_of_also_those_of_simulation_servers(tmp_path: Path) -> None:
    mailbox, told = Mailbox(), ""
    with mail_server(mailbox) as port, attended(Mailing(tmp_path, port)) as servers:
        own = "The certificate for localhost needs attention: the certificate for localhost ends in 0 days, on "
        simulation = f"The certificate for localhost:{servers.simulation} needs attention: its monitor page says why"
        while not (own in told and simulation in told):
            told += received(mailbox).get_content()
        assert f"    https://localhost:{servers.simulation}/monitor" in told
        assert f"    https://localhost:{servers.session}/monitor" in told


def test_a_mail_server_that_hangs_keeps_the_server_from_stopping_for_a_little_while_only(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as hanging:
        hanging.settimeout(PATIENCE)
        options = f"mailServerPort = {hanging.getsockname()[1]}\nmailSecurity = plain\n"
        with session_server(tmp_path, free_port(), free_port(), options) as program:
            connection, _ = hanging.accept()
            with connection:
                program.press_ctrl_c()
    told = "\n".join(program.output)
    assert '" is not sent: the server stops' in told
    assert "nobody was told by mail: Simulations cannot be started" in told
