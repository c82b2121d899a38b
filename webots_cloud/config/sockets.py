"""Sockets that systemd has opened for a server before it started it (systemd.socket(5)), known by their names."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from typing import cast

import attrs
from twisted.internet.endpoints import AdoptedStreamServerEndpoint, serverFromString


@attrs.frozen
class InheritedSocket:
    """A socket that listens already.

    @ivar endpoint: how Twisted is told of it.
    @ivar port: its TCP port; C{None} if it is of another kind.
    @ivar encrypts: whether what comes by it is encrypted; C{None}: if its server has a certificate.
    """

    endpoint: str
    port: int | None
    encrypts: bool | None


def inherited_sockets(section: str) -> Iterator[InheritedSocket]:
    """Give those of a server.

    By its name, C{SECTION} is one that is encrypted if there is a certificate, as C{port} is; C{SECTION-http} is not,
    and C{SECTION-https} is.
    """
    for suffix, encrypts in (("", None), ("-http", False), ("-https", True)):
        descriptor = _descriptor(f"{section}{suffix}")
        if descriptor is not None:
            with socket.socket(fileno=os.dup(descriptor)) as found:
                family = found.family.name.removeprefix("AF_")
                port = found.getsockname()[1] if family.startswith("INET") else None
            yield InheritedSocket(f"systemd:domain={family}:name={section}{suffix}", port, encrypts)


def _descriptor(name: str) -> int | None:
    try:
        # Its family is not looked at before it is listened on.
        endpoint = serverFromString(None, f"systemd:domain=INET:name={name}")
    except KeyError:
        return None
    return cast(int, cast(AdoptedStreamServerEndpoint, endpoint).fileno)
