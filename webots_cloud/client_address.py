"""From where a request comes, where there may be web servers in front, and whom it is counted for; no I/O."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

from webots_cloud.address import Network

Address = IPv4Address | IPv6Network
"""Whom a connection is counted for. Of version 6 a client has a whole network: 64 bits are its own to choose."""

_OWN_BITS = 64


def read_address(text: str) -> IPv4Address | IPv6Address:
    """Read an address; one of version 4 that is written as version 6 is version 4.

    @raise ValueError: if it is none.
    """
    address = ip_address(text)
    return getattr(address, "ipv4_mapped", None) or address


def counted_as(address: IPv4Address | IPv6Address) -> Address:
    """Tell whom a connection from an address is counted for."""
    if isinstance(address, IPv4Address):
        return address
    return IPv6Network((int(address) >> _OWN_BITS << _OWN_BITS, _OWN_BITS))


def is_trusted(address: IPv4Address | IPv6Address, proxies: Sequence[Network]) -> bool:
    """Tell whether an address is one of the web servers in front."""
    return any(address in network for network in proxies)


def client_address(peer: str, forwarded: str, proxies: Sequence[Network]) -> IPv4Address | IPv6Address:
    """Tell from where a request came.

    @param peer: who is at the other end of the connection.
    @param forwarded: C{X-Forwarded-For}, to which each proxy adds who connected to it. Only what trusted ones added is
        believed: where it says anything else, the request counts as the peer's own.
    @raise ValueError: if C{peer} is no address.
    """
    own = read_address(peer)
    if not is_trusted(own, proxies):
        return own
    for item in reversed(forwarded.split(",")):
        try:
            address = read_address(item.strip())
        except ValueError:
            return own
        if not is_trusted(address, proxies):
            return address
    return own
