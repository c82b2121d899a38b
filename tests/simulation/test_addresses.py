"""What one client address may do: who a client is, how many connections it has, how often it starts something."""

from __future__ import annotations

from ipaddress import ip_address, ip_network
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.address import IPv4Address, IPv6Address, UNIXAddress
from twisted.internet.interfaces import IAddress
from twisted.internet.task import Clock
from twisted.logger import capturedLogs, formatEvent
from twisted.web.resource import Resource
from twisted.web.static import Data

from tests.simulation.stage import StageCase
from tests.wire import Wire
from webots_cloud.client_address import client_address, counted_as, read_address
from webots_cloud.errors import TooManyStarts
from webots_cloud.simulation.addresses import MINUTE_SECONDS, Addresses, Visit
from webots_cloud.simulation.client import ClientFactory
from webots_cloud.simulation.site import CountedSite
from webots_cloud.simulation.web import ClientSocket

PROXIES = (ip_network("127.0.0.0/8"), ip_network("2001:db8:7::/48"))
HANDSHAKE = (
    "Host: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)
SOCKETS = 3
STARTS = 5


def addresses(clock: Clock | None = None) -> Addresses:
    return Addresses((clock or Clock()).seconds, SOCKETS, STARTS, PROXIES)


class TestWhoAClientIs:
    @pytest.mark.parametrize(
        ("peer", "whose"),
        [
            ("192.0.2.7", "192.0.2.7"),
            ("::ffff:192.0.2.7", "192.0.2.7"),
            ("2001:db8::1", "2001:db8::/64"),
            ("2001:db8::ffff:1:2:3", "2001:db8::/64"),
            ("2001:db8:0:1::1", "2001:db8:0:1::/64"),
            ("fe80::1%eth0", "fe80::/64"),
        ],
    )
    def test_it_has_one_address_of_version_4_or_64_bits_of_version_6(self, peer: str, whose: str) -> None:
        assert str(counted_as(read_address(peer))) == whose

    @pytest.mark.parametrize(
        ("peer", "forwarded", "client"),
        [
            ("192.0.2.7", "198.51.100.1", "192.0.2.7"),
            ("127.0.0.1", "198.51.100.1", "198.51.100.1"),
            ("::ffff:127.0.0.1", "198.51.100.1", "198.51.100.1"),
            ("127.0.0.1", "::ffff:198.51.100.1", "198.51.100.1"),
            ("127.0.0.1", " 203.0.113.9 ,198.51.100.1 ", "198.51.100.1"),
            ("127.0.0.1", "198.51.100.1, 127.0.0.2", "198.51.100.1"),
            ("2001:db8:7::1", "2001:db8::5, 127.0.0.1", "2001:db8::5"),
            ("127.0.0.1", "127.0.0.2, 127.0.0.3", "127.0.0.1"),
            ("127.0.0.1", "", "127.0.0.1"),
            ("127.0.0.1", "198.51.100.1, unknown", "127.0.0.1"),
            ("127.0.0.1", "198.51.100.1, nonsense, 127.0.0.2", "127.0.0.1"),
            ("127.0.0.1", "nonsense, 198.51.100.1", "198.51.100.1"),
            ("127.0.0.1", "198.51.100.1:4711", "127.0.0.1"),
            ("127.0.0.1", "198.51.100.1,", "127.0.0.1"),
        ],
    )
    def test_trusted_proxies_are_believed_from_right_to_left_and_nobody_else(
        self, peer: str, forwarded: str, client: str
    ) -> None:
        assert client_address(peer, forwarded, PROXIES) == ip_address(client)

    @given(forged=st.text(max_size=100))
    def test_whatever_a_client_says_for_itself_it_is_who_the_proxy_says(self, forged: str) -> None:
        assert client_address("127.0.0.1", f"{forged}, 198.51.100.1", PROXIES) == ip_address("198.51.100.1")

    @given(forwarded=st.text(max_size=100))
    def test_whatever_is_forwarded_there_is_a_client(self, forwarded: str) -> None:
        assert client_address("127.0.0.1", forwarded, PROXIES)


class TestConnections:
    def test_an_address_may_have_so_many_at_once(self) -> None:
        known = addresses()
        visits = [known.connect("192.0.2.7") for _ in range(SOCKETS + 2)]
        assert [visit.admitted for visit in visits] == [True] * SOCKETS + [False] * 2
        assert known.connect("192.0.2.8").admitted
        visits[0].end()
        assert known.connect("192.0.2.7").admitted
        assert not known.connect("192.0.2.7").admitted

    def test_ending_twice_counts_once(self) -> None:
        known = addresses()
        visits = [known.connect("192.0.2.7") for _ in range(SOCKETS)]
        visits[0].end()
        visits[0].end()
        assert known.connect("192.0.2.7").admitted
        assert not known.connect("192.0.2.7").admitted

    def test_one_that_was_refused_counts_for_nothing(self) -> None:
        known = addresses()
        visits = [known.connect("192.0.2.7") for _ in range(SOCKETS)]
        known.connect("192.0.2.7").end()
        assert not known.connect("192.0.2.7").admitted
        for visit in visits:
            visit.end()
        assert len(known) == 0

    def test_proxies_and_unix_sockets_are_not_limited(self) -> None:
        known = addresses()
        for peer in ("127.0.0.1", None):
            assert all(known.connect(peer).admitted for _ in range(10 * SOCKETS))
        assert len(known) == 0

    def test_a_proxy_may_use_one_for_one_client_after_another(self) -> None:
        known = addresses()
        visit = known.connect("127.0.0.1")
        for client in ("192.0.2.7", "192.0.2.8"):
            visit.speak_for("127.0.0.1", client)
            assert str(visit.client) == client
            visit.speak_for_nobody()
        assert len(known) == 0

    def test_a_clients_own_stays_its_own(self) -> None:
        known = addresses()
        visit = known.connect("192.0.2.7")
        visit.speak_for("192.0.2.7", "198.51.100.1")
        visit.speak_for_nobody()
        assert str(visit.client) == "192.0.2.7"

    def test_a_flood_makes_one_line_of_the_log_a_minute(self) -> None:
        clock = Clock()
        known = addresses(clock)
        with capturedLogs() as logged:
            for _ in range(3):
                for _ in range(1000):
                    known.connect("192.0.2.7")
                clock.advance(MINUTE_SECONDS)
        assert [formatEvent(event) for event in logged] == [
            "192.0.2.7 has 3 connections; more are closed at once (maxSocketsPerAddress)"
        ] * 3

    @given(steps=st.lists(st.tuples(st.sampled_from(["192.0.2.7", "192.0.2.8", "127.0.0.1"]), st.booleans())))
    def test_when_all_are_gone_nothing_is_remembered(self, steps: list[tuple[str, bool]]) -> None:
        known = addresses()
        visits: list[Visit] = []
        for peer, comes in steps:
            if comes:
                visits.append(known.connect(peer))
                visits[-1].speak_for(peer, "198.51.100.1")
            elif visits:
                visits.pop().end()
        for visit in visits:
            visit.end()
        assert len(known) == 0


class TestStarts:
    def test_an_address_may_start_so_many_in_any_minute(self) -> None:
        clock = Clock()
        known = addresses(clock)
        visit = known.connect("192.0.2.7")
        for _ in range(STARTS):
            visit.start()
            clock.advance(MINUTE_SECONDS / STARTS / 2)
        with pytest.raises(TooManyStarts, match="has started 5 simulations within a minute; wait a minute"):
            visit.start()
        known.connect("192.0.2.8").start()
        clock.advance(MINUTE_SECONDS / 2)
        visit.start()
        with pytest.raises(TooManyStarts):
            visit.start()

    def test_all_of_its_connections_count_together(self) -> None:
        known = addresses()
        for _ in range(STARTS):
            visit = known.connect("2001:db8::1")
            visit.start()
            visit.end()
        with pytest.raises(TooManyStarts):
            known.connect("2001:db8::2").start()

    def test_behind_a_proxy_those_of_each_client_count_by_themselves(self) -> None:
        known = addresses()
        for client in ("192.0.2.7", "192.0.2.8"):
            visit = known.connect("127.0.0.1")
            visit.speak_for("127.0.0.1", client)
            for _ in range(STARTS):
                visit.start()
            with pytest.raises(TooManyStarts):
                visit.start()

    def test_those_of_long_ago_are_forgotten(self) -> None:
        clock = Clock()
        known = addresses(clock)
        for number in range(1000):
            known.connect(f"192.0.{number // 250}.{number % 250}").start()
        clock.advance(MINUTE_SECONDS)
        known.connect("192.0.2.7").start()
        assert len(known._starts) == 1


class Site:
    """A site without sockets."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        clock = Clock()
        # Autobahn's timers have one clock for all.
        monkeypatch.setattr("txaio.config.loop", clock)
        self.known = addresses(clock)
        clients = ClientFactory(clock, cast(Any, None), 10)
        root = Resource()
        root.putChild(b"page", Data(b"a page", "text/plain"))
        root.putChild(b"client", ClientSocket(clients))
        self.site = CountedSite(clock, root, self.known, 10)

    def connect(self, peer: str | IAddress) -> Wire:
        if isinstance(peer, str):
            peer = IPv6Address("TCP", peer, 5) if ":" in peer else IPv4Address("TCP", peer, 5)
        wire = Wire()
        wire.peerAddr = peer
        build: Any = self.site.buildProtocol
        wire.protocol = build(None)
        wire.protocol.makeConnection(wire)
        return wire

    def websocket(self, peer: str, forwarded: str = "") -> Wire:
        wire = self.connect(peer)
        wire.say(f"GET /client HTTP/1.1\r\n{HANDSHAKE}X-Forwarded-For: {forwarded}\r\n\r\n")
        return wire


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Site:
    return Site(monkeypatch)


class TestSite:
    def test_a_connection_counts_from_its_beginning_to_its_end_whatever_it_speaks(self, site: Site) -> None:
        silent, half, socket = (
            site.connect("192.0.2.7"),
            site.connect("192.0.2.7"),
            site.websocket("192.0.2.7"),
        )
        half.say("GET /page HT")
        assert site.connect("192.0.2.7").aborted
        for wire in (silent, half, socket):
            assert not wire.aborted
            wire.lose()
            another = site.connect("192.0.2.7")
            assert not another.aborted
            another.lose()
        assert len(site.known) == 0

    def test_one_that_is_refused_gets_no_answer(self, site: Site) -> None:
        for _ in range(SOCKETS):
            site.connect("2001:db8::1")
        wire = site.connect("2001:db8::2")
        assert wire.aborted
        assert wire.say("GET /page HTTP/1.1\r\nHost: a\r\n\r\n") == b""
        assert not site.connect("2001:db8:0:1::1").aborted

    def test_a_unix_socket_counts_for_nobody(self, site: Site) -> None:
        for _ in range(2 * SOCKETS):
            wire = site.connect(UNIXAddress(b"/run/socket"))
            assert b"a page" in wire.say("GET /page HTTP/1.1\r\nHost: a\r\nUpgrade: x\r\n\r\n")

    def test_a_proxys_websockets_count_for_its_clients(self, site: Site) -> None:
        wires = [site.websocket("127.0.0.1", "192.0.2.7") for _ in range(SOCKETS)]
        assert not any(wire.aborted for wire in wires)
        assert site.websocket("127.0.0.1", "192.0.2.7").aborted
        assert site.connect("192.0.2.7").aborted
        assert not site.websocket("127.0.0.1", "192.0.2.8").aborted
        wires[0].lose()
        assert not site.websocket("127.0.0.1", "192.0.2.7").aborted

    def test_a_proxys_pages_count_for_nobody(self, site: Site) -> None:
        wire = site.connect("127.0.0.1")
        for upgrade in ("", "Upgrade: websocket\r\n"):
            for _ in range(2 * SOCKETS):
                answer = wire.say(f"GET /page HTTP/1.1\r\nHost: a\r\n{upgrade}X-Forwarded-For: 192.0.2.7\r\n\r\n")
                assert b"a page" in answer
        assert len(site.known) == 0

    def test_nobody_else_is_believed(self, site: Site) -> None:
        wires = [site.websocket("192.0.2.7", f"198.51.100.{number}") for number in range(SOCKETS + 1)]
        assert [wire.aborted for wire in wires] == [False] * SOCKETS + [True]


class TestServer(StageCase):
    async def test_an_address_that_starts_too_often_is_told_what_to_do(self) -> None:
        self.start(maxStartsPerMinute=1)
        first = await self.started()
        second = await self.asked(self.init())
        await second.closed
        assert second.errors == [
            "error: Your network address has started 1 simulations within a minute; wait a minute, then try again."
        ]
        assert first.errors == []

    async def test_one_that_has_too_many_sockets_gets_no_more_until_one_is_closed(self) -> None:
        self.start(maxSocketsPerAddress=2)
        clients = [await self.connect() for _ in range(2)]
        with pytest.raises(AssertionError, match="not opened"):
            await self.connect()
        clients[0].sendClose()
        await clients[0].closed
        await self.started()
