"""Puts all three servers into one process, for one machine: C{twist webots-cloud}."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import attrs
from twisted.application.service import IService, Service

from webots_cloud.config import SECTIONS, Config, ConfigOptions, HostConfig, Section
from webots_cloud.encrypting import Encryptions
from webots_cloud.host.keys import ensure_key
from webots_cloud.host.service import host_service
from webots_cloud.log.logs import Logs
from webots_cloud.notify import Notifier
from webots_cloud.process import InOrder
from webots_cloud.session.service import session_service
from webots_cloud.simulation.service import simulation_service


class Options(ConfigOptions):
    """Command line of C{twist webots-cloud}."""

    sections: ClassVar[Sequence[type[Section]]] = SECTIONS
    synopsis = "webots-cloud [--config FILE]"
    longdesc = (
        "A session server, a simulation server and a website host in one process. At the first start a key for the "
        "website host on localhost is made where there is none."
    )

    def prepare(self, config: Config) -> None:
        """Make the key that lets this machine's website host and simulation server work together."""
        # The check of the files that follows says what is wrong, and in which option.
        with contextlib.suppress(OSError):
            _share_key(config.host.keyFile, config.simulation.keyDir / "localhost")


def _share_key(one: Path, other: Path) -> None:
    """See to it that there are two key files: where one lacks it becomes a link to the other."""
    if other.exists() and not one.exists():
        one, other = other, one
    ensure_key(one)
    if not other.exists():
        other.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        other.symlink_to(one)


class _Invitation(Service):
    """Tells whoever started the servers where to look, once they are all there."""

    def __init__(self, reactor: Any, config: HostConfig) -> None:
        self._reactor = reactor
        self._config = config

    def startService(self) -> None:
        """Print the address when the reactor runs, after the first lines of the log."""
        Service.startService(self)
        self._reactor.callWhenRunning(self._invite)

    def _invite(self) -> None:
        # Past the log, which takes over standard output: this line is for whoever sits at the terminal.
        print(f"Open {self._config.url('http')}/", file=sys.__stdout__, flush=True)


def _with_session_server(config: Config) -> HostConfig:
    """Let pages find the session server of this process, unless they are told another."""
    return attrs.evolve(config.host, sessionServer=config.host.sessionServer or config.session.url("ws"))


def makeService(options: Options) -> IService:
    """Make the three servers for C{twist}."""
    from twisted.internet import reactor

    config: Config = options.config
    servers_of_all = (config.session, config.simulation, config.host)
    logs = Logs(reactor, servers_of_all)
    encryptions = Encryptions(reactor, config.acme, [one.server for one in servers_of_all if one.automatic])
    simulation = simulation_service(reactor, config.simulation, encryptions.of(config.simulation))
    session = session_service(reactor, config.session, encryptions.of(config.session), encryptions.all)
    host = host_service(reactor, _with_session_server(config), encryption=encryptions.of(config.host))
    notifier = Notifier(reactor, [session, simulation, host])
    return InOrder([logs, notifier, encryptions, simulation, session, host, _Invitation(reactor, config.host)])
