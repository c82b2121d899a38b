"""What there is of each project below C{/projects}: what pages are told of it, its pictures, and all of it to keep."""

from __future__ import annotations

from collections import Counter
from typing import Any

from twisted.logger import Logger
from twisted.web import http
from twisted.web.resource import Resource
from twisted.web.server import Request

from webots_cloud.errors import ClientError
from webots_cloud.host.answering import Answering, address, say
from webots_cloud.host.archive import archive
from webots_cloud.host.bounds import BoundedRequest
from webots_cloud.host.catalogue import Catalogue
from webots_cloud.host.listing import NoSuchProject, ProjectJson, Sources
from webots_cloud.host.refusals import TooManyDownloads
from webots_cloud.host.streaming import send_blocks
from webots_cloud.host.versions import DataFolder, version
from webots_cloud.host.visitors import household
from webots_cloud.host.website import NOT_FOUND, NotFound, Pages

DOWNLOADS_OF_AN_ADDRESS = 8
"""How many archives may be sent to one address at once."""


class ProjectFiles(NotFound):
    """C{/projects}: C{NAME.json}, C{NAME.zip} and C{NAME/pictures/WORLD.jpg}."""

    def __init__(self, reactor: Any, data: DataFolder, sources: Sources) -> None:
        """Prepare to answer.

        @param reactor: provides C{IReactorTime}.
        """
        super().__init__()
        self._reactor = reactor
        self._data = data
        self._sources = sources
        self._downloads: Counter[str] = Counter()

    def getChild(self, path: bytes, request: Any) -> Any:
        """Find what a path is of."""
        name = path.decode("ascii", "replace")
        if request.postpath:
            return self._picture(name, [part.decode("ascii", "replace") for part in request.postpath])
        if name.endswith(".json"):
            return ProjectJson(self._sources, name.removesuffix(".json"))
        if name.endswith(".zip"):
            return ProjectZip(self._reactor, self._data, self._sources, self._downloads, name.removesuffix(".zip"))
        return NOT_FOUND

    def _picture(self, project: str, rest: list[str]) -> Any:
        if len(rest) != 2 or rest[0] != "pictures" or not rest[1].endswith(".jpg"):
            return NOT_FOUND
        return Picture(self._sources.catalogue, project, rest[1].removesuffix(".jpg"))


class Picture(Resource):
    """A picture that lies beside a world."""

    isLeaf = True

    def __init__(self, catalogue: Catalogue, project: str, world: str) -> None:
        """Prepare to send it."""
        Resource.__init__(self)
        self._catalogue = catalogue
        self._project = project
        self._world = world

    def render_GET(self, request: Any) -> Any:
        """Send it, unless the browser has it."""
        path = self._catalogue.picture(self._project, self._world)
        return Pages(str(path)).render_GET(request) if path else NOT_FOUND.render(request)

    render_HEAD = render_GET


class ProjectZip(Answering):
    """A project as the visitor has it, as an archive to keep, in a folder of its name."""

    _log = Logger()

    def __init__(self, reactor: Any, data: DataFolder, sources: Sources, downloads: Counter[str], project: str) -> None:
        """Prepare to send it.

        @param downloads: how many are being sent to each address.
        """
        super().__init__()
        self._reactor = reactor
        self._data = data
        self._sources = sources
        self._downloads = downloads
        self._project = project

    async def answer(self, request: BoundedRequest) -> None:
        """Send it."""
        if request.method != b"GET":
            raise NoSuchProject(project=self._project)
        who = household(address(request))
        if self._downloads[who] >= DOWNLOADS_OF_AN_ADDRESS:
            raise TooManyDownloads(limit=DOWNLOADS_OF_AN_ADDRESS)
        self._downloads[who] += 1
        try:
            await self._send(request)
        finally:
            self._downloads[who] -= 1
            # Nothing is kept of an address that has none left.
            self._downloads += Counter()

    def refuse(self, request: BoundedRequest, error: ClientError) -> None:
        """Tell why there is none."""
        request.setResponseCode(getattr(error, "status", http.SERVICE_UNAVAILABLE))
        say(request, f"Error: {error}")

    async def _send(self, request: Request) -> None:
        known = await self._sources.recognition.known(request)
        visitor = known and known.visitor.id
        files = await self._sources.in_thread(version, self._data, self._project, visitor)
        if files is None:
            raise NoSuchProject(project=self._project)
        request.setHeader(b"cache-control", b"no-store")
        request.setHeader(b"content-disposition", f'attachment; filename="{self._project}.zip"'.encode())
        blocks = archive({f"{self._project}/{name}": path for name, path in files.items()})
        await send_blocks(self._reactor, request, blocks, self._sources.in_thread, "application/zip")
        self._log.info("{project} was downloaded by {visitor}", project=self._project, visitor=visitor or "somebody")
