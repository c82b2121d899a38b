"""Takes each event of a process to the log of the server that it is of, or of all of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, cast

from twisted.application.service import Service
from twisted.logger import ILogObserver, LogEvent, LogLevel, formatEvent, globalLogPublisher

from webots_cloud.config import SERVERS, ServerConfig
from webots_cloud.log import journal
from webots_cloud.log.files import RotatedFile
from webots_cloud.log.journal import Journal
from webots_cloud.log.lines import fields, line, message, priority

_OF_A_PORT = re.compile(r".{1,80} starting on \S{1,200}|\(.{1,80} Port .{1,200} Closed\)")
_SECTIONS = tuple(server.section for server in SERVERS)


def server_of(event: LogEvent) -> str:
    """Tell of which server an event is, by who tells of it or by the section that it is about; empty: of all."""
    if event.get("section") in _SECTIONS:
        return str(event["section"])
    package, _, rest = str(event.get("log_namespace")).partition(".")
    part = rest.partition(".")[0]
    return part if package == "webots_cloud" and part in _SECTIONS else ""


def _is_of_a_port(event: LogEvent) -> bool:
    """Tell whether Twisted says of a port, without saying whose it is, what the servers tell themselves."""
    return event.get("log_namespace") == "log_legacy" and _OF_A_PORT.fullmatch(formatEvent(event)) is not None


class _Chosen:
    """Passes the events of some servers on, and those of none, as far as they are as grave as is wanted."""

    def __init__(self, configs: Sequence[ServerConfig], write: Callable[[LogEvent, str], None]) -> None:
        """Prepare.

        @param configs: of those servers; events of none are wanted by the least of their levels.
        @param write: takes an event, and which server it is of.
        """
        self._levels = {config.section: LogLevel.levelWithName(config.logLevel) for config in configs}
        self._levels[""] = min(self._levels.values())
        self._write = write

    def __call__(self, event: LogEvent) -> None:
        server = server_of(event)
        if server in self._levels and event.get("log_level", LogLevel.info) >= self._levels[server]:
            self._write(event, server)


class Logs(Service):
    """While it runs, events go to the files and to the journal that the servers' configurations name.

    What happens between its making and its start goes there as well. It starts before all else in a process, and stops
    after all else.
    """

    def __init__(self, reactor: Any, configs: Sequence[ServerConfig], socket: Path = journal.SOCKET) -> None:
        """Begin to remember what happens.

        @param reactor: tells the time, and when it runs.
        @param configs: of all servers of the process.
        @param socket: where the journal listens.
        """
        self._reactor = reactor
        self._configs = configs
        self._socket = socket
        self._early: list[LogEvent] | None = []
        self._writers: list[_Chosen] = []
        self._ends: list[Callable[[], None]] = []
        globalLogPublisher.addObserver(cast(ILogObserver, self._take))

    def startService(self) -> None:
        """Open the files.

        @raise SystemExit: if one of them cannot be opened; with a sentence for the operator.
        """
        Service.startService(self)
        for config in self._configs:
            self._to_file(config)
        self._to_journal([config for config in self._configs if _wants_journal(config)])
        for event in self._early or ():
            self._write(event)
        self._reactor.callWhenRunning(self._started)

    def stopService(self) -> None:
        """Close the files."""
        Service.stopService(self)
        globalLogPublisher.removeObserver(cast(ILogObserver, self._take))
        for end in self._ends:
            end()

    def _take(self, event: LogEvent) -> None:
        if _is_of_a_port(event):
            return
        if self._early is not None:
            # When twist begins to log, Twisted repeats to all what has happened until then.
            if any(event is known for known in self._early):
                return
            self._early.append(event)
        self._write(event)

    def _write(self, event: LogEvent) -> None:
        for write in self._writers:
            write(event)

    def _started(self) -> None:
        self._early = None

    def _to_file(self, config: ServerConfig) -> None:
        if config.logDir is None:
            return
        path = config.logDir / f"{config.section}.log"
        try:
            file = RotatedFile(path, config.logFiles, self._reactor.seconds)
        except OSError as error:
            raise SystemExit(f"[{config.section}] logDir: {path} cannot be written ({error.strerror})") from error
        self._ends.append(file.close)
        self._writers.append(_Chosen([config], lambda event, server: file.write(line(event))))

    def _to_journal(self, configs: Sequence[ServerConfig]) -> None:
        if not configs:
            return
        sections = [config.section for config in self._configs]
        to = Journal(f"webots-{sections[0] if len(sections) == 1 else 'cloud'}", self._socket)
        self._ends.append(to.close)

        def send(event: LogEvent, server: str) -> None:
            of_server = [("SERVER", server)] if server else []
            to.send(message(event), priority(event), [*of_server, *fields(event)])

        self._writers.append(_Chosen(configs, send))


def _wants_journal(config: ServerConfig) -> bool:
    return config.journal == "yes" or (config.journal == "auto" and journal.is_connected())
