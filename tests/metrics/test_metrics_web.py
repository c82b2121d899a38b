"""/metrics, /healthz and /readyz byte by byte, with transports in memory."""

from __future__ import annotations

import datetime
import gc
import os
from collections.abc import Iterable
from typing import Any, cast

import attrs
import pytest
from prometheus_client.core import Metric
from twisted.internet.address import IPv4Address
from twisted.internet.task import Clock
from twisted.web.resource import Resource

from tests.metrics.samples import Samples
from tests.wire import Wire
from webots_cloud import __version__
from webots_cloud.encrypting import AnyEncryption
from webots_cloud.metrics.families import gauge
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


class Server:
    """A server with nothing but its metrics."""

    def __init__(self, *families: Metric, password: str = "", encryption: object = None) -> None:
        self.trouble = ""
        clock = Clock()
        self.metrics = Metrics(
            clock,
            "session",
            lambda: self.collect(families),
            lambda: self.trouble,
            cast(AnyEncryption | None, encryption),
            Access(clock.seconds, Secret(password)),
        )
        root = Resource()
        self.metrics.put_below(root)
        self._site = PromptSite(clock, root)

    def collect(self, families: Iterable[Metric]) -> Iterable[Metric]:
        return families

    def ask(self, path: str, method: str = "GET") -> tuple[int, str, str]:
        """Give the status, the headers in lower case, and the body of an answer."""
        wire, build = Wire(), cast(Any, self._site.buildProtocol)
        wire.peerAddr = IPv4Address("TCP", "192.0.2.7", 1234)
        wire.protocol = build(wire.peerAddr)
        wire.protocol.makeConnection(wire)
        head, _, body = wire.say(f"{method} {path} HTTP/1.0\r\n\r\n").decode().partition("\r\n\r\n")
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
        clock = cast(Any, server.metrics)._lag._reactor
        clock.advance(1)
        assert server.samples("webots_cloud_reactor_lag_seconds_count") == 1
        server.metrics.stopService()
        assert clock.getDelayedCalls() == []


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
