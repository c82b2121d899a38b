"""The session server's resources: C{/}, C{/session} and C{/load} for web clients, and C{/monitor} for people."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from autobahn.twisted.resource import WebSocketResource
from twisted.logger import Logger
from twisted.web.resource import Resource
from twisted.web.server import Request

from webots_cloud.address import ServerAddress
from webots_cloud.monitor.web import Monitor
from webots_cloud.peers import PeerFactory
from webots_cloud.session.fleet import Fleet
from webots_cloud.site import PromptChannel

NO_SERVER = "Error: no simulation server available at the moment."
"""What clients are told instead of a server's URL; existing ones look for the word at the front."""


class Reception:
    """Answers clients from what the fleet knows, and writes down whom it sent where."""

    _log = Logger()

    def __init__(self, fleet: Fleet) -> None:
        """Prepare to answer for C{fleet}."""
        self._fleet = fleet

    def availability(self) -> str:
        """Say whether a server is available."""
        return "1" if self._fleet.available else "0"

    def send_client(self) -> str:
        """Send a client to a server: give the server's URL, or a sentence if there is none."""
        answer = _told(self._fleet.choose())
        self._log.debug("a client is told {answer}", answer=answer)
        return answer

    def next_server(self) -> str:
        """Say what the next client will be told, without sending one."""
        return _told(self._fleet.first())

    def load(self) -> str:
        """Give the mean load of the servers that answer; C{-1} if none does."""
        load = self._fleet.mean_load
        return "-1" if load is None else f"{load:.1f}"


def _told(address: ServerAddress | None) -> str:
    return NO_SERVER if address is None else address.websocket_url


class Line(Resource):
    """A resource that is a line of text, and a WebSocket on the same path.

    Its status is 200 whatever the line says: at any other, existing clients give up in silence (docs/protocol.md
    section 1).
    """

    def __init__(
        self, line: Callable[[], str], preview: Callable[[], str] | None = None, peers: PeerFactory[Any] | None = None
    ) -> None:
        """Prepare to answer.

        @param line: gives the line.
        @param preview: gives it for those who ask for its headers only; needed where C{line} does more than to look.
        @param peers: makes our side of WebSockets; C{None}: who asks for one gets the line.
        """
        Resource.__init__(self)
        self._line = line
        self._preview = preview or line
        self._sockets = None if peers is None else WebSocketResource(peers)

    def render_GET(self, request: Request) -> bytes | int:
        """Answer with the line, or let a WebSocket take over the connection."""
        if self._sockets and b"websocket" in (request.getHeader(b"upgrade") or b"").lower():
            cast(PromptChannel, request.channel).hand_over()
            return cast(int, self._sockets.render(request))
        request.setHeader(b"Content-Type", b"text/plain")
        return self._line().encode("ascii")

    def render_HEAD(self, request: Request) -> bytes:
        """Answer with the line's length."""
        request.setHeader(b"Content-Type", b"text/plain")
        request.setHeader(b"Content-Length", b"%d" % len(self._preview()))
        return b""


def resources(
    reception: Reception, watchers: PeerFactory[Any], visitors: PeerFactory[Any], monitor: Monitor
) -> Resource:
    """Put all resources under their paths.

    @param watchers: makes our side of the WebSockets at C{/}.
    @param visitors: makes our side of the WebSockets at C{/session}.
    """
    root = Resource()
    root.putChild(b"", Line(reception.availability, peers=watchers))
    root.putChild(b"session", Line(reception.send_client, reception.next_server, visitors))
    root.putChild(b"load", Line(reception.load))
    monitor.put_below(root)
    return root
