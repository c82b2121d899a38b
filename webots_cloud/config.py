"""The INI file as frozen objects, one class per section; every mistake names file, line, section and option."""

from __future__ import annotations

import configparser
import os
import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, NoReturn, TypeVar, cast

import attrs
from twisted.internet.endpoints import serverFromString
from twisted.python import usage

from webots_cloud.address import ServerAddress, parse_address

T = TypeVar("T")

DEFAULT_FILE = Path("/etc/webots-cloud.ini")
DEMO_PROJECTS = Path(__file__).parent / "projects"

EX_CONFIG = 78
"""Exit status of a server whose configuration has mistakes (sysexits.h), so that systemd need not try again."""


def state_directory() -> Path:
    """Where a server keeps what must survive a restart: systemd's C{StateDirectory}, or a folder of the user's."""
    given = os.environ.get("STATE_DIRECTORY", "").split(":")[0]
    data_home = os.environ.get("XDG_DATA_HOME") or "~/.local/share"
    return Path(given) if given else Path(data_home).expanduser() / "webots-cloud"


def _nothing_to_check(value: object) -> None:
    """Accept any value: all that can be said of it was said when it was parsed."""


def _option(default: str, parse: Callable[[str], T], check: Callable[[T], None] = _nothing_to_check) -> T:
    """Declare an option.

    @param default: what the file would say, in the file's own words.
    @param parse: gives the value; raises C{ValueError} with what is wrong and what would be right.
    @param check: looks at the file system; raises C{ValueError} or C{OSError}.
    """
    return cast(T, attrs.field(metadata={"default": default, "parse": parse, "check": check}))


def _text(text: str) -> str:
    return text


def _integer(low: int, high: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not re.fullmatch(r"[0-9]{1,12}", text) or not low <= int(text) <= high:
            raise ValueError(f"{text!r} is not a whole number from {low} to {high}")
        return int(text)

    return parse


def _port(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,9}", text) or not 1 <= int(text) <= 65535:
        raise ValueError(f"{text!r} is not a port; ports are whole numbers from 1 to 65535")
    return int(text)


def _ports(text: str) -> frozenset[int]:
    return frozenset(_port(item) for item in _items(text))


def _seconds(text: str) -> float:
    if not re.fullmatch(r"[0-9]{1,6}(\.[0-9]{1,3})?", text) or not float(text):
        raise ValueError(f"{text!r} is not a number of seconds; write for instance 5 or 2.5")
    return float(text)


def _yes_or_no(text: str) -> bool:
    value = configparser.ConfigParser.BOOLEAN_STATES.get(text.lower())
    if value is None:
        raise ValueError(f"{text!r} is neither yes nor no")
    return value


def _items(text: str) -> list[str]:
    return [item.strip() for item in re.split(r"[,\n]", text) if item.strip()]


def _host_name(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\]", text):
        raise ValueError(f"{text!r} is not a host name; write for instance simulation1.example.org, without a port")
    return text


def _servers(text: str) -> tuple[ServerAddress, ...]:
    servers = tuple(parse_address(item) for item in _items(text))
    if not servers:
        raise ValueError("no simulation server is named; write for instance localhost:2000")
    if len(set(servers)) != len(servers):
        raise ValueError("a simulation server is named twice; name each of them once")
    return servers


def _endpoints(text: str) -> tuple[str, ...]:
    descriptions = tuple(_items(text))
    for description in descriptions:
        if description.split(":")[0] in ("ssl", "tls", "txacme", "le", "lets"):
            raise ValueError(f"{description!r} is encrypted, which this version does not do; write tcp:PORT")
        try:
            serverFromString(None, description)
        except (ValueError, TypeError, KeyError, IndexError) as error:
            raise ValueError(
                f"{description!r} is not a Twisted endpoint ({error}); write for instance "
                "tcp:1999:interface=127.0.0.1, or unix:/run/webots-cloud.sock"
            ) from error
    return descriptions


def _websocket_url(text: str) -> str:
    if text and not re.fullmatch(r"wss?://[^\s/]+", text):
        raise ValueError(f"{text!r} is not the URL of a session server; write for instance ws://example.org:1999")
    return text


def _expand(text: str) -> Path:
    def variable(match: re.Match[str]) -> str:
        name = match.group(1) or match.group(2)
        if name == "STATE_DIRECTORY":
            return str(state_directory())
        if name not in os.environ:
            raise ValueError(f"the variable ${name} is not set; set it, or write the path in full")
        return os.environ[name]

    path = Path(re.sub(r"\$(?:\{(\w+)\}|(\w+))", variable, text)).expanduser()
    if not path.is_absolute():
        raise ValueError(f"{text!r} is a relative path; write it from / or ~ on")
    return path


def _path(text: str) -> Path:
    if not text:
        raise ValueError("no path is given")
    return _expand(text)


def _optional_path(text: str) -> Path | None:
    return _expand(text) if text else None


def _projects_dir(text: str) -> Path:
    return _expand(text) if text else DEMO_PROJECTS


def _webots_home(text: str) -> Path | None:
    if text == "$WEBOTS_HOME" and not os.environ.get("WEBOTS_HOME"):
        return None
    return _optional_path(text)


def _readable_folder(path: Path) -> None:
    if not path.is_dir():
        raise ValueError(f"there is no folder {path}; make it, or name another")
    if not os.access(path, os.R_OK | os.X_OK):
        raise ValueError(f"the folder {path} cannot be read by this user; give it read permission")


def _own_folder(path: Path | None) -> None:
    if path is None:
        return
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ValueError(f"the folder {path} cannot be made ({error.strerror}); make it, or name another") from error
    if not os.access(path, os.R_OK | os.W_OK | os.X_OK):
        raise ValueError(f"the folder {path} cannot be written by this user; give it write permission")


def _webots(home: Path | None) -> None:
    if home is None:
        return
    if not (home / "webots").is_file():
        raise ValueError(f"there is no file {home / 'webots'}; name the folder that Webots was installed in")
    if not os.access(home / "webots", os.X_OK):
        raise ValueError(f"{home / 'webots'} may not be executed by this user; give it execute permission")


def _key_file(path: Path) -> None:
    try:
        key = path.read_text("utf-8").partition("\n")[0].strip()
    except FileNotFoundError as error:
        raise ValueError(f"there is no file {path}; put the host's key into its first line") from error
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"the key in {path} cannot be read ({error}); make it readable for this user") from error
    if not key:
        raise ValueError(f"the first line of {path} is empty; put the host's key there")


