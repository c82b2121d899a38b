"""The scripts in ajax/, in the real servers they are for: C{php -S} and C{twist web}."""

from __future__ import annotations

import hashlib
import hmac
import io
import os
import re
import shutil
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast
from urllib.parse import urlencode
from urllib.request import Request, urlopen
from zipfile import ZipFile

import attrs
import pytest

AJAX = Path(__file__).parents[2] / "ajax"
WAIT_SECONDS = 60
VISITOR = "g0123456789abcdef0123"
DRIVE = {"dirname": "simple/controllers/drive", "filename": "drive.py", "content": "mine"}
HOSTILE = ["", ".", "..", ".hidden", "a/b", "/etc", "a\\b", "a\0b", "a\n", "a b", "é", "x" * 65]


@contextmanager
def php(website: Path, data: Path) -> Iterator[int]:
    shutil.copytree(AJAX, website / "ajax")
    command = ["php", "-d", "display_errors=1", "-S", "127.0.0.1:0", "-t", str(website)]
    with started(command, data, r"Development Server \(http://127.0.0.1:(\d+)\) started") as port:
        yield port


@contextmanager
def twist_web(website: Path, data: Path) -> Iterator[int]:
    (website / "ajax").mkdir(parents=True)
    for name in ("download-project", "upload-file"):
        shutil.copy(AJAX / f"{name}.rpy", website / "ajax" / f"{name}.php.rpy")
    options = ["--listen=tcp:0:interface=127.0.0.1", f"--path={website}", "--ignore-ext=.rpy"]
    command = [sys.executable, "-m", "twisted", "--log-format=text", "web", *options]
    with started(command, data, r"Site starting on (\d+)") as port:
        yield port


@contextmanager
def started(command: list[str], data: Path, ready: str) -> Iterator[int]:
    environment = {**os.environ, "WEBOTS_DATA": str(data), "PHP_CLI_SERVER_WORKERS": "4"}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment, process_group=0
    ) as process:
        try:
            yield port_in(cast("IO[str]", process.stdout), ready)
        finally:
            os.killpg(process.pid, signal.SIGKILL)


def port_in(output: IO[str], ready: str) -> int:
    lines = []
    for line in output:
        lines.append(line)
        if match := re.search(ready, line):
            return int(match.group(1))
    raise AssertionError("".join(lines))


@attrs.frozen
class Site:
    """A website with the scripts."""

    port: int
    data: Path

    def answer(self, script: str, body: bytes | None, **headers: str) -> tuple[str, bytes]:
        """Give the content type and the body of an answer."""
        url = f"http://127.0.0.1:{self.port}/ajax/{script}.php"
        asked = Request(url, body, {name.replace("_", "-"): text for name, text in headers.items()})
        with urlopen(asked, timeout=WAIT_SECONDS) as response:
            assert response.status == 200
            return response.headers["content-type"], response.read()

    def told(self, script: str, fields: dict[str, str], **headers: str) -> str:
        content_type, body = self.answer(script, urlencode(fields).encode(), **headers)
        assert content_type.lower() == "text/plain; charset=utf-8"
        assert str(self.data).encode() not in body
        return body.decode()

    def upload(self, **changes: str) -> str:
        return self.told("upload-file", {**DRIVE, **changes}, Cookie=self.cookie())

    def archive(self, **fields: str) -> ZipFile:
        form = urlencode({"project": "simple", "key": "sesame", **fields}).encode()
        content_type, body = self.answer("download-project", form)
        assert content_type == "application/zip", body
        return ZipFile(io.BytesIO(body))

    def download(self, **fields: str) -> dict[str, str]:
        with self.archive(**fields) as archive:
            assert archive.testzip() is None
            return {name: archive.read(name).decode() for name in archive.namelist()}

    def sign(self, purpose: str, visitor: str = VISITOR) -> str:
        return hmac.new(b"of this site", f"{purpose}:{visitor}".encode(), hashlib.sha256).hexdigest()

    def cookie(self, visitor: str = VISITOR) -> str:
        return f"webots_guest={visitor}.{self.sign('cookie', visitor)}"

    def who(self) -> dict[str, str]:
        return {"user1Id": VISITOR, "user1Authentication": self.sign("authentication")}

    def own(self, name: str = "drive.py") -> Path:
        return self.data / "user" / VISITOR / "projects/simple/controllers/drive" / name

    def saved(self) -> list[str]:
        return [name for _, _, names in os.walk(self.data / "user") for name in names]


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


