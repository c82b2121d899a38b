"""The two scripts of docs/protocol.md section 6 as resources, and the bounded way in which they read and answer."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Request

from webots_cloud.errors import ClientError
from webots_cloud.host.archive import archive
from webots_cloud.host.bounds import MAX_BODY_BYTES, BoundedRequest
from webots_cloud.host.forms import field, read_form
from webots_cloud.host.refusals import (
    Broken,
    ForeignPage,
    NoSuchDirectory,
    NotPost,
    TooLarge,
    WrongKey,
    WrongUser,
)
from webots_cloud.host.saving import Save, SavedFiles
from webots_cloud.host.streaming import BlockSender, ClientGone, InThread
from webots_cloud.host.versions import DataFolder, version
from webots_cloud.host.visitors import COOKIE, COOKIE_SECONDS, Visitor, Visitors
from webots_cloud.secret import Secret

NO_USER = ("", "0")
"""Ids that mean: no such user (docs/protocol.md section 2)."""


class Script(Resource):
    """Takes a form and answers it; what cannot be done is told as ``Error: ...`` with status 200, as clients expect."""

    isLeaf = True
    _log = Logger()

    def __init__(self, in_thread: InThread) -> None:
        """Prepare to answer.

        @param in_thread: where files are read.
        """
        Resource.__init__(self)
        self._in_thread = in_thread

    async def answer(self, request: BoundedRequest, form: Mapping[str, str]) -> None:
        """Answer a form.

        @param form: its fields, by name.
        @raise ClientError: what the client is told instead; only before anything was written.
        """
        raise NotImplementedError

    def render(self, request: Any) -> int:
        """Answer; errors of ours are logged, and the client is told that there was one."""
        request.notifyFinish().addErrback(lambda reason: None)
        Deferred.fromCoroutine(self._respond(request)).addErrback(self._failed, request)
        return NOT_DONE_YET

    async def _respond(self, request: BoundedRequest) -> None:
        try:
            form = await self._form(request)
            _still_here(request)
            await self.answer(request, form)
        except ClientError as error:
            self._log.info(
                "{path} refused for {address}: {error} {detail}",
                path=request.path.decode("ascii", "replace"),
                address=address(request),
                error=error,
                detail=error.detail,
            )
            say(request, f"Error: {error}")
        except ClientGone:
            self._log.info("{address} went away before it had its answer", address=address(request))
            request.abort()

    async def _form(self, request: BoundedRequest) -> Mapping[str, str]:
        if request.method != b"POST":
            raise NotPost
        if request.too_large:
            raise TooLarge(limit=MAX_BODY_BYTES // 1024**2)
        content_type = (request.getHeader(b"content-type") or b"").decode("latin-1")
        return await self._in_thread(read_form, content_type, request.body.read())

    def _failed(self, failure: Any, request: BoundedRequest) -> None:
        self._log.failure("{path} failed", failure, path=request.path.decode("ascii", "replace"))
        if request.startedWriting:
            request.abort()
        else:
            say(request, f"Error: {Broken()}")


class DownloadProject(Script):
    """C{download-project}: a project as a visitor has it, for simulation servers that know the key."""

    def __init__(self, reactor: Any, in_thread: InThread, data: DataFolder, key: Secret, visitors: Visitors) -> None:
        """Prepare to send projects.

        @param reactor: provides C{IReactorTime}.
        @param key: what a simulation server must know.
        """
        super().__init__(in_thread)
        self._reactor = reactor
        self._data = data
        self._key = key
        self._visitors = visitors

    async def answer(self, request: BoundedRequest, form: Mapping[str, str]) -> None:
        """Send the archive."""
        if not self._key.matches(Secret(field(form, "key"))):
            raise WrongKey
        project = field(form, "project")
        visitor = self._user(form)
        files = await self._in_thread(version, self._data, project, visitor)
        if files is None:
            raise NoSuchDirectory(project=project)
        await self._send(request, files)
        self._log.info(
            "{project} was sent to {address} for {visitor}",
            project=project,
            address=address(request),
            visitor=visitor or "nobody in particular",
        )

    def _user(self, form: Mapping[str, str]) -> str | None:
        visitor = form.get("user1Id", "")
        if visitor in NO_USER:
            return None
        if not self._visitors.is_authentic(visitor, Secret(form.get("user1Authentication", ""))):
            raise WrongUser
        return visitor

    async def _send(self, request: Request, files: Mapping[str, Path]) -> None:
        _still_here(request)
        request.setHeader(b"content-type", b"application/zip")
        await BlockSender(self._reactor, request, archive(files), self._in_thread).send()
        _still_here(request)
        request.finish()


class UploadFile(Script):
    """C{upload-file}: saves a controller file of the visitor whose page sends it."""

    def __init__(self, in_thread: InThread, saved: SavedFiles, visitors: Visitors) -> None:
        """Prepare to save files."""
        super().__init__(in_thread)
        self._saved = saved
        self._visitors = visitors

    async def answer(self, request: BoundedRequest, form: Mapping[str, str]) -> None:
        """Save the file."""
        if not _from_this_site(request):
            raise ForeignPage
        dirname, filename, content = (field(form, name) for name in ("dirname", "filename", "content"))
        visitor = visitor_of(request, self._visitors)
        await self._saved.save(Save(visitor.id, dirname, filename, content.encode()))
        say(request, "OK")


def visitor_of(request: Request, visitors: Visitors) -> Visitor:
    """Tell whose request this is; somebody new becomes a guest.

    @raise TooManyGuests: if too many new ones come from there.
    """
    known = visitors.from_cookie(request.getCookie(COOKIE))
    if known is not None:
        return known
    guest = visitors.new_guest(address(request))
    request.addCookie(
        COOKIE,
        visitors.cookie(guest),
        path="/",
        max_age=str(COOKIE_SECONDS),
        secure=request.isSecure(),
        httpOnly=True,
        sameSite="strict",
    )
    return guest


def address(request: Request) -> str:
    """Give the network address that a request came from."""
    return str(getattr(request.client, "host", "local"))


def say(request: Request, text: str, content_type: bytes = b"text/plain; charset=utf-8") -> None:
    """Answer with a text, if there is still somebody to hear it."""
    if request.channel is None:
        return
    body = text.encode("utf-8", "replace")
    request.setHeader(b"content-type", content_type)
    request.setHeader(b"content-length", b"%d" % len(body))
    request.write(body)
    request.finish()


def _still_here(request: Request) -> None:
    """Look after the client, who may have gone whenever something was waited for."""
    if request.channel is None:
        raise ClientGone


def _from_this_site(request: BoundedRequest) -> bool:
    """Tell whether a browser says that another site's page sends this; programs that are no browsers say nothing."""
    try:
        host = request.getHeader("host")
        sender = request.getHeader("origin") or request.getHeader("referer")
        return sender is None or urlsplit(sender).netloc.lower() == (host or "").lower()
    except ValueError:
        return False
