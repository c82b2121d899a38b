"""Looking at a machine before its servers run: everything that is wrong is found, and has what to do with it."""

from __future__ import annotations

import contextlib
import datetime
import os
import socket
from collections.abc import Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from tests.certificate import certify
from tests.command.commanding import PATIENCE, told, webots_cloud
from tests.session.mail_servers import Mailbox, mail_server

Found = dict[str, tuple[str, str]]


@contextlib.contextmanager
def http_server(answer: str, status: int = 200) -> Iterator[int]:
    """Answer everything alike; gives the port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer.encode())

        def log_message(self, *arguments: object) -> None:
            """Be quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def look(server: str, ini: str, status: int = 1, more: Sequence[str] = (), **environment: str) -> Found:
    """Check a server; give each subject with its mark and what was found."""
    listen = f"listen = tcp:{free_port()}:interface=127.0.0.1\n" if "isten" not in ini else ""
    Path("test.ini").write_text(f"[{server}]\n{listen}{ini}")
    found = told("check", server, "--config", "test.ini", *more, status=status, **environment)
    wrong = [one for one in found["findings"] if one["mark"] == "wrong"]
    assert found["wrong"] == len(wrong)
    assert bool(wrong) == bool(status)
    assert {one["server"] for one in found["findings"]} == {server}
    return {one["subject"]: (one["mark"], one["what"]) for one in found["findings"]}


def test_all_is_well_on_a_machine_that_has_everything() -> None:
    with http_server("12.5") as simulation:
        found = look("session", f"simulationServers = localhost:{simulation}\n", status=0)
    assert found[f"localhost:{simulation}"] == ("fine", "the simulation server answers; load 12.5 %")
    assert found["certificate"] == ("fine", "none: this server does not encrypt")
    assert found["configuration"] == ("fine", "test.ini")
    assert {mark for mark, _ in found.values()} == {"fine", "note"}


def test_every_simulation_server_is_asked_and_each_tells_what_is_wrong() -> None:
    closed = free_port()
    with http_server("100") as full, http_server("many") as broken, http_server("", 404) as missing:
        listed = ", ".join(f"localhost:{port}" for port in (full, broken, missing, closed))
        found = look("session", f"simulationServers = {listed}\npollTimeoutSeconds = {PATIENCE}\n")
    assert found[f"localhost:{full}"] == ("note", "the simulation server answers, but takes no clients; load 100.0 %")
    for port, part in (
        (broken, "not a load in percent"),
        (missing, "HTTP status 404"),
        (closed, "cannot be connected to"),
    ):
        mark, what = found[f"localhost:{port}"]
        assert mark == "wrong"
        assert part in what
        assert "take it out of simulationServers" in what


def test_a_simulation_server_that_says_nothing_is_not_waited_for_longer_than_the_session_server_waits() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        found = look("session", f"simulationServers = localhost:{port}\npollTimeoutSeconds = 0.2\n")
    assert "does not answer within 0.2 s" in found[f"localhost:{port}"][1]


def test_a_port_that_is_taken_is_found() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, http_server("1") as simulation:
        endpoint = f"tcp:{taken.getsockname()[1]}:interface=127.0.0.1"
        found = look("session", f"listen = {endpoint}\nsimulationServers = localhost:{simulation}\n")
    mark, what = found[f"listen {endpoint}"]
    assert mark == "wrong"
    assert "Address already in use" in what
    assert "end the program that uses it" in what


def save_certificate(days: int = 100) -> str:
    made = certify(ends=datetime.timedelta(days=days))
    Path("cert.pem").write_bytes(made.pem)
    Path("key.pem").write_bytes(made.key_pem)
    return f"tlsListen = tcp:{free_port()}\nsslCertificate = {os.getcwd()}/cert.pem\nsslKey = {os.getcwd()}/key.pem\n"


def test_a_certificate_is_looked_at() -> None:
    with http_server("1") as simulation:
        more = f"simulationServers = http://localhost:{simulation}\n"
        mark, what = look("session", save_certificate() + more, status=0)["certificate"]
        assert mark == "fine"
        assert what.startswith("for localhost, until ")
        mark, what = look("session", f"{save_certificate()}{more}server = a.example.org\n")["certificate"]
        assert mark == "wrong"
        assert "a.example.org" in what
        Path("key.pem").write_text("nonsense")
        options = f"sslCertificate = {os.getcwd()}/cert.pem\nsslKey = {os.getcwd()}/key.pem\n"
        mark, what = look("session", f"tlsListen = tcp:{free_port()}\n{options}{more}")["certificate"]
        assert mark == "wrong"
        assert "key.pem" in what


