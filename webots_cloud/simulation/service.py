"""Puts the simulation server together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import attrs
from twisted.application.service import IService, MultiService, Service
from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.threadpool import ThreadPool

from webots_cloud.agent import TrustedAuthorities
from webots_cloud.config import AcmeConfig, ConfigOptions, Section, SimulationConfig, refuse_to_start
from webots_cloud.encrypting import AnyEncryption, Encryptions, listener
from webots_cloud.errors import ClientError
from webots_cloud.log.logs import Logs
from webots_cloud.metrics.web import Metrics
from webots_cloud.monitor.access import Access
from webots_cloud.monitor.web import Monitor
from webots_cloud.notify import Notifier
from webots_cloud.process import InOrder
from webots_cloud.simulation.addresses import Addresses
from webots_cloud.simulation.archive import Limits
from webots_cloud.simulation.cgroup import CgroupLimits, Cgroups, NotDelegated
from webots_cloud.simulation.client import ClientFactory
from webots_cloud.simulation.control import simulation_control
from webots_cloud.simulation.drain import DrainOnSigterm
from webots_cloud.simulation.facts import facts_of_machine
from webots_cloud.simulation.gate import make_gate
from webots_cloud.simulation.gpu import Gpus
from webots_cloud.simulation.guard import Guard
from webots_cloud.simulation.instances import Instances
from webots_cloud.simulation.launch import Launch
from webots_cloud.simulation.leftovers import InstancesFolder
from webots_cloud.simulation.machine import Machine, Sensors
from webots_cloud.simulation.metrics import SimulationMetrics
from webots_cloud.simulation.overview import Overview
from webots_cloud.simulation.process import longest_end
from webots_cloud.simulation.project import BaseAndHost
from webots_cloud.simulation.runner import Workplace
from webots_cloud.simulation.sandbox import UnfitSandbox, make_sandbox, try_out
from webots_cloud.simulation.tally import Tally
from webots_cloud.simulation.web import simulation_site
from webots_cloud.simulation.webots import find_simulator
from webots_cloud.simulation.website_host import HostClient, Keys

_THREADS = 4
_MEGABYTE = 10**6


class Options(ConfigOptions):
    """Command line of C{twist webots-simulation}."""

    sections: ClassVar[Sequence[type[Section]]] = (SimulationConfig, AcmeConfig)
    longdesc = "A Webots simulation server: runs a Webots, or the stand-in for it, for each client."


class SimulationService(MultiService):
    """The simulation server.

    @ivar instances: what it runs.
    @ivar listener: where it listens.
    @ivar launch: how instances are started.
    @ivar machine: knows the load.
    """

    _log = Logger()

    def __init__(self, reactor: Any, config: SimulationConfig, encryption: AnyEncryption | None = None) -> None:
        """Prepare to run.

        @param encryption: what it encrypts with, which must have started before; C{None}: it does not.
        @raise UnfitSandbox: if something secret would be visible in the sandbox.
        """
        MultiService.__init__(self)
        # The paths that instances see are the real ones.
        config = attrs.evolve(config, instancesDir=config.instancesDir.resolve())
        self._reactor = reactor
        self._pool = ThreadPool(0, _THREADS, "simulation")
        self._folder = InstancesFolder(config.instancesDir)
        simulator = find_simulator(config.webotsHome)
        self.launch = Launch(config, make_sandbox(config, simulator.folders), simulator)
        self._log.info("[simulation] runs {simulator}", simulator=simulator.name)
        if self.launch.sandbox.warning:
            self._log.warn("[simulation] {warning}", warning=self.launch.sandbox.warning)
        guard = Guard(reactor)
        self._workplace = workplace = _workplace(reactor, config, self._pool, self.launch, guard)
        self.instances = Instances(workplace)
        gpus = Gpus(reactor)
        machine = Machine(
            reactor, self._pool, config.logDir if config.monitorLogEnabled else None, Sensors(gpus, config.instancesDir)
        )
        overview = Overview(
            reactor.seconds,
            machine,
            gpus,
            self.instances,
            self.launch,
            facts_of_machine(config.instancesDir),
            encryption,
        )
        access = Access(reactor.seconds, config.monitorPassword, config.monitorNetworks, config.trustedProxies)
        monitor = Monitor(reactor, "simulation", overview, access)
        self._viewers = monitor.viewers
        self._clients = clients = ClientFactory(reactor, self.instances, config.requestTimeoutSeconds)
        addresses = Addresses(
            reactor.seconds, config.maxSocketsPerAddress, config.maxStartsPerMinute, config.trustedProxies
        )
        site = simulation_site(reactor, overview, monitor, clients, addresses, workplace.gate)
        metrics = SimulationMetrics(
            self.instances,
            config.maxQueue,
            machine,
            gpus,
            self.launch,
            workplace.gate,
            clients.connections,
            lambda: len(site.channels),
        )
        told = Metrics(reactor, config.section, metrics.collect, self._trouble, encryption, access)
        told.put_below(site.resource)
        self.machine = machine
        self.listener = listener(reactor, config, site, encryption)
        services: tuple[Service, ...] = (gpus, machine, guard, told, self.listener)
        for service in services:
            service.setServiceParent(self)

    @property
    def status(self) -> str:
        """How it is, in a few words."""
        ending = ", ending" if self.instances.closing else ""
        return f"{len(self.instances)} of {self.instances.capacity} instances, {self.instances.waiting} waiting{ending}"

    def startService(self) -> None:
        """Remove what an earlier run has left, and start the threads, then everything.

        @raise SystemExit: if another server has the same folder for its instances.
        """
        self._take_over()
        # Not earlier: a server that cannot listen ends at once, and must not be kept by threads that wait for work.
        self._reactor.callWhenRunning(self._pool.start)
        self._viewers.start()
        MultiService.startService(self)

    def stopService(self) -> Deferred[None]:
        """End all instances, then everything; fires when nothing is left."""
        self.instances.closing = True
        return Deferred.fromCoroutine(self._stop())

    async def _stop(self) -> None:
        await self.listener.stop_listening()
        await self.instances.stop()
        await self._clients.connections.close()
        await self._viewers.stop()
        await MultiService.stopService(self)
        self._pool.stop()
        self._folder.unlock()

    def _trouble(self) -> str:
        """Say why no instance can be started, or wait for its turn; empty if it can."""
        if self.instances.closing:
            return "this server is being stopped"
        if self.instances.draining:
            return "this server is drained"
        if not self.machine.history:
            return "the load of the machine is not known yet"
        try:
            self.launch.simulator.check()
        except ClientError:
            return "the simulator cannot be started; the log of a start says why"
        return ""

    def _take_over(self) -> None:
        """Make the folder of instances this server's own, and end and remove what an earlier run has left."""
        try:
            self._folder.lock()
            self._folder.clean()
            if self._workplace.cgroups is not None:
                self._workplace.cgroups.clean()
        except (ValueError, OSError) as error:
            raise SystemExit(f"[simulation] instancesDir: {error}") from error