def _keys(folder: Path) -> None:
    _own_folder(folder) if folder == state_directory() / "keys" else _readable_folder(folder)
    for path in sorted(folder.iterdir()):
        if path.is_file():
            _key_file(path)


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
    listen: tuple[str, ...] = _option("", _endpoints)
    server: str = _option("localhost", _host_name)
    logDir: Path | None = _option("", _optional_path, _own_folder)

    @property
    def endpoints(self) -> tuple[str, ...]:
        """The endpoint strings to listen on."""
        return self.listen or (f"tcp:{self.port}",)

    @property
    def public_port(self) -> int:
        """The TCP port that people are told of."""
        listed = re.match(r"tcp6?:(?:port=)?([0-9]+)", self.listen[0]) if self.listen else None
        return int(listed.group(1)) if listed else self.port

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

    port: int = _option("1999", _port)
    simulationServers: tuple[ServerAddress, ...] = _option("localhost:2000", _servers)
    pollIntervalSeconds: float = _option("5", _seconds)
    pollTimeoutSeconds: float = _option("4", _seconds)


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

    port: int = _option("2000", _port)
    webotsHome: Path | None = _option("$WEBOTS_HOME", _webots_home, _webots)
    projectsDir: Path = _option("", _projects_dir, _readable_folder)
    keyDir: Path = _option("$STATE_DIRECTORY/keys", _path, _keys)
    hostPorts: frozenset[int] = _option("80, 443, 8080", _ports)
    instancesDir: Path = _option("$STATE_DIRECTORY/instances", _path, _own_folder)
    maxConnections: int = _option("100", _integer(1, 10000))
    maxArchiveMegabytes: int = _option("100", _integer(1, 100000))
    maxProjectMegabytes: int = _option("500", _integer(1, 100000))
    maxProjectFiles: int = _option("10000", _integer(1, 100000))
    monitorLogEnabled: bool = _option("no", _yes_or_no)
    requestTimeoutSeconds: float = _option("10", _seconds)
    fetchTimeoutSeconds: float = _option("60", _seconds)
    startTimeoutSeconds: float = _option("60", _seconds)
    endTimeoutSeconds: float = _option("5", _seconds)

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

    port: int = _option("8080", _port)
    dataDir: Path = _option("$STATE_DIRECTORY/host", _path, _own_folder)
    keyFile: Path = _option("$STATE_DIRECTORY/keys/localhost", _path, _key_file)
    sessionServer: str = _option("", _websocket_url)
    quotaMegabytes: int = _option("10", _integer(1, 100000))


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


@attrs.frozen
class Mistake:
    """One thing wrong in a configuration.

    @ivar line: its line in the file, from 1; C{None} where the file does not mention it.
    """

    file: str
    line: int | None
    section: str
    option: str
    what: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        names = " ".join(name for name in (f"[{self.section}]" if self.section else "", self.option) if name)
        return f"{place}: {names}: {self.what}" if names else f"{place}: {self.what}"


class ConfigError(Exception):
    """The configuration has mistakes; its text has a line for each of them.

    @ivar mistakes: all that were found.
    """

    def __init__(self, mistakes: Sequence[Mistake]) -> None:
        super().__init__("\n".join(str(mistake) for mistake in mistakes))
        self.mistakes = tuple(mistakes)


