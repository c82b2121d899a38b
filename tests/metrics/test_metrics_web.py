"""/metrics, /healthz and /readyz byte by byte, with transports in memory."""

from __future__ import annotations

import datetime
import gc
import os
from collections.abc import Callable, Iterable
from typing import Any, cast

import attrs
import pytest
from prometheus_client.core import Metric
from twisted.internet.address import IPv4Address
from twisted.internet.interfaces import IDelayedCall
from twisted.internet.task import Clock
from twisted.logger import capturedLogs
from twisted.web.resource import Resource

from tests.metrics.samples import Samples
from tests.wire import Wire
from webots_cloud import __version__
from webots_cloud.encrypting import AnyEncryption
from webots_cloud.metrics.families import gauge
from webots_cloud.metrics.page import TURN_SECONDS
from webots_cloud.metrics.web import Metrics
from webots_cloud.monitor.access import Access
from webots_cloud.secret import Secret
from webots_cloud.site import PromptSite
from webots_cloud.tls.encryption import CertificateStatus

ENDS = datetime.datetime(2027, 1, 2, 3, 4, 5, tzinfo=datetime.UTC)


@attrs.frozen
class Encrypting:
    """What encrypts, as far as anybody wants to know here."""

    status: CertificateStatus


ROUND = 0.001


class Rounds(Clock):
    """A clock that passes by rounds, as a reactor does: what is put off in one has to wait for the next."""

    def callLater(self, delay: float, callable: Callable[..., object], *args: object, **kw: object) -> IDelayedCall:
        """Call something in a later round."""
        return Clock.callLater(self, max(delay, ROUND), callable, *args, **kw)


class Server:
    """A server with nothing but its metrics."""

    def __init__(self, *families: Metric, password: str = "", encryption: object = None) -> None:
        self.trouble = ""
        self.clock = Rounds()
        self.metrics = Metrics(
            self.clock,
            "session",
            lambda: self.collect(families),
            lambda: self.trouble,
            cast(AnyEncryption | None, encryption),
            Access(self.clock.seconds, Secret(password)),
        )
        root = Resource()
        self.metrics.put_below(root)
        self._site = PromptSite(self.clock, root)

    def collect(self, families: Iterable[Metric]) -> Iterable[Metric]:
        return families

    def connect(self) -> Wire:
        wire, build = Wire(), cast(Any, self._site.buildProtocol)
        wire.peerAddr = IPv4Address("TCP", "192.0.2.7", 1234)
        wire.protocol = build(wire.peerAddr)
        wire.protocol.makeConnection(wire)
        return wire

    def ask(self, path: str, method: str = "GET") -> tuple[int, str, str]:
        """Give the status, the headers in lower case, and the body of an answer."""
        head, _, body = self.connect().say(f"{method} {path} HTTP/1.0\r\n\r\n").decode().partition("\r\n\r\n")
        return int(head.split()[1]), head.lower(), body

    @property
    def samples(self) -> Samples:
        return Samples(self.ask("/metrics")[2])


class TestMetrics:
    def test_are_in_the_text_format(self) -> None:
        status, head, body = Server(gauge("watchers", "Who watches.", 3)).ask("/metrics")
        assert status == 200
        assert "content-type: text/plain; version=0.0.4; charset=utf-8" in head
        assert "cache-control: no-store" in head
        assert "# TYPE webots_cloud_watchers gauge\nwebots_cloud_watchers 3.0\n" in body

    def test_are_as_they_are_when_they_are_asked_for(self) -> None:
        values = [1, 2]

        class Changing(Server):
            def collect(self, families: Iterable[Metric]) -> Iterable[Metric]:
                yield gauge("watchers", "Who watches.", values.pop(0))

        server = Changing()
        assert [server.samples("webots_cloud_watchers") for _ in range(2)] == [1, 2]

    def test_tell_the_version(self) -> None:
        (labels,) = Server().samples.labels("webots_cloud_build_info")
        assert (labels["server"], labels["version"]) == ("session", __version__)

    def test_tell_of_the_process(self) -> None:
        samples = Server().samples
        assert samples("process_resident_memory_bytes") > 10**6
        assert samples("process_max_fds") >= samples("process_open_fds") > 0
        assert samples("process_cpu_seconds_total") <= sum(os.times()[:2]) + 1

    def test_of_two_servers_in_one_process_have_nothing_in_common(self) -> None:
        one, other = Server(gauge("watchers", "Who watches.", 1)), Server(gauge("clients", "Who plays.", 2))
        assert "webots_cloud_clients" not in one.samples.names
        assert "webots_cloud_watchers" not in other.samples.names

    def test_tell_whether_the_server_is_ready(self) -> None:
        server = Server()
        assert server.samples("webots_cloud_ready") == 1
        server.trouble = "no simulation server answers"
        assert server.samples("webots_cloud_ready") == 0

    @pytest.mark.parametrize(("notice", "trouble"), [("", 0), ("it ends in 3 days; renew it", 1)])
    def test_tell_of_the_certificate(self, notice: str, trouble: int) -> None:
        samples = Server(encryption=Encrypting(CertificateStatus(("s.org",), ENDS, notice))).samples
        assert samples("webots_cloud_certificate_expiry_timestamp_seconds") == ENDS.timestamp()
        assert samples("webots_cloud_certificate_trouble") == trouble

    def test_have_no_certificate_where_there_is_none_or_none_yet(self) -> None:
        for encryption in (None, object()):
            samples = Server(encryption=encryption).samples
            assert samples.labels("webots_cloud_certificate_trouble") == []

    @pytest.mark.parametrize("enabled", [True, False])
    def test_are_not_taken_for_garbage_that_stays(self, enabled: bool) -> None:
        during = []

        class Looking(Server):
            def collect(self, families: Iterable[Metric]) -> Iterable[Metric]:
                during.append(gc.isenabled())
                return families

        before = gc.isenabled()
        (gc.enable if enabled else gc.disable)()
        try:
            Looking().ask("/metrics")
            assert (during, gc.isenabled()) == ([False], enabled)
        finally:
            (gc.enable if before else gc.disable)()

    def test_are_guarded_as_the_monitor_page_is(self) -> None:
        server = Server(password="open sesame")
        assert server.ask("/metrics")[0] == 401
        assert [server.ask(path)[0] for path in ("/healthz", "/readyz")] == [200, 200]

    def test_measure_the_reactor_while_the_server_runs(self) -> None:
        server = Server()
        server.metrics.startService()
        server.clock.advance(1)
        assert server.samples("webots_cloud_reactor_lag_seconds_count") == 1
        server.metrics.stopService()
        assert server.clock.getDelayedCalls() == []


