"""What the command lines of all servers share: where the configuration is, and the end where it has mistakes."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, NoReturn

from twisted.python import usage

from webots_cloud.config.mistakes import ConfigError
from webots_cloud.config.reading import read_config
from webots_cloud.config.sections import Config, Section

DEFAULT_FILE = Path("/etc/webots-cloud.ini")

EX_CONFIG = 78
"""Exit status of a server whose configuration has mistakes (sysexits.h), so that systemd need not try again."""


class ConfigOptions(usage.Options):
    """The command line of all servers: C{--config FILE}.

    @cvar sections: those that the server uses.
    @ivar config: the configuration, after C{parseOptions}.
    """

    sections: ClassVar[Sequence[type[Section]]]
    config: Config

    optParameters: ClassVar[list[list[object]]] = [
        ["config", "c", None, f"The configuration; {DEFAULT_FILE} if it is there, else built-in defaults.", Path],
    ]

    def prepare(self, config: Config) -> None:
        """Make what a first start lacks; called when all is well but for the file system."""

    def postOptions(self) -> None:
        """Read the configuration; mistakes end the process, with a line for each."""
        file = self["config"] or (DEFAULT_FILE if DEFAULT_FILE.exists() else None)
        try:
            self.config = read_config(file, self.sections, self.prepare)
        except ConfigError as error:
            refuse_to_start(str(error))


def refuse_to_start(why: str) -> NoReturn:
    """End the process: something must be put right before it can start.

    @raise SystemExit: always, with L{EX_CONFIG}.
    """
    sys.stderr.write(f"{why}\n")
    raise SystemExit(EX_CONFIG)
