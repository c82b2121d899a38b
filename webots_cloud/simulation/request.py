"""What a client asks for: its JSON messages as checked values (docs/protocol.md section 2); no I/O."""

from __future__ import annotations

import json
import re
from typing import Literal
from urllib.parse import urlsplit

import attrs

from webots_cloud.errors import BadName, BadRequest, GitHubNotSupported, RequestTooLong
from webots_cloud.secret import Secret

MAX_MESSAGE_BYTES = 64 * 1024
"""The longest message that a client may send."""

_HOST_NAME = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)(\.(?!-)[a-z0-9-]{1,63}(?<!-))*")
_PLAIN_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_. ()+-]{0,99}")
_DEFAULT_PORTS = {"http": 80, "https": 443}
_INIT_FIELDS = 9

Kind = Literal["project", "world", "controller"]


@attrs.frozen
class WebsiteHost:
    """Where a page comes from, and its project.

    @ivar scheme: C{http} or C{https}.
    @ivar name: host name in lower case, without C{www.}; also the name of its key file.
    @ivar port: TCP port.
    """

    scheme: str
    name: str
    port: int

    @property
    def url(self) -> str:
        """The URL without a trailing slash, with the port only where it is not the scheme's own."""
        return f"{self.scheme}://{self.name}" + ("" if self.port == _DEFAULT_PORTS[self.scheme] else f":{self.port}")

    def __str__(self) -> str:
        return self.url


@attrs.frozen
class User:
    """A user of the website host.

    @ivar authentication: what the user is logged in with; empty for a user who is only named.
    """

    id: str
    name: str
    authentication: Secret = Secret("")


@attrs.frozen
class StartRequest:
    """C{init}: an instance is asked for.

    @ivar project: name of the project, a plain name.
    @ivar world: file name of the world, C{NAME.wbt}.
    @ivar user1: the owner of the version to run; C{None}: the base project.
    @ivar user2: a second user, whose controller may run beside the first one's.
    @ivar custom_data: given to the host as it is.
    """

    host: WebsiteHost
    project: str
    world: str
    user1: User | None
    user2: User | None
    custom_data: str

    @property
    def may_edit(self) -> bool:
        """Whether controllers may be edited: the owner is logged in, or there is no owner."""
        return self.user1 is None or bool(self.user1.authentication)


@attrs.frozen
class ResetController:
    """C{reset controller}: a controller's file is to be put back as it was delivered."""

    controller: str
    file: str

    def __str__(self) -> str:
        return f"{self.controller}/{self.file}"


@attrs.frozen
class AllowBroadcast:
    """C{allowBroadcast}: whether others may watch."""

    allowed: bool


@attrs.frozen
class Extend:
    """C{extend}: the instance is to run for longer than it may."""


Request = StartRequest | ResetController | AllowBroadcast | Extend


def parse_message(payload: bytes) -> Request:
    """Read a client's message.

    @param payload: the bytes of one text message.
    @raise ClientError: if it is not one of docs/protocol.md section 2; says what is wrong with it.
    """
    if len(payload) > MAX_MESSAGE_BYTES:
        raise RequestTooLong(limit=MAX_MESSAGE_BYTES // 1024)
    try:
        message = json.loads(payload)
    except (ValueError, RecursionError) as error:
        raise BadRequest(what="it is not JSON") from error
    if not isinstance(message, dict) or len(message) != 1:
        raise BadRequest(what="it is not an object with one member")
    ((order, argument),) = message.items()
    if order == "init":
        return _start(argument)
    if order == "reset controller":
        return _reset(argument)
    if order == "allowBroadcast":
        return _allow_broadcast(argument)
    if order == "extend":
        return _extend(argument)
    if order == "start":
        raise GitHubNotSupported
    raise BadRequest(what="it asks neither to start nor to reset a controller")


def _start(fields: object) -> StartRequest:
    if not isinstance(fields, list) or len(fields) != _INIT_FIELDS:
        raise BadRequest(what=f"init does not have {_INIT_FIELDS} fields")
    host, project, world, id1, name1, authentication1, id2, name2, custom_data = map(_field, fields)
    return StartRequest(
        host=parse_host(host),
        project=_plain_name(project, "project"),
        world=_world_name(world),
        user1=_user(id1, name1, authentication1),
        user2=_user(id2, name2, ""),
        custom_data=custom_data,
    )


def _field(value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise BadRequest(what="a field of init is not text")
    text = str(value)
    if "\0" in text or (not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text)):
        raise BadRequest(what="a field of init is not text")
    return text


def _user(user_id: str, name: str, authentication: str) -> User | None:
    return None if user_id in ("", "0") else User(user_id, name, Secret(authentication))


def parse_host(text: str) -> WebsiteHost:
    """Read the URL of a website host.

    @raise BadName: if C{text} is not C{http(s)://NAME[:PORT]}; addresses are refused, as keys belong to names.
    """
    try:
        parts = urlsplit(text)
        default_port = _DEFAULT_PORTS[parts.scheme]
        port = parts.port or default_port
    except (ValueError, KeyError) as error:
        raise BadName(name=_without_secrets(text), kind="website") from error
    name = (parts.hostname or "").removeprefix("www.")
    location = parts.netloc.lower()
    if (
        not re.fullmatch(r"[!-~]+", text)
        or location not in {f"{www}{name}{end}" for www in ("", "www.") for end in ("", f":{port}")}
        or parts.path not in ("", "/")
        or parts.query
        or parts.fragment
        or len(name) > 253
        or not _HOST_NAME.fullmatch(name)
        or not name.rpartition(".")[2][0].isalpha()
    ):
        raise BadName(name=_without_secrets(text), kind="website")
    return WebsiteHost(parts.scheme, name, port)


def parse_origin(text: str) -> WebsiteHost | None:
    """Read a WebSocket C{Origin} (RFC 6454); C{None} where it is not one that a website host can have."""
    try:
        return parse_host(text)
    except BadName:
        return None


def _without_secrets(url: str) -> str:
    """Leave out what may be a password, and a query, in which there may be anything."""
    return re.split("[?#]", re.sub(r"//[^/]*@", "//", url))[0]


def _plain_name(name: str, kind: Kind) -> str:
    if not _PLAIN_NAME.fullmatch(name):
        raise BadName(name=name, kind=kind)
    return name


def _world_name(name: str) -> str:
    if not name.endswith(".wbt"):
        raise BadName(name=name, kind="world")
    return _plain_name(name, "world")


def _reset(argument: object) -> ResetController:
    if not isinstance(argument, str):
        raise BadRequest(what="the controller to reset is not text")
    controller, slash, file = argument.partition("/")
    if not slash or not _PLAIN_NAME.fullmatch(controller) or not _PLAIN_NAME.fullmatch(file):
        raise BadName(name=argument, kind="controller file")
    return ResetController(controller, file)


def _allow_broadcast(argument: object) -> AllowBroadcast:
    if not isinstance(argument, bool):
        raise BadRequest(what="allowBroadcast is neither true nor false")
    return AllowBroadcast(argument)


def _extend(argument: object) -> Extend:
    if argument is not True:
        raise BadRequest(what="extend is not true")
    return Extend()
