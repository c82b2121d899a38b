"""C{webots-cloud completion}: a script that has a shell complete the command line."""

from __future__ import annotations

from argparse import Namespace
from typing import Any

import shtab

from webots_cloud.command.outcome import FINE

SHELLS = ("bash", "zsh")


_ABOUT = """
Prints a script that has a shell complete this command, for bash to be put into /etc/bash_completion.d/webots-cloud,
for zsh into /usr/local/share/zsh/site-functions/_webots-cloud.
"""


def add_to(subparsers: Any) -> None:
    """Describe the command line."""
    parser = subparsers.add_parser(
        "completion",
        help="print a script that has a shell complete this command",
        description=_ABOUT,
    )
    parser.add_argument("shell", choices=SHELLS, help="which shell")
    parser.set_defaults(run=run)


async def run(reactor: Any, arguments: Namespace) -> int:
    """Print it."""
    print(shtab.complete(arguments.parser, arguments.shell))
    return FINE
