"""What the session server's monitor page is told, with values."""

from __future__ import annotations

from webots_cloud.address import ServerAddress
from webots_cloud.monitor.summary import Summary
from webots_cloud.session.fleet import Fleet, State
from webots_cloud.session.history import DAY_SECONDS, MOST_CHANGES, STEPS, Changes, LoadCurve
from webots_cloud.session.overview import Overview

SUMMARY = Summary(3, 1, 100, 2, "1.0.0", "Webots R2023b")


class Stage:
    """A fleet of two, and what is told of it."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.servers = [ServerAddress(False, "a.org:2000"), ServerAddress(True, "b.org/2001")]
        self.fleet = Fleet(self.servers, lambda: self.now)
        self.overview = Overview(self.fleet, lambda: self.now, "s.org:1999", lambda: 7)

    def report(self, load: float, summary: Summary = SUMMARY, server: int = 0) -> None:
        self.fleet.report(self.servers[server], load, self.now, summary)


def test_of_servers_that_were_not_asked_yet_only_that_is_known() -> None:
    whole = Stage().overview.whole()
    assert whole["servers"]["b.org/2001"] == {
        "page": "https://b.org/2001/monitor",
        "state": "unknown",
        "since": 1000.0,
        "onTheWay": 0,
        "history": [[1000.0, "unknown"]],
    }
    assert whole["totals"] == {
        "servers": 2,
        "unknown": 2,
        "available": 0,
        "full": 0,
        "failed": 0,
        "sent": 0,
        "watchers": 7,
    }


def test_all_that_a_server_says_is_told() -> None:
    stage = Stage()
    stage.now = 1007.0
    stage.report(12.34)
    server = stage.overview.whole()["servers"]["a.org:2000"]
    assert server == {
        "page": "http://a.org:2000/monitor",
        "state": "available",
        "since": 1007.0,
        "asked": 1007.0,
        "load": 12.3,
        "onTheWay": 0,
        "instances": 3,
        "idle": 1,
        "capacity": 100,
        "waiting": 2,
        "version": "1.0.0",
        "simulator": "Webots R2023b",
        "history": [[1000.0, "unknown"], [1007.0, "available"]],
        "curve": {"step": 10, "end": 1000, "loads": [12]},
    }


def test_of_a_server_that_says_nothing_but_its_load_the_rest_is_unknown() -> None:
    stage = Stage()
    stage.report(5, Summary())
    whole = stage.overview.whole()
    assert not {"instances", "capacity", "waiting", "version"} & whole["servers"]["a.org:2000"].keys()
    assert "instances" not in whole["totals"]


def test_totals_are_of_those_that_say() -> None:
    stage = Stage()
    stage.report(10)
    stage.report(99, Summary(), 1)
    totals = stage.overview.whole()["totals"]
    assert (totals["instances"], totals["capacity"], totals["waiting"], totals["load"]) == (3, 100, 2, 54.5)
    assert (totals["available"], totals["full"], totals["unknown"]) == (1, 1, 0)


def test_only_what_has_changed_is_told() -> None:
    stage = Stage()
    stage.report(10)
    stage.report(20, server=1)
    stage.overview.changes()
    assert stage.overview.changes() == {}
    stage.now += 5
    stage.report(11)
    assert stage.overview.changes() == {
        "totals": {"load": 15.5},
        "servers": {"a.org:2000": {"load": 11.0, "asked": 1005.0}},
    }


def test_what_is_known_no_more_is_taken_away() -> None:
    stage = Stage()
    stage.report(10)
    stage.overview.changes()
    stage.now += 5
    stage.fleet.report_failure(stage.servers[0], "it hangs")
    changes = stage.overview.changes()["servers"]["a.org:2000"]
    assert changes["state"] == "failed"
    assert changes["reason"] == "it hangs"
    assert changes["load"] is None
    assert changes["instances"] is None
    assert changes["history"][-1] == [1005.0, "failed"]
    stage.report(10)
    assert stage.overview.changes()["servers"]["a.org:2000"]["reason"] is None


def test_clients_that_are_sent_are_seen_on_their_way() -> None:
    stage = Stage()
    stage.report(10)
    stage.overview.changes()
    stage.fleet.choose()
    assert stage.overview.changes() == {
        "totals": {"sent": 1},
        "servers": {"a.org:2000": {"onTheWay": 1}},
    }


def test_a_server_that_stays_in_its_state_stays_in_it_since_then() -> None:
    stage = Stage()
    stage.report(10)
    stage.now += 100
    stage.report(20)
    assert stage.overview.whole()["servers"]["a.org:2000"]["since"] == 1000.0


def test_a_curve_has_the_highest_load_of_each_step_and_gaps() -> None:
    curve = LoadCurve()
    for time, load in ((1003, 10.4), (1009, 30.0), (1010, 5.0), (1041, 99.6)):
        curve.add(time, load)
    assert (list(curve.loads), curve.end) == ([30, 5, None, None, 100], 1040)


def test_a_curve_is_bounded_and_a_clock_that_is_set_back_does_it_no_harm() -> None:
    curve = LoadCurve()
    for time in range(0, 10000, 5):
        curve.add(time, 1)
    assert len(curve.loads) == STEPS
    curve.add(10**9, 2)
    assert list(curve.loads) == [None] * (STEPS - 1) + [2]
    curve.add(5, 50)
    assert (list(curve.loads)[-1], curve.end) == (50, 10**9)


def test_a_history_is_of_a_day_and_bounded() -> None:
    changes = Changes(0, State.UNKNOWN)
    changes.add(10, State.AVAILABLE)
    changes.add(DAY_SECONDS + 5, State.FAILED)
    assert changes.states[0] == (0, State.UNKNOWN)
    changes.add(DAY_SECONDS + 20, State.AVAILABLE)
    assert changes.states[0] == (10, State.AVAILABLE)
    for number in range(1000):
        changes.add(DAY_SECONDS + 30 + number, State.FAILED)
    assert len(changes.states) == MOST_CHANGES
