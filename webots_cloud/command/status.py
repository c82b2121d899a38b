"""C{webots-cloud status}: what the servers of this machine do."""

from __future__ import annotations

import json
from argparse import Namespace
from typing import Any

from webots_cloud.command import place
from webots_cloud.command.asking import NotRunning, ask
from webots_cloud.command.outcome import FINE, FOUND
from webots_cloud.command.servers import add_servers
from webots_cloud.command.table import age, megabytes, table
from webots_cloud.control import Told
from webots_cloud.errors import quoted

_ABOUT = """
Tells what the servers of this machine do: simulation servers and their load, instances, visitors. Without a
server's name, those that run; the exit status is 1 where none does, or one that was named does not.
"""


def add_to(subparsers: Any) -> None:
    """Describe the command line."""
    parser = subparsers.add_parser(
        "status",
        help="tell what the servers of this machine do",
        description=_ABOUT,
    )
    add_servers(parser, "which servers to ask; without, all that run")
    place.add_config_option(parser)
    parser.add_argument("--json", action="store_true", help="print one JSON object, with a member for each server")
    parser.set_defaults(run=run)


async def run(reactor: Any, arguments: Namespace) -> int:
    """Ask and print."""
    told: dict[str, Told] = {}
    missing: list[str] = []
    for server in arguments.servers or place.NAMES:
        try:
            told[server] = await ask(reactor, arguments, server, "status")
        except NotRunning as error:
            missing.append(str(error))
    if arguments.json:
        print(json.dumps(told, indent=2))
    else:
        print("\n".join(_SHOWN[server](status) for server, status in told.items()), end="")
        if arguments.servers or not told:
            print("".join(f"{sentence}\n" for sentence in missing), end="")
    return FOUND if not told or (arguments.servers and missing) else FINE


def _head(status: Told, name: str) -> str:
    certificate = status["certificate"]
    notice = f"  Certificate: {quoted(certificate['notice'], 300)}\n" if certificate and certificate["notice"] else ""
    return (
        f"{name} at {status['url']}: version {status['version']}, process {status['pid']}, "
        f"up {age(status['seconds'])}\n{notice}"
    )


def _session(status: Told) -> str:
    load = "" if status["meanLoad"] is None else f"; mean load {status['meanLoad']} %"
    rows = [
        (server["server"], server["state"], server["load"], server["onTheirWay"], server["reason"])
        for server in status["simulationServers"]
    ]
    return (
        _head(status, "Session server")
        + f"  {'Simulations' if status['available'] else 'No simulations'} can be started{load}; "
        f"pages that watch: {status['watchers']}\n"
        + table(("server", "state", "load %", "on their way", "why"), rows, "  ")
    )


def _simulation(status: Told) -> str:
    doors = "ends; nobody is let in" if status["ending"] else "drained: nobody is let in" if status["draining"] else ""
    rows = [
        (
            instance["id"],
            instance["project"],
            instance["world"],
            instance["phase"],
            ("idle" if instance["idle"] else "busy") if instance["phase"] == "running" else None,
            age(instance["seconds"]),
            megabytes(instance["memoryBytes"]),
        )
        for instance in status["instances"]
    ]
    lines = [
        status["warning"],
        f"Runs {status['simulator']}; load {status['load']} %; instances {status['running']} of {status['capacity']}, "
        f"waiting {status['waiting']}",
        doors and f"It {doors}" if status["ending"] else doors and f"It is {doors}",
    ]
    return (
        _head(status, "Simulation server")
        + "".join(f"  {line}\n" for line in lines if line)
        + (table(("id", "project", "world", "phase", "activity", "age", "memory"), rows, "  ") if rows else "")
    )


def _host(status: Told) -> str:
    return (
        _head(status, "Website host")
        + f"  Projects: {quoted(', '.join(status['projects']), 300) or 'none'}\n"
        + f"  Visitors who have saved something: {status['visitors']}; accounts: {status['accounts']}, logged in: "
        f"{status['loggedIn']}\n" + f"  Saved: {status['savedFiles']} files, {megabytes(status['savedBytes'])}\n"
    )


_SHOWN = {"session": _session, "simulation": _simulation, "host": _host}
