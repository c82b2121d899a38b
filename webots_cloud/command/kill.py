"""C{webots-cloud kill}: ends instances of the simulation server."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentTypeError, Namespace
from typing import Any

from webots_cloud.command import place
from webots_cloud.command.asking import Refusal, ask
from webots_cloud.command.outcome import FINE, FOUND

_ABOUT = """
Ends instances of the simulation server of this machine, or lets clients that wait for a place wait no more;
"webots-cloud status simulation" has their ids. Their pages are told that whoever runs the server has ended the
simulation. Returns when nothing is left of them.
"""


def add_to(subparsers: Any) -> None:
    """Describe the command line."""
    parser = subparsers.add_parser(
        "kill",
        help="end instances of the simulation server",
        description=_ABOUT,
    )
    parser.add_argument("ids", nargs="+", type=identity, metavar="ID", help="the id of an instance, for instance 7")
    place.add_config_option(parser)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.set_defaults(run=run)


def identity(text: str) -> int:
    """Read an id.

    @raise ArgumentTypeError: if it cannot be one.
    """
    if not (text.isascii() and text.isdecimal() and 0 < len(text) < 16):
        raise ArgumentTypeError(f'{text!r} is no id; they are numbers, which "webots-cloud status simulation" has')
    return int(text)


async def run(reactor: Any, arguments: Namespace) -> int:
    """End one after the other."""
    ended: list[int] = []
    failed: dict[int, str] = {}
    for number in arguments.ids:
        try:
            await ask(reactor, arguments, "simulation", f"kill/{number}", order=True)
            ended.append(number)
        except Refusal as error:
            failed[number] = str(error)
    if arguments.json:
        print(json.dumps({"ended": ended, "failed": failed}))
    else:
        print("".join(f"Instance {number} has ended.\n" for number in ended), end="")
        print("".join(f"webots-cloud: {sentence}\n" for sentence in failed.values()), end="", file=sys.stderr)
    return FOUND if failed else FINE
