"""Where a project comes from: this machine's base projects, the website host, or one laid over the other."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import attrs

from webots_cloud.errors import BadArchive, NoSuchProject, NoSuchWorld
from webots_cloud.simulation.archive import Limits, unpack
from webots_cloud.simulation.blocking import BlockingWork, GoOn
from webots_cloud.simulation.folder import InstanceFolder, copy_tree, disk_space_is_finite
from webots_cloud.simulation.request import StartRequest, User
from webots_cloud.simulation.website_host import HostClient


class ProjectSource(Protocol):
    """Something that projects come from."""

    def check(self, request: StartRequest) -> None:
        """Tell at once, without contacting anybody, whether the request may be served.

        @raise ClientError: if it may not.
        """

    async def deliver(self, request: StartRequest, folder: InstanceFolder, work: BlockingWork) -> None:
        """Bring a project into a folder that has just been created; may be cancelled.

        @raise ClientError: if there is no such project or world, or it cannot be taken.
        """


@attrs.frozen
class BaseAndHost:
    """The base project, with a user's own version from the website host laid over it (docs/protocol.md section 6).

    Where this machine has no base project, the host is asked for it.

    @ivar projects: base projects, one folder each.
    @ivar host: asks website hosts.
    @ivar limits: what a project may have when unpacked.
    """

    projects: Path
    host: HostClient
    limits: Limits

    def check(self, request: StartRequest) -> None:
        """Check that the host has a key, as nobody else may have instances here."""
        self.host.keys.key_for(request.host)

    async def deliver(self, request: StartRequest, folder: InstanceFolder, work: BlockingWork) -> None:
        """Bring the base project, then the user's version of it."""
        self.check(request)
        base = self.projects / request.project
        has_base = base.is_dir()
        if has_base:
            await work.start(copy_tree, base, folder.project, self.limits.bytes, self.limits.files)
        else:
            has_base = await self._download(request, None, folder, work)
        await work.start(_keep_original, folder)
        has_own = request.user1 is not None and await self._download(request, request.user1, folder, work)
        if not has_base and not has_own:
            raise NoSuchProject(project=request.project, host=request.host)
        await work.start(_complete, folder, request)

    async def _download(
        self, request: StartRequest, user: User | None, folder: InstanceFolder, work: BlockingWork
    ) -> bool:
        if not await self.host.download(request, user, folder.archive):
            return False
        await work.start(unpack, folder.archive, folder.project, self.limits, str(request.host))
        folder.archive.unlink()
        return True


def _keep_original(go_on: GoOn, folder: InstanceFolder) -> None:
    folder.keep_original(go_on)


def _complete(go_on: GoOn, folder: InstanceFolder, request: StartRequest) -> None:
    folder.keep_original(go_on)
    if not folder.has_world(request.world):
        raise NoSuchWorld(project=request.project, world=request.world)
    try:
        with disk_space_is_finite():
            (folder.project / "host.txt").write_text(request.host.url, "utf-8")
    except IsADirectoryError as error:
        raise BadArchive(host=request.host, reason="it has a folder named host.txt") from error
