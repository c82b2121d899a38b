"""C{webots-cloud load-test}: simulated clients, and how long each of them waits."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentTypeError, Namespace
from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.task import deferLater
from twisted.web.client import URI

from webots_cloud.address import parse_address
from webots_cloud.agent import TrustedAuthorities
from webots_cloud.command import place
from webots_cloud.command.loading import report
from webots_cloud.command.loading.client import Client, Outcome, Visit
from webots_cloud.command.loading.locality import is_this_machine
from webots_cloud.command.outcome import FINE, FOUND, MISCONFIGURED, USAGE, CommandError

_MOST_CLIENTS = 1000
_MOST_PER_SECOND = 50.0


_ABOUT = """
Has clients come one after the other as pages do: each asks the session server, starts a simulation, waits for its
scene, stays, and leaves. Prints how long they waited, and why some failed. Simulations are real: the servers are as
loaded as with so many visitors. The limits for one address, as maxStartsPerMinute, hold.
"""


def add_to(subparsers: Any) -> None:
    """Describe the command line."""
    parser = subparsers.add_parser(
        "load-test",
        help="have simulated clients start simulations, and tell how long each waits",
        description=_ABOUT,
    )
    parser.add_argument("url", nargs="?", metavar="URL", help="of the session server; else that of the configuration")
    parser.add_argument(
        "-n", "--clients", type=_number(int, 1, _MOST_CLIENTS), default=10, help="how many (%(default)s)"
    )
    parser.add_argument(
        "--rate",
        type=_number(float, 0.01, _MOST_PER_SECOND),
        default=1.0,
        help="how many come in a second (%(default)s)",
    )
    parser.add_argument(
        "--stay", type=_number(float, 0, 86400), default=10.0, help="how many seconds each stays (%(default)s)"
    )
    parser.add_argument(
        "--timeout",
        type=_number(float, 1, 3600),
        default=120.0,
        help="after how many seconds without a scene a client fails (%(default)s)",
    )
    parser.add_argument("--host", metavar="URL", help="the website host whose project is run; else the configuration's")
    parser.add_argument("--project", default="obstacle_course", help="which project (%(default)s)")
    parser.add_argument("--world", default="obstacle_course.wbt", help="which world of it (%(default)s)")
    parser.add_argument("--yes", action="store_true", help="test servers that are not on this machine, too")
    place.add_config_option(parser)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.set_defaults(run=run)


def _number(kind: Callable[[str], float], low: float, high: float) -> Callable[[str], float]:
    """Make a reader of numbers within bounds, both of which are allowed."""

    def parse(text: str) -> float:
        try:
            value = kind(text)
        except ValueError:
            value = high + 1
        if not low <= value <= high:
            raise ArgumentTypeError(f"{text!r} is not a number from {low:g} to {high:g}")
        return value

    return parse


async def run(reactor: Any, arguments: Namespace) -> int:
    """Let the clients come, and report."""
    visit = _visit(reactor, arguments)
    target = URI.fromBytes(visit.session.encode("ascii")).host.decode("ascii")
    if not await visit.is_allowed(target):
        raise CommandError(
            f"{target} is not this machine, or has no address; its operator must know of a load test: give --yes", USAGE
        )
    seconds = arguments.clients / arguments.rate + arguments.stay
    print(
        f"{arguments.clients} clients of {visit.session}, {arguments.rate:g} in a second; "
        f"this takes {seconds:.0f} s, and as long as simulations take to start.",
        file=sys.stderr,
    )
    coming = [
        Deferred.fromCoroutine(_come(reactor, visit, number / arguments.rate)) for number in range(arguments.clients)
    ]
    found = report.figures(await gatherResults(coming))
    print(json.dumps(found, indent=2) if arguments.json else report.text(found), end="\n" if arguments.json else "")
    return FOUND if found["failed"] else FINE


async def _come(reactor: Any, visit: Visit, delay: float) -> Outcome:
    await deferLater(reactor, delay)
    return await Client(reactor, visit).live()


def _visit(reactor: Any, arguments: Namespace) -> Visit:
    """Say what clients do.

    @raise CommandError: if the session server is none, or there is something wrong with the configuration.
    """
    with place.as_seen_by("session"):
        config = place.read(arguments)
    try:
        authorities = TrustedAuthorities(config.session.caFile)
    except (OSError, ValueError) as error:
        raise CommandError(f"[session] caFile: {error}", MISCONFIGURED) from error

    async def allowed(host: str) -> bool:
        return arguments.yes or await is_this_machine(reactor, host)

    return Visit(
        session=_http_url(arguments.url or config.session.url("http"), config.session.encrypted),
        host=arguments.host or config.host.url("http"),
        project=arguments.project,
        world=arguments.world,
        timeout=arguments.timeout,
        stay=arguments.stay,
        authorities=authorities,
        is_allowed=allowed,
    )


def _http_url(text: str, encrypted: bool) -> str:
    try:
        address = parse_address(text.replace("ws", "http", 1) if text.startswith("ws") else text).settled(encrypted)
    except ValueError as error:
        raise CommandError(str(error), USAGE) from error
    return address.websocket_url.replace("ws", "http", 1)
