"""The texts of options as values; each function says in its `ValueError` what is wrong and what would be right."""

from __future__ import annotations

import configparser
import os
import re
from collections.abc import Callable
from ipaddress import ip_network
from pathlib import Path

from twisted.internet.endpoints import serverFromString

from webots_cloud.address import Network, ServerAddress, is_host_name, parse_address
from webots_cloud.errors import quoted

_ENCRYPTED = {"ssl", "tls", "txacme", "le", "lets"}

ACME_DIRECTORIES = {
    "production": "https://acme-v02.api.letsencrypt.org/directory",
    "staging": "https://acme-staging-v02.api.letsencrypt.org/directory",
}
"""Let's Encrypt's; certificates of the second are for trying, and browsers do not trust them."""

_MAIL_NAME = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"

XVFB = "xvfb"
"""The display that stands for one of an instance's own."""

DEMO_PROJECTS = Path(__file__).parents[1] / "projects"


def state_directory() -> Path:
    """Where a server keeps what must survive a restart: systemd's C{StateDirectory}, or a folder of the user's.

    @raise ValueError: if the user has no home folder.
    """
    given = os.environ.get("STATE_DIRECTORY", "").split(":")[0]
    data_home = os.environ.get("XDG_DATA_HOME") or "~/.local/share"
    return Path(given) if given else _at_home(Path(data_home)) / "webots-cloud"


def integer(low: int, high: int) -> Callable[[str], int]:
    """Make a reader of whole numbers within bounds, both of which are allowed."""

    def parse(text: str) -> int:
        if not re.fullmatch(r"[0-9]{1,12}", text) or not low <= int(text) <= high:
            raise ValueError(f"{text!r} is not a whole number from {low} to {high}")
        return int(text)

    return parse


def port(text: str) -> int:
    """Read a TCP port."""
    if not re.fullmatch(r"[0-9]{1,9}", text) or not 1 <= int(text) <= 65535:
        raise ValueError(f"{text!r} is not a port; ports are whole numbers from 1 to 65535")
    return int(text)


def optional_port(text: str) -> int | None:
    """Read a TCP port, or none."""
    return port(text) if text else None


def ports(text: str) -> frozenset[int]:
    """Read a list of TCP ports: at least one."""
    ports = frozenset(port(item) for item in items(text))
    if not ports:
        raise ValueError("no port is given; write for instance 80, 443")
    return ports


def seconds(text: str) -> float:
    """Read a time in seconds, more than none."""
    if not re.fullmatch(r"[0-9]{1,6}(\.[0-9]{1,3})?", text) or not float(text):
        raise ValueError(f"{text!r} is not a number of seconds; write for instance 5 or 2.5")
    return float(text)


def yes_or_no(text: str) -> bool:
    """Read one of the words that an INI file has for yes and no."""
    value = configparser.ConfigParser.BOOLEAN_STATES.get(text.lower())
    if value is None:
        raise ValueError(f"{text!r} is neither yes nor no")
    return value


def one_of(*words: str) -> Callable[[str], str]:
    """Make a reader of one of some words."""

    def parse(text: str) -> str:
        if text.lower() not in words:
            raise ValueError(f"{text!r} is not one of {', '.join(words)}")
        return text.lower()

    return parse


def items(text: str) -> list[str]:
    """Split a list at commas and line ends."""
    return [item.strip() for item in re.split(r"[,\n]", text) if item.strip()]


def host_name(text: str) -> str:
    """Read a name, or an address, without a port."""
    if not is_host_name(text):
        raise ValueError(f"{text!r} is not a host name; write for instance simulation1.example.org, without a port")
    return text


def optional_host_name(text: str) -> str:
    """Read a name, or an address, without a port; it may be empty."""
    return host_name(text) if text else ""


def mail_address(text: str) -> str:
    """Read an address of somebody's mail, without a name before it; it may be empty."""
    name, _, host = text.rpartition("@")
    if text and not (len(name) <= 64 and re.fullmatch(_MAIL_NAME, name) and _is_mail_host(host)):
        raise ValueError(f"{text!r} is not an address for mail; write for instance admin@example.org")
    return text


def _is_mail_host(host: str) -> bool:
    return is_host_name(host) and not host.startswith("[") and not host.rpartition(".")[2].isdigit()


def mail_addresses(text: str) -> tuple[str, ...]:
    """Read a list of addresses of people's mail; it may be empty."""
    return tuple(dict.fromkeys(mail_address(item) for item in items(text)))


def text(text: str) -> str:
    """Take a text as it is."""
    return text


def acme_directory(text: str) -> str:
    """Read the URL of an authority's directory, or one of two words for those of Let's Encrypt."""
    url = ACME_DIRECTORIES.get(text.lower(), text)
    if not re.fullmatch(r"https://[!-~]+", url):
        raise ValueError(f"{text!r} is no authority; write production, staging, or the https:// URL of its directory")
    return url


def certifiable_names(text: str) -> tuple[str, ...]:
    """Read host names that an authority can see to lead here; there may be none."""
    names = tuple(item.lower() for item in items(text))
    for name in names:
        if name.startswith("*."):
            raise ValueError(f"{name!r} stands for many hosts, which no server can prove to be; name each of them")
        if not is_host_name(name) or name.startswith("[") or name.rpartition(".")[2].isdigit():
            raise ValueError(f"{name!r} is not a host name; write for instance simulation1.example.org")
    if len(set(names)) != len(names):
        raise ValueError("a name is given twice; give each of them once")
    return names


