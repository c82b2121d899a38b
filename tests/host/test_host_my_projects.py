"""What a visitor has saved: listed, restored, and downloaded; for guests and for those with an account."""

from __future__ import annotations

import io
import json
import os
import sqlite3
import time
from contextlib import closing
from ipaddress import ip_network
from pathlib import Path
from typing import Any, cast
from zipfile import ZipFile

from tests.host.running import HostCase
from tests.host.test_host_accounts import AccountCase, Browser
from webots_cloud.host.project_files import DOWNLOADS_OF_AN_ADDRESS

DRIVE_PATH = "simple/controllers/drive/drive.py"


class MyProjects(AccountCase):
    def setUp(self) -> None:
        AccountCase.setUp(self)
        self.write(self.data / "projects/maze/worlds/maze.wbt", "maze")
        self.write(self.data / "projects/maze/controllers/run/run.py", "base run")
        self.write(self.data / "projects/maze/project.ini", "[project]\ntitle = The maze\n")

    async def saved(self, browser: Browser) -> dict[str, list[str]]:
        told = await browser.read("/account/saved.json")
        return {entry["project"]["name"]: [file["name"] for file in entry["saved"]] for entry in told["projects"]}

    async def writer(self) -> Browser:
        """A guest who has saved two files of one project and one of another."""
        browser = await self.guest()
        assert await browser.upload() == "OK"
        assert await browser.upload(filename="more.py", content="more of mine") == "OK"
        assert await browser.upload(dirname="maze/controllers/run", filename="run.py", content="my run") == "OK"
        return browser

    async def test_what_was_saved_is_listed_with_when_and_how_much(self) -> None:
        before = int(time.time())
        browser = await self.writer()
        told = await browser.read("/account/saved.json")
        assert (told["used"], told["quota"]) == (4 + 12 + 6, 1_000_000)
        maze, simple = told["projects"]
        assert (maze["project"]["title"], simple["project"]["title"]) == ("The maze", "simple")
        assert [(file["name"], file["size"]) for file in simple["saved"]] == [
            ("controllers/drive/drive.py", 4),
            ("controllers/drive/more.py", 12),
        ]
        for file in (*maze["saved"], *simple["saved"]):
            assert before <= file["saved"] <= time.time()

    async def test_a_page_of_one_project_is_told_of_it_and_of_the_visitors_version(self) -> None:
        browser = await self.writer()
        told = await browser.read("/projects/maze.json")
        assert told["project"]["title"] == "The maze"
        assert [file["name"] for file in told["saved"]] == ["controllers/run/run.py"]
        assert told["user"]["id"] == browser.user["id"]
        assert (await (await self.guest()).read("/projects/maze.json"))["saved"] == []

    async def test_a_project_that_is_not_there_is_not_found(self) -> None:
        for path in ("/projects/absent.json", "/projects/..json", "/projects/.json", "/projects/%2e%2e%2fkey.json"):
            response, body = await self.get(path)
            assert response.code == 404, path
            assert "There is no project" in json.loads(body)["error"]

    async def test_one_file_goes_back_to_the_original(self) -> None:
        browser = await self.writer()
        await browser.done("restore", {"project": "simple", "file": "controllers/drive/drive.py"})
        assert (await self.saved(browser)) == {
            "maze": ["controllers/run/run.py"],
            "simple": ["controllers/drive/more.py"],
        }
        files = await self.download(user1Name="", **browser.identity)
        assert files["controllers/drive/drive.py"] == "base controller"
        assert files["controllers/drive/more.py"] == "more of mine"

    async def test_a_whole_project_goes_back_to_the_original_and_the_others_stay(self) -> None:
        browser = await self.writer()
        await browser.done("restore", {"project": "simple"})
        assert (await self.saved(browser)) == {"maze": ["controllers/run/run.py"]}
        assert not (self.own(browser) / "projects/simple").exists()
        assert "controllers/drive/more.py" not in await self.download(**browser.identity)
        assert (await browser.read("/account/saved.json"))["used"] == 6

    async def test_what_was_restored_may_be_saved_again(self) -> None:
        browser = await self.writer()
        await browser.done("restore", {"project": "simple"})
        assert await browser.upload(content="again") == "OK"
        assert (await self.download(**browser.identity))["controllers/drive/drive.py"] == "again"

    async def test_only_what_one_has_saved_can_be_restored(self) -> None:
        browser, other = await self.writer(), await self.guest()
        for fields in (
            {"project": "simple", "file": "controllers/drive/../../../maze/controllers/run/run.py"},
            {"project": "simple", "file": "worlds/simple.wbt"},
            {"project": "simple", "file": ""},
            {"project": ".."},
            {"project": ""},
            {"project": "%"},
            {"project": "simple' OR '1'='1"},
        ):
            assert "no version of your own" in (await browser.refused("restore", fields))["error"]
        await other.refused("restore", {"project": "simple"})
        assert len(await self.saved(browser)) == 2
        assert (self.data / "projects/simple/worlds/simple.wbt").exists()

    async def test_links_in_a_visitors_folder_do_not_lead_a_restoring_out(self) -> None:
        browser = await self.writer()
        folder, elsewhere = self.own(browser) / "projects/simple", self.folder / "elsewhere"
        self.write(elsewhere / "controllers/drive/drive.py", "of somebody else")
        folder.rename(self.folder / "aside")
        folder.symlink_to(elsewhere)
        refused = await browser.refused("restore", {"project": "simple"})
        assert "cannot save files" in refused["error"]
        assert (elsewhere / "controllers/drive/drive.py").read_text() == "of somebody else"
        assert (await browser.read("/account/saved.json"))["used"] == 22

    async def test_a_file_that_is_gone_from_the_disk_can_be_let_go_of(self) -> None:
        browser = await self.writer()
        (self.own(browser) / "projects/simple/controllers/drive/drive.py").unlink()
        await browser.done("restore", {"project": "simple"})
        assert list(await self.saved(browser)) == ["maze"]

    async def test_versions_of_a_project_that_is_offered_no_more_are_listed_still(self) -> None:
        browser = await self.writer()
        (self.data / "projects/maze").rename(self.folder / "aside")
        told = await browser.read("/account/saved.json")
        assert told["projects"][0]["project"] == {
            "name": "maze",
            "title": "maze",
            "description": "",
            "worlds": [],
            "world": "",
            "pictures": [],
        }
        await browser.done("restore", {"project": "maze"})
        assert list(await self.saved(browser)) == ["simple"]


