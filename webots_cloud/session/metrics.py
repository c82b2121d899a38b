"""What the session server tells Prometheus: its simulation servers, the clients that it sent, and who is connected."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator

from prometheus_client.core import Metric

from webots_cloud.durations import Durations
from webots_cloud.metrics.families import counter, gauge, histogram, ratio
from webots_cloud.session.fleet import Fleet, State


class SessionMetrics:
    """Looks at the server's parts when it is asked.

    All labels but the states are addresses of simulation servers, as the configuration has them.
    """

    def __init__(
        self, fleet: Fleet, polls: Durations, watchers: Callable[[], int], connections: Callable[[], int]
    ) -> None:
        """Prepare to look.

        @param polls: how long simulation servers took to tell their load.
        @param watchers: counts the WebSockets at C{/}.
        @param connections: counts the connections that speak HTTP.
        """
        self._fleet = fleet
        self._polls = polls
        self._watchers = watchers
        self._connections = connections

    def collect(self) -> Iterator[Metric]:
        """Give all there is to tell."""
        yield from self._servers()
        yield histogram(
            "poll_duration_seconds", "How long simulation servers took to tell their load.", {"": self._polls}
        )
        yield counter("clients_refused", "Clients for whom no simulation server was available.", self._fleet.refused)
        yield gauge("watchers", "Pages that wait to be told whether a simulation can be had.", self._watchers())
        yield gauge("http_connections", "Connections to this server that speak HTTP.", self._connections())

    def _servers(self) -> Iterator[Metric]:
        """Tell of each simulation server; there may be a thousand, so there is not more than is needed of each."""
        servers = {(str(server.address),): server for server in self._fleet.servers}
        label = ["simulation_server"]
        counts = Counter(server.state for server in servers.values())
        yield gauge(
            "simulation_servers",
            "How many simulation servers are in a state.",
            {(state.name.lower(),): counts[state] for state in State},
            ["state"],
        )
        yield gauge(
            "simulation_server_up",
            "Whether a simulation server answers, be it that it is full.",
            {address: server.load is not None for address, server in servers.items()},
            label,
        )
        yield gauge(
            "simulation_server_available",
            "Whether clients are sent to a simulation server.",
            {address: server.state is State.AVAILABLE for address, server in servers.items()},
            label,
        )
        yield gauge(
            "simulation_server_load_ratio",
            "The load that a simulation server told last; those that do not answer have none.",
            {address: ratio(server.load) for address, server in servers.items() if server.load is not None},
            label,
        )
        yield counter(
            "simulation_server_clients_sent",
            "Clients that were sent to a simulation server.",
            {address: server.sent for address, server in servers.items()},
            label,
        )
        yield counter(
            "simulation_server_poll_failures",
            "Times that a simulation server was asked for its load and did not give it.",
            {address: server.failures for address, server in servers.items()},
            label,
        )
        yield gauge(
            "clients_on_their_way",
            "Clients that were sent to a simulation server and do not show in its load yet.",
            sum(server.reserved for server in servers.values()),
        )