def servers(text: str) -> tuple[ServerAddress, ...]:
    """Read the addresses of simulation servers: at least one, none twice, not even once encrypted and once not."""
    servers = tuple(parse_address(item) for item in items(text))
    if not servers:
        raise ValueError("no simulation server is named; write for instance localhost:2000")
    if len({server.location for server in servers}) != len(servers):
        raise ValueError("a simulation server is named twice; name each of them once")
    return servers


def networks(text: str) -> tuple[Network, ...]:
    """Read a list of networks and addresses; it may be empty."""
    networks = []
    for item in items(text):
        try:
            networks.append(ip_network(item))
        except ValueError as error:
            raise ValueError(
                f"{item!r} is neither an address nor a network; write for instance 192.0.2.7 or 192.0.2.0/24"
            ) from error
    return tuple(networks)


def display(text: str) -> str:
    """Read an X display of this machine, or C{xvfb}; a variable that is not set stands for C{xvfb}."""
    if text == "$DISPLAY":
        text = os.environ.get("DISPLAY", "") or XVFB
    if text != XVFB and not re.fullmatch(r":[0-9]{1,5}(\.[0-9]{1,2})?", text):
        raise ValueError(f"{text!r} is not a display of this machine; write for instance :0, or {XVFB}")
    return text


def endpoints(text: str) -> tuple[str, ...]:
    """Read Twisted endpoint strings, none of which encrypts by itself; there may be none."""
    descriptions = tuple(items(text))
    for description in descriptions:
        # The second part may be the endpoint that the first one, as haproxy, wraps.
        if not _ENCRYPTED.isdisjoint(description.split(":")[:2]):
            raise ValueError(
                f"{description!r} has a certificate of its own; write tcp:PORT into tlsListen, and give sslCertificate "
                "and sslKey"
            )
        try:
            serverFromString(None, description)
        # Its parsers are plugins of whatever is installed, which raise what they like.
        except Exception as error:
            raise ValueError(
                f"{description!r} is not a Twisted endpoint ({quoted(error)}); write for instance "
                "tcp:1999:interface=127.0.0.1, or unix:/run/webots-cloud.sock"
            ) from error
        if (endpoint_port(description) or 0) > 65535:
            raise ValueError(f"{description!r} has no port to listen on; ports are whole numbers from 1 to 65535")
    return descriptions


def endpoint_port(description: str) -> int | None:
    """Give the TCP port of a Twisted endpoint string; C{None} if it listens elsewhere."""
    match = re.match(r"tcp[46]?:(?:[^:]*=[^:]*:)*?(?:port=)?([0-9]+)(?::|$)", description)
    return int(match.group(1)) if match else None


def websocket_url(text: str) -> str:
    """Read the URL of a session server; it may be empty."""
    address = _url(text, "ws", "ws://example.org:1999")
    return "" if address is None else address.websocket_url


def page_url(text: str) -> ServerAddress | None:
    """Read the URL of a session server as people type it; it may be empty."""
    return _url(text, "http", "https://example.org/1999")


def _url(text: str, scheme: str, example: str) -> ServerAddress | None:
    if not text:
        return None
    try:
        if not re.match(f"{scheme}s?://", text):
            raise ValueError(f"it begins with neither {scheme}:// nor {scheme}s://")
        return parse_address(text.replace(scheme, "http", 1))
    except ValueError as error:
        raise ValueError(f"{text!r} is not the URL of a session server; write for instance {example}") from error


def expand(text: str) -> Path:
    """Read a path, with C{~} and variables."""

    def variable(match: re.Match[str]) -> str:
        name = match.group(1) or match.group(2)
        if name == "STATE_DIRECTORY":
            return str(state_directory())
        if name not in os.environ:
            raise ValueError(f"the variable ${name} is not set; set it, or write the path in full")
        return os.environ[name]

    full = re.sub(r"\$(?:\{(\w+)\}|(\w+))", variable, text)
    if not full.isprintable():
        raise ValueError(f"{full!r} is not a path; write one, on one line")
    path = _at_home(Path(full))
    if not path.is_absolute():
        raise ValueError(f"{text!r} is a relative path; write it from / or ~ on")
    return path


def _at_home(path: Path) -> Path:
    """Put a home folder in the place of C{~} or C{~USER}."""
    try:
        return path.expanduser()
    except RuntimeError as error:
        raise ValueError(f"'{path}' has no home folder to begin with; write the path in full") from error


def path(text: str) -> Path:
    """Read a path that must be there."""
    if not text:
        raise ValueError("no path is given")
    return expand(text)


def optional_path(text: str) -> Path | None:
    """Read a path that may be empty."""
    return expand(text) if text else None


def optional_variable_path(text: str) -> Path | None:
    """Read a path that may be empty, or a variable that may not be set."""
    if re.fullmatch(r"\$\w+", text) and not os.environ.get(text[1:]):
        return None
    return optional_path(text)


def projects_dir(text: str) -> Path:
    """Read a folder of projects; empty stands for the demo projects."""
    return expand(text) if text else DEMO_PROJECTS


def webots_home(text: str) -> Path | None:
    """Read the folder of Webots; not set in the environment and empty stand for none."""
    return optional_variable_path(text)