class Downloads(AccountCase):
    async def zip_of(self, browser: Browser | None = None, project: str = "simple") -> dict[str, str]:
        response, body = await self.get(f"/projects/{project}.zip", cookies=browser.cookies if browser else {})
        assert response.headers.getRawHeaders("content-type") == ["application/zip"], body
        assert response.headers.getRawHeaders("cache-control") == ["no-store"]
        disposition = response.headers.getRawHeaders("content-disposition")
        assert disposition == [f'attachment; filename="{project}.zip"']
        with ZipFile(io.BytesIO(body)) as archive:
            return {name: archive.read(name).decode() for name in archive.namelist()}

    async def test_a_visitor_gets_the_own_version_over_the_original_in_a_folder(self) -> None:
        ada = await self.ada()
        assert await ada.upload() == "OK"
        base = {"simple/controllers/drive/drive.py": "base controller", "simple/worlds/simple.wbt": "base world"}
        assert await self.zip_of(ada) == {**base, "simple/controllers/drive/drive.py": "mine"}
        assert await self.zip_of() == base
        response, _ = await self.get("/projects/simple.zip")
        assert not response.headers.hasHeader("set-cookie")

    async def test_what_is_not_there_cannot_be_downloaded(self) -> None:
        for path in ("/projects/absent.zip", "/projects/..zip", "/projects/.zip", "/projects/%2e%2e%2fdata.zip"):
            response, body = await self.get(path)
            assert response.code == 404, path
            assert str(self.folder).encode() not in body

    async def test_one_address_gets_a_bounded_number_at_once(self) -> None:
        (self.data / "projects/simple/large").write_bytes(os.urandom(8_000_000))
        slow = []
        for _ in range(DOWNLOADS_OF_AN_ADDRESS):
            raw = await self.connect(b"GET /projects/simple.zip HTTP/1.1\r\nHost: localhost\r\n\r\n")
            await raw.begun
            cast(Any, raw.transport).pauseProducing()
            slow.append(raw)
        response, body = await self.get("/projects/simple.zip")
        assert response.code == 503
        assert b"downloading 8 projects at once" in body
        gone = self.logged("went away")
        cast(Any, slow[0].transport).abortConnection()
        await gone
        assert len(await self.zip_of_large()) == 3

    async def zip_of_large(self) -> list[str]:
        _, body = await self.get("/projects/simple.zip")
        with ZipFile(io.BytesIO(body)) as archive:
            return archive.namelist()


