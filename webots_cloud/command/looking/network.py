"""Looks at ports, and at whether those servers answer that a server asks."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any

from treq.client import HTTPClient
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import serverFromString
from twisted.internet.error import CannotListenError
from twisted.internet.protocol import Factory
from twisted.web.http import OK

from webots_cloud.agent import TrustedAuthorities, drop, plain_agent, untrusted
from webots_cloud.command.looking.finding import Finding, fine, note, wrong
from webots_cloud.config import AcmeConfig, HostConfig, ServerConfig, SessionConfig
from webots_cloud.control import Told
from webots_cloud.errors import quoted
from webots_cloud.session.fleet import Fleet, Server, State
from webots_cloud.session.poller import HttpLoadSource, Poller

_SECONDS = 10.0


async def ports(reactor: Any, config: ServerConfig, acme: AcmeConfig, running: Told | None) -> AsyncIterator[Finding]:
    """Look whether a server can listen where it is to, or does so already.

    @param running: what the server told on its control socket; C{None}: it does not run.
    """
    endpoints = [*config.endpoints, *config.tls_endpoints]
    if running is not None:
        for finding in _of_running(running["listens"], endpoints):
            yield finding
        return
    if config.automatic and acme.challenge == "http-01":
        endpoints += acme.challengeListen
    for endpoint in endpoints:
        yield await _try(reactor, config, endpoint)


def _of_running(listens: Sequence[str], endpoints: Sequence[str]) -> Iterator[Finding]:
    for endpoint in listens:
        yield fine(_subject(endpoint), "the server listens there")
    # Which sockets systemd has given to it, only the server knows.
    if not any(endpoint.startswith("systemd:") for endpoint in listens):
        for endpoint in endpoints:
            if endpoint not in listens:
                yield note(_subject(endpoint), "the server does not listen there yet; start it again for this one")


def _subject(endpoint: str) -> str:
    return f"listen {endpoint}"


async def _try(reactor: Any, config: ServerConfig, endpoint: str) -> Finding:
    try:
        port = await serverFromString(reactor, endpoint).listen(_quiet_factory())
        await port.stopListening()
    except (CannotListenError, OSError) as error:
        cause = error.socketError if isinstance(error, CannotListenError) else error
        return wrong(
            _subject(endpoint),
            f"cannot listen there ({getattr(cause, 'strerror', None) or quoted(cause)}); end the program that uses it "
            f"(systemd does, where webots-{config.section}.socket is active), let this user listen there, or give "
            f"another port in section [{config.section}]",
        )
    return fine(_subject(endpoint), "free")


def _quiet_factory() -> Factory:
    factory = Factory()
    factory.noisy = False
    return factory


async def simulation_servers(reactor: Any, config: SessionConfig) -> AsyncIterator[Finding]:
    """Ask every simulation server for its load, as the session server does."""
    fleet, all_told = Fleet(config.servers, reactor.seconds), Deferred[None]()

    def told(_: Server) -> None:
        if not all_told.called and all(server.state is not State.UNKNOWN for server in fleet.servers):
            all_told.callback(None)

    fleet.watch_servers(told)
    timeout = config.pollTimeoutSeconds
    source = HttpLoadSource(reactor, timeout, int(timeout) + 1, TrustedAuthorities(config.caFile))
    # It is stopped when each of them has answered once, or has not within the time-out.
    poller = Poller(reactor, fleet, source, config.pollIntervalSeconds, timeout)
    poller.startService()
    try:
        await all_told
    finally:
        await poller.stopService()
    for finding in map(_told, fleet.servers):
        yield finding


def _told(server: Server) -> Finding:
    match server.state:
        case State.AVAILABLE:
            return fine(str(server.address), f"the simulation server answers; load {server.load:.1f} %")
        case State.FULL:
            return note(
                str(server.address), f"the simulation server answers, but takes no clients; load {server.load:.1f} %"
            )
    return wrong(
        str(server.address),
        f"{server.reason}; see whether it runs, whether a firewall is between, or take it out of simulationServers",
    )


async def session_server(reactor: Any, config: HostConfig) -> AsyncIterator[Finding]:
    """Look whether the session server answers that pages are told of."""
    if not config.sessionServer:
        yield fine("session server", "pages use that of this host")
        return
    url = config.sessionServer.replace("ws", "http", 1)
    client = HTTPClient(plain_agent(reactor, _SECONDS))
    try:
        response = await client.get(f"{url}/", timeout=_SECONDS, unbuffered=True, allow_redirects=False)
        drop(response)
    # Whatever keeps it from being reached is what the operator wants to know.
    except Exception as error:
        why = untrusted(error) or quoted(error) or type(error).__name__
        yield wrong("session server", f"{config.sessionServer} does not answer ({why}); look whether it runs")
        return
    if response.code == OK:
        yield fine("session server", f"{config.sessionServer} answers")
    else:
        yield wrong(
            "session server", f"{config.sessionServer} answers with HTTP status {response.code}; correct the URL"
        )
