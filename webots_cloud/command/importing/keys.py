"""The keys of the reference servers' configuration, and what has their place in ours."""

from __future__ import annotations

from collections.abc import Mapping

import attrs


@attrs.frozen
class Option:
    """A key that is an option of ours.

    @ivar name: the option's.
    @ivar secret: whether the value may be shown in the configuration only.
    """

    name: str
    secret: bool = False


@attrs.frozen
class Nothing:
    """A key that has no counterpart.

    @ivar why: and what to do instead.
    """

    why: str


@attrs.frozen
class Handled:
    """A key that changes what others mean; it is no option."""


Counterpart = Option | Nothing | Handled

_BOTH: Mapping[str, Counterpart] = {
    "port": Option("port"),
    "server": Option("server"),
    "sslCertificate": Option("sslCertificate"),
    "sslKey": Option("sslKey"),
    "ssl": Handled(),
    "logDir": Option("logDir"),
    "debug": Nothing("start the server with twist --log-level=debug instead"),
}

_NO_MULTIMEDIA = Nothing("pictures and video are not sent by a server of their own; pages draw scenes themselves")
_NO_GITHUB = Nothing("projects come from website hosts; those whose key is in keyDir may start simulations")

KEYS: Mapping[str, Mapping[str, Counterpart]] = {
    "session": {
        **_BOTH,
        "portRewrite": Handled(),
        "simulationServers": Option("simulationServers"),
        "administrator": Option("administrator"),
        "mailServer": Option("mailServer"),
        "mailServerPort": Option("mailServerPort"),
        "mailSender": Option("mailSender"),
        "mailSenderUser": Option("mailSenderUser"),
        "mailSenderPassword": Option("mailSenderPassword", secret=True),
    },
    "simulation": {
        **_BOTH,
        "fullyQualifiedDomainName": Option("server"),
        "portRewrite": Option("portRewrite"),
        "projectsDir": Option("projectsDir"),
        "webotsHome": Option("webotsHome"),
        "keyDir": Option("keyDir"),
        "monitorLogEnabled": Option("monitorLogEnabled"),
        "maxConnections": Option("maxConnections"),
        "timeout": Option("totalTimeoutSeconds"),
        "multimediaServer": _NO_MULTIMEDIA,
        "multimediaStream": _NO_MULTIMEDIA,
        "allowedRepositories": _NO_GITHUB,
        "blockedRepositories": _NO_GITHUB,
        "shareIdleTime": Nothing("the session server sends clients to the least loaded server by itself"),
        "notify": Nothing("the session server asks each server for its load by itself; list it in simulationServers"),
        "docker": Nothing("instances run in Firejail, see sandbox and network"),
    },
}
"""By section, the keys in docs/protocol.md's words."""
