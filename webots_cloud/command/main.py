"""The command line of C{webots-cloud}, and its end."""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from collections.abc import Sequence
from typing import Any, NoReturn

from twisted.internet.defer import Deferred
from twisted.internet.task import react

from webots_cloud import __version__
from webots_cloud.command import accounts, check, completion, drain, import_json, kill, load_test, status, undrain
from webots_cloud.command.outcome import STATUSES, CommandError

SUBCOMMANDS = (check, status, drain, undrain, kill, import_json, load_test, accounts, completion)


def make_parser() -> ArgumentParser:
    """Make what reads the command line."""
    parser = ArgumentParser(
        prog="webots-cloud",
        formatter_class=RawDescriptionHelpFormatter,
        description="Looks after the webots-cloud servers of this machine: session server, simulation server and\n"
        "website host. The servers themselves are started with twist, or by systemd.",
        epilog="exit status:\n" + "".join(f"  {status:<4}{meaning}\n" for status, meaning in STATUSES.items()),
    )
    parser.add_argument("--version", action="version", version=f"webots-cloud {__version__}")
    subparsers = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for subcommand in SUBCOMMANDS:
        subcommand.add_to(subparsers)
    parser.set_defaults(parser=parser)
    return parser


def main(argv: Sequence[str] | None = None) -> NoReturn:
    """Run the command.

    @param argv: what follows its name; C{None}: what was typed.
    @raise SystemExit: always, with one of L{STATUSES}.
    """
    react(_react, [make_parser().parse_args(argv)])


def _react(reactor: Any, arguments: Namespace) -> Deferred[NoReturn]:
    return Deferred.fromCoroutine(_run(reactor, arguments))


async def _run(reactor: Any, arguments: Namespace) -> NoReturn:
    try:
        status = await arguments.run(reactor, arguments)
    except CommandError as error:
        print(f"webots-cloud: {error}", file=sys.stderr)
        status = error.status
    _flush()
    raise SystemExit(status)


def _flush() -> None:
    """Write what is left to be written; that nobody reads it any more, as C{head} does, is fine."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        # Else Python tries it once more at its end, and complains.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