def read_config(
    file: Path | None, sections: Sequence[type[ServerConfig]], prepare: Callable[[Config], None] = _nothing_to_check
) -> Config:
    """Read a configuration.

    @param file: the INI file; C{None}: only defaults.
    @param sections: those that this process uses: files and folders are looked at for them only.
    @param prepare: called when all is well but for the file system, to make what a first start lacks.
    @raise ConfigError: with every mistake that was found.
    """
    name = str(file) if file else "built-in defaults"
    reading = _Reading(name, _read_text(file) if file else "")
    config = reading.config()
    reading.complain()
    prepare(config)
    for section in sections:
        reading.check(getattr(config, section.section))
    reading.complain()
    return config


def _read_text(file: Path) -> str:
    try:
        return file.read_text("utf-8")
    except OSError as error:
        what = f"the configuration cannot be read ({error.strerror}); name a file that is there and readable"
    except UnicodeDecodeError:
        what = "the configuration is not UTF-8 text; save it as UTF-8"
    raise ConfigError([Mistake(str(file), None, "", "", what)])


class _Reading:
    """One file being read: its options in lower case, where they stand, and the mistakes so far."""

    def __init__(self, name: str, text: str) -> None:
        self._name = name
        self._mistakes: list[Mistake] = []
        self._lines = _line_numbers(text)
        self._given: dict[str, dict[str, str]] = {}
        self._parse(text)

    def complain(self) -> None:
        if self._mistakes:
            raise ConfigError(sorted(self._mistakes, key=lambda mistake: mistake.line or sys.maxsize))

    def config(self) -> Config:
        known = {section.section for section in SECTIONS}
        for name in self._given:
            if name not in known:
                self._mistake(name, "", f"there is no such section; the sections are {', '.join(sorted(known))}")
        return Config(*(self._section(section) for section in SECTIONS))

    def check(self, section: ServerConfig) -> None:
        for field in attrs.fields(type(section)):
            try:
                field.metadata["check"](getattr(section, field.name))
            except (ValueError, OSError) as error:
                self._mistake(section.section, field.name, str(error))
        for option, what in section.contradictions():
            self._mistake(section.section, option, what)

    def _parse(self, text: str) -> None:
        parser = configparser.ConfigParser(interpolation=None, default_section="")
        try:
            parser.read_string(text, self._name)
        except configparser.DuplicateSectionError as error:
            self._mistake_at(error.lineno, error.section, "", "the section is there twice; make it one")
        except configparser.DuplicateOptionError as error:
            self._mistake_at(error.lineno, error.section, error.option, "the option is there twice; remove one")
        except configparser.MissingSectionHeaderError as error:
            self._mistake_at(error.lineno, "", "", "a section must come first, for instance [simulation]")
        except configparser.ParsingError as error:
            for line, _ in error.errors:
                self._mistake_at(line, "", "", "this is no option; write OPTION = VALUE")
        for name in parser.sections():
            self._given.setdefault(name.lower(), {}).update(parser.items(name))

    def _section(self, section: type[ServerConfig]) -> Any:
        given = {option: value.strip() for option, value in self._given.get(section.section, {}).items()}
        for option, what in NOT_IN_THIS_VERSION[section.section].items():
            if given.pop(option.lower(), ""):
                self._mistake(section.section, option, what)
        values: dict[str, Any] = {}
        for field in attrs.fields(section):
            text = given.pop(field.name.lower(), field.metadata["default"])
            try:
                values[field.name] = field.metadata["parse"](text)
            except ValueError as error:
                self._mistake(section.section, field.name, str(error))
        for option in given:
            self._mistake(section.section, option, _no_such_option(section, option))
        return None if self._mistakes else section(**values)

    def _mistake(self, section: str, option: str, what: str) -> None:
        self._mistake_at(self._lines.get((section, option.lower())), section, option, what)

    def _mistake_at(self, line: int | None, section: str, option: str, what: str) -> None:
        self._mistakes.append(Mistake(self._name, line, section, option, what))


def _no_such_option(section: type[ServerConfig], option: str) -> str:
    elsewhere = [other.section for other in SECTIONS if option in {field.name.lower() for field in attrs.fields(other)}]
    if elsewhere:
        return f"there is no such option here; it belongs to [{elsewhere[0]}]"
    return f"there is no such option; there are {', '.join(sorted(field.name for field in attrs.fields(section)))}"


def _line_numbers(text: str) -> dict[tuple[str, str], int]:
    """Find where each section (option C{""}) and each option stands, by the rules of C{configparser}."""
    lines: dict[tuple[str, str], int] = {}
    section = ""
    for number, line in enumerate(text.splitlines(), 1):
        header = re.match(r"\[([^]]+)\]", line)
        option = re.match(r"([^\s#;=:][^=:]*?)\s*[=:]", line)
        if header:
            section = header.group(1).lower()
            lines.setdefault((section, ""), number)
        elif option:
            lines.setdefault((section, option.group(1).lower()), number)
    return lines


class ConfigOptions(usage.Options):
    """The command line of all servers: C{--config FILE}.

    @cvar sections: those that the server uses.
    @ivar config: the configuration, after C{parseOptions}.
    """

    sections: ClassVar[Sequence[type[ServerConfig]]]
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
            _exit(error)


def _exit(error: ConfigError) -> NoReturn:
    sys.stderr.write(f"{error}\n")
    raise SystemExit(EX_CONFIG)