GET_METRICS = "GET /metrics HTTP/1.0\r\n\r\n"
ENOUGH = [ROUND] * 10
"""The rounds in which all is written."""


class Large(Server):
    """A server with families each of which takes a while.

    @ivar begun: how many of them were asked for.
    """

    def __init__(self, *families: Metric) -> None:
        Server.__init__(self, *families)
        self.begun = 0

    def collect(self, families: Iterable[Metric]) -> Iterable[Metric]:
        for family in families:
            self.begun += 1
            self.clock.rightNow += TURN_SECONDS
            yield family


class TestMetricsOfALargeFleet:
    def server(self) -> Large:
        return Large(*(gauge(f"servers_{number}", "Servers.", number) for number in range(3)))

    def test_are_written_while_others_have_their_turns(self) -> None:
        server = self.server()
        wire = server.connect()
        assert wire.say(GET_METRICS) == b""
        assert server.begun == 1
        server.clock.advance(ROUND)
        assert server.begun == 1
        assert server.ask("/healthz")[0] == 200
        server.clock.advance(ROUND)
        assert (wire.heard(), server.begun) == (b"", 2)
        server.clock.pump(ENOUGH)
        answer = wire.heard().decode()
        assert [f"servers_{number} {number}.0" in answer for number in range(3)] == [True] * 3
        assert answer.startswith("HTTP/1.0 200")

    def test_are_written_once_for_all_who_ask_meanwhile(self) -> None:
        server = self.server()
        wires = [server.connect() for _ in range(3)]
        assert [wire.say(GET_METRICS) for wire in wires] == [b""] * 3
        server.clock.pump(ENOUGH)
        answers = {wire.heard().partition(b"\r\n\r\n")[2] for wire in wires}
        assert len(answers) == 1
        assert b"servers_2" in answers.pop()
        assert server.begun == 3
        assert server.connect().say(GET_METRICS) == b""
        assert server.begun == 4

    def test_who_leaves_meanwhile_takes_nothing_from_others(self) -> None:
        server = self.server()
        leaving, staying = server.connect(), server.connect()
        leaving.say(GET_METRICS)
        staying.say(GET_METRICS)
        leaving.lose()
        server.clock.pump(ENOUGH)
        assert leaving.heard() == b""
        assert b"servers_2" in staying.heard()

    def test_let_garbage_be_collected_in_the_turns_of_others(self) -> None:
        server = self.server()
        before = gc.isenabled()
        gc.enable()
        try:
            server.connect().say(GET_METRICS)
            assert server.begun == 1
            assert gc.isenabled()
        finally:
            (gc.enable if before else gc.disable)()

    def test_an_error_of_the_servers_own_is_told_and_the_next_who_asks_is_answered(self) -> None:
        troubles = [KeyError("of a test")]

        class Failing(Large):
            def collect(self, families: Iterable[Metric]) -> Iterable[Metric]:
                yield from Large.collect(self, families)
                if troubles:
                    raise troubles.pop()

        server = Failing(gauge("servers", "Servers.", 1))
        wire = server.connect()
        wire.say(GET_METRICS)
        with capturedLogs() as events:
            server.clock.pump(ENOUGH)
        head, _, body = wire.heard().partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.0 500")
        assert body == b"This server met an error of its own; its log says more.\n"
        assert [event["log_format"] for event in events] == ["metrics cannot be written"]
        wire = server.connect()
        wire.say(GET_METRICS)
        server.clock.pump(ENOUGH)
        assert wire.heard().startswith(b"HTTP/1.0 200")


class TestHealth:
    def test_a_server_that_answers_is_healthy_whatever_its_trouble(self) -> None:
        server = Server()
        server.trouble = "no simulation server answers"
        status, head, body = server.ask("/healthz")
        assert (status, body) == (200, "ok\n")
        assert "content-type: text/plain" in head

    def test_a_server_without_trouble_is_ready(self) -> None:
        status, head, body = Server().ask("/readyz")
        assert (status, body) == (200, "ok\n")
        assert "cache-control: no-store" in head

    def test_a_server_with_trouble_says_which(self) -> None:
        server = Server()
        server.trouble = "no simulation server answers"
        assert server.ask("/readyz")[::2] == (503, "no simulation server answers\n")

    def test_it_is_enough_to_ask_for_the_status(self) -> None:
        server = Server()
        server.trouble = "this server is being stopped"
        assert server.ask("/readyz", "HEAD")[::2] == (503, "")