@pytest.fixture(scope="module", params=[php, twist_web], ids=["php", "rpy"])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("site")
    with request.param(folder / "website", folder / "data") as port:
        yield Site(port, folder / "data")


@pytest.fixture
def site(server: Site) -> Iterator[Site]:
    write(server.data / "key", "sesame\n")
    write(server.data / "secret", "of this site\n")
    write(server.data / "projects/simple/worlds/simple.wbt", "base world")
    write(server.data / "projects/simple/controllers/drive/drive.py", "base controller")
    (server.data / "projects/simple/controllers/drive/folder").mkdir()
    yield server
    shutil.rmtree(server.data)


def test_the_base_project_is_sent_where_there_is_no_user(site: Site) -> None:
    base = {"controllers/drive/drive.py": "base controller", "worlds/simple.wbt": "base world"}
    assert site.download() == base
    assert site.download(user1Id="", user1Name="", user2Id="", customData="{}") == base
    assert site.download(user1Id="0", user1Authentication="whatever") == base


def test_a_user_who_saved_a_controller_is_sent_it_in_the_project(site: Site) -> None:
    assert site.download(**site.who())["controllers/drive/drive.py"] == "base controller"
    assert site.upload() == "OK"
    assert site.upload(content="better") == "OK"
    assert site.download(**site.who()) == {"controllers/drive/drive.py": "better", "worlds/simple.wbt": "base world"}
    assert site.download()["controllers/drive/drive.py"] == "base controller"


def test_large_small_and_old_files_arrive_as_they_are(site: Site) -> None:
    project = site.data / "projects/simple"
    contents = {"large": os.urandom(3_000_000), "empty": b"", "7": b"\x00" * 200_000}
    for name, content in contents.items():
        (project / name).write_bytes(content)
    os.utime(project / "empty", (0, 0))
    (project / "7").chmod(0o4755)
    with site.archive() as archive:
        assert {name: archive.read(name) for name in contents} == contents
        assert archive.getinfo("empty").date_time == (1980, 1, 1, 0, 0, 0)
        assert archive.getinfo("7").external_attr >> 16 == stat.S_IFREG | 0o755


def test_the_simulation_servers_tools_can_unpack_it(site: Site, tmp_path: Path) -> None:
    with site.archive() as archive:
        archive.extractall(tmp_path)
    assert (tmp_path / "worlds/simple.wbt").read_text() == "base world"


def test_nothing_but_that_is_told_to_who_has_the_wrong_key(site: Site) -> None:
    for key in ("wrong", "", "sesame ", "sesamé", "x" * 100_000):
        for project in ("simple", "absent"):
            assert site.told("download-project", {"project": project, "key": key}) == "Error: wrong key."


def test_fields_that_lack_are_named(site: Site) -> None:
    assert site.told("download-project", {"project": "simple"}) == "Error: missing field: key."
    assert site.told("download-project", {"key": "sesame"}) == "Error: missing field: project."
    for name in DRIVE:
        fields = {other: text for other, text in DRIVE.items() if other != name}
        assert site.told("upload-file", fields, Cookie=site.cookie()) == f"Error: missing field: {name}."


def test_other_methods_are_told_what_to_send(site: Site) -> None:
    for script in ("download-project", "upload-file"):
        assert site.answer(script, None)[1] == b"Error: send this request with POST."


