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

from webots_cloud.notify import STATUS_SECONDS, Notifier, NotifySocket, watchdog_seconds


@attrs.define
class Server:
    """A server that is as a test says."""

    status: str


@pytest.fixture
def manager() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind("notify")
        listening.setblocking(False)
        yield listening


def told(manager: socket.socket) -> list[str]:
    messages = []
    while True:
        try:
            messages.append(manager.recv(4096).decode())
        except BlockingIOError:
            return messages


def begun(reactor: Any, *servers: Server, **environment: str) -> Notifier:
    notifier = Notifier(reactor, servers, {"NOTIFY_SOCKET": "notify", **environment})
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
    assert told(manager) == ["READY=1\nSTATUS=3 of 10 instances; 7 watchers"]


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


def test_signs_of_life_come_twice_as_often_as_they_have_to(manager: socket.socket) -> None:
    reactor = Reactor()
    begun(reactor, Server("well"), WATCHDOG_USEC="2000000", WATCHDOG_PID=str(os.getpid()))
    run(reactor)
    told(manager)
    for _ in range(4):
        reactor.advance(1.0)
    assert told(manager) == ["WATCHDOG=1"] * 4


def test_signs_of_life_go_on_while_the_servers_stop(manager: socket.socket) -> None:
    reactor = Reactor()
    notifier = begun(reactor, Server("well"), WATCHDOG_USEC="2000000")
    run(reactor)
    told(manager)
    for trigger in reactor.triggers:
        trigger()
    reactor.advance(1.0)
    notifier.stopService()
    reactor.advance(60.0)
    assert told(manager) == ["STOPPING=1\nSTATUS=ending: well", "WATCHDOG=1"]


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
def test_a_watchdog_is_there_where_systemd_says_so(environment: dict[str, str], seconds: float | None) -> None:
    assert watchdog_seconds(environment) == seconds


def test_where_nobody_wants_to_know_nothing_is_done() -> None:
    reactor = Reactor()
    notifier = Notifier(reactor, [Server("well")], {"WATCHDOG_USEC": "1000000"})
    notifier.startService()
    notifier.stopService()
    assert reactor.whenRunningHooks == []
    assert reactor.getDelayedCalls() == []


def test_an_end_is_told_with_how_long_it_may_take(manager: socket.socket) -> None:
    NotifySocket({"NOTIFY_SOCKET": "notify"}).end_within(300)
    assert told(manager) == ["STOPPING=1\nEXTEND_TIMEOUT_USEC=330000000"]


def test_a_name_without_a_file_is_known() -> None:
    name = f"webots-cloud-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(f"\0{name}")
        manager.setblocking(False)
        NotifySocket({"NOTIFY_SOCKET": f"@{name}"}).tell(READY=1)
        assert told(manager) == ["READY=1"]


def test_a_manager_that_is_gone_is_complained_of_once() -> None:
    notify = NotifySocket({"NOTIFY_SOCKET": "notify"})
    with capturedLogs() as events:
        notify.tell(WATCHDOG=1)
        notify.tell(WATCHDOG=1)
    (line,) = map(formatEvent, events)
    assert line == "systemd cannot be told how this server is (No such file or directory)"
