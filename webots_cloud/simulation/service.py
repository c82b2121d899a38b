"""Puts the simulation server together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from twisted.application.service import IService, MultiService, Service
from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.threadpool import ThreadPool

from webots_cloud.config import ConfigOptions, ServerConfig, SimulationConfig
from webots_cloud.listening import Listener
from webots_cloud.logfile import log_to
from webots_cloud.simulation.archive import Limits
from webots_cloud.simulation.client import ClientFactory
from webots_cloud.simulation.gate import DirectGate
from webots_cloud.simulation.instances import Instances
from webots_cloud.simulation.machine import Machine, Sensors
from webots_cloud.simulation.project import BaseAndHost
from webots_cloud.simulation.runner import Workplace
from webots_cloud.simulation.web import simulation_site
from webots_cloud.simulation.webots import find_simulator
from webots_cloud.simulation.website_host import HostClient, Keys

_THREADS = 4
_MEGABYTE = 10**6


class Options(ConfigOptions):
    """Command line of C{twist webots-simulation}."""

    sections: ClassVar[Sequence[type[ServerConfig]]] = (SimulationConfig,)
    longdesc = "A Webots simulation server: runs a Webots, or the stand-in for it, for each client."


class SimulationService(MultiService):
    """The simulation server.

    @ivar instances: what it runs.
    @ivar listener: where it listens.
    """

    _log = Logger()

    def __init__(self, reactor: Any, config: SimulationConfig) -> None:
        MultiService.__init__(self)
        self._reactor = reactor
        self._pool = ThreadPool(0, _THREADS, "simulation")
        simulator = find_simulator(config.webotsHome)
        self._log.info("[simulation] runs {simulator}", simulator=simulator.name)
        self.instances = Instances(_workplace(reactor, config, self._pool, simulator))
        machine = Machine(reactor, self._pool, config.logDir if config.monitorLogEnabled else None, Sensors())
        self._clients = clients = ClientFactory(reactor, self.instances, config.requestTimeoutSeconds)
        site = simulation_site(reactor, machine, self.instances, simulator, clients)
        self.listener = Listener(reactor, config.section, config.endpoints, site)
        for service in (log_to(config), machine, self.listener):
            service.setServiceParent(self)

    def startService(self) -> None:
        """Start the threads, then everything."""
        # Not earlier: a server that cannot listen ends at once, and must not be kept by threads that wait for work.
        self._reactor.callWhenRunning(self._pool.start)
        MultiService.startService(self)

    def stopService(self) -> Deferred[None]:
        """End all instances, then everything; fires when nothing is left."""
        return Deferred.fromCoroutine(self._stop())

    async def _stop(self) -> None:
        await self.listener.stop_listening()
        await self.instances.stop()
        await self._clients.connections.close()
        await MultiService.stopService(self)
        self._pool.stop()


def _workplace(reactor: Any, config: SimulationConfig, pool: ThreadPool, simulator: Any) -> Workplace:
    keys = Keys(config.keyDir, config.hostPorts)
    projects = BaseAndHost(
        config.projectsDir,
        HostClient(reactor, keys, config.maxArchiveMegabytes * _MEGABYTE),
        Limits(config.maxProjectMegabytes * _MEGABYTE, config.maxProjectFiles),
    )
    ports = range(config.port + 1, config.port + config.maxConnections + 1)
    return Workplace(reactor, config, pool, projects, simulator, DirectGate(config.server, ports))


def simulation_service(reactor: Any, config: SimulationConfig) -> Service:
    """Make the simulation server."""
    return SimulationService(reactor, config)


def makeService(options: Options) -> IService:
    """Make the simulation server for C{twist}."""
    from twisted.internet import reactor

    return simulation_service(reactor, options.config.simulation)
