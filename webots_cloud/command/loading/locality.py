"""Whether a host is this machine: a load test of another is an attack, unless its operator knows."""

from __future__ import annotations

import socket
from ipaddress import ip_address
from typing import Any

import psutil
from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThreadPool


def is_this_machine(reactor: Any, host: str) -> Deferred[bool]:
    """Tell whether every address of a host is this machine's; fires with C{False} where it has none.

    @param host: a name, or an address; one of version 6 may stand in brackets.
    """
    return deferToThreadPool(reactor, reactor.getThreadPool(), _is_this_machine, host.strip("[]"))


def _is_this_machine(host: str) -> bool:
    try:
        found = {_bare(str(entry[4][0])) for entry in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)}
    except OSError:
        return False
    own = {_bare(entry.address) for entries in psutil.net_if_addrs().values() for entry in entries}
    return bool(found) and all(address in own or ip_address(address).is_loopback for address in found)


def _bare(address: str) -> str:
    return address.partition("%")[0]
