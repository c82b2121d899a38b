"""The names of servers on a command line."""

from __future__ import annotations

from argparse import ArgumentParser

from webots_cloud.command.place import NAMES


class _Names(tuple[str, ...]):
    """What may be given; where nothing is, argparse wants to know whether the empty list may."""

    __slots__ = ()

    def __contains__(self, given: object) -> bool:
        return given == [] or tuple.__contains__(self, given)


def add_servers(parser: ArgumentParser, what: str) -> None:
    """Let a command be told which servers it is about.

    @param what: says so to people.
    """
    parser.add_argument(
        "servers", nargs="*", choices=_Names(NAMES), metavar="SERVER", help=f"{what}: {', '.join(NAMES)}"
    )