class Pictures(HostCase):
    def setUp(self) -> None:
        HostCase.setUp(self)
        self.picture = self.data / "projects/simple/worlds/.simple.jpg"
        self.picture.write_bytes(b"\xff\xd8 a picture")

    async def test_a_picture_beside_a_world_is_shown(self) -> None:
        _, body = await self.get("/projects.json")
        assert json.loads(body)["projects"][0]["pictures"] == ["simple.wbt"]
        response, body = await self.get("/projects/simple/pictures/simple.jpg")
        assert (response.code, body) == (200, b"\xff\xd8 a picture")
        assert response.headers.getRawHeaders("content-type") == ["image/jpeg"]
        tag = response.headers.getRawHeaders("etag")[0]
        again, body = await self.get("/projects/simple/pictures/simple.jpg", headers={"If-None-Match": tag})
        assert (again.code, body) == (304, b"")

    async def test_nothing_else_of_a_project_is_shown(self) -> None:
        self.write(self.data / "projects/simple/worlds/.other.jpg.secret", "secret")
        (self.data / "projects/simple/worlds/.link.jpg").symlink_to(self.folder / "key")
        for path in (
            "/projects/simple/pictures/absent.jpg",
            "/projects/simple/pictures/link.jpg",
            "/projects/simple/pictures/simple.wbt",
            "/projects/simple/pictures/",
            "/projects/simple/pictures/..%2f..%2f..%2f..%2fkey.jpg",
            "/projects/simple/worlds/simple.wbt",
            "/projects/simple/pictures/simple.jpg/more",
            "/projects/%2e%2e/pictures/simple.jpg",
            "/projects/simple",
            "/projects/",
            "/projects",
        ):
            response, body = await self.get(path)
            assert response.code == 404, path
            assert b"sesame" not in body


class BehindAWebServer(HostCase):
    async def test_an_address_that_says_that_it_is_others_is_not_believed(self) -> None:
        await self.get("/projects/absent.json", headers={"X-Forwarded-For": "192.0.2.7"})
        assert [line for line in self.log if "/projects/absent.json refused for 127.0.0.1" in line]


class BehindATrustedWebServer(HostCase):
    options = {"trustedProxies": (ip_network("127.0.0.0/8"),)}  # noqa: RUF012 -- nobody changes it

    async def test_visitors_have_the_addresses_that_it_tells(self) -> None:
        await self.get("/projects/absent.json", headers={"X-Forwarded-For": "198.51.100.1, 192.0.2.7"})
        assert [line for line in self.log if "/projects/absent.json refused for 192.0.2.7" in line]


class EarlierDataBases(AccountCase):
    earlier = "g0123456789abcdef0123"

    def start(self, static: Path) -> None:
        """Begin with a data base of the first version, in which a guest has saved a file."""
        with closing(sqlite3.connect(self.data / "visitors.sqlite")) as connection:
            connection.executescript(
                "CREATE TABLE visitors (id TEXT PRIMARY KEY, first_saved TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP);"
                "CREATE TABLE files (visitor TEXT NOT NULL REFERENCES visitors(id), name TEXT NOT NULL,"
                " bytes INTEGER NOT NULL, PRIMARY KEY (visitor, name));"
            )
            connection.execute("INSERT INTO visitors (id) VALUES (?)", (self.earlier,))
            connection.execute("INSERT INTO files VALUES (?, ?, ?)", (self.earlier, DRIVE_PATH, 7))
            connection.commit()
        AccountCase.start(self, static)

    async def test_what_was_saved_is_there_still_and_more_can_be_saved(self) -> None:
        assert self.rows("SELECT visitor, name, bytes, saved FROM files") == [(self.earlier, DRIVE_PATH, 7, 0)]
        browser = await self.guest()
        assert await browser.upload() == "OK"
        assert (await browser.read("/account/saved.json"))["used"] == 4
