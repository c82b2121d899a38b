"""The two scripts of docs/protocol.md section 6 as resources."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from twisted.logger import Logger

from webots_cloud.errors import ClientError
from webots_cloud.host.answering import Answering, address, is_from_this_site, say, still_here
from webots_cloud.host.archive import archive
from webots_cloud.host.bounds import MAX_BODY_BYTES, BoundedRequest
from webots_cloud.host.forms import field, read_form
from webots_cloud.host.recognition import Recognition
from webots_cloud.host.refusals import (
    ForeignPage,
    NoSuchDirectory,
    NotPost,
    TooLarge,
    WrongKey,
    WrongUser,
)
from webots_cloud.host.saving import Save, SavedFiles
from webots_cloud.host.streaming import InThread, send_blocks
from webots_cloud.host.versions import DataFolder, version
from webots_cloud.secret import Secret

NO_USER = ("", "0")
"""Ids that mean: no such user (docs/protocol.md section 2)."""


class Script(Answering):
    """Takes a form and answers it; what cannot be done is told as ``Error: ...`` with status 200, as clients expect."""

    def __init__(self, in_thread: InThread) -> None:
        """Prepare to answer.

        @param in_thread: where files are read.
        """
        super().__init__()
        self._in_thread = in_thread

    async def answer_form(self, request: BoundedRequest, form: Mapping[str, str]) -> None:
        """Answer a form.

        @param form: its fields, by name.
        @raise ClientError: what the client is told instead; only before anything was written.
        """
        raise NotImplementedError

    async def answer(self, request: BoundedRequest) -> None:
        """Read the form, and answer it."""
        form = await self._form(request)
        still_here(request)
        await self.answer_form(request, form)

    def refuse(self, request: BoundedRequest, error: ClientError) -> None:
        """Tell a client why there is no answer."""
        say(request, f"Error: {error}")

    async def _form(self, request: BoundedRequest) -> Mapping[str, str]:
        if request.method != b"POST":
            raise NotPost
        if request.too_large:
            raise TooLarge(limit=MAX_BODY_BYTES // 1024**2)
        content_type = (request.getHeader(b"content-type") or b"").decode("latin-1")
        return await self._in_thread(read_form, content_type, request.body.read())


class DownloadProject(Script):
    """C{download-project}: a project as a visitor has it, for simulation servers that know the key."""

    _log = Logger()

    def __init__(
        self, reactor: Any, in_thread: InThread, data: DataFolder, key: Secret, recognition: Recognition
    ) -> None:
        """Prepare to send projects.

        @param reactor: provides C{IReactorTime}.
        @param key: what a simulation server must know.
        """
        super().__init__(in_thread)
        self._reactor = reactor
        self._data = data
        self._key = key
        self._recognition = recognition

    async def answer_form(self, request: BoundedRequest, form: Mapping[str, str]) -> None:
        """Send the archive."""
        if not self._key.matches(Secret(field(form, "key"))):
            raise WrongKey
        project = field(form, "project")
        visitor = await self._user(form)
        files = await self._in_thread(version, self._data, project, visitor)
        if files is None:
            raise NoSuchDirectory(project=project)
        await send_blocks(self._reactor, request, archive(files), self._in_thread, "application/zip")
        self._log.info(
            "{project} was sent to {address} for {visitor}",
            project=project,
            address=address(request),
            visitor=visitor or "nobody in particular",
        )

    async def _user(self, form: Mapping[str, str]) -> str | None:
        visitor = form.get("user1Id", "")
        if visitor in NO_USER:
            return None
        if not await self._recognition.is_authentic(visitor, Secret(form.get("user1Authentication", ""))):
            raise WrongUser
        return visitor


class UploadFile(Script):
    """C{upload-file}: saves a controller file of the visitor whose page sends it."""

    def __init__(self, in_thread: InThread, saved: SavedFiles, recognition: Recognition) -> None:
        """Prepare to save files."""
        super().__init__(in_thread)
        self._saved = saved
        self._recognition = recognition

    async def answer_form(self, request: BoundedRequest, form: Mapping[str, str]) -> None:
        """Save the file."""
        if not is_from_this_site(request):
            raise ForeignPage
        dirname, filename, content = (field(form, name) for name in ("dirname", "filename", "content"))
        known = await self._recognition.visitor_of(request)
        await self._saved.save(Save(known.visitor.id, dirname, filename, content.encode()))
        say(request, "OK")
