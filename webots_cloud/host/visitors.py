"""Who a visitor is: ids, the cookie by which we know a guest, and the tokens that say it to others; no I/O."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from typing import Any

import attrs

from webots_cloud.client_address import counted_as, read_address
from webots_cloud.host.refusals import TooManyGuests
from webots_cloud.secret import Secret

COOKIE = b"webots_guest"
COOKIE_SECONDS = 365 * 24 * 3600

GUESTS_PER_MINUTE = 60
"""How many guests may be made for one address; one web server in front of this one is one address."""

MAX_ADDRESSES = 10_000
"""How many addresses new guests may come from within a minute."""

_ID = re.compile(r"g[0-9a-f]{20}")


@attrs.frozen
class Visitor:
    """Somebody who may save files.

    @ivar id: letters and digits; names the visitor's folder.
    @ivar name: for people.
    @ivar authentication: what proves to a website host, by way of a simulation server, that it is this visitor.
    @ivar form_token: what a page of ours must know to change something in the visitor's name.
    """

    id: str
    name: str
    authentication: Secret
    form_token: Secret


class Visitors:
    """Makes guests and knows them again; nothing is stored for a guest who has not saved anything."""

    def __init__(self, reactor: Any, secret: Secret) -> None:
        """Prepare to meet visitors.

        @param reactor: provides C{IReactorTime}.
        @param secret: what cookies and tokens are signed with.
        """
        self._reactor = reactor
        self._secret = secret
        self._minute = 0
        self._guests: dict[str, int] = {}

    def new_guest(self, address: str) -> Visitor:
        """Make a guest.

        @param address: the network address that the request comes from.
        @raise TooManyGuests: if too many come from there.
        """
        self._count(household(address))
        return self._guest("g" + secrets.token_hex(10))

    def from_cookie(self, cookie: bytes | None) -> Visitor | None:
        """Know a guest again; C{None}: there is no cookie, or it is not ours."""
        visitor, _, signature = (cookie or b"").decode("ascii", "replace").partition(".")
        if not _ID.fullmatch(visitor) or not self._sign("cookie", visitor).matches(Secret(signature)):
            return None
        return self._guest(visitor)

    def cookie(self, visitor: Visitor) -> bytes:
        """Give the value of a guest's cookie."""
        return f"{visitor.id}.{self._sign('cookie', visitor.id).reveal()}".encode()

    def with_account(self, visitor: str, name: str, issue: str, session: str) -> Visitor:
        """Give a visitor who has logged in.

        @param issue: the account's; its tokens are good as long as it is the same.
        @param session: by which the session is known.
        """
        return Visitor(visitor, name, self._authentication(visitor, issue), self._sign("form", session))

    def is_authentic(self, visitor: str, authentication: Secret, issue: str = "") -> bool:
        """Tell whether an id came with its own token.

        @param issue: that of the visitor's account; empty: a guest has none.
        """
        return is_visitor(visitor) and self._authentication(visitor, issue).matches(authentication)

    def _guest(self, visitor: str) -> Visitor:
        return Visitor(visitor, f"Guest {visitor[1:5]}", self._authentication(visitor), self._sign("form", visitor))

    def _authentication(self, visitor: str, issue: str = "") -> Secret:
        return self._sign("authentication", f"{visitor}:{issue}" if issue else visitor)

    def _sign(self, purpose: str, visitor: str) -> Secret:
        message = f"{purpose}:{visitor}".encode()
        return Secret(hmac.new(self._secret.reveal().encode(), message, hashlib.sha256).hexdigest())

    def _count(self, network: str) -> None:
        minute = int(self._reactor.seconds() // 60)
        if minute != self._minute:
            self._minute = minute
            self._guests.clear()
        guests = self._guests.get(network, 0)
        if guests >= GUESTS_PER_MINUTE or (not guests and len(self._guests) >= MAX_ADDRESSES):
            raise TooManyGuests
        self._guests[network] = guests + 1


def is_visitor(text: str) -> bool:
    """Tell whether a text is an id, of whomever."""
    return _ID.fullmatch(text) is not None


def household(address: str) -> str:
    """Give what stands for all visitors of one address; of one of version 6, they have 64 bits of their own."""
    try:
        return str(counted_as(read_address(address)))
    except ValueError:
        return address
