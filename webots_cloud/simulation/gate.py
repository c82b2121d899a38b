"""The way in: what a client is told to connect to, and what is freed when its instance ends."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Protocol

import attrs

from webots_cloud.errors import NoFreePort


@attrs.frozen
class Route:
    """A way to one instance.

    @ivar port: where its Webots is to listen.
    @ivar url: what its client connects to, with a C{/} added (docs/protocol.md section 2).
    """

    port: int
    url: str


class Gate(Protocol):
    """Gives and takes back routes."""

    def open(self) -> Route:
        """Give a route that no other instance has.

        @raise NoFreePort: if there is none.
        """

    def close(self, route: Route) -> None:
        """Take a route back."""


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


class DirectGate:
    """Clients connect to Webots' own port, as in the reference.

    Ports are given in turn, so that a client of an instance that has just ended does not meet the next one.
    """

    def __init__(self, server: str, ports: range, is_free: Callable[[int], bool] = port_is_free) -> None:
        """Take a range of ports.

        @param server: the name by which clients reach this machine.
        @param is_free: tells whether no other program listens on a port.
        """
        self._server = server
        self._ports = ports
        self._is_free = is_free
        self._taken: set[int] = set()
        self._next = 0

    def open(self) -> Route:
        """Give the next port that neither an instance nor another program has."""
        for step in range(len(self._ports)):
            index = (self._next + step) % len(self._ports)
            port = self._ports[index]
            if port not in self._taken and self._is_free(port):
                self._taken.add(port)
                self._next = index + 1
                return Route(port, f"ws://{self._server}:{port}")
        raise NoFreePort(detail=f"all of {self._ports[0]} to {self._ports[-1]} are in use")

    def close(self, route: Route) -> None:
        """Take a port back."""
        self._taken.discard(route.port)
