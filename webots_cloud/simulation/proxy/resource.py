"""C{/webots/TOKEN/...}: the way of clients to their instances' Webots, through the server's own port."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from twisted.web.http import Request
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET

from webots_cloud.errors import (
    ClientError,
    ForeignViewer,
    NoSuchRoute,
    NotPassedOn,
    TooManyRequests,
    TooManySockets,
    WrongMethod,
    WrongVersion,
)
from webots_cloud.secret import Secret
from webots_cloud.simulation.entrance import Entrance
from webots_cloud.simulation.gate import ProxyGate
from webots_cloud.simulation.proxy.exchange import Exchange, refuse
from webots_cloud.simulation.proxy.fetch import Fetch
from webots_cloud.simulation.proxy.handshake import VERSION, read_handshake
from webots_cloud.simulation.proxy.target import checked_target
from webots_cloud.simulation.proxy.upgrade import Upgrade

_METHODS = (b"GET", b"HEAD")
_HIDDEN = b"/webots/<secret>"


class WebotsResource(Resource):
    """All that is below C{/webots}."""

    isLeaf = True

    def __init__(self, reactor: Any, gate: ProxyGate) -> None:
        Resource.__init__(self)
        self._reactor = reactor
        self._gate = gate

    def render(self, request: Request) -> int:
        """Pass a request on, or refuse it."""
        token, path, query = _take_apart(request)
        try:
            entrance = self._gate.find(token)
            if entrance is None:
                raise NoSuchRoute()
            entrance.admit()
            self._exchange(entrance, request, path, query).start()
        except ClientError as error:
            status, headers = _refusal(error)
            refuse(request, status, error, headers)
        return NOT_DONE_YET

    def _exchange(self, entrance: Entrance, request: Request, path: bytes, query: bytes) -> Exchange:
        headers = request.requestHeaders
        if request.method not in _METHODS:
            raise WrongMethod(what="it is not GET")
        # A body that one reads and another does not is a second request (RFC 9112 section 11.2).
        if headers.hasHeader("transfer-encoding") or headers.getRawHeaders(b"content-length", [b"0"]) != [b"0"]:
            raise NotPassedOn(what="it has a body")
        target = checked_target(path, query)
        if not headers.hasHeader("upgrade"):
            return Fetch(self._reactor, entrance, request, target)
        handshake = read_handshake(request.method, request.clientproto, headers)
        origins = headers.getRawHeaders(b"origin", [])
        entrance.check_origin(b", ".join(origins).decode("latin-1") if origins else None)
        return Upgrade(self._reactor, entrance, request, handshake, target)


def _take_apart(request: Request) -> tuple[Secret, bytes, bytes]:
    """Give token, path below it and query; and remove the token from what may be logged."""
    full_path, _, query = request.uri.partition(b"?")
    token, slash, path = full_path[1:].partition(b"/")[2].partition(b"/")
    request.uri = request.path = _HIDDEN
    request.prepath, request.postpath = [], []  # type: ignore[attr-defined]  # of Twisted's server.Request
    return Secret(token.decode("latin-1")), slash + path, query


def _refusal(error: ClientError) -> tuple[int, Mapping[bytes, bytes]]:
    """Give status and headers."""
    match error:
        case NoSuchRoute():
            return 404, {}
        case WrongMethod():
            return 405, {b"allow": b", ".join(_METHODS)}
        case WrongVersion():
            return 426, {b"upgrade": b"websocket", b"sec-websocket-version": VERSION}
        case ForeignViewer():
            return 403, {}
        case TooManyRequests():
            return 429, {b"retry-after": b"%d" % error.seconds}
        case TooManySockets():
            return 503, {}
        case _:
            return 400, {}
