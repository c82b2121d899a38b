"""Puts all three servers into one process, for one machine: C{twist webots-cloud}."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from twisted.application.service import IService, MultiService, Service
from twisted.internet.defer import Deferred
from twisted.logger import Logger

from webots_cloud.config import SECTIONS, Config, ConfigOptions, ServerConfig
from webots_cloud.host.keys import ensure_key
from webots_cloud.host.service import host_service
from webots_cloud.session.service import session_service
from webots_cloud.simulation.service import simulation_service


class Options(ConfigOptions):
    """Command line of C{twist webots-cloud}."""

    sections: ClassVar[Sequence[type[ServerConfig]]] = SECTIONS
    synopsis = "webots-cloud [--config FILE]"
    longdesc = (
        "A session server, a simulation server and a website host in one process. At the first start a key for the "
        "website host on localhost is made where there is none."
    )

    def prepare(self, config: Config) -> None:
        """Make the key that lets this machine's website host and simulation server work together."""
        for path in (config.host.keyFile, config.simulation.keyDir / "localhost"):
            try:
                ensure_key(path)
            except OSError:
                # The check of the files that follows says what is wrong, and in which option.
                continue


class _Invitation(Service):
    """Tells the operator where to look."""

    _log = Logger()

    def __init__(self, config: Config) -> None:
        self._config = config.host

    def startService(self) -> None:
        Service.startService(self)
        self._log.info("Open http://{server}:{port}/", server=self._config.server, port=self._config.port)


class CloudService(MultiService):
    """Three servers that start in the order in which they need each other, and stop in the other."""

    def stopService(self) -> Deferred[None]:
        """Stop one after the other; fires when the last has stopped."""
        return Deferred.fromCoroutine(self._stop())

    async def _stop(self) -> None:
        Service.stopService(self)
        for service in reversed(list(self)):
            stopped = service.stopService()
            if stopped is not None:
                await stopped


def makeService(options: Options) -> IService:
    """Make the three servers for C{twist}."""
    from twisted.internet import reactor

    config: Config = options.config
    servers: list[Any] = [
        simulation_service(reactor, config.simulation),
        session_service(reactor, config.session),
        host_service(reactor, config.host),
        _Invitation(config),
    ]
    service = CloudService()
    for server in servers:
        server.setServiceParent(service)
    return service