def test_mail_is_tried_and_sent_only_where_that_is_wanted(tmp_path: Path) -> None:
    mailbox = Mailbox()
    with mail_server(mailbox) as port, http_server("1") as simulation:
        options = (
            f"simulationServers = localhost:{simulation}\nadministrator = admin@example.org\n"
            f"mailServer = localhost\nmailServerPort = {port}\nmailSecurity = plain\nmailSender = webots@example.org\n"
        )
        assert look("session", options, status=0)["mail"] == ("fine", "localhost takes mail to admin@example.org")
        assert mailbox.empty
        sent = look("session", options, status=0, more=("--send-mail",))["mail"]
        assert sent == ("fine", "a message was sent to admin@example.org")
        assert mailbox.next().rcpt_tos == ["admin@example.org"]
        mark, what = look("session", options.replace("admin@", "nobody@"), more=("--send-mail",))["mail"]
    assert mark == "wrong"
    assert "No such user here" in what
    assert look("session", f"{options}mailSenderUser = me\n")["mail"][0] == "wrong"
    assert look("session", options)["mail"][0] == "wrong"


def test_folders_and_keys_are_looked_at_as_at_a_start(tmp_path: Path) -> None:
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "example.org").write_text("\n")
    found = look(
        "simulation",
        f"keyDir = {tmp_path}/keys\nprojectsDir = /is/not/there\ncaFile = {tmp_path}/keys/example.org\n"
        f"logDir = {tmp_path}/logs\n",
    )
    assert found["keyDir"] == (
        "wrong",
        f"the first line of {tmp_path}/keys/example.org is empty; put the host's key there",
    )
    assert found["projectsDir"] == ("wrong", "there is no folder /is/not/there; make it, or name another")
    assert found["caFile"][0] == "wrong"
    assert found["logDir"] == ("fine", f"{tmp_path}/logs")
    assert found["keys"] == ("fine", "of example.org")


def test_options_that_do_not_go_together_are_found() -> None:
    found = look("simulation", "sandbox = none\nnetwork = isolated\n")
    assert found["network"][0] == "wrong"
    assert found["Firejail"][0] == "note"


def test_a_program_is_run_in_the_sandbox(tmp_path: Path) -> None:
    found = look("simulation", "", status=0)
    assert found["Firejail"] == ("fine", "a program was run in the sandbox")
    assert found["Webots"][0] == "note"
    assert found["display"] == ("fine", "the stand-in needs none")
    assert found["keys"][0] == "note"
    assert list((tmp_path / "state" / "instances").iterdir()) == []


def test_a_sandbox_that_does_not_work_is_found(tmp_path: Path) -> None:
    (tmp_path / "firejail").write_text("#!/bin/sh\necho no sandbox today >&2\nexit 1\n")
    (tmp_path / "firejail").chmod(0o755)
    mark, what = look("simulation", "", PATH=f"{tmp_path}:{os.environ['PATH']}")["Firejail"]
    assert mark == "wrong"
    assert "no sandbox today" in what


def test_without_firejail_it_is_told_how_to_install_it(tmp_path: Path) -> None:
    mark, what = look("simulation", "", PATH=str(tmp_path))["sandbox"]
    assert mark == "wrong"
    assert "apt-get install firejail" in what


def test_webots_and_its_display_are_looked_at(tmp_path: Path) -> None:
    home = tmp_path / "webots"
    (home / "resources").mkdir(parents=True)
    (home / "webots").write_text("#!/bin/sh\n")
    found = look("simulation", f"webotsHome = {home}\ndisplay = :59999\n")
    assert found["webotsHome"][0] == found["Webots"][0] == "wrong"
    assert "may not be executed" in found["Webots"][1]
    assert found["display"][0] == "wrong"
    (home / "webots").chmod(0o755)
    found = look("simulation", f"webotsHome = {home}\ndisplay = :59999\n")
    assert found["Webots"][0] == "note"
    (home / "resources" / "version.txt").write_text("R2022b\n")
    with socket.socket(socket.AF_UNIX) as x_server:
        x_server.bind("\0/tmp/.X11-unix/X59999")
        x_server.listen()
        found = look("simulation", f"webotsHome = {home}\ndisplay = :59999\n", status=0)
    assert found["Webots"] == ("fine", f"Webots R2022b in {home}")
    assert found["display"] == ("fine", "an X server listens for :59999")


