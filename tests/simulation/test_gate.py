"""The way in: ports are never given twice at once, tokens cannot be guessed, and what may come in by a route."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from webots_cloud.config import SimulationConfig, read_config
from webots_cloud.errors import (
    AlreadyDriven,
    ForeignViewer,
    NoFreePort,
    NotWatching,
    TooManyRequests,
    TooManySockets,
    WatchRefused,
)
from webots_cloud.secret import Secret
from webots_cloud.simulation.entrance import BURST_SECONDS, Entrance, Limits, Role, WindowsEntrance
from webots_cloud.simulation.gate import (
    WEBOTS_PORT,
    DirectGate,
    FixedPort,
    Gate,
    PortRange,
    ProxyGate,
    Route,
    make_gate,
    port_is_free,
)

PAGE = "https://robotbenchmark.net"


def connect() -> Deferred[socket.socket]:
    raise AssertionError("nobody connects here")


def ports(numbers: range, held: frozenset[int] = frozenset()) -> PortRange:
    return PortRange(numbers, lambda port: port not in held)


def test_ports_are_given_in_turn_so_that_the_last_one_that_was_given_back_rests() -> None:
    some = ports(range(2001, 2004))
    given_ports = []
    for _ in range(6):
        port = some.take()
        given_ports.append(port)
        some.give_back(port)
    assert given_ports == [2001, 2002, 2003, 2001, 2002, 2003]


def test_when_all_ports_are_taken_the_operator_is_told_which() -> None:
    some = ports(range(2001, 2004))
    taken = [some.take() for _ in range(3)]
    with pytest.raises(NoFreePort) as none:
        some.take()
    assert "2001 to 2003" in none.value.detail
    some.give_back(taken[1])
    assert some.take() == taken[1]


def test_a_port_that_something_else_holds_is_skipped() -> None:
    some = ports(range(2001, 2005), held=frozenset({2001, 2003}))
    assert [some.take(), some.take()] == [2002, 2004]
    with pytest.raises(NoFreePort):
        some.take()


@given(st.lists(st.booleans(), max_size=60), st.frozensets(st.integers(2001, 2008)))
def test_no_port_is_given_twice_at_once_whatever_the_order(opens: list[bool], held: frozenset[int]) -> None:
    some, taken = ports(range(2001, 2009), held), list[int]()
    for opening in opens:
        if not opening and taken:
            some.give_back(taken.pop(0))
        elif opening and len(taken) + len(held) < 8:
            taken.append(some.take())
    assert len(set(taken)) == len(taken)
    assert not held & set(taken)


@pytest.fixture(params=["127.0.0.1", ""])
def listening(request: pytest.FixtureRequest) -> Iterator[socket.socket]:
    with socket.socket() as listening, socket.socket() as probe:
        # Another program may have connections at the same port of another address.
        probe.bind(("", 0))
        port = probe.getsockname()[1]
        probe.close()
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((request.param, port))
        listening.listen()
        yield listening


def test_a_real_port_that_is_listened_on_is_not_free_until_it_is_closed(listening: socket.socket) -> None:
    port = listening.getsockname()[1]
    assert not port_is_free(port)
    with pytest.raises(NoFreePort):
        PortRange(range(port, port + 1)).take()
    listening.close()
    assert port_is_free(port)
    assert port_is_free(port), "asking leaves nothing behind"


def test_a_port_whose_last_connection_lingers_is_free(listening: socket.socket) -> None:
    port = listening.getsockname()[1]
    with socket.create_connection(("127.0.0.1", port), timeout=60):
        served, _ = listening.accept()
        # The side that closes first keeps the port in TIME_WAIT.
        served.close()
    listening.close()
    assert port_is_free(port)


@pytest.mark.parametrize(
    ("rewritten", "url"), [(False, "ws://simulation.example.org:2001"), (True, "wss://simulation.example.org/2001")]
)
def test_a_direct_route_is_a_port_and_the_url_that_leads_to_it(rewritten: bool, url: str) -> None:
    clock = Clock()
    clock.advance(5)
    gate = DirectGate(clock, "simulation.example.org", ports(range(2001, 2002)), rewritten)
    route = gate.open(connect, PAGE)
    assert (route.port, route.url, route.last_input) == (2001, url, 5)


def test_taking_a_direct_route_back_twice_changes_nothing() -> None:
    gate = DirectGate(Clock(), "localhost", ports(range(2001, 2002)), False)
    first = gate.open(connect, None)
    gate.close(first)
    second = gate.open(connect, None)
    gate.close(first)
    with pytest.raises(NoFreePort):
        gate.open(connect, None)
    gate.close(second)
    assert gate.open(connect, None).port == 2001


def proxy(limits: Limits | None = None, some_ports: Any = None) -> ProxyGate:
    base = "ws://simulation.example.org:2000"
    return ProxyGate(Clock(), base, some_ports or FixedPort(), frozenset(), limits or Limits(10, 10))


def token(route: Route) -> str:
    return route.url.rpartition("/")[2]


def test_a_token_is_long_and_never_the_same() -> None:
    gate = proxy()
    tokens = {token(gate.open(connect, PAGE)) for _ in range(100)}
    assert len(tokens) == 100
    assert {len(text) for text in tokens} == {43}, "32 random bytes in base 64"
    assert all(text.replace("-", "").replace("_", "").isalnum() for text in tokens)


def test_a_token_leads_to_its_own_route_as_long_as_that_is_open() -> None:
    gate = proxy()
    routes = [gate.open(connect, PAGE) for _ in range(3)]
    for route in routes:
        entrance = gate.find(Secret(token(route)))
        assert entrance is not None
        assert entrance.route is route
    gate.close(routes[1])
    gate.close(routes[1])
    assert gate.find(Secret(token(routes[1]))) is None
    assert gate.find(Secret(token(routes[2]))) is not None


def test_what_is_no_token_leads_nowhere() -> None:
    gate = proxy()
    right = token(gate.open(connect, PAGE))
    changed = right[:-1] + ("A" if right[-1] != "A" else "B")
    for wrong in ("", right[:-1], right + "A", changed, right.swapcase(), f"{right} ", "\udcff", "é", "x" * 10000):
        assert gate.find(Secret(wrong)) is None


def test_a_route_is_not_shown_with_its_token() -> None:
    gate = proxy()
    route = gate.open(connect, PAGE)
    assert token(route) not in repr(route)
    assert "simulation.example.org" not in repr(route)
    assert token(route) not in repr(vars(gate))


def test_windows_have_a_token_of_their_own_as_secret_as_the_pages() -> None:
    gate = proxy()
    route = gate.open(connect, PAGE)
    assert route.windows_url
    windows_token = route.windows_url.rpartition("/")[2]
    assert (len(windows_token), windows_token == token(route)) == (43, False)
    assert windows_token not in repr(route) + repr(vars(gate))
    entrance, windows = gate.find(Secret(token(route))), gate.find(Secret(windows_token))
    assert isinstance(windows, WindowsEntrance)
    assert not isinstance(entrance, WindowsEntrance)
    assert windows.route is route
    gate.close(route)
    assert gate.find(Secret(windows_token)) is None


def test_ports_of_closed_routes_are_given_back() -> None:
    gate = proxy(some_ports=ports(range(2001, 2002)))
    route = gate.open(connect, PAGE)
    with pytest.raises(NoFreePort):
        gate.open(connect, PAGE)
    gate.close(route)
    assert gate.open(connect, PAGE).port == 2001


def test_whether_others_were_ever_allowed_to_watch_is_remembered() -> None:
    route = Route(1234, "ws://localhost", 0.0)
    assert (route.allow_broadcast, route.shared) == (False, False)
    route.allow_broadcast = True
    route.allow_broadcast = False
    assert (route.allow_broadcast, route.shared) == (False, True)
    assert Route(1234, "ws://localhost", 0.0, allow_broadcast=True).shared


ENCRYPTED: dict[str, Any] = {"sslCertificate": Path("fullchain.pem"), "sslKey": Path("privkey.pem")}


def made(**changed: Any) -> Gate:
    defaults: SimulationConfig = read_config(None, ()).simulation
    return make_gate(Clock(), attrs.evolve(defaults, server="simulation.example.org", **changed))


@pytest.mark.parametrize(
    ("changed", "beginning"),
    [
        ({}, "ws://simulation.example.org:2000/webots/"),
        ({"portRewrite": True}, "wss://simulation.example.org/2000/webots/"),
        ({"listen": ("tcp:2005:interface=127.0.0.1",)}, "ws://simulation.example.org:2005/webots/"),
        (ENCRYPTED, "wss://simulation.example.org:2000/webots/"),
        (ENCRYPTED | {"port": 443}, "wss://simulation.example.org/webots/"),
        (ENCRYPTED | {"listen": ("tcp:80",), "tlsListen": ("tcp:2443",)}, "wss://simulation.example.org:2443/webots/"),
        (ENCRYPTED | {"portRewrite": True}, "wss://simulation.example.org/2000/webots/"),
    ],
)
def test_a_proxied_route_is_at_the_servers_own_port(changed: dict[str, Any], beginning: str) -> None:
    route = made(**changed).open(connect, PAGE)
    assert route.port == WEBOTS_PORT
    assert route.url.startswith(beginning)
    assert len(route.url) == len(beginning) + 43


def test_without_isolation_each_instance_has_a_port_of_the_machine() -> None:
    gate = made(network="host", port=40000, maxConnections=50)
    routes = [gate.open(connect, PAGE) for _ in range(2)]
    assert len({route.port for route in routes}) == 2
    assert all(40000 < route.port <= 40050 for route in routes)


def test_the_direct_gate_gives_ports_of_the_machine() -> None:
    route = made(network="host", gate="direct", port=40000, maxConnections=50).open(connect, PAGE)
    assert route.url == f"ws://simulation.example.org:{route.port}"
    route = made(network="host", gate="direct", portRewrite=True, port=40000, maxConnections=50).open(connect, PAGE)
    assert route.url == f"wss://simulation.example.org/{route.port}"


@pytest.mark.parametrize(
    ("changed", "own", "foreign"),
    [
        ({}, "http://simulation.example.org:2000", "https://simulation.example.org"),
        ({"port": 80}, "http://simulation.example.org", "https://simulation.example.org"),
        ({"port": 443}, "https://simulation.example.org", "http://simulation.example.org"),
        ({"portRewrite": True}, "https://simulation.example.org", "http://simulation.example.org"),
        (ENCRYPTED, "https://simulation.example.org:2000", "http://simulation.example.org:2000"),
        (ENCRYPTED | {"port": 443}, "https://simulation.example.org", "https://simulation.example.org:2000"),
    ],
)
def test_the_servers_own_origins_follow_from_its_address(changed: dict[str, Any], own: str, foreign: str) -> None:
    gate = made(**changed)
    assert isinstance(gate, ProxyGate)
    entrance = gate.find(Secret(token(gate.open(connect, None))))
    assert entrance is not None
    entrance.check_origin(own)
    with pytest.raises(ForeignViewer):
        entrance.check_origin(foreign)


class Somebody:
    """A connection."""

    def __init__(self) -> None:
        self.aborted = False

    def abort(self) -> None:
        self.aborted = True


def entrance(clock: Clock | None = None, sockets: int = 10, requests: int = 10) -> Entrance:
    route = Route(1234, "ws://localhost", 0.0)
    return Entrance(clock or Clock(), route, connect, frozenset({PAGE}), Limits(sockets, requests))


def test_a_burst_of_requests_is_let_in_and_then_so_many_a_second() -> None:
    clock = Clock()
    way = entrance(clock, requests=10)
    for _ in range(10 * BURST_SECONDS):
        way.admit()
    with pytest.raises(TooManyRequests) as refused:
        way.admit()
    assert refused.value.seconds == 1
    clock.advance(0.55)
    for _ in range(5):
        way.admit()
    with pytest.raises(TooManyRequests):
        way.admit()


def test_who_asks_too_often_is_told_when_to_come_again() -> None:
    clock = Clock()
    way = entrance(clock, requests=1)
    for _ in range(BURST_SECONDS):
        way.admit()
    with pytest.raises(TooManyRequests) as refused:
        way.admit()
    clock.advance(refused.value.seconds)
    way.admit()


def test_quiet_times_do_not_add_up() -> None:
    clock = Clock()
    way = entrance(clock, requests=2)
    clock.advance(1000)
    for _ in range(2 * BURST_SECONDS):
        way.admit()
    with pytest.raises(TooManyRequests):
        way.admit()


def test_connections_are_counted() -> None:
    way, somebody = entrance(sockets=2), Somebody()
    way.add(somebody)
    way.add(Somebody())
    with pytest.raises(TooManySockets):
        way.admit()
    way.discard(somebody)
    way.discard(somebody)
    way.admit()


def test_closing_ends_all_connections() -> None:
    way, somebody, another = entrance(), Somebody(), Somebody()
    way.add(somebody)
    way.add(another)
    way.discard(another)
    way.close()
    assert (somebody.aborted, another.aborted) == (True, False)


def test_one_drives_until_it_leaves() -> None:
    way, first, second = entrance(), Somebody(), Somebody()
    assert way.take_role(first, "x3d") is Role.DRIVER
    with pytest.raises(AlreadyDriven):
        way.take_role(second, "x3d")
    way.discard(second)
    with pytest.raises(AlreadyDriven):
        way.take_role(second, None)
    way.leave_place(first)
    assert way.take_role(second, None) is Role.DRIVER


def test_who_watches_takes_nobodys_place() -> None:
    way = entrance()
    with pytest.raises(WatchRefused):
        way.take_role(Somebody(), "x3d;broadcast")
    way.route.allow_broadcast = True
    assert way.take_role(Somebody(), "x3d;broadcast") is Role.WATCHER
    driver = Somebody()
    assert way.take_role(driver, "x3d") is Role.DRIVER
    assert way.take_role(Somebody(), "mjpeg: 800x600;broadcast") is Role.WATCHER
    way.discard(driver)
    with pytest.raises(AlreadyDriven):
        way.take_role(Somebody(), "x3d")
    way.route.allow_broadcast = False
    with pytest.raises(AlreadyDriven):
        way.take_role(Somebody(), "x3d")


@given(st.text())
def test_a_watcher_asks_for_a_stream_and_nothing_else(text: str) -> None:
    way = entrance()
    way.route.allow_broadcast = True
    try:
        role = way.take_role(Somebody(), f"{text};broadcast")
    except NotWatching:
        return
    assert role is Role.WATCHER
    assert text.partition(";")[0].partition(":")[0] in ("x3d", "w3d", "mjpeg", "video")
