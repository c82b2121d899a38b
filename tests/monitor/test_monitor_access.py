"""Who may see the monitor pages, byte by byte, with a given clock and transports in memory."""

from __future__ import annotations

import base64
from ipaddress import ip_network
from typing import Any

import pytest
from twisted.internet.address import IPv4Address, IPv6Address, UNIXAddress
from twisted.internet.task import Clock
from twisted.logger import capturedLogs, eventAsJSON, formatEvent
from twisted.web.resource import Resource

from tests.wire import Wire
from webots_cloud.monitor.access import SPAN_SECONDS, WRONG_PASSWORDS, Access, Guarded
from webots_cloud.secret import Secret
from webots_cloud.session.site import PublicSite

PASSWORD = "open sesame"
OFFICE = "192.0.2.7"
STRANGER = "198.51.100.9"
PROXY = "127.0.0.1"


class Page(Guarded):
    """What is guarded."""

    def answer(self, request: Any) -> bytes:
        return b"figures"


class Server:
    """A server with one guarded page."""

    def __init__(self, password: str = "", networks: tuple[str, ...] = (), proxies: tuple[str, ...] = ()) -> None:
        self.clock = Clock()
        access = Access(
            self.clock.seconds, Secret(password), tuple(map(ip_network, networks)), tuple(map(ip_network, proxies))
        )
        root = Resource()
        root.putChild(b"monitor", Page(access))
        self.site = PublicSite(self.clock, root)

    def ask(self, source: str = STRANGER, method: str = "GET", **headers: str) -> bytes:
        """Give the whole answer."""
        wire = Wire()
        wire.peerAddr = (
            UNIXAddress(source) if not source else (IPv6Address if ":" in source else IPv4Address)("TCP", source, 1234)
        )
        build: Any = self.site.buildProtocol
        wire.protocol = build(wire.peerAddr)
        wire.protocol.makeConnection(wire)
        lines = [f"{name.replace('_', '-')}: {value}" for name, value in {"Host": "s.org:1999", **headers}.items()]
        return wire.say("\r\n".join([f"{method} /monitor HTTP/1.1", *lines, "", ""]))

    def status(self, source: str = STRANGER, **headers: str) -> int:
        return int(self.ask(source, **headers).split()[1])


def basic(password: str, user: str = "admin") -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def test_without_a_password_and_networks_everybody_may_see_it() -> None:
    assert Server().ask().endswith(b"\r\n\r\nfigures")


def test_headers_only_are_guarded_as_well() -> None:
    assert b"401 Unauthorized" in Server(PASSWORD).ask(method="HEAD")
    answer = Server().ask(method="HEAD")
    assert b"Content-Length: 7\r\n" in answer
    assert answer.endswith(b"\r\n\r\n")


def test_a_browser_is_asked_for_the_password() -> None:
    answer = Server(PASSWORD).ask()
    assert answer.startswith(b"HTTP/1.1 401 ")
    assert b'WWW-Authenticate: Basic realm="webots-cloud monitor", charset="UTF-8"\r\n' in answer


@pytest.mark.parametrize("user", ["admin", "", "Ädä"])
def test_the_password_lets_in_whatever_the_user_is_called(user: str) -> None:
    assert Server(PASSWORD).status(Authorization=basic(PASSWORD, user)) == 200


def test_a_password_may_have_colons_and_letters_of_all_languages() -> None:
    assert Server("a:b:ß語").status(Authorization=basic("a:b:ß語")) == 200


@pytest.mark.parametrize(
    "authorization",
    [basic("wrong"), basic(""), "Basic", "Basic !!!", "Basic b3Blbg==", f"Bearer {PASSWORD}", PASSWORD, "Basic /w=="],
)
def test_nothing_else_lets_in(authorization: str) -> None:
    assert Server(PASSWORD).status(Authorization=authorization) == 401


