"""Guests, their cookies and their tokens."""

from __future__ import annotations

import pytest
from twisted.internet.task import Clock

from webots_cloud.host.names import is_plain
from webots_cloud.host.refusals import TooManyGuests
from webots_cloud.host.visitors import GUESTS_PER_MINUTE, Visitors
from webots_cloud.secret import Secret


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def visitors(clock: Clock) -> Visitors:
    return Visitors(clock, Secret("of this host"))


def test_a_guest_is_known_again_by_the_cookie(visitors: Visitors, clock: Clock) -> None:
    guest = visitors.new_guest("192.0.2.1")
    after_a_restart = Visitors(clock, Secret("of this host"))
    assert after_a_restart.from_cookie(visitors.cookie(guest)) == guest


def test_an_id_can_be_a_folder(visitors: Visitors) -> None:
    assert is_plain(visitors.new_guest("192.0.2.1").id)


def test_guests_are_different(visitors: Visitors) -> None:
    assert len({visitors.new_guest("192.0.2.1").id for _ in range(10)}) == 10


@pytest.mark.parametrize("change", [b"", b".", b"x", b"g0123456789abcdef0123", b"../x.y", b"\xff\xfe", b"g" * 10000])
def test_cookies_of_others_are_not_taken(visitors: Visitors, change: bytes) -> None:
    assert visitors.from_cookie(change) is None
    assert visitors.from_cookie(change + b".0123456789abcdef") is None


def test_a_cookie_that_was_changed_is_not_taken(visitors: Visitors) -> None:
    mine, other = (visitors.new_guest("192.0.2.1") for _ in range(2))
    cookie = visitors.cookie(mine)
    assert visitors.from_cookie(cookie.replace(mine.id.encode(), other.id.encode())) is None
    assert visitors.from_cookie(cookie[:-1]) is None
    assert visitors.from_cookie(None) is None


def test_a_cookie_of_another_host_is_not_taken(visitors: Visitors, clock: Clock) -> None:
    other = Visitors(clock, Secret("of another host"))
    assert visitors.from_cookie(other.cookie(other.new_guest("192.0.2.1"))) is None


def test_an_id_is_authentic_with_its_own_token_only(visitors: Visitors) -> None:
    mine, other = (visitors.new_guest("192.0.2.1") for _ in range(2))
    assert visitors.is_authentic(mine.id, mine.authentication)
    assert not visitors.is_authentic(mine.id, other.authentication)
    assert not visitors.is_authentic(mine.id, Secret(""))
    assert not visitors.is_authentic("1", mine.authentication)


def test_the_token_that_simulation_servers_see_makes_no_cookie(visitors: Visitors) -> None:
    guest = visitors.new_guest("192.0.2.1")
    assert visitors.from_cookie(f"{guest.id}.{guest.authentication.reveal()}".encode()) is None


@pytest.mark.parametrize(
    ("addresses", "elsewhere"),
    [
        (["192.0.2.1"], "192.0.2.2"),
        (["2001:db8::1", "2001:db8::2"], "2001:db8:0:1::1"),
        (["local"], "192.0.2.1"),
    ],
)
def test_one_address_makes_a_bounded_number_of_guests_in_a_minute(
    visitors: Visitors, clock: Clock, addresses: list[str], elsewhere: str
) -> None:
    for number in range(GUESTS_PER_MINUTE):
        visitors.new_guest(addresses[number % len(addresses)])
    with pytest.raises(TooManyGuests):
        visitors.new_guest(addresses[0])
    visitors.new_guest(elsewhere)
    clock.advance(60)
    visitors.new_guest(addresses[0])
