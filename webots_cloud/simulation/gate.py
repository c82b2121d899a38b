"""The way in: what a client is told to connect to, and what is freed when its instance ends."""

from __future__ import annotations

import hashlib
import secrets
import socket
from collections.abc import Callable
from typing import Protocol

from twisted.internet.interfaces import IReactorTime

from webots_cloud.config import SimulationConfig
from webots_cloud.errors import NoFreePort
from webots_cloud.secret import Secret
from webots_cloud.simulation.entrance import Entrance, Limits, WindowsEntrance
from webots_cloud.simulation.route import Connect, Route

__all__ = [
    "Connect",
    "DirectGate",
    "FixedPort",
    "Gate",
    "PortRange",
    "Ports",
    "ProxyGate",
    "Route",
    "make_gate",
    "port_is_free",
]

WEBOTS_PORT = 1234
"""Where each isolated Webots listens, on its own loopback; what Webots takes if it is not told."""
_TOKEN_BYTES = 32


class Gate(Protocol):
    """Gives and takes back routes."""

    def open(self, connect: Connect, origin: str | None) -> Route:
        """Give a route that no other instance has.

        @param connect: how to reach the instance's Webots.
        @param origin: of the page that the instance belongs to, such as C{https://robotbenchmark.net}.
        @raise NoFreePort: if there is none.
        """

    def close(self, route: Route) -> None:
        """Take a route back, and end all its connections; doing so twice changes nothing."""


class Ports(Protocol):
    """Where instances' Webots listen."""

    def take(self) -> int:
        """Give a port for another instance.

        @raise NoFreePort: if there is none.
        """

    def give_back(self, port: int) -> None:
        """Take a port back."""


def port_is_free(port: int) -> bool:
    """Tell whether nothing listens on a TCP port of this machine."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # Connections of the port's last user that linger in TIME_WAIT are no hindrance.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("", port))
            probe.listen(1)
        except OSError:
            return False
    return True


class FixedPort:
    """The same port for all: each instance has a network of its own."""

    def take(self) -> int:
        """Give it."""
        return WEBOTS_PORT

    def give_back(self, port: int) -> None:
        """Do nothing."""


class PortRange:
    """A port of this machine for each.

    Ports are given in turn, so that a client of an instance that has just ended does not meet the next one.
    """

    def __init__(self, ports: range, is_free: Callable[[int], bool] = port_is_free) -> None:
        """Take a range of ports.

        @param is_free: tells whether no other program listens on a port.
        """
        self._ports = ports
        self._is_free = is_free
        self._taken: set[int] = set()
        self._next = 0

    def take(self) -> int:
        """Give the next port that neither an instance nor another program has."""
        for step in range(len(self._ports)):
            index = (self._next + step) % len(self._ports)
            port = self._ports[index]
            if port not in self._taken and self._is_free(port):
                self._taken.add(port)
                self._next = index + 1
                return port
        raise NoFreePort(detail=f"all of {self._ports[0]} to {self._ports[-1]} are in use")

    def give_back(self, port: int) -> None:
        """Take a port back."""
        self._taken.discard(port)


class DirectGate:
    """Clients connect to Webots' own port, as in the reference: whoever guesses it may drive."""

    def __init__(self, clock: IReactorTime, server: str, ports: Ports, rewritten: bool) -> None:
        """Prepare to give routes.

        @param server: the name by which clients reach this machine.
        @param rewritten: whether a web server in front gives ports as C{wss://SERVER/PORT}.
        """
        self._clock = clock
        self._base = f"wss://{server}/" if rewritten else f"ws://{server}:"
        self._ports = ports
        self._open: set[Route] = set()

    def open(self, connect: Connect, origin: str | None) -> Route:
        """Give a port; neither C{connect} nor C{origin} has a part in it."""
        port = self._ports.take()
        route = Route(port, f"{self._base}{port}", self._clock.seconds())
        self._open.add(route)
        return route

    def close(self, route: Route) -> None:
        """Take a port back; its connections end with Webots."""
        if route in self._open:
            self._open.remove(route)
            self._ports.give_back(route.port)


class ProxyGate:
    """Clients connect to this server, at paths that only the instance's owner is told.

    One is for the page, which may tell whoever is to watch, too; one is for its robot windows.
    """

    def __init__(self, clock: IReactorTime, base: str, ports: Ports, origins: frozenset[str], limits: Limits) -> None:
        """Prepare to give routes.

        @param base: how clients reach this server, such as C{ws://localhost:2000}.
        @param origins: of this server's own pages.
        @param limits: of each route.
        """
        self._clock = clock
        self._base = base
        self._ports = ports
        self._origins = origins
        self._limits = limits
        self._entrances: dict[bytes, tuple[Secret, Entrance]] = {}
        self._keys: dict[Route, tuple[bytes, bytes]] = {}

    def open(self, connect: Connect, origin: str | None) -> Route:
        """Give paths that cannot be guessed."""
        port = self._ports.take()
        token, windows_token = (Secret(secrets.token_urlsafe(_TOKEN_BYTES)) for _ in range(2))
        route = Route(port, self._url(token), self._clock.seconds(), windows_url=self._url(windows_token))
        origins = self._origins | {origin.lower()} if origin else self._origins
        self._keys[route] = key, windows_key = _key(token), _key(windows_token)
        self._entrances[key] = token, Entrance(self._clock, route, connect, origins, self._limits)
        windows = WindowsEntrance(self._clock, route, connect, origins, self._limits)
        self._entrances[windows_key] = windows_token, windows
        return route

    def close(self, route: Route) -> None:
        """Forget the paths, and end all connections that came by them."""
        keys = self._keys.pop(route, ())
        for key in keys:
            _, entrance = self._entrances.pop(key)
            entrance.close()
        if keys:
            self._ports.give_back(route.port)

    def find(self, token: Secret) -> Entrance | None:
        """Find where a token leads to; how long it takes tells nothing about those that lead somewhere."""
        known, entrance = self._entrances.get(_key(token), (None, None))
        return entrance if known is not None and known.matches(token) else None

    @property
    def connections(self) -> int:
        """How many connections have come in by all paths and are not over."""
        return sum(len(entrance) for _, entrance in self._entrances.values())

    def _url(self, token: Secret) -> str:
        return f"{self._base}/webots/{token.reveal()}"


def _key(token: Secret) -> bytes:
    return hashlib.sha256(token.reveal().encode("utf-8", "surrogatepass")).digest()


def make_gate(reactor: IReactorTime, config: SimulationConfig) -> Gate:
    """Make the gate that the configuration wants."""
    first = config.port + 1
    isolated = config.network == "isolated"
    ports: Ports = FixedPort() if isolated else PortRange(range(first, first + config.maxConnections))
    if config.gate == "direct":
        return DirectGate(reactor, config.server, ports, config.portRewrite)
    server, port = config.server.lower(), config.public_port
    schemes = {"https": 443} if config.encrypted else {"http": 80, "https": 443}
    origins = {f"{scheme}://{server}:{port}" for scheme in schemes}
    # What is usual for a scheme is not said in an origin (RFC 6454 section 6.2).
    origins |= {f"{scheme}://{server}" for scheme, usual in schemes.items() if port == usual}
    if config.portRewrite:
        origins.add(f"https://{server}")
    base = f"wss://{config.server}/{port}" if config.portRewrite else config.url("ws")
    limits = Limits(config.maxSocketsPerInstance, config.maxRequestsPerSecond)
    return ProxyGate(reactor, base, ports, frozenset(origins), limits)
