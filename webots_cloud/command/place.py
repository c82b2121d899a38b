"""Where the servers of this machine are: what their paths stand for, and whose they are.

A server is started with C{STATE_DIRECTORY} and as a user of its own; a command mostly is not, so it looks where the
units in C{systemd/}, and C{script/server}, have it.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import shlex
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import shtab

from webots_cloud.command.outcome import MISCONFIGURED, NOT_PERMITTED, CommandError
from webots_cloud.config import SERVERS, Config, ConfigError, ServerConfig, read_config, state_directory
from webots_cloud.config.command_line import DEFAULT_FILE

SERVICES = Path("/var/lib")
"""Where systemd and C{script/server} make the servers' folders."""

NAMES = tuple(server.section for server in SERVERS)


def add_config_option(parser: ArgumentParser) -> None:
    """Let a command be told where the configuration is."""
    option: Any = parser.add_argument(
        "-c",
        "--config",
        type=Path,
        metavar="FILE",
        help=f"the servers' configuration; {DEFAULT_FILE} if it is there, else built-in defaults",
    )
    option.complete = shtab.FILE


def config_file(arguments: Namespace) -> Path | None:
    """Give the configuration to read; C{None}: built-in defaults."""
    given: Path | None = arguments.config
    return given or (DEFAULT_FILE if DEFAULT_FILE.exists() else None)


def installed() -> tuple[str, ...]:
    """Give the servers that units of this machine have started once; all of them if there are none."""
    return tuple(name for name in NAMES if _unit_folder(name)) or NAMES


@contextlib.contextmanager
def as_seen_by(server: str) -> Iterator[Path]:
    """While the context lasts, paths in the configuration stand for what they are to a server; gives its folder.

    @raise CommandError: if it has none.
    """
    try:
        given = os.environ.get("STATE_DIRECTORY")
        folder = state_directory() if given else (_unit_folder(server) or _script_folder() or state_directory())
    except ValueError as error:
        raise CommandError(str(error), MISCONFIGURED) from error
    os.environ["STATE_DIRECTORY"] = str(folder)
    try:
        yield folder
    finally:
        if given is None:
            del os.environ["STATE_DIRECTORY"]
        else:
            os.environ["STATE_DIRECTORY"] = given


def read(arguments: Namespace) -> Config:
    """Read the configuration; files and folders are not looked at.

    @raise CommandError: if it has mistakes, with a line for each.
    """
    try:
        return read_config(config_file(arguments), ())
    except ConfigError as error:
        raise CommandError(f"the configuration has mistakes\n{error}", MISCONFIGURED) from error


def section(config: Config, server: str) -> ServerConfig:
    """Give a server's section."""
    found: ServerConfig = getattr(config, server)
    return found


def owner(folder: Path) -> int:
    """Give whose server it is that has a folder; this user's where there is none."""
    try:
        return folder.stat().st_uid
    except OSError:
        return os.geteuid()


def other_user(server: str, folder: Path) -> str:
    """Tell which user must run a command instead of this one; empty: this one is right."""
    right = owner(folder)
    if right == os.geteuid():
        return ""
    return f"{server} is the server of user {user_name(right)}, and this is {user_name(os.geteuid())}"


def require_user(server: str, folder: Path) -> None:
    """See to it that a server's files are touched by its own user only.

    @raise CommandError: if this is another; tells what to type.
    """
    wrong = other_user(server, folder)
    if wrong:
        raise CommandError(f"{wrong}; run: {as_owner(folder, sys.argv)}", NOT_PERMITTED)


def as_owner(folder: Path, command: list[str]) -> str:
    """Give what runs a command as the user who has a folder."""
    return as_user(user_name(owner(folder)), command)


def as_user(name: str, command: list[str]) -> str:
    """Give what runs a command as a user."""
    switch = ["runuser", "-u", name, "--"] if os.geteuid() == 0 else ["sudo", "-u", name]
    return shlex.join([*switch, *command])


def _unit_folder(server: str) -> Path | None:
    folder = SERVICES / f"webots-{server}"
    # Path.is_dir() would complain where this user may not look.
    return folder if os.path.isdir(folder) else None


def _script_folder() -> Path | None:
    folder = SERVICES / "webots-cloud" / "state"
    return folder if os.path.isdir(folder) else None


def user_name(user: int) -> str:
    """Give a user's name; of one without, the number."""
    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:
        return str(user)
