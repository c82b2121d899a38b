"""What one address, or one instance, may have and do, at a server whose limits are low, behind a trusted web server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack, suppress

import pytest
from websockets.sync.client import ClientConnection

from tests.e2e.exposed import MARK, Driver, Server, exposed
from tests.e2e.page import begins, receive
from tests.e2e.raw import UPGRADE, Raw, frame, get, request

pytestmark = pytest.mark.usefixtures("nobody_else_notices")
MARK_PATH = "/worlds/textures/mark.png"
PROXY = "127.0.0.1"
PLACES, QUEUE, SOCKETS, RATE, STARTS, CONNECTIONS = 2, 3, 6, 5, 3, 10


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with exposed(
        tmp_path_factory.mktemp("server"),
        maxConnections=PLACES,
        maxQueue=QUEUE,
        maxSocketsPerInstance=SOCKETS,
        maxRequestsPerSecond=RATE,
        maxStartsPerMinute=STARTS,
        maxSocketsPerAddress=CONNECTIONS,
        trustedProxies=PROXY,
    ) as server:
        yield server


def forwarded(address: str) -> dict[str, str]:
    """Give the header of a web server in front."""
    return {"X-Forwarded-For": address}


def absent(server: Server, source: str, headers: dict[str, str] | None = None) -> str:
    """Ask for a project that is not there, and give what is told."""
    return server.told(server.init("absent"), source, additional_headers=headers or {})


def test_more_connections_than_an_instance_may_have(server: Server) -> None:
    with server.simulation("127.0.0.20") as mine, mine.driven() as driver, ExitStack() as stack:
        mine.client.send(json.dumps({"allowBroadcast": True}))
        raws = [stack.enter_context(Raw(server.port, f"127.0.0.{21 + number}")) for number in range(2 * SOCKETS)]
        answers = [raw.upgraded(f"{mine.path}/").status for raw in raws]
        assert answers == [101] * (SOCKETS - 1) + [503] * (SOCKETS + 1)
        driver.stream.send("step")
        receive(driver.stream, begins("time: "))


def test_more_requests_than_an_instance_may_have(server: Server, honest: Driver) -> None:
    with server.simulation("127.0.0.40") as mine, Raw(server.port, "127.0.0.41") as raw:
        answers = []
        for _ in range(10 * RATE):
            raw.say(request(f"{mine.path}{MARK_PATH}"))
            answers.append(raw.answer())
        refused = [answer for answer in answers if answer.status != 200]
        assert 2 * RATE < len(refused) < 8 * RATE
        assert {(answer.status, answer.headers["retry-after"]) for answer in refused} == {(429, "1")}
        assert mine.get(MARK_PATH).status == 429
        assert honest.simulation.get(MARK_PATH).body == MARK


def test_more_starts_than_an_address_may_make(server: Server) -> None:
    attacker = "127.0.0.42"
    for _ in range(STARTS):
        assert "no project absent" in absent(server, attacker)
    for _ in range(STARTS):
        assert "within a minute" in absent(server, attacker)
    with server.simulation("127.0.0.43") as other:
        assert other.get(MARK_PATH).body == MARK


def test_an_address_that_says_that_it_is_others(server: Server) -> None:
    attacker = "127.0.0.44"
    told = [absent(server, attacker, forwarded(f"192.0.2.{number}")) for number in range(2 * STARTS)]
    assert ["within a minute" in one for one in told] == [False] * STARTS + [True] * STARTS
    with ExitStack() as stack:
        raws: list[Raw] = []
        for _ in range(CONNECTIONS + 5):
            # One too many may be closed before it knows that it is open.
            with suppress(ConnectionResetError):
                raws.append(stack.enter_context(Raw(server.port, attacker)))
        for number, raw in enumerate(raws):
            raw.say(request("/load", forwarded(f"192.0.2.{number}")))
        assert len([raw for raw in raws if b" 200 OK" in raw.first()]) == CONNECTIONS


def test_a_trusted_web_server_speaks_for_others(server: Server) -> None:
    one, other = forwarded("192.0.2.1"), forwarded("198.51.100.1, 192.0.2.2")
    told = [absent(server, PROXY, one) for _ in range(STARTS + 1)]
    assert ["within a minute" in text for text in told] == [False] * STARTS + [True]
    # Only what it has added itself is believed.
    told = [absent(server, PROXY, forwarded(f"192.0.2.{number}, 192.0.2.1")) for number in range(9, 12)]
    assert all("within a minute" in text for text in told)
    assert "no project absent" in absent(server, PROXY, other)


def test_more_sockets_than_an_address_behind_a_web_server_may_have(server: Server) -> None:
    with ExitStack() as stack:
        raws = [stack.enter_context(Raw(server.port, PROXY)) for _ in range(CONNECTIONS + 5)]
        for raw in raws:
            raw.say(request("/client", UPGRADE | forwarded("192.0.2.3")))
        assert len([raw for raw in raws if b" 101 " in raw.first()]) == CONNECTIONS
        with Raw(server.port, PROXY) as other:
            assert other.upgraded("/client", X_Forwarded_For="192.0.2.4").status == 101


@pytest.mark.parametrize(
    "text",
    [
        "",
        ",,,",
        "unknown",
        "192.0.2.5:80",
        "[2001:db8::1]:80",
        "fe80::1%eth0",
        "::ffff:192.0.2.5",
        "127.0.0.1",
        "127.0.0.1, 127.0.0.1",
        "0x7f.1",
        "999.1.1.1",
        "192.0.2.5\t",
        "é",
        "a" * 8000,
        "1.1.1.1," * 1500,
    ],
    ids=lambda text: text[:20] or "nothing",
)
def test_an_address_that_is_none(server: Server, text: str) -> None:
    with Raw(server.port, PROXY) as raw:
        assert raw.upgraded("/client", X_Forwarded_For=text).status == 101
        raw.say(frame(b"{}"))
        assert raw.message()[1].startswith(b"error: ")


def test_more_clients_than_may_wait(server: Server) -> None:
    with server.simulation("127.0.0.50"), ExitStack() as stack:

        def wait(number: int) -> ClientConnection:
            client = stack.enter_context(server.client(f"127.0.0.{60 + number}"))
            client.send(server.init())
            return client

        waiting = [wait(number) for number in range(QUEUE)]
        assert [receive(client, begins("queue:")) for client in waiting] == [f"queue:{n}" for n in range(QUEUE)]
        for number in range(20):
            assert "as many simulations as it can" in server.told(server.init(), f"127.0.0.{80 + number}")
        assert server.monitor("waiting") == QUEUE
        # A place that is given up is the next one's, whose place is another's.
        waiting[0].close()
        assert receive(waiting[2], begins("queue:")) == "queue:1"
        last = wait(QUEUE)
        assert receive(last, begins("queue:")) == f"queue:{QUEUE - 1}"
    assert get(server.port, "/load", "127.0.0.50").status == 200
