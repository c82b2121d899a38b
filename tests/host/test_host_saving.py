"""Saving controllers within a quota."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import Any, cast

import attrs
import pytest
from twisted.internet import reactor as _reactor
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.task import Clock
from twisted.trial.unittest import TestCase

from webots_cloud.errors import ClientError
from webots_cloud.host.database import Database
from webots_cloud.host.refusals import BadFile, DiskFull, NoSuchControllerFolder, QuotaExceeded, TooManyFiles
from webots_cloud.host.saving import MAX_FILES, Save, SavedFiles
from webots_cloud.host.versions import DataFolder

reactor = cast(Any, _reactor)
QUOTA = 1_000_000
VISITOR = "g0123456789abcdef0123"
DRIVE = Save(VISITOR, "simple/controllers/drive", "drive.py", b"mine")


def new_folder(test: TestCase) -> Path:
    folder = tempfile.TemporaryDirectory()
    test.addCleanup(folder.cleanup)
    return Path(folder.name)


class SavingFiles(TestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.data = DataFolder(new_folder(self))
        controllers = self.data.projects / "simple/controllers"
        (controllers / "drive/folder").mkdir(parents=True)
        (controllers / "file").write_text("no folder")
        (controllers / "linked").symlink_to(controllers / "drive")
        self.data.incoming.mkdir()
        self.saved = self.opened()

    def opened(self) -> SavedFiles:
        database = Database(reactor, self.data.database)
        self.addCleanup(database.stopService)
        return SavedFiles(self.clock, self.data, database, QUOTA)

    def own(self, name: str = "simple/controllers/drive/drive.py", visitor: str = VISITOR) -> Path:
        return self.data.own_projects(visitor) / name

    def files(self) -> list[str]:
        """All files of visitors, and those that are not complete."""
        return [name for top in ("user", "incoming") for _, _, names in os.walk(self.data.root / top) for name in names]

    async def refused(self, error: type[ClientError], **changes: Any) -> None:
        with pytest.raises(error):
            await self.saved.save(attrs.evolve(DRIVE, **changes))

    async def test_a_file_is_saved_for_its_visitor(self) -> None:
        await self.saved.save(DRIVE)
        assert self.own().read_bytes() == b"mine"
        assert self.files() == ["drive.py"]
        assert (self.data.root / "user").stat().st_mode & 0o777 == 0o700

    async def test_a_file_is_replaced(self) -> None:
        await self.saved.save(DRIVE)
        await self.saved.save(attrs.evolve(DRIVE, content=b"better"))
        assert self.own().read_bytes() == b"better"
        assert self.files() == ["drive.py"]

    async def test_visitors_have_files_and_quotas_of_their_own(self) -> None:
        other = "gffffffffffffffffffff"
        await self.saved.save(attrs.evolve(DRIVE, content=b"x" * QUOTA))
        await self.saved.save(attrs.evolve(DRIVE, visitor=other, content=b"other"))
        assert self.own().stat().st_size == QUOTA
        assert self.own(visitor=other).read_bytes() == b"other"

    async def test_more_than_the_quota_is_refused_and_changes_nothing(self) -> None:
        await self.saved.save(DRIVE)
        await self.refused(QuotaExceeded, content=b"x" * (QUOTA + 1))
        await self.refused(QuotaExceeded, filename="other.py", content=b"x" * (QUOTA - 3))
        assert self.own().read_bytes() == b"mine"
        assert self.files() == ["drive.py"]

    async def test_replacing_a_file_counts_the_difference(self) -> None:
        for _ in range(3):
            await self.saved.save(attrs.evolve(DRIVE, content=b"x" * QUOTA))
        await self.saved.save(attrs.evolve(DRIVE, content=b"x"))
        await self.saved.save(attrs.evolve(DRIVE, filename="other.py", content=b"x" * (QUOTA - 1)))

    async def test_the_quota_holds_over_a_restart(self) -> None:
        await self.saved.save(attrs.evolve(DRIVE, content=b"x" * QUOTA))
        self.saved = self.opened()
        await self.refused(QuotaExceeded, filename="other.py")

    async def test_of_two_at_once_that_exceed_the_quota_together_one_is_saved(self) -> None:
        # Two processes could do this, too, so each has a connection to the data base of its own.
        half = QUOTA // 2 + 1
        saving = [
            Deferred.fromCoroutine(
                saved.save(attrs.evolve(DRIVE, filename=f"{number}.py", content=b"x" * half))
            ).addBoth(lambda outcome: getattr(outcome, "value", outcome))
            for number, saved in enumerate([self.saved, self.opened()])
        ]
        outcomes = cast("list[object]", await gatherResults(saving))
        assert sorted(type(outcome).__name__ for outcome in outcomes) == ["NoneType", "QuotaExceeded"]
        assert len(self.files()) == 1

    async def test_of_two_at_once_to_the_same_file_one_wins_whole(self) -> None:
        contents = [letter * 300_000 for letter in (b"a", b"b", b"c", b"d")]
        await gatherResults(
            [
                Deferred.fromCoroutine(saved.save(attrs.evolve(DRIVE, content=content)))
                for content, saved in zip(contents, [self.saved, self.opened()] * 2, strict=True)
            ]
        )
        assert self.own().read_bytes() in contents
        assert self.files() == ["drive.py"]

    async def test_empty_files_are_bounded_in_number(self) -> None:
        for number in range(MAX_FILES):
            await self.saved.save(attrs.evolve(DRIVE, filename=f"{number}.py", content=b""))
        await self.refused(TooManyFiles, filename="another.py")
        await self.saved.save(attrs.evolve(DRIVE, filename="0.py", content=b"replaced"))

    async def test_only_controllers_of_existing_projects_can_be_saved(self) -> None:
        for dirname in (
            "absent/controllers/drive",
            "simple/controllers/absent",
            "simple/controllers/file",
            "simple/controllers/linked",
            "simple/worlds/drive",
            "../projects/controllers/drive",
            "simple/controllers/..",
            "simple/controllers/drive\0",
            "/simple/controllers/drive",
            "",
        ):
            await self.refused(NoSuchControllerFolder, dirname=dirname)
        assert self.files() == []

    async def test_only_plain_names_can_be_saved(self) -> None:
        for filename in ("", ".", "..", ".bashrc", "a/b", "../drive.py", "a\0", "x" * 65, "a b", "folder"):
            await self.refused(BadFile, filename=filename)
        assert self.files() == []

    async def test_symbolic_links_in_a_visitors_folder_are_not_followed(self) -> None:
        await self.saved.save(DRIVE)
        elsewhere = self.data.root / "elsewhere"
        elsewhere.mkdir()
        folder = self.own().parent
        while folder != self.data.root:
            folder.rename(self.data.root / "aside")
            folder.symlink_to(elsewhere)
            await self.refused(DiskFull)
            folder.unlink()
            (self.data.root / "aside").rename(folder)
            folder = folder.parent
        assert list(elsewhere.iterdir()) == []

    async def test_a_file_that_is_a_symbolic_link_is_replaced_not_written_through(self) -> None:
        await self.saved.save(DRIVE)
        target = self.data.root / "target"
        target.write_text("stays")
        self.own().unlink()
        self.own().symlink_to(target)
        await self.saved.save(attrs.evolve(DRIVE, content=b"new"))
        assert target.read_text() == "stays"
        assert self.own().read_bytes() == b"new"

    async def test_a_file_that_cannot_be_written_is_not_counted(self) -> None:
        shutil.rmtree(self.data.incoming)
        await self.refused(DiskFull, content=b"x" * QUOTA)
        self.data.incoming.mkdir()
        (self.data.root / "user").write_text("in the way")
        await self.refused(DiskFull, content=b"x" * QUOTA)
        (self.data.root / "user").unlink()
        await self.saved.save(attrs.evolve(DRIVE, filename="other.py", content=b"x" * QUOTA))
        assert self.files() == ["other.py"]
