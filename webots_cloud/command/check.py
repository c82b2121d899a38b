"""C{webots-cloud check}: looks at everything that keeps a server from working, and tells what to do about it."""

from __future__ import annotations

import json
import os
import sys
from argparse import Namespace
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import attrs

from webots_cloud.command import place
from webots_cloud.command.asking import NotRunning, ask
from webots_cloud.command.looking import files, mail, network, simulation
from webots_cloud.command.looking.finding import Finding, Mark, fine, wrong
from webots_cloud.command.outcome import FINE, FOUND, NOT_PERMITTED, CommandError
from webots_cloud.command.servers import add_servers
from webots_cloud.config import HostConfig, SessionConfig, SimulationConfig
from webots_cloud.control import Told
from webots_cloud.web import BrowserFilesMissing, static_folder

_SIGNS = {Mark.FINE: "✓", Mark.NOTE: "!", Mark.WRONG: "✗"}
_PLAIN_SIGNS = {Mark.FINE: "ok", Mark.NOTE: "note", Mark.WRONG: "WRONG"}
_WIDTH = 22


_ABOUT = """
Looks at the configuration, folders, keys, certificates and ports of servers; runs a program in the sandbox; looks
at Webots, its display and the graphics cards; connects to the mail server; asks every simulation server for its
load. Run it as the server's user, before its start or while it runs. What is missing and a start would make, is
made: folders of the server's own.
"""


def add_to(subparsers: Any) -> None:
    """Describe the command line."""
    parser = subparsers.add_parser(
        "check",
        help="look at everything that keeps a server from working, and tell what to do about it",
        description=_ABOUT,
    )
    add_servers(parser, "which servers to look at; without, those that units of this machine have started, else all")
    place.add_config_option(parser)
    parser.add_argument("--send-mail", action="store_true", help="send the administrator a message, to see it arrive")
    parser.add_argument("--json", action="store_true", help="print one JSON object with all that was found")
    parser.set_defaults(run=run)


async def run(reactor: Any, arguments: Namespace) -> int:
    """Look, and print what is found as it is found."""
    status, told = FINE, []
    signs = _SIGNS if "utf" in (sys.stdout.encoding or "").lower() else _PLAIN_SIGNS
    for server in arguments.servers or place.installed():
        if not arguments.json:
            print(f"[{server}]")
        try:
            async for finding in _look(reactor, arguments, server):
                status = max(status, FOUND if finding.mark is Mark.WRONG else FINE)
                told.append({"server": server, **attrs.asdict(finding, value_serializer=_word)})
                if not arguments.json:
                    print(f"{signs[finding.mark]} {finding.subject:<{_WIDTH}} {finding.what}", flush=True)
        except CommandError as error:
            status = max(status, error.status)
            told.append({"server": server, "mark": Mark.WRONG.value, "subject": "check", "what": str(error)})
            if not arguments.json:
                print(f"{signs[Mark.WRONG]} {error}", flush=True)
    wrong_ones = sum(one["mark"] == Mark.WRONG.value for one in told)
    if arguments.json:
        print(json.dumps({"wrong": wrong_ones, "findings": told}, indent=2))
    else:
        print("All is well." if not wrong_ones else f"To be put right: {wrong_ones}.")
    return status


def _word(instance: object, field: object, value: object) -> object:
    return value.value if isinstance(value, Mark) else value


async def _look(reactor: Any, arguments: Namespace, server: str) -> AsyncIterator[Finding]:
    """Look at all that concerns a server.

    @raise CommandError: if it makes no sense to go on.
    """
    with place.as_seen_by(server) as folder:
        yield _user(arguments, server, folder)
        config = place.read(arguments)
        yield fine("configuration", str(place.config_file(arguments) or "built-in defaults"))
        for finding in files.options(place.section(config, server)):
            yield finding
        running = await _running(reactor, arguments, server)
        yield files.control_socket(place.section(config, server).controlSocket, running)
    section = place.section(config, server)
    if section.automatic:
        for finding in files.options(config.acme):
            yield finding
    for finding in files.certificates(reactor, section, config.acme):
        yield finding
    async for finding in network.ports(reactor, section, config.acme, running):
        yield finding
    async for finding in _of_its_kind(reactor, section, arguments.send_mail):
        yield finding


async def _of_its_kind(reactor: Any, section: Any, send_mail: bool) -> AsyncIterator[Finding]:
    match section:
        case SessionConfig():
            async for finding in mail.mail(reactor, section, send_mail):
                yield finding
            async for finding in network.simulation_servers(reactor, section):
                yield finding
        case SimulationConfig():
            for finding in simulation.machine(section):
                yield finding
        case HostConfig():
            yield _demo_site()
            async for finding in network.session_server(reactor, section):
                yield finding


def _user(arguments: Namespace, server: str, folder: Path) -> Finding:
    other = place.other_user(server, folder)
    if other:
        config = ["--config", str(arguments.config.absolute())] if arguments.config else []
        command = place.as_owner(folder, [sys.argv[0], "check", server, *config])
        raise CommandError(f"{other}, who may read other files; run: {command}", NOT_PERMITTED)
    return fine("user", place.user_name(os.geteuid()))


async def _running(reactor: Any, arguments: Namespace, server: str) -> Told | None:
    """Give what the server tells on its control socket; C{None}: it has none, or does not run."""
    try:
        return await ask(reactor, arguments, server, "status")
    except NotRunning:
        return None


def _demo_site() -> Finding:
    try:
        return fine("demo site", f"its files are in {static_folder()}")
    except BrowserFilesMissing as error:
        return wrong("demo site", str(error))
