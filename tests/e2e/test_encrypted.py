"""The whole system over TLS, with nothing in front: in a real browser, and while certificates are replaced."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection

from tests.e2e.cloud import add_tutorial
from tests.e2e.encrypted import HSTS, MOST_SOCKETS, Encrypted, encrypted, simulate_in_browser
from tests.e2e.page import begins, moved, receive
from tests.e2e.program import PATIENCE
from tests.e2e.raw import Raw, ask, request
from tests.e2e.test_browser import MILLISECONDS


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Encrypted]:
    state = tmp_path_factory.mktemp("encrypted")
    add_tutorial(state / "host" / "projects")
    with encrypted(state) as servers:
        yield servers


def test_a_simulation_in_the_browser_is_encrypted_all_the_way(servers: Encrypted) -> None:
    simulate_in_browser(servers)


def test_a_browser_that_comes_without_encryption_is_sent_to_where_there_is_some(servers: Encrypted) -> None:
    with servers.browser() as browser:
        page = browser.new_page()
        page.goto(f"http://localhost:{servers.plain}/?x=y")
        assert page.url == f"{servers.page}?x=y"
        expect(page.get_by_text("A simulation can be started now.")).to_be_visible(timeout=MILLISECONDS)
    answer = servers.ask(servers.plain, "/ajax/upload-file.php", "POST")
    assert answer.status == 403
    assert "strict-transport-security" not in answer.headers


def test_browsers_are_told_to_encrypt_where_that_was_asked_for(servers: Encrypted) -> None:
    told = [
        servers.ask(port, path).headers.get("strict-transport-security")
        for port, path in ((servers.host, "/"), (servers.session, "/load"), (servers.simulation, "/load"))
    ]
    assert told == [f"max-age={HSTS}", None, None]


def test_what_is_not_encrypted_is_not_listened_to(servers: Encrypted) -> None:
    for port in (servers.host, servers.session, servers.simulation):
        answer = ask(port, b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert b"HTTP/1.1" not in answer


@pytest.fixture
def stream(servers: Encrypted) -> Iterator[ClientConnection]:
    """A simulation that runs in a page."""
    servers.wait_until_available()
    user = json.loads(servers.get(servers.host, "/projects.json"))["user"]
    identity = [user["id"], user["name"], user["authentication"]]
    with servers.open_socket(f"wss://localhost:{servers.session}/session") as session:
        server = str(session.recv())
    assert server == f"wss://localhost:{servers.simulation}"
    with servers.open_socket(f"{server}/client") as client:
        wanted = [servers.page.rstrip("/"), "four_wheels", "4_wheels_robot.wbt", *identity, "", "", ""]
        client.send(json.dumps({"init": wanted}))
        url = receive(client, begins("webots:wss://")).removeprefix("webots:")
        with servers.open_socket(f"{url}/") as stream:
            stream.send("x3d")
            receive(stream, begins("scene load completed"))
            stream.send("real-time:-1")
            receive(stream, moved)
            yield stream
    servers.wait_for(lambda: not servers.processes, "the instance to end")


def test_a_certificate_is_replaced_under_a_stream_that_goes_on(servers: Encrypted, stream: ClientConnection) -> None:
    ports, before = (servers.session, servers.simulation, servers.host), servers.hangups
    for _ in range(3):
        serial = servers.certify().certificate.serial_number
        servers.hang_up()
        for port in ports:
            servers.wait_for_certificate(port, serial)
        receive(stream, moved)
    servers.wait_for(lambda: servers.hangups == before + 3, "the log to tell of it")


def test_a_certificate_for_somebody_else_is_refused_and_the_old_one_stays(
    servers: Encrypted, stream: ClientConnection
) -> None:
    before = servers.certificate(servers.session).serial_number
    servers.certify(["elsewhere.example.org"])
    servers.hang_up()
    try:
        for port in (servers.session, servers.simulation):
            servers.wait_for_notice(port, "elsewhere.example.org")
            assert servers.certificate(port).serial_number == before
            assert "localhost" in servers.shown_certificate(port)["names"]
        receive(stream, moved)
    finally:
        servers.certify()
        servers.hang_up()
    servers.wait_for(lambda: "elsewhere" not in servers.notice(servers.session), "the notice to go")


def test_connections_that_say_nothing_are_counted_and_ended(servers: Encrypted) -> None:
    source = "127.0.0.77"
    silent = [Raw(servers.simulation, source) for _ in range(MOST_SOCKETS)]
    assert ask(servers.simulation, b"", source) == b""
    assert servers.ask(servers.simulation, "/load").status == 200
    for raw in silent:
        assert raw.rest() == b""
        raw.socket.close()
    servers.wait_for(lambda: servers.is_answered(servers.simulation, source), "a place for another")


def test_pages_are_counted_until_they_leave(servers: Encrypted) -> None:
    source = "127.0.0.78"
    for _ in range(2 * MOST_SOCKETS):
        servers.wait_for(lambda: servers.is_answered(servers.simulation, source), "a place for another")
        raw = servers.encrypted_socket(servers.simulation, source)
        assert raw.upgraded("/client").status == 101
        raw.socket.close()


def close_code(socket: ClientConnection) -> int | None:
    """Read until the other end closes; give the reason."""
    try:
        while True:
            socket.recv(PATIENCE)
    except ConnectionClosed as error:
        return error.rcvd.code if error.rcvd else None


def test_servers_that_end_say_goodbye_and_wait_for_nobody(tmp_path: Path) -> None:
    with (
        encrypted(tmp_path) as servers,
        servers.encrypted_socket(servers.simulation) as silent,
        servers.encrypted_socket(servers.host) as deaf,
        servers.open_socket(f"wss://localhost:{servers.session}/") as watcher,
    ):
        deaf.say(request("/projects.json"))
        watcher.recv(PATIENCE)
        servers.press_ctrl_c()
        assert close_code(watcher) == 1001
        assert silent.rest() == b""
