"""C{webots-cloud accounts}: what C{webots-accounts} does with visitors' accounts."""

from __future__ import annotations

import json
from argparse import Namespace
from typing import Any

from webots_cloud.command import place
from webots_cloud.command.outcome import FINE, CommandError
from webots_cloud.command.table import megabytes, table
from webots_cloud.errors import ClientError
from webots_cloud.host.account_command import NotDone, carry_out

_ABOUT = """
Lists the accounts of the website host, gives one another password, or deletes one with everything saved; while the
host runs or not, as its user.
"""


def add_to(subparsers: Any) -> None:
    """Describe the command line."""
    parser = subparsers.add_parser(
        "accounts",
        help="list visitors' accounts, give one another password, delete one",
        description=_ABOUT,
    )
    words = parser.add_subparsers(title="commands", metavar="COMMAND", required=True, dest="word")
    _add(words, "list", "list the accounts: when each was made, and how much it has saved")
    password = "give an account another password, which is read from the terminal or from standard input"  # noqa: S105
    _add(words, "password", password).add_argument("name", metavar="NAME", help="whose")
    _add(words, "delete", "delete an account with everything saved").add_argument("name", metavar="NAME", help="whose")
    parser.set_defaults(run=run)


def _add(words: Any, word: str, what: str) -> Any:
    parser = words.add_parser(word, help=what, description=f"{what[0].upper()}{what[1:]}.")
    place.add_config_option(parser)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.set_defaults(name="")
    return parser


async def run(reactor: Any, arguments: Namespace) -> int:
    """Do what was asked for."""
    with place.as_seen_by("host") as folder:
        config = place.read(arguments).host
    place.require_user("host", config.dataDir if config.dataDir.exists() else folder)
    try:
        found = await carry_out(reactor, config, arguments.word, arguments.name)
    except (ClientError, NotDone) as error:
        raise CommandError(str(error)) from error
    if arguments.json:
        accounts = [{"made": made, "savedBytes": size, "name": name} for name, made, size in found]
        print(json.dumps({"accounts": accounts} if arguments.word == "list" else {arguments.word: arguments.name}))
    elif arguments.word == "list":
        rows = [(made, megabytes(size), name) for name, made, size in found]
        print(table(("made", "saved", "name"), rows), end="")
    else:
        print({"password": "The password is changed.", "delete": "The account is deleted."}[arguments.word])
    return FINE
