"""C{webots-cloud drain}: a simulation server takes no new clients, until told otherwise."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentTypeError, Namespace
from typing import Any

from twisted.internet.task import deferLater

from webots_cloud.command import place
from webots_cloud.command.asking import ask
from webots_cloud.command.outcome import FINE, FOUND

_LOOK_SECONDS = 1.0
_MOST_SECONDS = 7 * 86400


_ABOUT = """
Has the simulation server of this machine take no new clients, so that the session server sends nobody there.
Simulations that there are go on as before; who waits for a place is told to start again. It lasts until
"webots-cloud undrain", or until the server is started again.
"""


def add_to(subparsers: Any) -> None:
    """Describe the command line."""
    parser = subparsers.add_parser(
        "drain",
        help="let nobody into the simulation server any more; simulations that there are go on",
        description=_ABOUT,
    )
    parser.add_argument(
        "--wait",
        type=seconds,
        metavar="SECONDS",
        help="wait until no simulation is left, so long at most; exit with 1 if there still is one then",
    )
    place.add_config_option(parser)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.set_defaults(run=run)


def seconds(text: str) -> float:
    """Read how long to wait.

    @raise ArgumentTypeError: if it is no number of seconds up to a week.
    """
    try:
        value = float(text)
    except ValueError:
        value = -1
    if not 0 <= value <= _MOST_SECONDS:
        raise ArgumentTypeError(f"{text!r} is not a number of seconds, up to a week")
    return value


async def run(reactor: Any, arguments: Namespace) -> int:
    """Close the doors, and wait."""
    told = await ask(reactor, arguments, "simulation", "drain", order=True)
    running, end = int(told["running"]), reactor.seconds() + (arguments.wait or 0)
    if running and arguments.wait and not arguments.json:
        print(f"Nobody is let in any more; waiting for the {running} that have a simulation.", file=sys.stderr)
    while running and reactor.seconds() < end:
        await deferLater(reactor, min(_LOOK_SECONDS, max(end - reactor.seconds(), 0)))
        running = int((await ask(reactor, arguments, "simulation", "status"))["running"])
    if arguments.json:
        print(json.dumps({"draining": True, "running": running}))
    else:
        print(f"The simulation server is drained; simulations that go on: {running}.")
    return FOUND if running and arguments.wait is not None else FINE
