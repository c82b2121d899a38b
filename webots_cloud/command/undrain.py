"""C{webots-cloud undrain}: a simulation server that was drained takes clients again."""

from __future__ import annotations

import json
from argparse import Namespace
from typing import Any

from webots_cloud.command import place
from webots_cloud.command.asking import ask
from webots_cloud.command.outcome import FINE

_ABOUT = """
Takes "webots-cloud drain" back: the simulation server of this machine takes clients again. A server that is ending
(SIGTERM) cannot be kept from it.
"""


def add_to(subparsers: Any) -> None:
    """Describe the command line."""
    parser = subparsers.add_parser(
        "undrain",
        help="let clients into the simulation server again",
        description=_ABOUT,
    )
    place.add_config_option(parser)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.set_defaults(run=run)


async def run(reactor: Any, arguments: Namespace) -> int:
    """Open the doors."""
    told = await ask(reactor, arguments, "simulation", "undrain", order=True)
    print(json.dumps(told) if arguments.json else "The simulation server takes clients again.")
    return FINE
