"""A way to one instance, as its runner gets it from the gate."""

from __future__ import annotations

import socket
from collections.abc import Callable

import attrs
from twisted.internet.defer import Deferred

Connect = Callable[[], Deferred[socket.socket]]
"""Gives a new connected non-blocking stream socket to the instance's Webots; the receiver owns it.

Fails with C{OSError}.
"""


@attrs.define(eq=False)
class Route:
    """A way to one instance.

    @ivar port: where its Webots is to listen.
    @ivar url: what its client connects to, with a C{/} added (docs/protocol.md section 2). Who knows it may come in,
        so it is not shown.
    @ivar windows_url: what robot windows connect to, and are loaded from; who knows it may speak to robots, and do
        nothing else. C{None} where there is no such way. It is not shown either.
    @ivar last_input: when the client last sent something to Webots, in the reactor's seconds; where clients connect to
        Webots themselves it stays as it began.
    @ivar shared: whether C{allow_broadcast} has ever been on.
    """

    port: int
    url: str = attrs.field(repr=False)
    last_input: float
    _allow_broadcast: bool = False
    windows_url: str | None = attrs.field(default=None, repr=False)
    shared: bool = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.shared = self._allow_broadcast

    @property
    def allow_broadcast(self) -> bool:
        """Whether others than the driver may watch."""
        return self._allow_broadcast

    @allow_broadcast.setter
    def allow_broadcast(self, allowed: bool) -> None:
        self._allow_broadcast = allowed
        self.shared = self.shared or allowed
