"""Log files: what one server logs, in a file of its own that is rotated."""

from __future__ import annotations

from typing import IO, cast

from twisted.application.service import Service
from twisted.logger import ILogObserver, LogEvent, globalLogPublisher, textFileLogObserver
from twisted.python.logfile import LogFile
from zope.interface import implementer

from webots_cloud.config import SECTIONS, ServerConfig

_BYTES = 10 * 1024 * 1024
_OLD_FILES = 10


@implementer(ILogObserver)
class _OwnEvents:
    """Leaves out what the other servers in this process log; what belongs to none of them stays."""

    def __init__(self, section: str, write: ILogObserver) -> None:
        self._others = tuple(f"webots_cloud.{other.section}." for other in SECTIONS if other.section != section)
        self._write = write

    def __call__(self, event: LogEvent) -> None:
        if not str(event.get("log_namespace")).startswith(self._others):
            self._write(event)


class LogFileService(Service):
    """While it runs, the log goes also to C{SECTION.log} in a folder."""

    def __init__(self, config: ServerConfig) -> None:
        self._config = config
        self._file: LogFile | None = None
        self._observer: ILogObserver | None = None

    def startService(self) -> None:
        """Open the file, where there is to be one."""
        Service.startService(self)
        if self._config.logDir is None:
            return
        name = f"{self._config.section}.log"
        self._file = LogFile(name, str(self._config.logDir), _BYTES, maxRotatedFiles=_OLD_FILES)
        self._observer = _OwnEvents(self._config.section, textFileLogObserver(cast(IO[str], self._file)))
        globalLogPublisher.addObserver(self._observer)

    def stopService(self) -> None:
        """Close the file."""
        Service.stopService(self)
        if self._file is not None and self._observer is not None:
            globalLogPublisher.removeObserver(self._observer)
            self._file.close()


def log_to(config: ServerConfig) -> Service:
    """Make the service that writes a server's log file."""
    return LogFileService(config)
