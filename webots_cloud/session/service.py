"""The session server as a service: C{twist webots-session} and C{twist webots-cloud} start it from here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from twisted.application.service import IService, Service
from twisted.internet.defer import Deferred, gatherResults, maybeDeferred
from twisted.logger import Logger

from webots_cloud.agent import TrustedAuthorities
from webots_cloud.config import AcmeConfig, ConfigOptions, Section, SessionConfig
from webots_cloud.encrypting import AnyEncryption, Encryptions, listener
from webots_cloud.log.logs import Logs
from webots_cloud.metrics.web import Metrics
from webots_cloud.monitor.access import Access
from webots_cloud.monitor.web import Monitor
from webots_cloud.notify import Notifier
from webots_cloud.process import InOrder
from webots_cloud.session.availability import VisitorFactory, WatcherFactory
from webots_cloud.session.control import session_control
from webots_cloud.session.fleet import Fleet, Server, State
from webots_cloud.session.mail import mail_to_administrator
from webots_cloud.session.metrics import SessionMetrics
from webots_cloud.session.overview import Overview
from webots_cloud.session.poller import HttpLoadSource, Poller
from webots_cloud.session.site import CORS_HEADERS, PublicSite
from webots_cloud.session.web import Reception, resources


class Options(ConfigOptions):
    """The command line of C{twist webots-session}."""

    sections: ClassVar[Sequence[type[Section]]] = (SessionConfig, AcmeConfig)
    synopsis = "webots-session [--config FILE]"
    longdesc = (
        "Tells web pages whether a simulation can be started, and sends each client to the least loaded simulation "
        "server. Give it the list of simulation servers in section [session] of the configuration."
    )


class SessionService(Service):
    """The session server.

    @ivar listener: where it listens.
    """

    def __init__(
        self,
        reactor: Any,
        config: SessionConfig,
        encryption: AnyEncryption | None = None,
        certificates: Sequence[AnyEncryption] = (),
    ) -> None:
        """Put the parts together."""
        self._fleet = Fleet(config.servers, reactor.seconds)
        _Journal(self._fleet)
        source = HttpLoadSource(
            reactor,
            config.pollTimeoutSeconds,
            keep_seconds=int(2 * config.pollIntervalSeconds) + 60,
            authorities=TrustedAuthorities(config.caFile),
        )
        self._poller = Poller(reactor, self._fleet, source, config.pollIntervalSeconds, config.pollTimeoutSeconds)
        reception = Reception(self._fleet)
        self._watchers = WatcherFactory(reactor, CORS_HEADERS, self._fleet)
        self._visitors = VisitorFactory(reactor, CORS_HEADERS, reception.send_client)
        overview = Overview(
            self._fleet,
            reactor.seconds,
            str(config.public_address),
            lambda: len(self._watchers.peers),
            encryption,
        )
        access = Access(reactor.seconds, config.monitorPassword, config.monitorNetworks, config.trustedProxies)
        monitor = Monitor(reactor, "session", overview, access)
        self._viewers = monitor.viewers
        root = resources(reception, self._watchers, self._visitors, monitor)
        self._mail = mail_to_administrator(reactor, config, self._fleet, certificates)
        site = PublicSite(reactor, root)
        metrics = SessionMetrics(
            self._fleet, self._poller.durations, lambda: len(self._watchers.peers), lambda: len(site.channels)
        )
        self._metrics = Metrics(reactor, config.section, metrics.collect, self._trouble, encryption, access)
        self._metrics.put_below(root)
        self.listener = listener(reactor, config, site, encryption)
        self._control = session_control(reactor, config, encryption, self._fleet, self._watchers)

    @property
    def status(self) -> str:
        """How it is, in a few words."""
        servers = self._fleet.servers
        available = sum(server.state is State.AVAILABLE for server in servers)
        return f"{available} of {len(servers)} simulation servers available, {len(self._watchers.peers)} watchers"

    def startService(self) -> None:
        """Listen, and begin to ask the simulation servers."""
        Service.startService(self)
        self._watchers.start()
        self._visitors.start()
        self._mail.startService()
        self._viewers.start()
        self._metrics.startService()
        self.listener.startService()
        self._control.startService()
        self._poller.startService()

    def stopService(self) -> Deferred[None]:
        """Let nobody in any more, then say goodbye to all; fires when nothing is open or under way."""
        Service.stopService(self)
        return Deferred.fromCoroutine(self._stop())

    async def _stop(self) -> None:
        await self.listener.stopService()
        ends = (
            self._control.stopService,
            self._poller.stopService,
            self._watchers.stop,
            self._visitors.stop,
            self._viewers.stop,
        )
        await gatherResults([Deferred.fromCoroutine(_awaited(end())) for end in ends])
        await maybeDeferred(self._mail.stopService)
        self._metrics.stopService()

    def _trouble(self) -> str:
        """Say why no page can be sent to a simulation server, or told to wait for one; empty if it can."""
        if not self.running:
            return "this server is being stopped"
        return "" if self._fleet.answers else "no simulation server answers"


async def _awaited(ending: Any) -> None:
    await ending


class _Journal:
    """Writes changes into the log."""

    _log = Logger()

    def __init__(self, fleet: Fleet) -> None:
        fleet.watch_availability(self._availability)
        fleet.watch_servers(self._server)

    def _availability(self, available: bool) -> None:
        if available:
            self._log.info("simulations can be started")
        else:
            self._log.info("no simulation can be started: no simulation server is available")

    def _server(self, server: Server) -> None:
        address = str(server.address)
        match server.state:
            case State.AVAILABLE:
                self._log.info("simulation server {server} is available", server=address, load=server.load)
            case State.FULL:
                self._log.info("simulation server {server} is full", server=address, load=server.load)
            case _:
                self._log.warn(
                    "simulation server {server} is not available: {reason}", server=address, reason=server.reason
                )


def session_service(
    reactor: Any,
    config: SessionConfig,
    encryption: AnyEncryption | None = None,
    certificates: Sequence[AnyEncryption] = (),
) -> SessionService:
    """Make the session server, alone or as one of several in a process.

    @param reactor: listens, connects, and tells the time.
    @param encryption: what it encrypts with, which must have started before; C{None}: it does not.
    @param certificates: all those of the process, which its administrator is told of.
    """
    return SessionService(reactor, config, encryption, certificates)


def makeService(options: Options) -> IService:
    """Make what C{twist webots-session} runs."""
    from twisted.internet import reactor

    config = options.config.session
    logs = Logs(reactor, [config])
    encryptions = Encryptions(reactor, options.config.acme, [config.server])
    encryption = encryptions.of(config)
    server = session_service(reactor, config, encryption, encryptions.all)
    return InOrder([logs, Notifier(reactor, [server]), encryptions, server])
