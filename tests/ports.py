"""Ports for servers that tests start; nobody else is given them before they are listened on."""

from __future__ import annotations

import random
import socket

_PORTS = range(10000, 30000)
"""Below those that the kernel gives to whoever wants any."""


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def free_range(length: int) -> int:
    """Find so many free ports in a row; give the first."""
    while True:
        first = random.SystemRandom().randrange(_PORTS.start, _PORTS.stop - length)
        if all(_is_free(port) for port in range(first, first + length)):
            return first


def free_port() -> int:
    """Find a free port."""
    return free_range(1)


def free_ports(count: int) -> list[int]:
    """Find free ports."""
    found: dict[int, None] = {}
    while len(found) < count:
        found[free_port()] = None
    return list(found)
