"""What the demo site's pages need to know: the projects, the visitor, and what the visitor has saved."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from itertools import groupby
from typing import Any

import attrs
from twisted.logger import Logger
from twisted.web import http

from webots_cloud.host.account_requests import as_json
from webots_cloud.host.answering import JSON, AnsweringInJson, address, say, still_here
from webots_cloud.host.bounds import BoundedRequest
from webots_cloud.host.catalogue import Catalogue, Project
from webots_cloud.host.recognition import Recognition
from webots_cloud.host.refusals import BadRequestBody, NoSuchDirectory, TooManyGuests
from webots_cloud.host.saving import SavedFile, SavedFiles
from webots_cloud.host.streaming import InThread


@attrs.frozen
class Sources:
    """Where it is known from.

    @ivar session_server: a WebSocket URL; empty: the page takes the one of the host it came from.
    @ivar sign_up: whether visitors may make accounts.
    """

    in_thread: InThread
    catalogue: Catalogue
    recognition: Recognition
    saved: SavedFiles
    session_server: str
    sign_up: bool


class Listing(AnsweringInJson):
    """Tells pages something, and a visitor's identity with it."""

    _log = Logger()

    def __init__(self, sources: Sources) -> None:
        """Prepare to answer."""
        super().__init__()
        self._sources = sources

    async def tell(self, visitor: str | None) -> Mapping[str, Any]:
        """Give what is told beside that.

        @param visitor: the visitor's id; C{None}: there is none.
        @raise ClientError: if it cannot be told.
        """
        raise NotImplementedError

    async def answer(self, request: BoundedRequest) -> None:
        """Answer in JSON."""
        if request.method not in (b"GET", b"HEAD"):
            raise BadRequestBody(what="its method is not GET")
        user = await self._user(request)
        told = await self.tell(user["id"] if user else None)
        site = {"sessionServer": self._sources.session_server, "signUp": self._sources.sign_up}
        text = await self._sources.in_thread(json.dumps, {**site, **told, "user": user})
        still_here(request)
        say(request, text, JSON)

    async def _user(self, request: BoundedRequest) -> dict[str, Any] | None:
        try:
            known = await self._sources.recognition.visitor_of(request)
        except TooManyGuests as error:
            self._log.warn("{address} gets no user: {error}", address=address(request), error=error)
            return None
        return as_json(known.visitor, known.session is not None)


class ProjectsJson(Listing):
    """C{/projects.json}: all projects."""

    async def tell(self, visitor: str | None) -> Mapping[str, Any]:
        """List them."""
        return {"projects": await self._sources.in_thread(self._projects)}

    def _projects(self) -> list[dict[str, Any]]:
        return [attrs.asdict(project) for project in self._sources.catalogue.projects()]


class ProjectJson(Listing):
    """C{/projects/NAME.json}: one project, and the visitor's own version of it."""

    def __init__(self, sources: Sources, name: str) -> None:
        """Prepare to answer."""
        Listing.__init__(self, sources)
        self._name = name

    async def tell(self, visitor: str | None) -> Mapping[str, Any]:
        """Tell of it."""
        project = await self._sources.in_thread(self._sources.catalogue.project, self._name)
        if project is None:
            raise NoSuchProject(project=self._name)
        files = await self._sources.saved.list(visitor) if visitor else ()
        return {
            "project": attrs.asdict(project),
            "saved": [_file_as_json(file) for file in files if file.project == self._name],
        }


class SavedJson(Listing):
    """C{/account/saved.json}: all projects of which the visitor has a version, and how much of the quota that is."""

    async def tell(self, visitor: str | None) -> Mapping[str, Any]:
        """List them."""
        files = await self._sources.saved.list(visitor) if visitor else ()
        return {
            "quota": self._sources.saved.quota,
            "used": sum(file.size for file in files),
            "projects": await self._sources.in_thread(self._projects, files),
        }

    def _projects(self, files: Iterable[SavedFile]) -> list[dict[str, Any]]:
        return [
            {
                "project": _project_as_json(self._sources.catalogue.project(name), name),
                "saved": list(map(_file_as_json, own)),
            }
            for name, own in groupby(files, lambda file: file.project)
        ]


class NoSuchProject(NoSuchDirectory):
    """There is no such project."""

    sentence = "There is no project {project} on this website."
    status = http.NOT_FOUND


def _project_as_json(project: Project | None, name: str) -> dict[str, Any]:
    """Give a project as pages get it; one that is no more has a name and no worlds."""
    return attrs.asdict(project or Project(name, name, "", (), ""))


def _file_as_json(file: SavedFile) -> dict[str, Any]:
    return {"name": file.name, "size": file.size, "saved": file.saved}
