"""C{webots-cloud import}: the JSON files of the reference servers as a configuration of ours."""

from __future__ import annotations

import json
import os
import sys
from argparse import Namespace
from contextlib import suppress
from pathlib import Path
from typing import Any

import shtab

from webots_cloud.command.importing.old_file import OldFile, UnreadableFile, read_old_file
from webots_cloud.command.importing.translating import Imported, translate
from webots_cloud.command.outcome import FINE, FOUND, MISCONFIGURED, USAGE, CommandError

_FOR_ALL, _FOR_THE_USER = 0o644, 0o600


_ABOUT = """
Makes a configuration of the JSON files of the servers that Webots ships. Give the session server's, the simulation
server's, or both. What has no counterpart here is listed in comments and on standard error, and the exit status is
1 where there is any.
"""


def add_to(subparsers: Any) -> None:
    """Describe the command line."""
    parser = subparsers.add_parser(
        "import",
        help="make a configuration of the JSON files of the servers that Webots ships",
        description=_ABOUT,
    )
    files = parser.add_argument("files", nargs="+", type=Path, metavar="OLD.json", help="the old configuration")
    output = parser.add_argument(
        "-o", "--output", type=Path, metavar="FILE", help="write to a new file, not to standard output"
    )
    files.complete = output.complete = shtab.FILE
    parser.add_argument("--force", action="store_true", help="let the file that is there already be replaced")
    parser.add_argument(
        "--json", action="store_true", help="print one JSON object with the text and the list, instead of the text"
    )
    parser.set_defaults(run=run)


async def run(reactor: Any, arguments: Namespace) -> int:
    """Translate, and write."""
    imported = translate(_read(arguments.files))
    if arguments.output is not None:
        _write(arguments.output, imported, arguments.force)
    elif not arguments.json:
        print(imported.ini, end="")
    if arguments.json:
        text = {} if arguments.output else {"ini": imported.ini}
        print(json.dumps({**text, "notes": imported.notes}, indent=2))
    else:
        print("".join(f"{line}\n" for line in imported.notes), end="", file=sys.stderr)
    return FOUND if imported.notes else FINE


def _read(paths: list[Path]) -> list[OldFile]:
    try:
        files = [read_old_file(path) for path in paths]
    except UnreadableFile as error:
        raise CommandError(str(error), MISCONFIGURED) from error
    sections = [file.section for file in files]
    if len(set(sections)) != len(sections):
        raise CommandError(f"two of the files are of a {sections[0]} server; give one of each kind", USAGE)
    return sorted(files, key=lambda file: file.section)


def _write(path: Path, imported: Imported, force: bool) -> None:
    """Write the file, whole or not at all.

    @raise CommandError: if it is there already, or cannot be written.
    """
    new = path.with_name(f".{path.name}.new")
    mode = _FOR_THE_USER if imported.has_secret else _FOR_ALL
    try:
        with suppress(FileNotFoundError):
            new.unlink()
        with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w", encoding="utf-8") as file:
            file.write(imported.ini)
        if force:
            new.replace(path)
        else:
            # A link never replaces anything.
            os.link(new, path)
            new.unlink()
    except FileExistsError as error:
        new.unlink()
        raise CommandError(f"{path} is there already; name another file, or give --force") from error
    except OSError as error:
        raise CommandError(f"{path} cannot be written ({error.strerror})") from error
