"""What a client offers, out of what it says first: read as far as it goes, and never an error."""

from __future__ import annotations

import ssl

from hypothesis import given
from hypothesis import strategies as st

from tests.tls.served import client_context
from webots_cloud.tls.hello import offered_protocols

OFFERED = ("h2", "http/1.1", "acme-tls/1")


def hello(*offered: str) -> bytes:
    outgoing = ssl.MemoryBIO()
    client = client_context(offered).wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname="sim.example.org")
    try:
        client.do_handshake()
    except ssl.SSLWantReadError:
        return outgoing.read()
    raise AssertionError("nobody has answered")


HELLO = hello(*OFFERED)


def in_records(message: bytes, length: int) -> bytes:
    pieces = [message[at : at + length] for at in range(0, len(message), length)]
    return b"".join(b"\x16\x03\x01" + len(piece).to_bytes(2, "big") + piece for piece in pieces)


def test_what_is_offered_is_given_in_its_order() -> None:
    assert offered_protocols(HELLO) == (b"h2", b"http/1.1", b"acme-tls/1")
    assert offered_protocols(hello("acme-tls/1")) == (b"acme-tls/1",)


def test_who_offers_nothing_is_no_error() -> None:
    assert offered_protocols(hello()) == ()


@given(st.integers(1, 300))
def test_it_may_come_in_several_records(length: int) -> None:
    assert offered_protocols(in_records(HELLO[5:], length)) == (b"h2", b"http/1.1", b"acme-tls/1")


def test_what_follows_does_not_matter() -> None:
    assert offered_protocols(HELLO + b"\x14\x03\x03\x00\x01\x01") == (b"h2", b"http/1.1", b"acme-tls/1")


@given(st.integers(0, len(HELLO) - 1))
def test_one_that_ends_early_offers_nothing(length: int) -> None:
    assert offered_protocols(HELLO[:length]) == ()


@given(st.integers(0, len(HELLO) - 1), st.integers(0, 255))
def test_a_broken_one_is_no_error(at: int, byte: int) -> None:
    assert len(offered_protocols(HELLO[:at] + bytes([byte]) + HELLO[at + 1 :])) <= 300


@given(st.binary())
def test_noise_offers_nothing(noise: bytes) -> None:
    assert offered_protocols(noise) == ()


def test_records_without_anything_in_them_come_to_an_end() -> None:
    assert offered_protocols(b"\x16\x03\x01\x00\x00" * 1000) == ()
