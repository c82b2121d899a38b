"""C{/metrics} for Prometheus, C{/healthz} and C{/readyz} for whoever restarts servers or sends visitors to them."""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterator
from typing import Any

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import Metric
from twisted.application.service import Service
from twisted.web.http import SERVICE_UNAVAILABLE
from twisted.web.resource import Resource

from webots_cloud import __version__
from webots_cloud.encrypting import AnyEncryption
from webots_cloud.metrics.families import gauge, histogram, info
from webots_cloud.metrics.lag import ReactorLag
from webots_cloud.metrics.page import Collect, Families, MetricsPage
from webots_cloud.monitor.access import Access

Trouble = Callable[[], str]
"""Says why a server cannot do its work now, as part of a sentence; empty: it can."""


class Metrics(Service):
    """What a server tells of itself, whoever asks; nothing in it is shared with other servers of the process."""

    def __init__(
        self,
        reactor: Any,
        server: str,
        collect: Collect,
        trouble: Trouble,
        encryption: AnyEncryption | None,
        access: Access,
    ) -> None:
        """Prepare to tell.

        @param server: what kind of server it is: its section in the configuration.
        @param collect: what only this kind has to tell.
        @param trouble: why it is not ready.
        @param encryption: what it encrypts with; C{None}: it does not.
        @param access: who may see the metrics.
        """
        self._server = server
        self._collect = collect
        self._trouble = trouble
        self._encryption = encryption
        self._access = access
        self._reactor = reactor
        self._lag = ReactorLag(reactor)

    def startService(self) -> None:
        """Begin to measure what must be measured all the time."""
        Service.startService(self)
        self._lag.startService()

    def stopService(self) -> None:
        """Measure no more."""
        Service.stopService(self)
        self._lag.stopService()

    def put_below(self, root: Resource) -> None:
        """Put all three where they are looked for."""
        registry = CollectorRegistry(auto_describe=False)
        registry.register(Families(self._all))
        ProcessCollector(registry=registry)
        root.putChild(b"metrics", MetricsPage(self._reactor, self._access, registry))
        root.putChild(b"healthz", _Line(lambda: ""))
        root.putChild(b"readyz", _Line(self._trouble))

    def _all(self) -> Iterator[Metric]:
        yield info(
            "build",
            "The version of this server.",
            {"server": self._server, "version": __version__, "python": platform.python_version()},
        )
        yield gauge("ready", "Whether this server can do its work, as /readyz says.", not self._trouble())
        yield histogram(
            "reactor_lag_seconds",
            "How late this server does what it wants to do at a time.",
            {"": self._lag.durations},
        )
        yield from _certificate(self._encryption)
        yield from self._collect()


def _certificate(encryption: AnyEncryption | None) -> Iterator[Metric]:
    # Before its service has started there is none.
    status = getattr(encryption, "status", None)
    yield gauge(
        "certificate_expiry_timestamp_seconds",
        "Until when the certificate of this server is valid.",
        {(): status.ends.timestamp()} if status else {},
    )
    yield gauge(
        "certificate_trouble",
        "Whether there is something to be done about the certificate, as the monitor page says.",
        {(): bool(status.notice)} if status else {},
    )


class _Line(Resource):
    """C{ok}, or what is wrong, with status 503."""

    isLeaf = True

    def __init__(self, trouble: Trouble) -> None:
        Resource.__init__(self)
        self._trouble = trouble

    def render_GET(self, request: Any) -> bytes:
        """Say so."""
        trouble = self._trouble()
        if trouble:
            request.setResponseCode(SERVICE_UNAVAILABLE)
        request.setHeader("content-type", "text/plain; charset=utf-8")
        request.setHeader("cache-control", "no-store")
        request.setHeader("x-content-type-options", "nosniff")
        return f"{trouble or 'ok'}\n".encode()
