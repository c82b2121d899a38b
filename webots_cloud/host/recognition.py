"""Tells whose request it is: that of an account's session, of a guest who was here before, or of somebody new."""

from __future__ import annotations

import attrs
from twisted.web.server import Request

from webots_cloud.host.accounts import Accounts
from webots_cloud.host.answering import address
from webots_cloud.host.sessions import SESSION_SECONDS, Session, Sessions
from webots_cloud.host.visitors import COOKIE, COOKIE_SECONDS, Visitor, Visitors, is_visitor
from webots_cloud.secret import Secret

SESSION_COOKIE = b"webots_session"


@attrs.frozen
class Known:
    """Whose request it is.

    @ivar session: C{None}: the visitor is a guest.
    """

    visitor: Visitor
    session: Session | None = None


class Recognition:
    """Knows visitors by their cookies, and gives them these."""

    def __init__(self, visitors: Visitors, accounts: Accounts, sessions: Sessions) -> None:
        """Prepare to meet visitors."""
        self._visitors = visitors
        self._accounts = accounts
        self._sessions = sessions

    async def known(self, request: Request) -> Known | None:
        """Tell whose request it is; C{None}: that of somebody new."""
        token = request.getCookie(SESSION_COOKIE)
        session = await self._sessions.find(Secret(token.decode("latin-1"))) if token else None
        if session is not None:
            return Known(self._logged_in(session), session)
        guest = self._visitors.from_cookie(request.getCookie(COOKIE))
        # Who has an account must log in: the cookie of the guest that its visitor once was says nothing any more.
        return None if guest is None or await self._accounts.has_had(guest.id) else Known(guest)

    async def visitor_of(self, request: Request) -> Known:
        """Tell whose request it is; somebody new becomes a guest.

        @raise TooManyGuests: if too many new ones come from there.
        """
        known = await self.known(request)
        if known is not None:
            return known
        guest = self._visitors.new_guest(address(request))
        _give_cookie(request, COOKIE, self._visitors.cookie(guest), COOKIE_SECONDS)
        return Known(guest)

    async def is_authentic(self, visitor: str, authentication: Secret) -> bool:
        """Tell whether an id came with its own token."""
        if not is_visitor(visitor):
            return False
        account = await self._accounts.of(visitor)
        if account is None and await self._accounts.has_had(visitor):
            return False
        return self._visitors.is_authentic(visitor, authentication, account.issue if account else "")

    def remember(self, request: Request, token: Secret, session: Session) -> Visitor:
        """Let a visitor who has just logged in be known from now on, and no more as the guest that signed up.

        @param token: that of the session.
        """
        _give_cookie(request, SESSION_COOKIE, token.reveal().encode(), SESSION_SECONDS)
        guest = self._visitors.from_cookie(request.getCookie(COOKIE))
        if guest is not None and guest.id == session.account.visitor:
            _give_cookie(request, COOKIE, b"", 0)
        return self._logged_in(session)

    def forget(self, request: Request) -> None:
        """Let a visitor who has logged out be a guest."""
        _give_cookie(request, SESSION_COOKIE, b"", 0)

    def _logged_in(self, session: Session) -> Visitor:
        account = session.account
        return self._visitors.with_account(account.visitor, account.name, account.issue, session.digest)


def _give_cookie(request: Request, name: bytes, value: bytes, seconds: int) -> None:
    request.addCookie(
        name,
        value,
        path="/",
        max_age=str(seconds),
        secure=request.isSecure(),
        httpOnly=True,
        sameSite="strict",
    )
