"""The address of a simulation server."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webots_cloud.address import parse_address


@pytest.mark.parametrize(
    ("text", "load", "client"),
    [
        ("localhost:2000", "http://localhost:2000/load", "ws://localhost:2000"),
        ("Sim.Example.org:02000", "http://sim.example.org:2000/load", "ws://sim.example.org:2000"),
        ("http://a:2000", "http://a:2000/load", "ws://a:2000"),
        ("http://a", "http://a/load", "ws://a"),
        ("https://a:2000/", "https://a:2000/load", "wss://a:2000"),
        ("https://a", "https://a/load", "wss://a"),
        ("a/2000", "https://a/2000/load", "wss://a/2000"),
        ("a:8443/2000", "https://a:8443/2000/load", "wss://a:8443/2000"),
        ("http://a/2000", "http://a/2000/load", "ws://a/2000"),
        ("[::1]:2000", "http://[::1]:2000/load", "ws://[::1]:2000"),
        ("10.0.0.1:2000", "http://10.0.0.1:2000/load", "ws://10.0.0.1:2000"),
    ],
)
def test_an_address_has_several_forms(text: str, load: str, client: str) -> None:
    address = parse_address(text)
    assert (address.load_url, address.websocket_url) == (load, client)
    assert address.monitor_url == load.replace("/load", "/monitor")


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "is not a server; write HOST:PORT, for instance simulation1"),
        ("localhost", "'localhost' has no port; write localhost:2000"),
        ("a:0", "0 is not a port"),
        ("a:65536", "65536 is not a port"),
        ("a/0", "0 is not a port"),
        ("a:123456", "is not a server"),
        ("a:x", "is not a server"),
        ("a/b", "is not a server"),
        ("a:1/2/3", "is not a server"),
        ("ws://a:1", "is not a server"),
        ("ftp://a:1", "is not a server"),
        ("me:sesame@a:1", "is not a server"),
        ("::1:2000", "is not a server"),
        ("[::g]:2000", "is not a server"),
        ("[:::]:2000", "is not a server"),
        ("a b:1", "is not a server"),
        ("a..b:1", "is not a server"),
        ("-a:1", "is not a server"),
        ("a:1\n", "is not a server"),
        ("a:1?x", "is not a server"),
    ],
)
def test_anything_else_is_told_with_what_would_be_right(text: str, what: str) -> None:
    with pytest.raises(ValueError, match=what):
        parse_address(text)


def test_two_spellings_of_one_address_are_equal() -> None:
    assert parse_address("A.org:2000") == parse_address("a.org:02000/")
    assert parse_address("http://A.org:2000") == parse_address("http://a.org:02000/")
    assert parse_address("a.org/2000") == parse_address("https://a.org/2000")
    assert parse_address("a.org:2000") != parse_address("https://a.org:2000")


@pytest.mark.parametrize(
    ("text", "plain", "encrypted"),
    [
        ("a.org:2000", "ws://a.org:2000", "wss://a.org:2000"),
        ("http://a.org:2000", "ws://a.org:2000", "ws://a.org:2000"),
        ("https://a.org:2000", "wss://a.org:2000", "wss://a.org:2000"),
        ("a.org/2000", "wss://a.org/2000", "wss://a.org/2000"),
    ],
)
def test_what_does_not_say_whether_it_is_encrypted_is_as_the_session_server(
    text: str, plain: str, encrypted: str
) -> None:
    address = parse_address(text)
    assert [address.settled(secure).websocket_url for secure in (False, True)] == [plain, encrypted]


@given(st.text(max_size=60) | st.from_regex(r"(https?://)?[a-z\[\]:.0-9/-]*", fullmatch=True))
def test_no_text_fails_in_another_way(text: str) -> None:
    with contextlib.suppress(ValueError):
        address = parse_address(text)
        settled = address.settled(True)
        assert parse_address(f"{'https' if settled.secure else 'http'}://{address}") == settled