def test_a_website_host_is_looked_at(tmp_path: Path) -> None:
    with http_server("1") as session:
        found = look("host", f"sessionServer = ws://localhost:{session}\n")
        assert found["keyFile"][0] == "wrong"
        assert found["session server"] == ("fine", f"ws://localhost:{session} answers")
        (tmp_path / "key").write_text("sesame\n")
        assert look("host", f"keyFile = {tmp_path}/key\n", status=0)["session server"][0] == "fine"
    found = look("host", f"keyFile = {tmp_path}/key\nsessionServer = ws://localhost:{session}\n")
    assert found["session server"][0] == "wrong"
    with http_server("1", 502) as session:
        found = look("host", f"keyFile = {tmp_path}/key\nsessionServer = ws://localhost:{session}\n")
    assert "HTTP status 502" in found["session server"][1]


def test_certificates_of_an_authority_are_looked_at(tmp_path: Path) -> None:
    acme = f"\n[acme]\nenabled = yes\nagreeToTerms = yes\nstore = {tmp_path}/store\nchallengeListen =\n"
    with http_server("1") as simulation:
        options = f"tlsListen = tcp:{free_port()}\nsimulationServers = http://localhost:{simulation}\n{acme}"
        assert look("session", options, status=0)["certificate"][0] == "note"
        made = certify(ends=datetime.timedelta(days=100))
        (tmp_path / "store" / "localhost.pem").write_bytes(made.key_pem + made.pem)
        (tmp_path / "store" / "localhost.pem").chmod(0o600)
        assert look("session", options, status=0)["certificate"][0] == "fine"
        (tmp_path / "store" / "localhost.pem").write_bytes(b"nonsense")
        assert look("session", options)["certificate"][0] == "wrong"


def test_a_certificate_that_ends_soon_is_to_be_renewed() -> None:
    with http_server("1") as simulation:
        options = save_certificate(days=3)
        mark, what = look("session", f"{options}simulationServers = http://localhost:{simulation}\n")["certificate"]
    assert mark == "wrong"
    assert "renew it" in what


def test_a_control_socket_that_cannot_be_is_found(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with http_server("1") as simulation:
        more = f"simulationServers = localhost:{simulation}\n"
        assert look("session", f"controlSocket = {tmp_path}/file/x.sock\n{more}")["controlSocket"][0] == "wrong"
        assert "is not a socket" in look("session", f"controlSocket = {tmp_path}/file\n{more}")["controlSocket"][1]
        assert look("session", f"controlSocket =\n{more}", status=0)["controlSocket"][0] == "note"


@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_people_see_a_tick_or_what_to_do(encoding: str) -> None:
    with http_server("7") as simulation:
        Path("test.ini").write_text(
            f"[session]\nlisten = tcp:0:interface=127.0.0.1\nsimulationServers = localhost:{simulation}, localhost:1\n"
        )
        shown = webots_cloud("check", "session", "--config", "test.ini", PYTHONIOENCODING=encoding)
    assert shown.returncode == 1
    fine, wrong = ("✓", "✗") if encoding == "utf-8" else ("ok", "WRONG")
    lines = shown.stdout.splitlines()
    assert lines[0] == "[session]"
    assert [line.split()[0] for line in lines if line.split()[1:2] == [f"localhost:{simulation}"]] == [fine]
    assert [line.split()[0] for line in lines if line.split()[1:2] == ["localhost:1"]] == [wrong]
    assert lines[-1] == "To be put right: 1."


def test_another_users_server_is_left_to_that_user() -> None:
    Path("test.ini").touch()
    shown = webots_cloud("check", "session", "--config", "test.ini", STATE_DIRECTORY="/etc")
    assert shown.returncode == 77
    assert "session is the server of user root, and this is " in shown.stdout
    assert "run: sudo -u root " in shown.stdout
    assert f" check session --config {os.getcwd()}/test.ini\n" in shown.stdout
    refused = webots_cloud("accounts", "list", STATE_DIRECTORY="/etc", HOME="/etc")
    assert refused.returncode == 77