def _workplace(reactor: Any, config: SimulationConfig, pool: ThreadPool, launch: Launch, guard: Guard) -> Workplace:
    keys = Keys(config.keyDir, config.hostPorts)
    projects = BaseAndHost(
        config.projectsDir,
        HostClient(reactor, keys, config.maxArchiveMegabytes * _MEGABYTE, TrustedAuthorities(config.caFile)),
        Limits(config.maxProjectMegabytes * _MEGABYTE, config.maxProjectFiles),
    )
    gate, tally = make_gate(reactor, config), Tally(reactor.seconds)
    return Workplace(reactor, config, pool, projects, launch, gate, guard, _cgroups(config), tally)


def _cgroups(config: SimulationConfig) -> Cgroups | None:
    limits = CgroupLimits(config.maxMemoryMegabytes * _MEGABYTE, config.cpuWeight, config.maxProcesses)
    found = Cgroups.find(limits)
    if isinstance(found, NotDelegated):
        SimulationService._log.info(
            "[simulation] instances have no cgroups of their own ({why}); limits hold for each process, and memory is "
            "watched",
            why=found.why,
        )
        return None
    return found


def simulation_service(
    reactor: Any, config: SimulationConfig, encryption: AnyEncryption | None = None
) -> SimulationService:
    """Make the simulation server for a process of its own, and see whether its sandbox works on this machine.

    @param encryption: what it encrypts with, which must have started before; C{None}: it does not.
    @raise SystemExit: if it does not.
    """
    try:
        service = SimulationService(reactor, config, encryption)
        try_out(service.launch.sandbox, config.instancesDir)
    except UnfitSandbox as error:
        refuse_to_start(f"[{config.section}] {error}")
    draining: Service = DrainOnSigterm(
        reactor, service.instances, config.drainTimeoutSeconds, ends=longest_end(config.endTimeoutSeconds)
    )
    control: Service = simulation_control(
        reactor, config, encryption, service.instances, service.machine, service.launch
    )
    draining.setServiceParent(service)
    control.setServiceParent(service)
    return service


def makeService(options: Options) -> IService:
    """Make the simulation server for C{twist}."""
    from twisted.internet import reactor

    config = options.config.simulation
    logs = Logs(reactor, [config])
    encryptions = Encryptions(reactor, options.config.acme, [config.server])
    server = simulation_service(reactor, config, encryptions.of(config))
    return InOrder([logs, Notifier(reactor, [server]), encryptions, server])
