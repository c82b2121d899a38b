"""The website host over real sockets, as simulation servers, pages and strangers meet it."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import attrs
import pytest
from treq.testing import StubTreq
from twisted.internet.defer import Deferred, gatherResults, maybeDeferred
from twisted.internet.error import ConnectionDone
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.logger import ILogObserver, globalLogPublisher
from twisted.python.failure import Failure
from twisted.trial.unittest import TestCase
from twisted.web.http_headers import Headers
from twisted.web.resource import Resource
from twisted.web.server import Site

from tests.host.running import DOWNLOAD, DRIVE, UPLOAD, HostCase, cookie_of, reactor, request
from tests.open_files import open_paths
from webots_cloud.host.accounts import Accounts
from webots_cloud.host.ajax import DownloadProject
from webots_cloud.host.bounds import MAX_BODY_BYTES, MAX_UNREAD_BYTES, REQUEST_SECONDS
from webots_cloud.host.catalogue import Catalogue
from webots_cloud.host.database import Database
from webots_cloud.host.listing import ProjectsJson, Sources
from webots_cloud.host.recognition import Recognition
from webots_cloud.host.saving import SavedFiles
from webots_cloud.host.sessions import Sessions
from webots_cloud.host.streaming import InThread
from webots_cloud.host.versions import DataFolder
from webots_cloud.host.visitors import GUESTS_PER_MINUTE, Visitors
from webots_cloud.host.website import Website
from webots_cloud.secret import Secret


class Downloading(HostCase):
    async def test_the_base_project_is_sent_where_there_is_no_user(self) -> None:
        base = {"controllers/drive/drive.py": "base controller", "worlds/simple.wbt": "base world"}
        for no_user in ("", "0"):
            assert await self.download(user1Id=no_user, user1Authentication="whatever") == base
        assert await self.download() == base

    async def test_a_visitor_who_saved_a_controller_is_sent_it_in_the_project(self) -> None:
        who, cookie = await self.visit()
        assert (await self.download(**who))["controllers/drive/drive.py"] == "base controller"
        assert await self.told(UPLOAD, DRIVE, cookies=cookie) == "OK"
        assert await self.download(**who) == {"controllers/drive/drive.py": "mine", "worlds/simple.wbt": "base world"}
        assert (await self.download())["controllers/drive/drive.py"] == "base controller"

    async def test_both_spellings_are_understood(self) -> None:
        _, cookie = await self.visit()
        assert await self.told("/ajax/upload_file.php", DRIVE, cookies=cookie) == "OK"
        response, _ = await self.post("/ajax/download_project.php", {"project": "simple", "key": "sesame"})
        assert response.headers.getRawHeaders("content-type") == ["application/zip"]

    async def test_fields_that_are_not_used_are_let_through(self) -> None:
        who, _ = await self.visit()
        assert await self.download(**who, user2Id="", user2Name="", customData="{}", other="1")

    async def test_nothing_but_that_is_told_to_who_has_the_wrong_key(self) -> None:
        for key in ("wrong", "", "sesame ", "sesam\u00e9", "x" * 100_000):
            for project in ("simple", "absent"):
                assert await self.told(DOWNLOAD, {"project": project, "key": key}) == "Error: wrong key."

    async def test_a_key_in_the_address_is_not_taken_and_not_logged(self) -> None:
        answer = await self.told(f"{DOWNLOAD}?key=sesame", {"project": "simple"})
        assert answer == "Error: missing field: key."
        assert not [line for line in self.log if "sesame" in line]

    async def test_fields_that_lack_are_named(self) -> None:
        assert await self.told(DOWNLOAD, {"project": "simple"}) == "Error: missing field: key."
        assert await self.told(DOWNLOAD, {"key": "sesame"}) == "Error: missing field: project."

    async def test_a_project_that_is_not_there_is_no_directory(self) -> None:
        for project in ("absent", "..", "simple/worlds", "/etc", "simple\0", ".hidden", "x" * 65, ""):
            answer = await self.told(DOWNLOAD, {"project": project, "key": "sesame"})
            assert answer.startswith("Error: no such directory: "), answer
            assert str(self.folder) not in answer

    async def test_who_is_not_the_user_gets_an_error(self) -> None:
        (mine, cookie), (other, _) = await self.visit(), await self.visit()
        assert await self.told(UPLOAD, DRIVE, cookies=cookie) == "OK"
        for authentication in (
            "",
            "wrong",
            other["user1Authentication"],
            next(iter(cookie.values())).partition(".")[2],
        ):
            fields = {"project": "simple", "key": "sesame", **mine, "user1Authentication": authentication}
            answer = await self.told(DOWNLOAD, fields)
            assert answer == "Error: wrong user authentication; reload the page."

    async def test_ids_that_lead_elsewhere_get_an_error(self) -> None:
        for user in ("..", "../../projects", "/etc", "g0123456789abcdef0123\0", "1"):
            answer = await self.told(DOWNLOAD, {"project": "simple", "key": "sesame", "user1Id": user})
            assert answer == "Error: wrong user authentication; reload the page."

    async def test_a_client_that_leaves_while_it_is_sent_a_project_ends_the_work(self) -> None:
        large = self.data / "projects/simple/large"
        large.write_bytes(os.urandom(8_000_000))
        gone = self.logged("went away")
        form = b"project=simple&key=sesame"
        raw = await self.connect(request(DOWNLOAD, form))
        cast(Any, raw.transport).pauseProducing()
        while large not in open_paths():
            await next_turn()
        cast(Any, raw.transport).abortConnection()
        await gone
        assert large not in open_paths()

    async def test_a_project_that_cannot_be_read_breaks_off_rather_than_seem_complete(self) -> None:
        (self.data / "projects/simple/a").write_bytes(os.urandom(1_000_000))
        (self.data / "projects/simple/b").write_text("b")
        raw = await self.connect(request(DOWNLOAD, b"project=simple&key=sesame"))
        cast(Any, raw.transport).pauseProducing()
        while self.data / "projects/simple/a" not in open_paths():
            await next_turn()
        (self.data / "projects/simple/b").unlink()
        cast(Any, raw.transport).resumeProducing()
        received = await raw.over
        assert received.startswith(b"HTTP/1.1 200")
        assert not received.endswith(b"0\r\n\r\n")
        assert len(TestCase.flushLoggedErrors(self, FileNotFoundError)) == 1


class Uploading(HostCase):
    def own(self, visitor: str) -> Path:
        return self.data / "user" / visitor / "projects/simple/controllers/drive/drive.py"

    async def test_somebody_new_becomes_a_guest(self) -> None:
        response, body = await self.post(UPLOAD, DRIVE)
        assert body == b"OK"
        attributes = response.headers.getRawHeaders("set-cookie")[0].lower().split("; ")[1:]
        assert {"httponly", "samesite=strict", "path=/"} <= set(attributes)
        visitor = next(iter(cookie_of(response).values())).partition(".")[0]
        assert self.own(visitor).read_text() == "mine"

    async def test_a_cookie_that_is_not_ours_makes_a_new_guest(self) -> None:
        who, cookie = await self.visit()
        name, value = next(iter(cookie.items()))
        response, body = await self.post(UPLOAD, DRIVE, cookies={name: value[:-1]})
        assert body == b"OK"
        assert not self.own(who["user1Id"]).exists()
        assert cookie_of(response) != cookie

    async def test_a_form_in_parts_is_saved_with_the_line_ends_of_the_editor(self) -> None:
        who, cookie = await self.visit()
        body = b"".join(
            b'--boundary\r\nContent-Disposition: form-data; name="%b"\r\n\r\n%b\r\n' % (name, text)
            for name, text in (
                (b"dirname", b"simple/controllers/drive"),
                (b"filename", b"drive.py"),
                (b"content", b"a\r\nb"),
            )
        )
        response = await self.http.post(
            f"http://127.0.0.1:{self.port}{UPLOAD}",
            data=body + b"--boundary--\r\n",
            headers=Headers({"content-type": ["multipart/form-data; boundary=boundary"]}),
            cookies=cookie,
        )
        assert await response.content() == b"OK"
        assert self.own(who["user1Id"]).read_bytes() == b"a\nb"

    async def test_pages_of_other_sites_cannot_save(self) -> None:
        _, cookie = await self.visit()
        for headers in (
            {"Origin": "https://evil.example"},
            {"Origin": "null"},
            {"Origin": "http://127.0.0.1:1"},
            {"Origin": "http://["},
            {"Referer": "https://evil.example/page.html"},
        ):
            answer = await self.told(UPLOAD, DRIVE, cookies=cookie, headers=headers)
            assert answer == "Error: only pages of this site can save files."
        assert not (self.data / "user").exists()

    async def test_pages_of_this_site_can_save(self) -> None:
        site = f"http://127.0.0.1:{self.port}"
        for headers in ({"Origin": site}, {"Referer": f"{site}/simulation.html"}):
            assert await self.told(UPLOAD, DRIVE, headers=headers) == "OK"

    async def test_fields_that_lack_are_named(self) -> None:
        for name in DRIVE:
            fields = {other: text for other, text in DRIVE.items() if other != name}
            assert await self.told(UPLOAD, fields) == f"Error: missing field: {name}."

    async def test_names_that_lead_elsewhere_are_refused(self) -> None:
        for change in (
            {"dirname": "../simple/controllers/drive"},
            {"dirname": "simple/controllers/../../worlds"},
            {"dirname": "absent/controllers/drive"},
            {"dirname": "simple/worlds"},
            {"filename": "../drive.py"},
            {"filename": ".bashrc"},
            {"filename": "a\0b"},
            {"filename": "x" * 65},
        ):
            answer = await self.told(UPLOAD, {**DRIVE, **change})
            assert answer.startswith("Error: "), answer
            assert str(self.folder) not in answer
        assert not (self.data / "user").exists()

    async def test_a_refused_upload_leaves_nothing_of_a_guest(self) -> None:
        await self.told(UPLOAD, {**DRIVE, "filename": ".."})
        assert not (self.data / "user").exists()

    async def test_the_quota_is_told(self) -> None:
        _, cookie = await self.visit()
        assert await self.told(UPLOAD, {**DRIVE, "content": "x" * 600_000}, cookies=cookie) == "OK"
        answer = await self.told(UPLOAD, {**DRIVE, "filename": "b.py", "content": "x" * 600_000}, cookies=cookie)
        assert answer == "Error: your saved files would take more than your 1 MB; make them smaller."

    async def test_of_two_uploads_at_once_that_exceed_the_quota_together_one_is_saved(self) -> None:
        _, cookie = await self.visit()
        forms = [{**DRIVE, "filename": name, "content": "x" * 600_000} for name in ("a.py", "b.py")]
        answers = await gatherResults(
            [Deferred.fromCoroutine(self.told(UPLOAD, form, cookies=cookie)) for form in forms]
        )
        assert sorted(answer.partition(":")[0] for answer in answers) == ["Error", "OK"]

    async def test_a_body_that_is_too_large_is_told(self) -> None:
        answer = await self.told(UPLOAD, {**DRIVE, "content": "x" * MAX_BODY_BYTES})
        assert answer == "Error: the file is larger than the 2 MB that can be sent at once."

    async def test_a_body_that_is_announced_far_too_large_is_broken_off(self) -> None:
        head = request(UPLOAD, b"").replace(b"Content-Length: 0", b"Content-Length: %d" % (MAX_UNREAD_BYTES + 1))
        raw = await self.connect(head)
        assert await raw.over == b""

    async def test_a_body_of_unknown_length_is_bounded_too(self) -> None:
        head = request(UPLOAD, b"").replace(b"Content-Length: 0", b"Transfer-Encoding: chunked")
        raw = await self.connect(head)
        chunk = b"%x\r\n%b\r\n" % (2**20, b"x" * 2**20)
        for _ in range(MAX_UNREAD_BYTES // 2**20 + 1):
            cast(Any, raw.transport).write(chunk)
        assert await raw.over == b""

    async def test_other_methods_are_told_what_to_send(self) -> None:
        for path in (UPLOAD, DOWNLOAD):
            _, body = await self.get(path)
            assert body == b"Error: send this request with POST."

    async def test_a_fault_of_ours_is_logged_and_tells_no_more_than_that(self) -> None:
        _, cookie = await self.visit()
        self.data.joinpath("visitors.sqlite").write_text("no data base at all" * 1000)
        shutil.rmtree(self.data / "incoming")
        answer = await self.told(UPLOAD, DRIVE, cookies=cookie)
        assert answer.startswith("Error: ")
        assert str(self.folder) not in answer
        TestCase.flushLoggedErrors(self)


class LookingAtTheSite(HostCase):
    session_server = "wss://sessions.example.org"

    async def test_the_page_is_told_of_projects_the_session_server_and_itself(self) -> None:
        response, body = await self.get("/projects.json")
        told = json.loads(body)
        assert response.headers.getRawHeaders("content-type") == ["application/json"]
        assert response.headers.getRawHeaders("cache-control") == ["no-store"]
        assert told["sessionServer"] == "wss://sessions.example.org"
        assert told["projects"] == [
            {
                "name": "simple",
                "title": "simple",
                "description": "",
                "worlds": ["simple.wbt"],
                "world": "simple.wbt",
                "pictures": [],
            }
        ]
        assert set(told["user"]) == {"id", "name", "authentication", "account", "formToken"}
        assert told["user"]["account"] is False

    async def test_a_guest_stays_the_same(self) -> None:
        who, cookie = await self.visit()
        response, body = await self.get("/projects.json", cookies=cookie)
        assert json.loads(body)["user"]["id"] == who["user1Id"]
        assert not response.headers.hasHeader("set-cookie")

    async def test_a_new_project_is_offered_at_once(self) -> None:
        await self.visit()
        self.write(self.data / "projects/maze/worlds/maze.wbt", "maze")
        _, body = await self.get("/projects.json")
        assert [project["name"] for project in json.loads(body)["projects"]] == ["maze", "simple"]

    async def test_pages_have_their_types_and_strict_headers(self) -> None:
        for path, kind in (
            ("/", "text/html; charset=utf-8"),
            ("/x_ite/x_ite.min.mjs", "text/javascript; charset=utf-8"),
        ):
            response, body = await self.get(path)
            assert response.code == 200
            assert body
            assert response.headers.getRawHeaders("content-type") == [kind]
            assert response.headers.getRawHeaders("x-content-type-options") == ["nosniff"]
            assert response.headers.getRawHeaders("cache-control") == ["no-cache"]
            policy = response.headers.getRawHeaders("content-security-policy")[0]
            assert "default-src 'self'" in policy
            assert "object-src 'none'" in policy
            assert "unsafe-inline" not in policy
            assert "'unsafe-eval'" not in policy

    async def test_a_page_that_has_not_changed_is_not_sent_again(self) -> None:
        first, _ = await self.get("/")
        tag = first.headers.getRawHeaders("etag")[0]
        again, body = await self.get("/", headers={"If-None-Match": tag})
        assert (again.code, body) == (304, b"")
        self.write(self.folder / "static/index.html", "<p>other robots</p>")
        changed, body = await self.get("/", headers={"If-None-Match": tag})
        assert (changed.code, body) == (200, b"<p>other robots</p>")

    async def test_what_is_not_there_is_not_found(self) -> None:
        for path in (
            "/absent.html",
            "/x_ite/",
            "/.secret",
            "/../key",
            "/%2e%2e/key",
            "/..%2fkey",
            "/%00",
            "/%ff",
            "/x_ite/%2e%2e/%2e%2e/key",
            "/index.html/more",
            "/ajax",
            "/ajax/other.php",
            "/user/",
        ):
            response, body = await self.get(path)
            assert response.code == 404, path
            assert b"sesame" not in body
            assert b"hidden" not in body
            assert str(self.folder).encode() not in body

    async def test_people_are_told_by_a_page(self) -> None:
        for path, accepted, told in (
            ("/absent.html", "text/html,*/*;q=0.8", b"<p>nothing here</p>"),
            ("/absent.html", "*/*", b"There is nothing at this address.\n"),
            ("/absent/index.html", "text/html", b"There is nothing at this address.\n"),
        ):
            response, body = await self.get(path, headers={"Accept": accepted})
            assert (response.code, body) == (404, told), path
            kind = "text/html" if told.startswith(b"<") else "text/plain"
            assert response.headers.getRawHeaders("content-type") == [f"{kind}; charset=utf-8"]

    async def test_many_ranges_of_a_file_are_not_multiplied(self) -> None:
        ranges = "bytes=" + ",".join(["0-"] * 500)
        response, body = await self.get("/", headers={"Range": ranges})
        assert (response.code, body) == (200, b"<p>robots</p>")

    async def test_pages_cannot_be_changed(self) -> None:
        response = await self.http.request("PUT", f"http://127.0.0.1:{self.port}/index.html", data=b"x")
        await response.content()
        assert response.code in (405, 501)


class SlowAndStopping(HostCase):
    async def test_a_host_that_stops_breaks_connections_off(self) -> None:
        raw = await self.connect(request(UPLOAD, b"")[:-2])
        await self.connect(b"")
        other = await self.connect(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        await other.begun
        await self.host.stopService()
        assert await raw.over == b""


@pytest.fixture
def sources(tmp_path: Path) -> Iterator[Sources]:
    """Where everything is known of a host whose clock stands still, and where nobody has saved anything."""
    clock, data = Clock(), DataFolder(tmp_path)
    database = Database(reactor, data.database)
    saved = SavedFiles(clock, data, database, 1_000_000)
    visitors = Visitors(clock, Secret("of this host"))
    recognition = Recognition(visitors, Accounts(database, saved), Sessions(clock, database))
    yield Sources(cast(InThread, at_once), Catalogue(data.projects), recognition, saved, "", True)
    database.stopService()


def test_a_crowd_from_one_address_can_look_but_gets_no_identities(sources: Sources) -> None:
    root = Resource()
    root.putChild(b"projects.json", ProjectsJson(sources))
    for number in range(GUESTS_PER_MINUTE + 1):
        client = cast(Any, StubTreq(root))
        asked = client.get("http://127.0.0.1/projects.json")
        client.flush()
        response = now(asked)
        assert response.headers.hasHeader("set-cookie") == (number < GUESTS_PER_MINUTE)
    assert json.loads(now(response.content())) == {"sessionServer": "", "signUp": True, "projects": [], "user": None}


class Leaving:
    """A client that leaves when a thread is used for the n-th time.

    @ivar steps: how often one was used.
    @ivar levels: of all that was logged meanwhile.
    """

    def __init__(self, leaves_at: int) -> None:
        self.clock = Clock()
        self.steps = 0
        self.levels: set[str] = set()
        self._leaves_at = leaves_at

    def in_thread(self, function: Callable[..., Any], *arguments: Any) -> Deferred[Any]:
        self.steps += 1
        if self.steps == self._leaves_at:
            if self._transport.producer is not None:
                self._transport.producer.stopProducing()
            self._channel.connectionLost(Failure(ConnectionDone()))
        return at_once(function, *arguments)

    def ask(self, resource: Resource, data: bytes) -> None:
        root = Resource()
        root.putChild(b"asked", resource)
        self._channel = cast(Any, Site.buildProtocol(Website(self.clock, root), None))
        self._transport = StringTransport()
        self._channel.makeConnection(self._transport)
        observer = cast(ILogObserver, lambda event: self.levels.add(event["log_level"].name))
        globalLogPublisher.addObserver(observer)
        self._channel.dataReceived(data)
        globalLogPublisher.removeObserver(observer)


@pytest.mark.parametrize("leaves_at", range(1, 6))
def test_a_client_may_leave_at_any_step_of_a_download(tmp_path: Path, sources: Sources, leaves_at: int) -> None:
    HostCase.write(tmp_path / "projects/simple/worlds/simple.wbt", "world")
    client = Leaving(leaves_at)
    data, key = DataFolder(tmp_path), Secret("sesame")
    download = DownloadProject(client.clock, cast(InThread, client.in_thread), data, key, sources.recognition)
    client.ask(download, request("/asked", b"project=simple&key=sesame"))
    assert client.steps >= leaves_at
    assert client.levels <= {"debug", "info"}
    assert client.clock.getDelayedCalls() == []


def test_a_client_may_leave_while_projects_are_listed(sources: Sources) -> None:
    client = Leaving(1)
    listing = ProjectsJson(attrs.evolve(sources, in_thread=cast(InThread, client.in_thread)))
    client.ask(listing, b"GET /asked HTTP/1.1\r\n\r\n")
    assert client.steps == 2
    assert client.levels <= {"debug", "info"}
    assert client.clock.getDelayedCalls() == []


def test_a_request_that_trickles_in_is_broken_off() -> None:
    clock = Clock()
    website = Website(clock, Resource())
    channel = cast(Any, Site.buildProtocol(website, None))
    transport = StringTransport()
    channel.makeConnection(transport)
    channel.dataReceived(b"POST / HTTP/1.1\r\nContent-Length: 1000\r\n\r\n")
    for _ in range(int(REQUEST_SECONDS)):
        assert not transport.disconnected
        channel.dataReceived(b"x")
        clock.advance(1)
    assert transport.disconnected


def at_once(function: Callable[..., Any], *arguments: Any) -> Deferred[Any]:
    return maybeDeferred(function, *arguments)


def now(deferred: Deferred[Any]) -> Any:
    results: list[Any] = []
    deferred.addBoth(results.append)
    return results[0]


def next_turn() -> Deferred[None]:
    turn: Deferred[None] = Deferred()
    reactor.callLater(0, turn.callback, None)
    return turn
