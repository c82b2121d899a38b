"""A WebSocket being opened, to Webots first and then to the client."""

from __future__ import annotations

from typing import Any

from twisted.web.http import Request

from webots_cloud.simulation.entrance import Entrance
from webots_cloud.simulation.proxy.answer import parse_head
from webots_cloud.simulation.proxy.exchange import Exchange
from webots_cloud.simulation.proxy.handshake import Handshake
from webots_cloud.simulation.proxy.opening import Opening
from webots_cloud.simulation.proxy.takeover import take_over
from webots_cloud.simulation.proxy.upstream import Upstream, read_head

HANDSHAKE_SECONDS = 10


class Upgrade(Exchange):
    """A request to open a WebSocket."""

    def __init__(self, reactor: Any, entrance: Entrance, request: Request, handshake: Handshake, target: bytes) -> None:
        """Prepare to pass a request on.

        @param target: what Webots is asked for.
        """
        Exchange.__init__(self, reactor, entrance, request)
        self._handshake = handshake
        self._target = target

    async def _pass_on(self, upstream: Upstream) -> None:
        upstream.send(self._handshake.request(self._target))
        data, rest = await self._in_time(read_head(upstream), HANDSHAKE_SECONDS)
        answer = self._handshake.answer(parse_head(data))
        client, early = take_over(self._request)
        self._gone = True
        Opening(self._reactor, self._entrance, client, upstream, rest).begin(answer, early)
        # From now on it is not ours to close.
        self._upstream = None
