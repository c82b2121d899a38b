"""The way in: ports are never given twice at once, and those that something else holds are skipped."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webots_cloud.errors import NoFreePort
from webots_cloud.simulation.gate import DirectGate, Route, port_is_free


def gate(ports: range, held: frozenset[int] = frozenset()) -> DirectGate:
    return DirectGate("simulation.example.org", ports, lambda port: port not in held)


def test_a_route_is_a_port_and_the_url_that_leads_to_it() -> None:
    assert gate(range(2001, 2003)).open() == Route(2001, "ws://simulation.example.org:2001")


def test_ports_are_given_in_turn_so_that_the_last_one_that_was_given_back_rests() -> None:
    ways = gate(range(2001, 2004))
    given_ports = []
    for _ in range(6):
        route = ways.open()
        given_ports.append(route.port)
        ways.close(route)
    assert given_ports == [2001, 2002, 2003, 2001, 2002, 2003]


def test_when_all_ports_are_taken_the_operator_is_told_which() -> None:
    ways = gate(range(2001, 2004))
    routes = [ways.open() for _ in range(3)]
    with pytest.raises(NoFreePort) as none:
        ways.open()
    assert "2001 to 2003" in none.value.detail
    ways.close(routes[1])
    assert ways.open() == routes[1]


def test_a_port_that_something_else_holds_is_skipped() -> None:
    ways = gate(range(2001, 2005), held=frozenset({2001, 2003}))
    assert [ways.open().port, ways.open().port] == [2002, 2004]
    with pytest.raises(NoFreePort):
        ways.open()


def test_giving_back_twice_changes_nothing() -> None:
    ways = gate(range(2001, 2002))
    route = ways.open()
    ways.close(route)
    ways.close(route)
    assert ways.open() == route
    with pytest.raises(NoFreePort):
        ways.open()


@given(st.lists(st.booleans(), max_size=60), st.frozensets(st.integers(2001, 2008)))
def test_no_port_is_given_twice_at_once_whatever_the_order(opens: list[bool], held: frozenset[int]) -> None:
    ways, taken = gate(range(2001, 2009), held), list[Route]()
    for opening in opens:
        if not opening and taken:
            ways.close(taken.pop(0))
        elif opening and len(taken) + len(held) < 8:
            taken.append(ways.open())
    ports = [route.port for route in taken]
    assert len(set(ports)) == len(ports)
    assert not held & set(ports)


@pytest.fixture(params=["127.0.0.1", ""])
def listening(request: pytest.FixtureRequest) -> Iterator[socket.socket]:
    with socket.socket() as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((request.param, 0))
        listening.listen()
        yield listening


def test_a_real_port_that_is_listened_on_is_not_free_until_it_is_closed(listening: socket.socket) -> None:
    port = listening.getsockname()[1]
    assert not port_is_free(port)
    with pytest.raises(NoFreePort):
        DirectGate("localhost", range(port, port + 1)).open()
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
