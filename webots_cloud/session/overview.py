"""All that the session server's monitor page shows, as JSON: the whole, and what has changed; no I/O."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from webots_cloud import __version__
from webots_cloud.encrypting import AnyEncryption, certificate_of
from webots_cloud.monitor.merging import Document, known, merge_patch
from webots_cloud.session.fleet import Fleet, Server, State
from webots_cloud.session.history import STEP_SECONDS, Changes, LoadCurve

_STATES = {state: state.name.lower() for state in State}


class Overview:
    """Watches the fleet from the beginning, and keeps what was.

    What it costs to tell what has changed grows with the number of servers that have told something since.
    """

    def __init__(
        self,
        fleet: Fleet,
        seconds: Callable[[], float],
        name: str,
        watchers: Callable[[], int],
        encryption: AnyEncryption | None = None,
    ) -> None:
        """Prepare to tell of C{fleet}.

        @param seconds: the time, in seconds since the epoch.
        @param name: of this server.
        @param watchers: gives how many pages are told whether a simulation can be started.
        @param encryption: what this server encrypts with; C{None}: it does not.
        """
        self._fleet = fleet
        self._seconds = seconds
        self._watchers = watchers
        self._encryption = encryption
        self._server = {"name": name, "version": __version__, "began": round(seconds())}
        self._curves = {server: LoadCurve() for server in fleet.servers}
        self._changes = {server: Changes(server.since, server.state) for server in fleet.servers}
        self._changed: dict[Server, None] = {}
        self._rows = {str(server.address): self._row(server) for server in fleet.servers}
        self._rest: Document = {}
        fleet.watch_figures(self._note)
        fleet.watch_servers(self._note_state)

    def whole(self) -> Document:
        """Give all that was told, and all that is new."""
        self.changes()
        servers = {
            str(server.address): self._rows[str(server.address)] | self._curve(server) for server in self._fleet.servers
        }
        return {"time": round(self._seconds(), 1), **self._rest, "servers": servers}

    def changes(self) -> Document:
        """Give what has changed since this or L{whole} was asked last, as a merge patch; empty: nothing.

        Curves are not in it: they go on with C{load}, each at C{asked}.
        """
        changed, self._changed = self._changed, {}
        servers: Document = {}
        for server in changed:
            name = str(server.address)
            before, self._rows[name] = self._rows[name], self._row(server)
            patch = merge_patch(before, self._rows[name])
            if patch:
                servers[name] = patch
        rest = self._describe_rest()
        patch, self._rest = merge_patch(self._rest, rest), rest
        if servers:
            patch["servers"] = servers
        return patch

    def _note(self, server: Server) -> None:
        self._changed[server] = None
        if server.load is not None and server.asked is not None:
            self._curves[server].add(server.asked, server.load)

    def _note_state(self, server: Server) -> None:
        self._changes[server].add(server.since, server.state)

    def _row(self, server: Server) -> Document:
        summary = server.summary
        return known(
            page=server.address.monitor_url,
            state=_STATES[server.state],
            reason=server.reason or None,
            since=round(server.since, 1),
            asked=None if server.asked is None else round(server.asked, 1),
            load=None if server.load is None else round(server.load, 1),
            onTheWay=server.reserved,
            instances=summary.instances,
            idle=summary.idle,
            capacity=summary.capacity,
            waiting=summary.waiting,
            version=summary.version,
            simulator=summary.simulator,
            history=[[round(time, 1), _STATES[state]] for time, state in self._changes[server].states],
        )

    def _curve(self, server: Server) -> Document:
        curve = self._curves[server]
        return {"curve": {"step": STEP_SECONDS, "end": curve.end, "loads": list(curve.loads)}} if curve.loads else {}

    def _describe_rest(self) -> Document:
        return known(server=self._server, totals=self._totals(), certificate=certificate_of(self._encryption))

    def _totals(self) -> Document:
        servers, load = self._fleet.servers, self._fleet.mean_load
        states = Counter(server.state for server in servers)
        summaries = [server.summary for server in servers if server.summary.instances is not None]
        sums = {
            name: sum(getattr(summary, name) or 0 for summary in summaries) if summaries else None
            for name in ("instances", "idle", "capacity", "waiting")
        }
        return known(
            servers=len(servers),
            **{name: states[state] for state, name in _STATES.items()},
            load=None if load is None else round(load, 1),
            sent=sum(server.sent for server in servers),
            watchers=self._watchers(),
            **sums,
        )
