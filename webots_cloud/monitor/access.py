"""Who may see what is for the operator: everybody, some networks, those who know a password, or either of these two."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import Any

from twisted.logger import Logger
from twisted.web.http import FORBIDDEN, UNAUTHORIZED
from twisted.web.resource import Resource

from webots_cloud.address import Network
from webots_cloud.attempts import Attempts
from webots_cloud.client_address import client_address, counted_as, is_trusted
from webots_cloud.secret import Secret

WRONG_PASSWORDS = 10
"""How many wrong passwords one address may give in L{SPAN_SECONDS}; then it is not asked any more."""

SPAN_SECONDS = 60.0

TOO_MANY_REQUESTS = 429
"""RFC 6585 section 4."""

CHALLENGE = b'Basic realm="webots-cloud monitor", charset="UTF-8"'


class Access:
    """Decides on each request for a page, its data or its WebSocket.

    Where there are both a password and networks, who comes from one of the networks needs no password.

    @ivar restricted: whether not everybody may see it.
    """

    _log = Logger()

    def __init__(
        self,
        seconds: Callable[[], float],
        password: Secret = Secret(""),
        networks: Sequence[Network] = (),
        proxies: Sequence[Network] = (),
    ) -> None:
        """Prepare to decide.

        @param seconds: the time.
        @param password: empty: none lets anybody in.
        @param networks: whose addresses are let in.
        @param proxies: the web servers in front, whose C{X-Forwarded-For} is believed.
        """
        self.restricted = bool(password or networks)
        self._password = password
        self._networks = tuple(networks)
        self._proxies = tuple(proxies)
        self._wrong = Attempts(seconds, WRONG_PASSWORDS, SPAN_SECONDS)

    def refusal(self, request: Any) -> bytes | None:
        """Tell whether a request may be answered.

        @return: C{None} if it may; else what to answer instead, whose status and headers are set.
        """
        if not self.restricted:
            return None
        # Pages of other websites may not read what their visitor may see.
        for name in ("access-control-allow-origin", "access-control-allow-headers", "access-control-allow-methods"):
            request.responseHeaders.removeHeader(name)
        if not _is_of_this_site(request):
            return _refused(request, FORBIDDEN, "Pages of other websites may not see this.")
        peer = str(getattr(request.client, "host", ""))
        forwarded = ",".join(request.requestHeaders.getRawHeaders("x-forwarded-for", []))
        try:
            address = client_address(peer, forwarded, self._proxies)
        except ValueError:
            # It came by a Unix socket, from a web server in front that cannot be in a network.
            return self._ask_for_password(request, "")
        if is_trusted(address, self._networks):
            return None
        return self._ask_for_password(request, str(counted_as(address)))

    def _ask_for_password(self, request: Any, who: str) -> bytes | None:
        if not self._password:
            return _refused(request, FORBIDDEN, "This is not to be seen from your network (monitorNetworks).")
        wait = self._wrong.wait_seconds(who)
        if wait > 0:
            request.setHeader("retry-after", str(int(wait) + 1))
            return _refused(request, TOO_MANY_REQUESTS, "There were too many wrong passwords; wait a minute.")
        given = _password_of(request)
        if given is not None and given.matches(self._password):
            return None
        if given is not None:
            self._wrong.add(who)
            self._log.warn("a wrong password for the monitor from {address}", address=who or "a web server in front")
        request.setHeader("www-authenticate", CHALLENGE)
        return _refused(request, UNAUTHORIZED, "This needs the password in monitorPassword; the user name may be any.")


class Guarded(Resource):
    """A resource that is seen by those only who may see it; C{answer} is asked then.

    All methods but C{GET} and C{HEAD} are refused by C{Resource} itself.
    """

    def __init__(self, access: Access) -> None:
        """Prepare to answer those who may see it."""
        Resource.__init__(self)
        self._access = access

    def render_GET(self, request: Any) -> bytes | int:
        """Answer, or refuse."""
        refusal = self._access.refusal(request)
        return self.answer(request) if refusal is None else refusal

    def render_HEAD(self, request: Any) -> bytes | int:
        """Answer without the body."""
        answer = self.render_GET(request)
        if isinstance(answer, int):
            return answer
        request.setHeader("content-length", str(len(answer)))
        return b""

    def answer(self, request: Any) -> bytes | int:
        """Give the body, or C{NOT_DONE_YET}."""
        raise NotImplementedError


def _password_of(request: Any) -> Secret | None:
    """Give the password of a request (RFC 7617); C{None} if it has none."""
    scheme, _, credentials = (request.getHeader(b"authorization") or b"").partition(b" ")
    if scheme.lower() != b"basic":
        return None
    try:
        _, colon, password = base64.b64decode(credentials.strip(), validate=True).partition(b":")
    except binascii.Error:
        return Secret("")
    return Secret(password.decode("utf-8", "replace") if colon else "")


def _is_of_this_site(request: Any) -> bool:
    """Tell whether a request comes from a page of the server itself, or from no page.

    Its scheme is not looked at: a web server in front may encrypt.
    """
    origin = request.getHeader(b"origin")
    if origin is None:
        return True
    scheme, separator, place = origin.lower().partition(b"://")
    default = {b"http": b":80", b"https": b":443"}.get(scheme, b"")
    host = (request.getHeader(b"host") or b"").lower()
    return bool(separator) and place.removesuffix(default) == host.removesuffix(default)


def _refused(request: Any, code: int, sentence: str) -> bytes:
    request.setResponseCode(code, b"Too Many Requests" if code == TOO_MANY_REQUESTS else None)
    request.setHeader("content-type", "text/plain; charset=utf-8")
    request.setHeader("cache-control", "no-store")
    request.setHeader("x-content-type-options", "nosniff")
    return f"{sentence}\n".encode()
