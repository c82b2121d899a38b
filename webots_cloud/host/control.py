"""What the operator of a website host is told on its control socket."""

from __future__ import annotations

from typing import Any

from twisted.enterprise.adbapi import Transaction

from webots_cloud.config import HostConfig
from webots_cloud.control import ControlSocket, Told
from webots_cloud.encrypting import AnyEncryption
from webots_cloud.host.catalogue import Catalogue
from webots_cloud.host.database import Database
from webots_cloud.host.streaming import InThread

_COUNTS = {
    "visitors": "SELECT COUNT(*) FROM visitors",
    "accounts": "SELECT COUNT(*) FROM accounts WHERE key IS NOT NULL",
    "loggedIn": "SELECT COUNT(DISTINCT visitor) FROM sessions",
    "savedFiles": "SELECT COUNT(*) FROM files",
    "savedBytes": "SELECT COALESCE(SUM(bytes), 0) FROM files",
}
"""What is counted: C{visitors} are those who have saved something, with an account or without."""


def host_control(
    reactor: Any,
    config: HostConfig,
    encryption: AnyEncryption | None,
    in_thread: InThread,
    catalogue: Catalogue,
    database: Database,
) -> ControlSocket:
    """Make the control socket of a website host."""

    async def status() -> Told:
        projects = await in_thread(catalogue.projects)
        return {"projects": [project.name for project in projects], **await database.run(_count)}

    return ControlSocket(reactor, config, encryption, status)


def _count(transaction: Transaction) -> Told:
    return {name: transaction.execute(query).fetchone()[0] for name, query in _COUNTS.items()}
