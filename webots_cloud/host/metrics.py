"""What the website host tells Prometheus: what it was asked for, and what came of that."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

from prometheus_client.core import Metric
from twisted.web.resource import Resource

from webots_cloud.host.answering import Answering, Result
from webots_cloud.host.versions import DataFolder
from webots_cloud.metrics.families import counter, gauge


class HostMetrics:
    """Looks at the resources when it is asked.

    Its labels are the names of classes here; nothing that comes from a visitor is among them.
    """

    def __init__(self, root: Resource, connections: Callable[[], int]) -> None:
        """Prepare to look.

        @param root: has all resources below it.
        @param connections: counts the connections that speak HTTP.
        """
        self._asked = {type(resource).__name__: resource for resource in _below(root)}
        self._connections = connections

    def collect(self) -> Iterator[Metric]:
        """Give all there is to tell."""
        yield counter(
            "host_requests",
            "Requests that need an answer of their own, as DownloadProject or LogIn, by what came of them.",
            {
                (name, result.value): resource.results[result]
                for name, resource in self._asked.items()
                for result in Result
            },
            ["request", "result"],
        )
        yield counter(
            "host_refusals",
            "Requests that were refused, by why.",
            {
                (name, reason): count
                for name, resource in self._asked.items()
                for reason, count in resource.refusals.items()
            },
            ["request", "reason"],
        )
        yield gauge("http_connections", "Connections to this server that speak HTTP.", self._connections())


def trouble_of(data: DataFolder) -> str:
    """Say what is wrong with the data folder, as part of a sentence; empty if nothing is."""
    if not data.database.is_file():
        return "the data base of visitors is not there"
    if not os.access(data.root, os.W_OK):
        return "the data folder cannot be written to"
    return ""


def _below(resource: Resource) -> Iterator[Answering]:
    if isinstance(resource, Answering):
        yield resource
    for child in resource.children.values():
        yield from _below(child)
