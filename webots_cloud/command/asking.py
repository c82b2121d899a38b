"""Asking a server of this machine on its control socket."""

from __future__ import annotations

import errno
import sys
from argparse import Namespace
from pathlib import Path
from typing import Any, cast

from treq.client import HTTPClient
from twisted.internet.defer import Deferred, TimeoutError
from twisted.internet.endpoints import UNIXClientEndpoint
from twisted.internet.error import ConnectError, ConnectionClosed
from twisted.web.client import URI, Agent, ResponseNeverReceived
from twisted.web.http import OK
from twisted.web.iweb import IAgentEndpointFactory
from zope.interface import implementer

from webots_cloud.command import place
from webots_cloud.command.outcome import NOT_PERMITTED, CommandError
from webots_cloud.control import Told, short_address

SECONDS = 30.0
"""How long an answer is waited for; ending an instance takes the longest."""


class NotRunning(CommandError):
    """Nobody listens on the control socket, or there is none."""


class Refusal(CommandError):
    """The server does not do what was asked for; its own words."""


async def ask(reactor: Any, arguments: Namespace, server: str, question: str, order: bool = False) -> Told:
    """Ask a server, or have it do something.

    @param arguments: have C{config}.
    @param question: what follows the slash, for instance C{kill/7}.
    @param order: whether it is to do something.
    @raise NotRunning: if it does not run, or has no control socket.
    @raise CommandError: if it cannot be asked, or refuses.
    """
    with place.as_seen_by(server):
        path = place.section(place.read(arguments), server).controlSocket
    if path is None:
        raise NotRunning(f"the {server} server has no controlSocket in the configuration, so it cannot be asked")
    try:
        with short_address(path) as address:
            asking = Deferred.fromCoroutine(_ask(reactor, address, question, order))
            return await asking.addTimeout(SECONDS, reactor)
    except (OSError, ConnectError) as error:
        raise _no_connection(server, path, error) from error
    except (ConnectionClosed, ResponseNeverReceived) as error:
        raise NotRunning(f"the {server} server ended while it was asked") from error
    except TimeoutError as error:
        raise CommandError(f"the {server} server has not answered within {SECONDS:g} s; look at its log") from error


async def _ask(reactor: Any, address: str, question: str, order: bool) -> Told:
    client = HTTPClient(Agent.usingEndpointFactory(reactor, _Socket(reactor, address)))
    response = await client.request("POST" if order else "GET", f"http://localhost/{question}")
    told = cast(dict[str, Any], await response.json())
    if response.code != OK:
        raise Refusal(str(told["error"]))
    return told


def _no_connection(server: str, path: Path, error: OSError | ConnectError) -> CommandError:
    number = error.errno if isinstance(error, OSError) else error.osError
    if number in (errno.EACCES, errno.EPERM):
        return CommandError(
            f"only its own user and root may ask the {server} server ({path}); run: {place.as_user('root', sys.argv)}",
            NOT_PERMITTED,
        )
    return NotRunning(f"the {server} server does not run here: nobody listens on {path}")


@implementer(IAgentEndpointFactory)
class _Socket:
    """Connects to the socket, whatever is asked for."""

    def __init__(self, reactor: Any, address: str) -> None:
        self._reactor = reactor
        self._address = address

    def endpointForURI(self, uri: URI) -> UNIXClientEndpoint:
        return UNIXClientEndpoint(self._reactor, self._address, SECONDS)
