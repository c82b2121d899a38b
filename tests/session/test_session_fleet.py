"""The fleet: who is next, what reservations do, and when availability changes; with values and a given clock."""

from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.task import Clock

from webots_cloud.address import ServerAddress
from webots_cloud.session.fleet import EXPECTED_LOAD, SETTLE_SECONDS, Fleet, State


def addresses(count: int) -> list[ServerAddress]:
    return [ServerAddress(False, f"simulation{number}.example.org:2000") for number in range(count)]


def fleet_of(*loads: float) -> tuple[Fleet, list[ServerAddress], Clock]:
    clock = Clock()
    servers = addresses(len(loads))
    fleet = Fleet(servers, clock.seconds)
    for server, load in zip(servers, loads, strict=True):
        fleet.report(server, load, clock.seconds())
    return fleet, servers, clock


def test_nobody_is_chosen_before_a_server_has_answered() -> None:
    fleet = Fleet(addresses(3), Clock().seconds)

    assert fleet.choose() is None
    assert fleet.first() is None
    assert not fleet.available
    assert fleet.mean_load is None
    assert [server.state for server in fleet.servers] == [State.UNKNOWN] * 3


def test_the_least_loaded_server_comes_first() -> None:
    fleet, servers, _ = fleet_of(50, 10, 30)

    assert fleet.first() == servers[1]
    assert fleet.choose() == servers[1]


def test_a_hundred_clients_are_spread_evenly_over_ten_equal_servers() -> None:
    fleet, servers, _ = fleet_of(*[20.0] * 10)

    chosen = Counter(fleet.choose() for _ in range(100))

    assert chosen == Counter(dict.fromkeys(servers, 10))


def test_equally_loaded_servers_take_turns_also_when_polls_come_between() -> None:
    fleet, servers, clock = fleet_of(20, 20, 20)
    chosen = []
    for _ in range(6):
        chosen.append(fleet.choose())
        clock.advance(2 * SETTLE_SECONDS)
        for server in servers:
            fleet.report(server, 20, clock.seconds())

    assert chosen == servers * 2


def test_a_busier_server_gets_a_client_once_the_others_are_expected_to_be_as_busy() -> None:
    fleet, servers, _ = fleet_of(0, 2 * EXPECTED_LOAD + 1)

    assert [fleet.choose() for _ in range(4)] == [servers[0], servers[0], servers[0], servers[1]]


def test_a_reservation_outlasts_an_answer_to_a_question_asked_before_the_client_shows() -> None:
    fleet, servers, clock = fleet_of(0, 1)
    fleet.choose()
    clock.advance(SETTLE_SECONDS - 1)
    asked = clock.seconds()
    clock.advance(5)

    fleet.report(servers[0], 0, asked)

    assert fleet.servers[0].reserved == 1
    assert fleet.first() == servers[1]


def test_a_reservation_ends_with_an_answer_that_must_have_the_client_in_it() -> None:
    fleet, servers, clock = fleet_of(0, 1)
    fleet.choose()
    clock.advance(SETTLE_SECONDS)

    fleet.report(servers[0], 0, clock.seconds())

    assert fleet.servers[0].reserved == 0
    assert fleet.first() == servers[0]


def test_only_the_reservations_that_are_old_enough_end() -> None:
    fleet, servers, clock = fleet_of(0)
    fleet.choose()
    clock.advance(4)
    fleet.choose()
    fleet.choose()
    clock.advance(SETTLE_SECONDS - 4)

    fleet.report(servers[0], 0, clock.seconds())

    assert fleet.servers[0].reserved == 2


def test_a_failure_keeps_the_reservations() -> None:
    fleet, servers, clock = fleet_of(0, 1)
    fleet.choose()

    fleet.report_failure(servers[0], "it is away")
    fleet.report(servers[0], 0, clock.seconds())

    assert fleet.first() == servers[1]


def test_reservations_never_make_a_server_unavailable() -> None:
    fleet, servers, _ = fleet_of(98.9)
    changes: list[bool] = []
    fleet.watch_availability(changes.append)

    assert [fleet.choose() for _ in range(1000)] == servers * 1000
    assert changes == []


@pytest.mark.parametrize(("load", "available"), [(0.0, True), (98.9, True), (99.0, False), (100.0, False)])
def test_a_server_is_available_below_a_load_of_99(load: float, available: bool) -> None:
    fleet, _, _ = fleet_of(load)

    assert fleet.available is available
    assert (fleet.choose() is not None) is available


def test_the_mean_load_is_that_of_all_servers_that_answer() -> None:
    fleet, servers, _ = fleet_of(10, 99, 100, 50)
    fleet.report_failure(servers[3], "it is away")

    assert fleet.mean_load == pytest.approx((10 + 99 + 100) / 3)


def test_availability_is_told_when_the_first_comes_and_the_last_goes_and_only_then() -> None:
    clock = Clock()
    servers = addresses(2)
    fleet = Fleet(servers, clock.seconds)
    changes: list[bool] = []
    fleet.watch_availability(changes.append)

    fleet.report_failure(servers[0], "it is away")
    assert changes == []
    fleet.report(servers[1], 10, 0)
    assert changes == [True]
    fleet.report(servers[0], 20, 0)
    fleet.report(servers[1], 99, 0)
    assert changes == [True]
    fleet.report_failure(servers[0], "it is away")
    assert changes == [True, False]
    fleet.report(servers[1], 98, 0)
    assert changes == [True, False, True]


def test_a_server_is_told_of_when_its_state_changes_and_not_when_its_load_does() -> None:
    fleet, servers, _ = fleet_of(10)
    told: list[tuple[State, str]] = []
    fleet.watch_servers(lambda server: told.append((server.state, server.reason)))

    fleet.report(servers[0], 11, 0)
    fleet.report(servers[0], 99, 0)
    fleet.report(servers[0], 100, 0)
    fleet.report_failure(servers[0], "it is away")
    fleet.report_failure(servers[0], "it is still away")
    fleet.report(servers[0], 12, 0)

    assert told == [(State.FULL, ""), (State.FAILED, "it is away"), (State.AVAILABLE, "")]
    assert fleet.servers[0].reason == ""


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("report"), st.integers(0, 4), st.floats(0, 100)),
        st.tuples(st.just("fail"), st.integers(0, 4), st.just(0.0)),
        st.tuples(st.just("choose"), st.just(0), st.just(0.0)),
        st.tuples(st.just("wait"), st.just(0), st.floats(0, 20)),
    ),
    max_size=60,
)


@given(STEPS)
def test_whatever_happens_the_chosen_server_is_the_least_loaded_and_changes_alternate(
    steps: list[tuple[str, int, float]],
) -> None:
    clock = Clock()
    servers = addresses(5)
    fleet = Fleet(servers, clock.seconds)
    changes = [False]
    fleet.watch_availability(changes.append)
    for what, index, value in steps:
        match what:
            case "report":
                fleet.report(servers[index], value, clock.seconds())
            case "fail":
                fleet.report_failure(servers[index], "it is away")
            case "wait":
                clock.advance(value)
            case "choose":
                candidates = [server for server in fleet.servers if server.state is State.AVAILABLE]
                lowest = min((server.expected_load for server in candidates), default=None)
                expected = {server.address: server.expected_load for server in candidates}
                chosen = fleet.choose()
                assert (chosen and expected[chosen]) == lowest
        assert changes[-1] == fleet.available
        assert fleet.available == any(server.state is State.AVAILABLE for server in fleet.servers)
        assert all(server.reserved >= 0 for server in fleet.servers)
    assert all(one != other for one, other in pairwise(changes))
