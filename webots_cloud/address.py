"""Where a simulation server is: read from the configuration, asked for its load, and given to clients."""

from __future__ import annotations

import re
from ipaddress import IPv4Network, IPv6Address, IPv6Network

import attrs

Network = IPv4Network | IPv6Network

_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_NAME = re.compile(rf"{_LABEL}(?:\.{_LABEL})*", re.IGNORECASE | re.ASCII)
_ADDRESS = re.compile(
    r"(?:(?P<scheme>https?)://)?(?P<host>\[[^\]]*\]|[^/:]+)(?::(?P<port>[0-9]{1,5}))?(?:/(?P<path>[0-9]{1,5}))?/?"
)


@attrs.frozen
class ServerAddress:
    """A simulation server's address.

    @ivar secure: whether it is spoken to over TLS; C{None}: as the session server itself, which L{settled} decides.
    @ivar location: ``HOST:PORT``, or ``HOST/PORT`` behind a rewriting web server; without a trailing slash, as
        clients append ``/client`` (docs/protocol.md section 1).
    """

    secure: bool | None
    location: str

    def settled(self, secure: bool) -> ServerAddress:
        """Give the address as it is for a session server that encrypts, or does not."""
        return ServerAddress(secure, self.location) if self.secure is None else self

    @property
    def load_url(self) -> str:
        """The URL that answers with the load in percent."""
        return f"http{self._s}://{self.location}/load"

    @property
    def monitor_url(self) -> str:
        """The URL of the page for people."""
        return f"http{self._s}://{self.location}/monitor"

    @property
    def websocket_url(self) -> str:
        """What a client is given."""
        return f"ws{self._s}://{self.location}"

    @property
    def _s(self) -> str:
        return "s" if self.secure else ""

    def __str__(self) -> str:
        return self.location


def is_host_name(text: str) -> bool:
    """Tell whether a text is a host name or an IP address; one of version 6 stands in brackets."""
    if re.fullmatch(r"\[[0-9A-Fa-f:.]+\]", text):
        try:
            IPv6Address(text[1:-1])
        except ValueError:
            return False
        return True
    return len(text) <= 253 and _NAME.fullmatch(text) is not None


def parse_address(text: str) -> ServerAddress:
    """Read a server's address.

    @param text: C{HOST:PORT} (encrypted or not, as the session server is), C{HOST/PORT} (behind a rewriting web server,
        which encrypts), or either with C{http://} or C{https://} before it.

    @raise ValueError: if C{text} is none of these; its message says what would be.
    """
    match = _ADDRESS.fullmatch(text)
    if match is None or not is_host_name(match["host"]):
        raise ValueError(f"{text!r} is not a server; write HOST:PORT, for instance simulation1.example.org:2000")
    scheme, host, port, path = match.group("scheme", "host", "port", "path")
    host = host.lower()
    if port is None and path is None and scheme is None:
        raise ValueError(f"{text!r} has no port; write {text}:2000")
    for number in (port, path):
        if number is not None and not 1 <= int(number) <= 65535:
            raise ValueError(f"{number} is not a port; ports go from 1 to 65535")
    secure = scheme == "https" if scheme else True if path else None
    return ServerAddress(secure, host + (f":{int(port)}" if port else "") + (f"/{int(path)}" if path else ""))
