"""Taking a client's connection over from the HTTP site, when it is to speak WebSocket from now on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import attrs
from twisted.internet.abstract import FileDescriptor
from twisted.internet.protocol import Protocol
from twisted.protocols.policies import ProtocolWrapper
from twisted.web.http import Request

from webots_cloud.simulation.site import CountedChannel
from webots_cloud.site import PromptChannel


@attrs.frozen(eq=False)
class Client:
    """A client's connection.

    @ivar transport: the connection itself.
    @ivar direct: whether bytes may be given to the kernel as they are: there is no TLS between.
    @ivar forget: to be called when it is lost.
    """

    transport: Any
    direct: bool
    forget: Callable[[], None]

    def speak(self, protocol: object) -> None:
        """Have another protocol take what comes."""
        if isinstance(self.transport, ProtocolWrapper):
            self.transport.wrappedProtocol = cast(Protocol, protocol)
        elif isinstance(self.transport.protocol, ProtocolWrapper):
            self.transport.protocol.wrappedProtocol = cast(Protocol, protocol)
        else:
            self.transport.protocol = protocol


def take_over(request: Request) -> tuple[Client, bytes]:
    """Take the connection of a request that will not be answered by HTTP.

    @return: the client, and what it has sent already beyond the request's head.
    """
    channel: Any = cast(PromptChannel, request.channel)
    transport = channel.transport
    channel.hand_over()
    early = b"".join(channel._dataBuffer)
    # What refers to each other here would stay until the garbage collector finds it.
    channel._dataBuffer.clear()
    channel.requests.clear()
    request.notifications.clear()
    channel.transport = cast(Any, request).transport = cast(Any, request).channel = None
    direct = isinstance(transport, FileDescriptor) and not getattr(transport, "TLS", False)
    return Client(transport, direct, channel.visit.end if isinstance(channel, CountedChannel) else _nothing), early


def _nothing() -> None:
    """Nobody counts this connection."""
