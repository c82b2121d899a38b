"""The sections of the configuration as frozen objects, with every option and its default."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import ClassVar, TypeVar, cast

import attrs

from webots_cloud.address import ServerAddress
from webots_cloud.config import checks, values

T = TypeVar("T")


def _nothing_to_check(value: object) -> None:
    """Accept any value: all that can be said of it was said when it was parsed."""


def _option(default: str, parse: Callable[[str], T], check: Callable[[T], None] = _nothing_to_check) -> T:
    """Declare an option.

    @param default: what the file would say, in the file's own words.
    @param parse: gives the value; raises C{ValueError} with what is wrong and what would be right.
    @param check: looks at the file system; raises C{ValueError} or C{OSError}.
    """
    return cast(T, attrs.field(metadata={"default": default, "parse": parse, "check": check}))


@attrs.frozen(kw_only=True)
class ServerConfig:
    """What all three servers have.

    @ivar port: the TCP port, where L{listen} is empty.
    @ivar listen: Twisted endpoint strings; instead of C{port}.
    @ivar server: the name by which clients reach this machine.
    @ivar logDir: folder for log files; C{None}: standard output only.
    """

    section: ClassVar[str]

    port: int
    listen: tuple[str, ...] = _option("", values.endpoints)
    server: str = _option("localhost", values.host_name)
    logDir: Path | None = _option("", values.optional_path, checks.own_folder)

    @property
    def endpoints(self) -> tuple[str, ...]:
        """The endpoint strings to listen on."""
        return self.listen or (f"tcp:{self.port}",)

    @property
    def public_port(self) -> int:
        """The TCP port that people are told of."""
        listed = (values.endpoint_port(description) for description in self.listen)
        return next((port for port in listed if port), self.port)

    def contradictions(self) -> Iterable[tuple[str, str]]:
        """Give the mistakes that no option has by itself, as pairs of the option to change and a sentence."""
        return ()


@attrs.frozen(kw_only=True)
class SessionConfig(ServerConfig):
    """Section C{[session]}.

    @ivar simulationServers: the simulation servers to choose from.
    @ivar pollIntervalSeconds: how often each of them is asked for its load (docs/protocol.md section 1).
    @ivar pollTimeoutSeconds: after how long one that does not answer counts as not available.
    """

    section = "session"

    port: int = _option("1999", values.port)
    simulationServers: tuple[ServerAddress, ...] = _option("localhost:2000", values.servers)
    pollIntervalSeconds: float = _option("5", values.seconds)
    pollTimeoutSeconds: float = _option("4", values.seconds)


@attrs.frozen(kw_only=True)
class SimulationConfig(ServerConfig):
    """Section C{[simulation]}.

    @ivar webotsHome: the folder that Webots was installed in; C{None}: the stand-in is run.
    @ivar projectsDir: base projects, one folder each.
    @ivar keyDir: a file C{HOSTNAME} for each website host, with its key in the first line.
    @ivar hostPorts: the ports at which website hosts may be contacted.
    @ivar instancesDir: where each instance's copy of its project lies while it runs.
    @ivar maxConnections: how many instances may run at once.
    @ivar maxArchiveMegabytes: how large a host's archive may be.
    @ivar maxProjectMegabytes: how large a project may be when unpacked.
    @ivar maxProjectFiles: how many files and folders a project may have.
    @ivar monitorLogEnabled: whether the load goes to C{monitor.csv} in C{logDir}.
    @ivar requestTimeoutSeconds: how long a client may take to say what it wants.
    @ivar fetchTimeoutSeconds: how long fetching a project may take.
    @ivar startTimeoutSeconds: how long Webots may take to load a world.
    @ivar endTimeoutSeconds: how long Webots may take to end after SIGTERM, before SIGKILL.
    """

    section = "simulation"

    port: int = _option("2000", values.port)
    webotsHome: Path | None = _option("$WEBOTS_HOME", values.webots_home, checks.webots)
    projectsDir: Path = _option("", values.projects_dir, checks.readable_folder)
    keyDir: Path = _option("$STATE_DIRECTORY/keys", values.path, checks.keys)
    hostPorts: frozenset[int] = _option("80, 443, 8080", values.ports)
    instancesDir: Path = _option("$STATE_DIRECTORY/instances", values.path, checks.own_folder)
    maxConnections: int = _option("100", values.integer(1, 10000))
    maxArchiveMegabytes: int = _option("100", values.integer(1, 100000))
    maxProjectMegabytes: int = _option("500", values.integer(1, 100000))
    maxProjectFiles: int = _option("10000", values.integer(1, 100000))
    monitorLogEnabled: bool = _option("no", values.yes_or_no)
    requestTimeoutSeconds: float = _option("10", values.seconds)
    fetchTimeoutSeconds: float = _option("60", values.seconds)
    startTimeoutSeconds: float = _option("60", values.seconds)
    endTimeoutSeconds: float = _option("5", values.seconds)

    def contradictions(self) -> Iterable[tuple[str, str]]:
        """Tell of instance ports beyond the last one, and of a monitor log that has no folder."""
        if self.port + self.maxConnections > 65535:
            yield "maxConnections", f"instances use the ports after {self.port}, and the last port is 65535; lower it"
        if self.monitorLogEnabled and self.logDir is None:
            yield "monitorLogEnabled", "the monitor log is written to logDir, which is not given; give it"


@attrs.frozen(kw_only=True)
class HostConfig(ServerConfig):
    """Section C{[host]}.

    @ivar dataDir: projects, visitors' own versions of them, and the data base of visitors.
    @ivar keyFile: its first line is the key that simulation servers must know.
    @ivar sessionServer: WebSocket URL of the session server; empty: port 1999 of the host that the page came from.
    @ivar quotaMegabytes: how much each visitor may save.
    """

    section = "host"

    port: int = _option("8080", values.port)
    dataDir: Path = _option("$STATE_DIRECTORY/host", values.path, checks.own_folder)
    keyFile: Path = _option("$STATE_DIRECTORY/keys/localhost", values.path, checks.key_file)
    sessionServer: str = _option("", values.websocket_url)
    quotaMegabytes: int = _option("10", values.integer(1, 100000))


SECTIONS: tuple[type[ServerConfig], ...] = (SessionConfig, SimulationConfig, HostConfig)

_NO_MAIL = "this version sends no mail; remove it"
_NO_TLS = "this version does not encrypt; remove it, and let a web server in front encrypt"

NOT_IN_THIS_VERSION: Mapping[str, Mapping[str, str]] = {
    "session": {
        "administrator": _NO_MAIL,
        "mailServer": _NO_MAIL,
        "mailServerPort": _NO_MAIL,
        "mailSender": _NO_MAIL,
        "mailSenderUser": _NO_MAIL,
        "mailSenderPassword": _NO_MAIL,
        "sslCertificate": _NO_TLS,
        "sslKey": _NO_TLS,
    },
    "simulation": {"sslCertificate": _NO_TLS, "sslKey": _NO_TLS},
    "host": {"sslCertificate": _NO_TLS, "sslKey": _NO_TLS},
}
"""Options of the reference that are refused rather than ignored, each with what to do instead."""


@attrs.frozen
class Config:
    """All sections; those that the file does not have hold the defaults."""

    session: SessionConfig
    simulation: SimulationConfig
    host: HostConfig
