"""What the pages of accounts ask for: signing up, logging in and out, another password, an end (docs/protocol.md)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from twisted.logger import Logger

from webots_cloud.host.accounts import Account
from webots_cloud.host.answering import JSON, AnsweringInJson, address, is_from_this_site, say, still_here
from webots_cloud.host.bounds import BoundedRequest
from webots_cloud.host.doors import Doors
from webots_cloud.host.names import account_name
from webots_cloud.host.passwords import check_password
from webots_cloud.host.recognition import Known
from webots_cloud.host.refusals import (
    BadName,
    BadRequestBody,
    HasAccount,
    NameTaken,
    NoAccount,
    NoSignUp,
    WrongFormToken,
    WrongPassword,
)
from webots_cloud.host.saving import SavedFiles
from webots_cloud.host.visitors import Visitor
from webots_cloud.secret import Secret

TOKEN_HEADER = "x-csrf-token"  # noqa: S105 -- where the token is, not the token

MAX_JSON_BYTES = 16 * 1024
"""How long the body of such a request may be."""


class AccountRequest(AnsweringInJson):
    """Takes an object in JSON, whose values are texts, from a page of this site that knows the visitor's token."""

    _log = Logger()

    def __init__(self, doors: Doors) -> None:
        """Prepare to answer."""
        super().__init__()
        self._doors = doors

    async def do(self, request: BoundedRequest, known: Known, fields: Mapping[str, str]) -> dict[str, Any]:
        """Do what is asked for, and give the answer.

        @param known: whose request it is.
        @raise ClientError: if it cannot be done.
        """
        raise NotImplementedError

    async def answer(self, request: BoundedRequest) -> None:
        """See whose request it is, and that a page of ours makes it; then do it."""
        if request.method != b"POST":
            raise BadRequestBody(what="its method is not POST")
        if not is_from_this_site(request):
            raise WrongFormToken("from another site")
        fields = _fields(request)
        known = await self._doors.recognition.known(request)
        token = Secret(request.getHeader(TOKEN_HEADER) or "")
        if known is None or not known.visitor.form_token.matches(token):
            raise WrongFormToken
        answer = await self.do(request, known, fields)
        still_here(request)
        say(request, json.dumps(answer), JSON)


class SignUp(AccountRequest):
    """C{name}, C{newPassword}: makes an account of the guest, who keeps all that was saved, and logs in."""

    async def do(self, request: BoundedRequest, known: Known, fields: Mapping[str, str]) -> dict[str, Any]:
        """Make an account."""
        if not self._doors.sign_up:
            raise NoSignUp
        if known.session is not None:
            raise HasAccount
        name, password = account_name(_text(fields, "name")), Secret(_text(fields, "newPassword"))
        check_password(password, name.shown)
        self._doors.count_sign_up(address(request))
        if await self._doors.accounts.named(name) is not None:
            raise NameTaken
        kept = await self._doors.passwords.kept(password)
        account = await self._doors.accounts.make(known.visitor.id, name, kept)
        return {"user": as_json(await self._doors.let_in(request, account, None), True)}


class LogIn(AccountRequest):
    """C{name}, C{password}: begins a session; what was saved as a guest stays with the guest."""

    async def do(self, request: BoundedRequest, known: Known, fields: Mapping[str, str]) -> dict[str, Any]:
        """Begin a session."""
        try:
            name = account_name(_text(fields, "name"))
        except BadName as error:
            # Nobody has it, and nobody is told more of it than of any other.
            raise WrongPassword from error
        account = await self._doors.accounts.named(name)
        account = await self._doors.prove(name, account, Secret(_text(fields, "password")), address(request))
        return {"user": as_json(await self._doors.let_in(request, account, known.session), True)}


class LogOut(AccountRequest):
    """Ends the session."""

    async def do(self, request: BoundedRequest, known: Known, fields: Mapping[str, str]) -> dict[str, Any]:
        """End it."""
        if known.session is not None:
            await self._doors.sessions.end(known.session)
        self._doors.recognition.forget(request)
        return {}


class ChangePassword(AccountRequest):
    """C{password}, C{newPassword}: gives the account another one; all its other sessions end."""

    async def do(self, request: BoundedRequest, known: Known, fields: Mapping[str, str]) -> dict[str, Any]:
        """Change it."""
        account = await _proved(self._doors, request, known, fields)
        password = Secret(_text(fields, "newPassword"))
        check_password(password, account.name)
        changed = await self._doors.accounts.change_password(account, await self._doors.passwords.kept(password))
        return {"user": as_json(await self._doors.let_in(request, changed, None), True)}


class DeleteAccount(AccountRequest):
    """C{password}: deletes the account with everything saved."""

    async def do(self, request: BoundedRequest, known: Known, fields: Mapping[str, str]) -> dict[str, Any]:
        """Delete it."""
        await self._doors.accounts.delete(await _proved(self._doors, request, known, fields))
        self._doors.recognition.forget(request)
        return {}


class Restore(AccountRequest):
    """C{project}, and C{file} or not: lets go of the visitor's own version; for guests as well."""

    def __init__(self, doors: Doors, saved: SavedFiles) -> None:
        """Prepare to answer."""
        AccountRequest.__init__(self, doors)
        self._saved = saved

    async def do(self, request: BoundedRequest, known: Known, fields: Mapping[str, str]) -> dict[str, Any]:
        """Let go of it."""
        await self._saved.restore(known.visitor.id, _text(fields, "project"), fields.get("file"))
        return {}


def as_json(visitor: Visitor, account: bool) -> dict[str, Any]:
    """Give what a page is to know of its visitor.

    @param account: whether it is an account's, rather than a guest.
    """
    return {
        "id": visitor.id,
        "name": visitor.name,
        "authentication": visitor.authentication.reveal(),
        "account": account,
        "formToken": visitor.form_token.reveal(),
    }


async def _proved(doors: Doors, request: BoundedRequest, known: Known, fields: Mapping[str, str]) -> Account:
    """Give the account of a visitor who has typed its password once more."""
    if known.session is None:
        raise NoAccount
    account = known.session.account
    return await doors.prove(account_name(account.name), account, Secret(_text(fields, "password")), address(request))


def _fields(request: BoundedRequest) -> Mapping[str, str]:
    kind = (request.getHeader("content-type") or "").partition(";")[0].strip().lower()
    if kind != JSON.decode():
        # Anything else could come from a form of another site without its browser asking first.
        raise BadRequestBody(what="it is not JSON")
    body = request.body.read(MAX_JSON_BYTES + 1)
    if request.too_large or len(body) > MAX_JSON_BYTES:
        raise BadRequestBody(what="it is too long")
    try:
        fields = json.loads(body.decode("utf-8"), object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        raise BadRequestBody(what="it is not JSON") from error
    if not isinstance(fields, dict) or not all(isinstance(value, str) for value in fields.values()):
        raise BadRequestBody(what="it is not an object of texts")
    return fields


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(dict(pairs)) != len(pairs):
        raise ValueError("a name is there twice")
    return dict(pairs)


def _text(fields: Mapping[str, str], name: str) -> str:
    """Give a field that must be there, and be text that can be written down."""
    text = fields.get(name)
    if text is None:
        raise BadRequestBody(what=f"{name} is missing")
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise BadRequestBody(what=f"{name} is no text") from error
    return text
