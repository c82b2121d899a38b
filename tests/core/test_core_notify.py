"""What systemd is told: that a server is ready, how it is, that it is alive, and that it ends."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from typing import Any

import attrs
import pytest
from twisted.internet.task import Clock
from twisted.logger import capturedLogs, formatEvent

from webots_cloud.notify import STATUS_SECONDS, Notifier, ServiceManager


@attrs.define
class Server:
    """A server that is as a test says."""

    status: str


@pytest.fixture(autouse=True)
def no_service_manager(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def manager(monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    monkeypatch.setenv("NOTIFY_SOCKET", "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind("notify")
        listening.setblocking(False)
        yield listening


def told(manager: socket.socket) -> list[str]:
    lines = []
    while True:
        try:
            lines += manager.recv(4096).decode().splitlines()
        except BlockingIOError:
            return lines


def begun(reactor: Any, *servers: Server) -> Notifier:
    notifier = Notifier(reactor, servers)
    notifier.startService()
    return notifier


def run(reactor: Any) -> None:
    for hook, arguments, keywords in reactor.whenRunningHooks:
        hook(*arguments, **keywords)


class Reactor(Clock):
    """A reactor that a test starts and ends."""

    def __init__(self) -> None:
        super().__init__()
        self.whenRunningHooks: list[Any] = []
        self.triggers: list[Any] = []

    def callWhenRunning(self, hook: Any, *arguments: Any, **keywords: Any) -> None:
        self.whenRunningHooks.append((hook, arguments, keywords))

    def addSystemEventTrigger(self, phase: str, event: str, action: Any) -> None:
        assert (phase, event) == ("before", "shutdown")
        self.triggers.append(action)


def test_it_is_ready_when_the_reactor_runs_and_not_before(manager: socket.socket) -> None:
    reactor = Reactor()
    begun(reactor, Server("3 of 10 instances"), Server("7 watchers"))
    assert told(manager) == []
    run(reactor)
    assert told(manager) == ["READY=1", "STATUS=3 of 10 instances; 7 watchers"]


def test_one_that_was_stopped_before_the_reactor_ran_is_not_ready(manager: socket.socket) -> None:
    reactor = Reactor()
    begun(reactor, Server("well")).stopService()
    run(reactor)
    assert told(manager) == []


def test_a_status_is_told_when_it_has_changed(manager: socket.socket) -> None:
    reactor, server = Reactor(), Server("3 of 10 instances")
    begun(reactor, server)
    run(reactor)
    told(manager)
    reactor.advance(10 * STATUS_SECONDS)
    assert told(manager) == []
    server.status = "4 of 10 instances"
    reactor.advance(STATUS_SECONDS)
    assert told(manager) == ["STATUS=4 of 10 instances"]


@pytest.mark.parametrize(("watchdog", "seconds"), [("2000000", 1.0), ("60000000", STATUS_SECONDS)])
def test_signs_of_life_come_at_least_twice_as_often_as_they_have_to(
    watchdog: str, seconds: float, manager: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WATCHDOG_USEC", watchdog)
    monkeypatch.setenv("WATCHDOG_PID", str(os.getpid()))
    reactor = Reactor()
    begun(reactor, Server("well"))
    run(reactor)
    told(manager)
    for _ in range(4):
        reactor.advance(seconds)
    assert told(manager) == ["WATCHDOG=1"] * 4


def test_signs_of_life_go_on_while_the_servers_stop(manager: socket.socket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WATCHDOG_USEC", "2000000")
    reactor = Reactor()
    notifier = begun(reactor, Server("well"))
    run(reactor)
    told(manager)
    for trigger in reactor.triggers:
        trigger()
    reactor.advance(1.0)
    notifier.stopService()
    reactor.advance(60.0)
    assert told(manager) == ["STOPPING=1", "STATUS=ending: well", "WATCHDOG=1"]


@pytest.mark.parametrize(
    ("environment", "seconds"),
    [
        ({}, None),
        ({"WATCHDOG_USEC": "60000000"}, 60.0),
        ({"WATCHDOG_USEC": "60000000", "WATCHDOG_PID": str(os.getpid())}, 60.0),
        ({"WATCHDOG_USEC": "60000000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
    ],
)
@pytest.mark.usefixtures("manager")
def test_a_watchdog_is_there_where_systemd_says_so(
    environment: dict[str, str], seconds: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert ServiceManager().watchdog_seconds == seconds


def test_where_nobody_wants_to_know_nothing_is_done() -> None:
    reactor = Reactor()
    notifier = begun(reactor, Server("well"))
    notifier.stopService()
    assert reactor.whenRunningHooks == []
    assert reactor.getDelayedCalls() == []


def test_an_end_is_told_with_how_long_it_may_take(manager: socket.socket) -> None:
    ServiceManager().end_within(300)
    assert told(manager) == ["STOPPING=1", "EXTEND_TIMEOUT_USEC=330000000"]


def test_a_name_without_a_file_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    name = f"webots-cloud-test-{os.getpid()}"
    monkeypatch.setenv("NOTIFY_SOCKET", f"@{name}")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(f"\0{name}")
        manager.setblocking(False)
        ServiceManager().ready()
        assert told(manager) == ["READY=1"]


def test_a_manager_that_is_gone_is_complained_of_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", "notify")
    manager = ServiceManager()
    with capturedLogs() as events:
        manager.notify()
        manager.notify()
    (line,) = map(formatEvent, events)
    assert line == "systemd cannot be told how this server is (No such file or directory)"


def test_a_manager_that_does_not_read_keeps_nobody_waiting(manager: socket.socket) -> None:
    told_by = ServiceManager()
    with capturedLogs() as events:
        while not events:
            told_by.notify()
    told(manager)
    told_by.ready()
    assert told(manager) == ["READY=1"]
