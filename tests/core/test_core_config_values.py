"""The values of options: what each text means, and what is said where it means nothing."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webots_cloud.config import DEMO_PROJECTS, SECTIONS, ServerConfig, state_directory, values
from webots_cloud.config.sections import options_of

FIELDS = sorted({field for section in SECTIONS for field in options_of(section)}, key=lambda field: field.name)


@pytest.mark.parametrize(("text", "port"), [("1", 1), ("65535", 65535), ("0080", 80)])
def test_a_port_is_a_number_that_a_socket_takes(text: str, port: int) -> None:
    assert values.port(text) == port


@pytest.mark.parametrize("text", ["", "0", "65536", "-1", "80.0", "http", "8 0", "٣", "9" * 5000])
def test_anything_else_is_no_port(text: str) -> None:
    with pytest.raises(ValueError, match="is not a port; ports are whole numbers from 1 to 65535"):
        values.port(text)


def test_a_whole_number_has_both_bounds() -> None:
    number = values.integer(1, 100)
    assert [number("1"), number("100")] == [1, 100]
    for text in ("0", "101", "", "x", "1.5", "-1", "1" * 5000):
        with pytest.raises(ValueError, match="is not a whole number from 1 to 100"):
            number(text)


@pytest.mark.parametrize(("text", "seconds"), [("5", 5.0), ("2.5", 2.5), ("0.001", 0.001)])
def test_a_time_may_have_a_fraction(text: str, seconds: float) -> None:
    assert values.seconds(text) == seconds


@pytest.mark.parametrize("text", ["", "0", "0.000", "-1", "5 s", "1e3", "nan", "inf", "9" * 400])
def test_anything_else_is_no_time(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not a number of seconds; write for instance 5 or 2\.5"):
        values.seconds(text)


@pytest.mark.parametrize(
    ("text", "value"),
    [("yes", True), ("On", True), ("TRUE", True), ("1", True), ("no", False), ("off", False), ("0", False)],
)
def test_yes_and_no_have_several_words(text: str, value: bool) -> None:
    assert values.yes_or_no(text) is value


@pytest.mark.parametrize("text", ["", "maybe", "y", "2"])
def test_anything_else_is_neither(text: str) -> None:
    with pytest.raises(ValueError, match="is neither yes nor no"):
        values.yes_or_no(text)


@pytest.mark.parametrize("text", ["80,443", "80, 443", "80\n443", " 80 ,\n, 443 ,"])
def test_lists_are_separated_by_commas_and_line_ends(text: str) -> None:
    assert values.ports(text) == {80, 443}


def test_a_list_of_ports_must_have_one() -> None:
    with pytest.raises(ValueError, match="no port is given; write for instance 80, 443"):
        values.ports(" , ")


@pytest.mark.parametrize("text", ["localhost", "sim-1.example.org", "10.0.0.1", "[::1]", "[fe80::1:2]", "a" * 63])
def test_a_host_is_a_name_or_an_address(text: str) -> None:
    assert values.host_name(text) == text


@pytest.mark.parametrize(
    "text", ["", "a:2000", "http://a", "a b", "-a", "a-", "a..b", ".a", "::1", "[:::1]", "[1]", "[]", "a" * 64, "ä.org"]
)
def test_anything_else_is_no_host(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not a host name; write for instance simulation1\.example\.org"):
        values.host_name(text)


def test_simulation_servers_are_listed_once_each() -> None:
    assert [str(server) for server in values.servers("a:1, b/2\nhttp://c:3")] == ["a:1", "b/2", "c:3"]
    for text in ("a:1, a:1", "a:1\nhttp://a:1", "http://a:1, https://a:1", "A:01, a:1/"):
        with pytest.raises(ValueError, match="a simulation server is named twice; name each of them once"):
            values.servers(text)
    with pytest.raises(ValueError, match="no simulation server is named; write for instance localhost:2000"):
        values.servers("")
    with pytest.raises(ValueError, match="'b' has no port; write b:2000"):
        values.servers("a:1, b, c:1")


@pytest.mark.parametrize(
    ("text", "ports"),
    [
        ("", []),
        ("tcp:1999", [1999]),
        ("tcp:port=1999:interface=127.0.0.1", [1999]),
        ("tcp:interface=127.0.0.1:port=1999", [1999]),
        ("tcp6:1999, tcp:2000\nunix:/run/socket", [1999, 2000, None]),
        ("tcp:0:interface=127.0.0.1:backlog=99999", [0]),
    ],
)
def test_servers_may_listen_anywhere(text: str, ports: list[int | None]) -> None:
    assert [values.endpoint_port(endpoint) for endpoint in values.endpoints(text)] == ports


@pytest.mark.parametrize("text", ["1999", "tcp", "tcp:", "tcp:http", "nothing:1", "tcp:80:x=y", "haproxy:", ":"])
def test_anything_else_is_no_endpoint(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not a Twisted endpoint .* write for instance tcp:1999:interface=127"):
        values.endpoints(f"tcp:1,{text}")


@pytest.mark.parametrize(
    "text", ["tcp:65536", "tcp6:port=99999:interface=\\:\\:1", "tcp:interface=127.0.0.1:port=70000"]
)
def test_an_endpoint_has_a_port_that_a_socket_takes(text: str) -> None:
    with pytest.raises(ValueError, match="ports are whole numbers from 1 to 65535"):
        values.endpoints(text)


@pytest.mark.parametrize(
    "text",
    ["ssl:443:privateKey=key.pem", "haproxy:ssl:443:privateKey=key.pem", "tls:example.org:443", "le:/etc:tcp:443"],
)
def test_an_endpoint_that_encrypts_by_itself_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="has a certificate of its own; write tcp:PORT into tlsListen, and give sslC"):
        values.endpoints(text)


CERTIFICATE: dict[str, Any] = {"sslCertificate": Path("fullchain.pem"), "sslKey": Path("privkey.pem")}


def server(**changed: Any) -> ServerConfig:
    """Give a section with port 5 and some options."""
    options: dict[str, Any] = {
        "port": 5,
        "listen": (),
        "tlsListen": (),
        "sslCertificate": None,
        "sslKey": None,
        "hsts": 0,
    } | changed
    return ServerConfig(server="a.org", logDir=None, logFiles=1, logLevel="info", journal="no", **options)


@pytest.mark.parametrize(
    ("listen", "port"),
    [
        ((), 5),
        (("tcp:80",), 80),
        (("unix:/run/socket",), 5),
        (("unix:/run/socket", "tcp6:81"), 81),
        (("tcp:0",), 5),
    ],
)
def test_the_port_that_people_are_told_of_is_the_first_they_can_connect_to(listen: tuple[str, ...], port: int) -> None:
    assert server(listen=listen).public_port == port
    assert server(listen=("tcp:7",), tlsListen=listen or ("tcp:5",), **CERTIFICATE).public_port == port


@pytest.mark.parametrize(
    ("options", "plain", "encrypted", "url"),
    [
        ({}, ["tcp:5"], [], "ws://a.org:5"),
        ({"port": 80}, ["tcp:80"], [], "ws://a.org"),
        (CERTIFICATE, [], ["tcp:5"], "wss://a.org:5"),
        ({"port": 443, **CERTIFICATE}, [], ["tcp:443"], "wss://a.org"),
        ({"tlsListen": ("tcp:443", "unix:/s"), **CERTIFICATE}, [], ["tcp:443", "unix:/s"], "wss://a.org"),
        (
            {"listen": ("tcp:80",), "tlsListen": ("tcp:6",), **CERTIFICATE},
            ["tcp:80"],
            ["tcp:6"],
            "wss://a.org:6",
        ),
    ],
)
def test_with_a_certificate_all_is_encrypted_but_what_is_said_to_be_plain(
    options: dict[str, Any], plain: list[str], encrypted: list[str], url: str
) -> None:
    config = server(**options)
    assert (list(config.endpoints), list(config.tls_endpoints), config.url("ws")) == (plain, encrypted, url)
    assert list(config.contradictions()) == []


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("", ""),
        ("ws://a.org:1999", "ws://a.org:1999"),
        ("wss://A.org/", "wss://a.org"),
        ("ws://[::1]:1999", "ws://[::1]:1999"),
        ("wss://a.org/1999", "wss://a.org/1999"),
    ],
)
def test_a_session_server_may_be_named(text: str, url: str) -> None:
    assert values.websocket_url(text) == url


@pytest.mark.parametrize(
    ("text", "page"),
    [
        ("http://a.org:1999", "http://a.org:1999/monitor"),
        ("https://a.org/1999/", "https://a.org/1999/monitor"),
        ("https://A.org", "https://a.org/monitor"),
    ],
)
def test_a_session_server_may_be_reached_elsewhere(text: str, page: str) -> None:
    address = values.page_url(text)
    assert address is not None
    assert address.monitor_url == page


@pytest.mark.parametrize("text", ["a.org", "ws://a.org:1999", "https://", "https://me:x@a:1", "https://a/b"])
def test_what_is_no_url_is_reached_nowhere(text: str) -> None:
    with pytest.raises(ValueError, match=r"write for instance https://example\.org/1999"):
        values.page_url(text)


@pytest.mark.parametrize(
    "text", ["a.org", "http://a.org:1999", "ws://", "ws://a:0", "ws://me:x@a:1", "ws://a/b/c", 'ws://"', "WS://a"]
)
def test_anything_else_is_no_session_server(text: str) -> None:
    with pytest.raises(
        ValueError, match=r"is not the URL of a session server; write for instance ws://example\.org:1999"
    ):
        values.websocket_url(text)


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("/var/log", "/var/log"),
        ("~", "/home/me"),
        ("~/log", "/home/me/log"),
        ("$HOME/log", "/home/me/log"),
        ("${HOME}work/$NAME", "/home/mework/four wheels"),
        ("/a/~/$", "/a/~/$"),
        ("$SHORT/log", "/home/me/log"),
    ],
)
def test_home_and_variables_are_expanded_in_paths(text: str, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    monkeypatch.setenv("NAME", "four wheels")
    monkeypatch.setenv("SHORT", "~")
    assert values.path(text) == Path(path)


@pytest.mark.parametrize("text", ["$ABSENT/log", "/log/${ABSENT}"])
def test_a_variable_that_is_not_set_is_named(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ABSENT", raising=False)
    with pytest.raises(ValueError, match=r"the variable \$ABSENT is not set; set it, or write the path in full"):
        values.path(text)


def test_a_user_that_is_not_there_has_no_home() -> None:
    with pytest.raises(ValueError, match="'~nobody-of-that-name/x' has no home folder to begin with"):
        values.path("~nobody-of-that-name/x")


@pytest.mark.parametrize("text", ["log", "./log", "../log", "$NAME/log"])
def test_a_path_does_not_depend_on_the_current_folder(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NAME", "name")
    with pytest.raises(ValueError, match="is a relative path; write it from / or ~ on"):
        values.path(text)


@pytest.mark.parametrize("text", ["/a\n/b", "/a\0b", "$NAME"])
def test_a_path_is_on_one_line(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NAME", "/a\n/b")
    with pytest.raises(ValueError, match=r"'/a.*b' is not a path; write one, on one line"):
        values.path(text)


def test_some_paths_may_be_empty() -> None:
    assert values.optional_path("") is None
    assert values.projects_dir("") == DEMO_PROJECTS
    assert values.projects_dir("/projects") == Path("/projects")
    with pytest.raises(ValueError, match="no path is given"):
        values.path("")


@pytest.mark.parametrize(
    ("given", "folder"),
    [
        ("/var/lib/webots-session", "/var/lib/webots-session"),
        ("/var/lib/a:/var/lib/b", "/var/lib/a"),
        ("", "/home/me/.local/share/webots-cloud"),
        (None, "/home/me/.local/share/webots-cloud"),
    ],
)
def test_the_state_is_where_systemd_says_or_in_the_home_folder(
    given: str | None, folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    monkeypatch.delenv("STATE_DIRECTORY")
    if given is not None:
        monkeypatch.setenv("STATE_DIRECTORY", given)
    assert state_directory() == Path(folder)
    assert values.path("$STATE_DIRECTORY/keys") == Path(folder, "keys")
    assert values.path("${STATE_DIRECTORY}") == Path(folder)


def test_the_state_follows_the_users_choice_of_where_data_lie(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("STATE_DIRECTORY")
    monkeypatch.setenv("XDG_DATA_HOME", "/data")
    assert state_directory() == Path("/data/webots-cloud")


def test_webots_is_where_the_environment_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEBOTS_HOME", "/usr/local/webots")
    assert values.webots_home("$WEBOTS_HOME") == Path("/usr/local/webots")
    assert values.webots_home("$WEBOTS_HOME/r2023b") == Path("/usr/local/webots/r2023b")
    assert values.webots_home("/opt/webots") == Path("/opt/webots")


@pytest.mark.parametrize("text", ["", "$WEBOTS_HOME"])
def test_without_webots_in_the_environment_there_is_none(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert values.webots_home(text) is None
    monkeypatch.setenv("WEBOTS_HOME", "")
    assert values.webots_home(text) is None


LIKELY = (
    "tcp: tcp6: unix: ssl: haproxy: systemd: domain= index=0 fd: autobahn: onion: port= interface= mode= \\ : = 1 "
    "99999 , ws:// https:// [ ] ::1 / ~ ~root $ ${ } HOME STATE_DIRECTORY yes"
)
PIECES = st.sampled_from(LIKELY.split(" "))


@pytest.mark.parametrize("field", FIELDS, ids=lambda field: field.name)
@given(text=st.text(max_size=50) | st.lists(PIECES | st.text(max_size=3), max_size=8).map("".join))
def test_no_text_fails_in_another_way(field: object, text: str) -> None:
    parse: Callable[[str], object] = field.metadata["parse"]  # type: ignore[attr-defined]
    with contextlib.suppress(ValueError):
        parse(text)


def test_one_of_some_words_may_be_written_in_capitals() -> None:
    kind = values.one_of("firejail", "none")
    assert [kind("firejail"), kind("None")] == ["firejail", "none"]
    with pytest.raises(ValueError, match="'docker' is not one of firejail, none"):
        kind("docker")


def test_networks_and_addresses_may_be_listed() -> None:
    assert values.networks("") == ()
    assert [str(network) for network in values.networks("192.0.2.7, 2001:db8::/32\n10.0.0.0/8")] == [
        "192.0.2.7/32",
        "2001:db8::/32",
        "10.0.0.0/8",
    ]


@pytest.mark.parametrize("text", ["192.0.2.7/24", "proxy.example.org", "10.0.0.0/33", "1.2.3"])
def test_anything_else_is_no_network(text: str) -> None:
    with pytest.raises(ValueError, match="is neither an address nor a network"):
        values.networks(text)


@pytest.mark.parametrize("text", ["xvfb", ":0", ":99", ":1.0"])
def test_a_display_is_one_of_this_machine(text: str) -> None:
    assert values.display(text) == text


@pytest.mark.parametrize("text", ["", "0", "localhost:0", ":x", "wayland-0", ":0;reboot"])
def test_anything_else_is_no_display(text: str) -> None:
    with pytest.raises(ValueError, match="is not a display of this machine; write for instance :0, or xvfb"):
        values.display(text)


def test_without_a_display_in_the_environment_each_instance_has_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    assert values.display("$DISPLAY") == "xvfb"
    monkeypatch.setenv("DISPLAY", ":7")
    assert values.display("$DISPLAY") == ":7"


def test_mail_goes_to_several_once_each() -> None:
    assert values.mail_addresses("a@b.org, root@localhost\na@b.org") == ("a@b.org", "root@localhost")
    assert values.mail_addresses("") == ()
    assert values.mail_address("") == ""


@pytest.mark.parametrize(
    "text",
    [
        "a",
        "a@",
        "@b.org",
        "a@b@c.org",
        "A <a@b.org>",
        "<a@b.org>",
        "a b@c.org",
        ".a@b.org",
        "a@b.org\r\nBcc: c@d.org",
        "a\n@b.org",
        "a@[::1]",
        "a@127.0.0.1",
        "ä@b.org",
        f"{'a' * 65}@b.org",
    ],
)
def test_anything_else_is_no_address_for_mail(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not an address for mail; write for instance admin@example\.org"):
        values.mail_address(text)


def test_a_mail_server_may_have_no_name_and_no_port() -> None:
    assert values.optional_host_name("") == ""
    assert values.optional_port("") is None
    assert (values.optional_host_name("b.org"), values.optional_port("25")) == ("b.org", 25)