@pytest.mark.parametrize("name", [*HOSTILE, "absent", "linked"])
def test_a_project_that_is_not_there_is_no_directory(site: Site, name: str) -> None:
    write(site.data / "projects/.hidden/worlds/simple.wbt", "hidden")
    (site.data / "projects/linked").symlink_to(site.data / "projects/simple")
    answer = site.told("download-project", {"project": name, "key": "sesame"})
    assert answer.startswith("Error: no such directory: ")


def test_who_is_not_the_user_gets_an_error(site: Site) -> None:
    wrong = "Error: wrong user authentication; reload the page."
    for authentication in ("", "wrong", site.sign("authentication", "other"), site.sign("cookie")):
        fields = {"project": "simple", "key": "sesame", "user1Id": VISITOR, "user1Authentication": authentication}
        assert site.told("download-project", fields) == wrong
    for user in HOSTILE[1:]:
        authentication = site.sign("authentication", user)
        fields = {"project": "simple", "key": "sesame", "user1Id": user, "user1Authentication": authentication}
        assert site.told("download-project", fields) == wrong


def test_files_reached_through_symbolic_links_are_left_out(site: Site) -> None:
    assert site.upload(filename="other.py") == "OK"
    for folder in (site.own().parent, site.data / "projects/simple"):
        (folder / "secret").symlink_to(site.data / "secret")
        (folder / "secrets").symlink_to(site.data)
        write(folder / ".hidden", "hidden")
    files = site.download(**site.who())
    assert set(files) == {"controllers/drive/drive.py", "controllers/drive/other.py", "worlds/simple.wbt"}


@pytest.mark.parametrize("depth", range(5))
def test_symbolic_links_in_a_users_folder_are_not_followed(site: Site, depth: int) -> None:
    assert site.upload() == "OK"
    folder = site.own().parents[depth]
    folder.rename(site.data / "aside")
    (site.data / "elsewhere").mkdir()
    folder.symlink_to(site.data / "elsewhere")
    assert site.upload(filename="new.py") == "Error: this server cannot save files at the moment; try again later."
    assert list((site.data / "elsewhere").iterdir()) == []


def test_a_file_that_is_a_symbolic_link_is_replaced_not_written_through(site: Site) -> None:
    assert site.upload() == "OK"
    site.own().unlink()
    site.own().symlink_to(site.data / "secret")
    assert site.upload() == "OK"
    assert (site.data / "secret").read_text() == "of this site\n"
    assert site.own().read_text() == "mine"


def test_only_users_of_the_site_can_save(site: Site) -> None:
    cookies = ["other=1", "webots_guest=", f"webots_guest={VISITOR}", site.cookie()[:-1], site.cookie("other")[:-64]]
    cookies += [f"webots_guest={VISITOR}.{site.sign('authentication')}", "webots_guest=../x.y", "webots_guest[]=a.b"]
    for cookie in cookies:
        answer = site.told("upload-file", DRIVE, Cookie=cookie)
        assert answer == "Error: only users of this site can save files; log in and try again."
    assert site.saved() == []


def test_only_pages_of_the_site_can_save(site: Site) -> None:
    here = f"http://127.0.0.1:{site.port}"
    for headers in (
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": f"http://127.0.0.1:{site.port}1"},
        {"Origin": "http://["},
        {"Referer": "https://evil.example/page.html"},
    ):
        answer = site.told("upload-file", DRIVE, Cookie=site.cookie(), **headers)
        assert answer == "Error: only pages of this site can save files."
    for headers in ({"Origin": here}, {"Referer": f"{here}/simulation.html"}):
        assert site.told("upload-file", DRIVE, Cookie=site.cookie(), **headers) == "OK"


@pytest.mark.parametrize("name", HOSTILE)
def test_names_that_lead_elsewhere_are_refused(site: Site, name: str) -> None:
    assert site.upload(filename=name).endswith(" is not a name that a file can be saved under.")
    for dirname in (f"{name}/controllers/drive", f"simple/controllers/{name}"):
        assert site.upload(dirname=dirname).startswith("Error: there is no controller folder ")
    assert site.saved() == []


