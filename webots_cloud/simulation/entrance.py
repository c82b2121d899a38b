"""All that comes in by one route of the proxy: how many connections, how fast, from whose pages, and who drives."""

from __future__ import annotations

import math
import re
from enum import Enum
from typing import Protocol

import attrs
from twisted.internet.interfaces import IReactorTime

from webots_cloud.errors import (
    AlreadyDriven,
    ForeignViewer,
    NotAWindow,
    NotWatching,
    TooManyRequests,
    TooManySockets,
    WatchRefused,
)
from webots_cloud.simulation.route import Connect, Route

BURST_SECONDS = 5
"""For how many seconds' worth of requests may come at once: a page that shows a scene loads all its textures."""
TO_ROBOT = "robot:"
"""How messages to robots begin."""
_SEPARATOR, _BROADCAST = ";", "broadcast"
_WATCHES = re.compile(r"(?:x3d|w3d|mjpeg|video)(?:: ?[0-9]{1,5}x[0-9]{1,5})?(?:;[a-z]{1,20}){1,5}", re.ASCII)


class Passing(Protocol):
    """A connection that came in by a route."""

    def abort(self) -> None:
        """End it at once."""


class Role(Enum):
    """What a page's WebSocket is for."""

    DRIVER = "driver"
    WATCHER = "watcher"
    WINDOW = "window"


@attrs.frozen
class Limits:
    """What may come in by one route.

    @ivar sockets: connections at once.
    @ivar requests_per_second: requests, each of which makes a connection.
    """

    sockets: int
    requests_per_second: int


class Entrance:
    """The near end of a route.

    @ivar route: what its owner has.
    @ivar connect: connects to its Webots.
    """

    def __init__(
        self, clock: IReactorTime, route: Route, connect: Connect, origins: frozenset[str], limits: Limits
    ) -> None:
        """Begin with nobody in.

        @param origins: of the pages that may open WebSockets, in lower case.
        """
        self.route = route
        self.connect = connect
        self._clock = clock
        self._origins = origins
        self._limits = limits
        self._credit = float(limits.requests_per_second * BURST_SECONDS)
        self._since = clock.seconds()
        self._inside: set[Passing] = set()
        self._driver: Passing | None = None
        self._was_driven = False

    def __len__(self) -> int:
        return len(self._inside)

    def admit(self) -> None:
        """Take note of a request.

        @raise TooManyRequests: if they come too fast.
        @raise TooManySockets: if there are too many connections.
        """
        now, rate = self._clock.seconds(), self._limits.requests_per_second
        self._credit = min(self._credit + (now - self._since) * rate, float(rate * BURST_SECONDS))
        self._since = now
        if self._credit < 1:
            raise TooManyRequests(math.ceil((1 - self._credit) / rate))
        self._credit -= 1
        if len(self._inside) >= self._limits.sockets:
            raise TooManySockets()

    def check_origin(self, origin: str | None) -> None:
        """Tell whether a page may open a WebSocket.

        @param origin: what its browser says; C{null} is that of a robot window, which has none.
        @raise ForeignViewer: if it belongs to another site.
        """
        if origin is not None and origin != "null" and origin.lower() not in self._origins:
            raise ForeignViewer(origin=origin)

    def add(self, passing: Passing) -> None:
        """Take in a connection."""
        self._inside.add(passing)

    def discard(self, passing: Passing) -> None:
        """Forget a connection."""
        self._inside.discard(passing)
        self.leave_place(passing)

    def leave_place(self, passing: Passing) -> None:
        """If a connection was the driver's, its place is free."""
        if self._driver is passing:
            self._driver = None

    def take_role(self, passing: Passing, message: str | None) -> Role:
        """Decide what a connection is for.

        @param message: the first that came from its page (docs/protocol.md section 4); C{None} if it is no text.
        @raise WatchRefused: if it wants to watch, and may not.
        @raise NotWatching: if it says that it watches, and asks for something else.
        @raise AlreadyDriven: if it wants to drive, and may not.
        """
        if message is not None and _BROADCAST in message.split(_SEPARATOR)[1:]:
            if not self.route.allow_broadcast:
                raise WatchRefused()
            if _WATCHES.fullmatch(message) is None:
                raise NotWatching()
            return Role.WATCHER
        # As long as nobody else was invited, who comes after the driver can only be the driver again, or its windows.
        if _speaks_to_robot(message) and not self.route.shared:
            return Role.WINDOW
        if self._driver is not None or (self._was_driven and self.route.shared):
            raise AlreadyDriven()
        self._driver, self._was_driven = passing, True
        return Role.DRIVER

    def note_input(self) -> None:
        """The driver has sent something to Webots."""
        self.route.last_input = self._clock.seconds()

    def close(self) -> None:
        """End all connections."""
        for passing in list(self._inside):
            passing.abort()


class WindowsEntrance(Entrance):
    """The near end of a route for robot windows: pages of the project, which its driver shows and nobody else may.

    It has limits of its own, so that no window can take the driver's place.
    """

    def take_role(self, passing: Passing, message: str | None) -> Role:
        """Take a robot window in.

        @raise NotAWindow: if it wants to be something else.
        """
        if not _speaks_to_robot(message):
            raise NotAWindow()
        return Role.WINDOW


def _speaks_to_robot(message: str | None) -> bool:
    return message is not None and message.startswith(TO_ROBOT)
