"""What the operator of a session server is told on its control socket."""

from __future__ import annotations

from typing import Any

from webots_cloud.config import SessionConfig
from webots_cloud.control import ControlSocket, Told
from webots_cloud.encrypting import AnyEncryption
from webots_cloud.session.availability import WatcherFactory
from webots_cloud.session.fleet import Fleet, Server


def session_control(
    reactor: Any, config: SessionConfig, encryption: AnyEncryption | None, fleet: Fleet, watchers: WatcherFactory
) -> ControlSocket:
    """Make the control socket of a session server."""

    async def status() -> Told:
        return {
            "available": fleet.available,
            "meanLoad": _rounded(fleet.mean_load),
            "watchers": len(watchers.peers),
            "simulationServers": [_told(server) for server in fleet.servers],
        }

    return ControlSocket(reactor, config, encryption, status)


def _told(server: Server) -> Told:
    return {
        "server": str(server.address),
        "state": server.state.value,
        "reason": server.reason,
        "load": _rounded(server.load),
        "onTheirWay": server.reserved,
        "monitor": server.address.monitor_url,
    }


def _rounded(load: float | None) -> float | None:
    return None if load is None else round(load, 1)