def test_only_controllers_of_existing_projects_can_be_saved(site: Site) -> None:
    (site.data / "projects/simple/controllers/linked").symlink_to(site.data / "projects/simple/controllers/drive")
    for dirname in ("simple", "absent/controllers/drive", "simple/controllers/absent", "simple/controllers/linked"):
        assert site.upload(dirname=dirname) == f"Error: there is no controller folder {dirname}."
    assert site.upload(dirname="simple/worlds/drive").startswith("Error: there is no controller folder ")
    assert site.upload(filename="folder") == "Error: folder is not a name that a file can be saved under."
    assert site.saved() == []


def test_a_form_in_parts_is_saved_with_the_line_ends_of_the_editor(site: Site) -> None:
    fields = {**DRIVE, "content": "a\r\nb"}
    parts = (f'--X\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{text}\r\n' for name, text in fields.items())
    body = f"{''.join(parts)}--X--\r\n".encode()
    answer = site.answer("upload-file", body, Cookie=site.cookie(), Content_Type="multipart/form-data; boundary=X")
    assert answer[1] == b"OK"
    assert site.own().read_bytes() == b"a\nb"


def fill(site: Site, files: int) -> None:
    for number in range(files):
        assert site.upload(filename=f"{number}.py", content="x" * 1_900_000) == "OK"


def test_the_quota_is_told_and_replacing_a_file_counts_the_difference(site: Site) -> None:
    fill(site, 5)
    over = "Error: your saved files would take more than your 10 MB; make them smaller."
    assert site.upload(filename="6.py", content="x" * 600_000) == over
    assert site.upload(filename="4.py", content="x" * 1_900_000) == "OK"
    assert site.upload(filename="4.py", content="x") == "OK"
    assert site.upload(filename="6.py", content="x" * 600_000) == "OK"


def test_empty_files_count_too(site: Site) -> None:
    folder = site.own().parent
    folder.mkdir(parents=True)
    for number in range(10_000_000 // 4096):
        (folder / f"{number}.py").touch()
    assert site.upload(filename="one_more.py", content="").startswith("Error: your saved files would take more")
    assert site.upload(filename="0.py", content="") == "OK"


def test_of_uploads_at_once_that_exceed_the_quota_together_one_is_saved(site: Site) -> None:
    fill(site, 5)
    with ThreadPoolExecutor(4) as threads:
        answers = threads.map(lambda name: site.upload(filename=name, content="x" * 400_000), ["a", "b", "c", "d"])
    assert sorted(answer.partition(":")[0] for answer in answers) == ["Error"] * 3 + ["OK"]


def test_a_file_that_is_too_large_is_told(site: Site) -> None:
    answer = site.upload(content="x" * (2 * 1024 * 1024 + 1))
    assert answer == "Error: the file is larger than the 2 MB that can be sent at once."


def test_a_site_without_a_key_tells_nobody_why(site: Site) -> None:
    broken = "Error: something went wrong on this server; its administrator can see what in the log."
    for text in (None, "\n"):
        (site.data / "key").unlink()
        if text is not None:
            write(site.data / "key", text)
        assert site.told("download-project", {"project": "simple", "key": ""}) == broken
        write(site.data / "key", "")


def test_the_site_lives_on_when_a_client_leaves_while_it_is_sent_a_project(site: Site) -> None:
    (site.data / "projects/simple/large").write_bytes(os.urandom(20_000_000))
    form = b"project=simple&key=sesame"
    head = (
        "POST /ajax/download-project.php HTTP/1.1\r\nHost: localhost\r\n"
        f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(form)}\r\n\r\n"
    )
    for _ in range(8):
        with socket.create_connection(("127.0.0.1", site.port), WAIT_SECONDS) as connection:
            connection.sendall(head.encode() + form)
            assert connection.recv(100).startswith(b"HTTP/1.1 200")
    (site.data / "projects/simple/large").unlink()
    assert site.download()["worlds/simple.wbt"] == "base world"