def test_wrong_passwords_are_counted_and_then_none_is_looked_at_for_a_while() -> None:
    server = Server(PASSWORD)
    for _ in range(WRONG_PASSWORDS):
        assert server.status(Authorization=basic("wrong")) == 401
    assert b"\r\nRetry-After: " in server.ask(Authorization=basic(PASSWORD))
    assert server.status(Authorization=basic(PASSWORD)) == 429
    assert server.status(OFFICE, Authorization=basic(PASSWORD)) == 200
    server.clock.advance(SPAN_SECONDS)
    assert server.status(Authorization=basic(PASSWORD)) == 200


def test_all_addresses_of_one_client_are_counted_together() -> None:
    server = Server(PASSWORD)
    for number in range(WRONG_PASSWORDS):
        assert server.status(f"2001:db8::{number}", Authorization=basic("wrong")) == 401
    assert server.status("2001:db8::abc", Authorization=basic(PASSWORD)) == 429
    assert server.status("2001:db8:0:1::1", Authorization=basic(PASSWORD)) == 200


def test_asking_without_a_password_is_no_attempt() -> None:
    server = Server(PASSWORD)
    assert {server.status() for _ in range(WRONG_PASSWORDS + 1)} == {401}
    assert server.status(Authorization=basic(PASSWORD)) == 200


def test_a_wrong_password_is_logged_without_it() -> None:
    with capturedLogs() as events:
        Server(PASSWORD).ask(Authorization=basic("a wrong guess"))
    (event,) = events
    assert formatEvent(event) == f"a wrong password for the monitor from {STRANGER}"
    assert "guess" not in eventAsJSON(event)


def test_networks_let_in_and_keep_out() -> None:
    server = Server(networks=("192.0.2.0/24", "2001:db8::/32"))
    assert [server.status(source) for source in (OFFICE, f"::ffff:{OFFICE}", "2001:db8::5")] == [200] * 3
    assert server.status(STRANGER) == 403
    assert server.status(STRANGER, Authorization=basic("")) == 403


def test_who_comes_from_a_network_needs_no_password_and_others_do() -> None:
    server = Server(PASSWORD, networks=("192.0.2.0/24",))
    assert server.status(OFFICE) == 200
    assert server.status(STRANGER) == 401
    assert server.status(STRANGER, Authorization=basic(PASSWORD)) == 200


def test_behind_a_proxy_that_is_trusted_its_clients_address_counts() -> None:
    server = Server(networks=("192.0.2.0/24",), proxies=(PROXY,))
    assert server.status(PROXY, X_Forwarded_For=OFFICE) == 200
    assert server.status(PROXY, X_Forwarded_For=f"{OFFICE}, {STRANGER}") == 403
    assert server.status(PROXY) == 403


def test_nobody_else_is_believed_to_be_a_proxy() -> None:
    assert Server(networks=("192.0.2.0/24",), proxies=(PROXY,)).status(STRANGER, X_Forwarded_For=OFFICE) == 403


def test_a_unix_socket_is_in_no_network() -> None:
    assert Server(networks=("0.0.0.0/0",)).status("") == 403
    assert Server(PASSWORD).status("", Authorization=basic(PASSWORD)) == 200


@pytest.mark.parametrize("origin", ["https://evil.org", "null", "http://s.org", "http://s.org:1999.evil.org", ""])
def test_pages_of_other_websites_may_not_see_what_is_restricted(origin: str) -> None:
    server = Server(networks=("192.0.2.0/24",))
    answer = server.ask(OFFICE, Origin=origin)
    assert answer.startswith(b"HTTP/1.1 403 ")
    assert b"access-control" not in answer.lower()


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("http://s.org:1999", "s.org:1999"),
        ("https://S.org", "s.ORG"),
        ("https://s.org", "s.org:443"),
        ("http://s.org", "s.org:80"),
    ],
)
def test_its_own_page_may(origin: str, host: str) -> None:
    assert Server(PASSWORD).status(Authorization=basic(PASSWORD), Origin=origin, Host=host) == 200


def test_what_everybody_may_see_pages_of_all_websites_may_read() -> None:
    assert b"Access-Control-Allow-Origin: *\r\n" in Server().ask(Origin="https://any.org")
