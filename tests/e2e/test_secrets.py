"""Secrets, marked in every place that has one: none is in a log, page, metric, answer or mail."""

from __future__ import annotations

import http.client
import json
import re
import socket
import subprocess
import sys
from base64 import b64encode
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from threading import Thread
from typing import Any, cast
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import pytest

from tests.e2e.cloud import Cloud, attended
from tests.e2e.page import begins, open_socket, receive
from tests.e2e.program import PATIENCE
from tests.ports import free_port
from tests.session.mail_servers import USER, Authority, Mailbox, mail_server
from webots_cloud.config.sections import SECTIONS, options_of
from webots_cloud.secret import Secret

MARK = "marked-secret"
NAME = "Marked Name"
PROJECT, WORLD = "obstacle_course", "obstacle_course.wbt"
LAUNCH = """
import runpy, sys
from pathlib import Path
from webots_cloud.log import journal
journal.SOCKET = Path(sys.argv[1])
del sys.argv[1]
runpy.run_module("twisted", run_name="__main__")
"""
"""Runs C{twist} where the journal is elsewhere."""
PAGES = ("/", "/load", "/monitor", "/monitor.json", "/metrics", "/healthz", "/readyz", "/projects.json", "/account")


def secret_options() -> Iterator[tuple[str, str]]:
    """Give the sections and names of all options that are secrets."""
    for section in SECTIONS:
        for field in options_of(section):
            if field.metadata["parse"] is Secret:
                yield section.section, field.name


class JournalReader:
    """What is in the place of the journal.

    @ivar entries: what it was told.
    """

    def __init__(self, path: Path) -> None:
        self.entries: list[str] = []
        self.path = path
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(path))
        Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        while True:
            self.entries.append(self._socket.recv(2**20).decode("utf-8", "replace"))


class MarkedCloud(Cloud):
    """Servers that log as much as they can, whose secrets are marked.

    @ivar silent: the port of a simulation server that does not answer, which the administrator gets mail about.
    """

    def __init__(self, state: Path, mail_port: int, authority: Authority) -> None:
        for name in ("localhost", "other.example.org"):
            (state / "keys").mkdir(exist_ok=True, mode=0o700)
            (state / "keys" / name).write_text(f"{MARK}-key-of-{name}\n")
        self._companions = {
            "eabKey": "eabKeyId = marked\n",
            "mailSenderPassword": f"administrator = admin@example.org\nmailServer = localhost\n"
            f"mailServerPort = {mail_port}\nmailSender = webots@example.org\nmailSenderUser = {USER}\n"
            f"mailIntervalSeconds = 2\ncaFile = {authority.file}\n",
        }
        self.silent = free_port()
        self.journal = JournalReader(state / "journal")
        command = [sys.executable, "-c", LAUNCH, str(self.journal.path), "--log-level=debug", "--log-format=text"]
        Cloud.__init__(self, [*command, "webots-cloud"], state)

    def _ini(self) -> str:
        text = Cloud._ini(self)
        text = text.replace("simulationServers = ", f"simulationServers = localhost:{self.silent}, ")
        for section in ("session", "simulation", "host"):
            text = text.replace(f"[{section}]\n", f"[{section}]\nlogLevel = debug\njournal = yes\n")
        if "[acme]" not in text:
            text += "[acme]\n"
        for section, option in secret_options():
            given = f"{self._companions.get(option, '')}{option} = {MARK}-{option}\n"
            text = text.replace(f"[{section}]\n", f"[{section}]\n{given}")
        return text

    def get(self, port: int, path: str) -> str:
        password = b64encode(f"operator:{MARK}-monitorPassword".encode()).decode()
        request = Request(f"http://localhost:{port}{path}", headers={"Authorization": f"Basic {password}"})
        with urlopen(request, timeout=PATIENCE) as answer:
            return str(answer.read().decode("utf-8", "replace"))

    def everything(self) -> str:
        """All that it has said to its operator: the console, the journal, and every file in its folder of logs."""
        files = (path.read_text() for path in (self.state / "logs").iterdir())
        return "\n".join([*self.output, *self.journal.entries, *files])


@pytest.fixture(scope="module")
def mailbox() -> Mailbox:
    return Mailbox(f"{MARK}-mailSenderPassword")


@pytest.fixture(scope="module")
def marked(tmp_path_factory: pytest.TempPathFactory, mailbox: Mailbox) -> Iterator[MarkedCloud]:
    state = tmp_path_factory.mktemp("marked")
    authority = Authority(state)
    demands: dict[str, Any] = {"require_starttls": True, "auth_required": True, "authenticator": mailbox.log_in}
    with (
        mail_server(mailbox, authority.context, **demands) as port,
        attended(MarkedCloud(state, port, authority)) as cloud,
    ):
        yield cloud


class Visitor:
    """A browser.

    @ivar cookies: what it has kept.
    @ivar user: what its page was told of it last.
    @ivar secrets: all that only it, and the servers, may know.
    @ivar answers: all that it was answered where something went wrong.
    """

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud
        self.cookies: dict[str, str] = {}
        self.user: dict[str, Any] = {}
        self.secrets: set[str] = set()
        self.answers: list[str] = []

    def ask(self, method: str, path: str, body: str = "", **headers: str) -> tuple[int, str]:
        connection = http.client.HTTPConnection("localhost", self.cloud.host, timeout=PATIENCE)
        headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
        answer = connection.getresponse()
        for line in answer.headers.get_all("set-cookie", []):
            name, _, value = line.partition(";")[0].partition("=")
            self.cookies[name] = value
            self.secrets |= {value} - {""}
        text = answer.read().decode("utf-8", "replace")
        connection.close()
        if answer.status >= 400:
            self.answers.append(text)
        return answer.status, text

    def visit(self) -> None:
        self._hear(json.loads(self.ask("GET", "/projects.json")[1]))

    def account(self, what: str, token: str = "", **fields: str) -> int:
        status, text = self.ask(
            "POST",
            f"/account/{what}",
            json.dumps(fields),
            Content_Type="application/json",
            X_CSRF_Token=token or self.user["formToken"],
            Origin=self.cloud.page.rstrip("/"),
        )
        self._hear(json.loads(text))
        return status

    def _hear(self, told: dict[str, Any]) -> None:
        self.user = told.get("user") or self.user
        self.secrets |= {self.user["formToken"], self.user["authentication"]}

    def upload(self, content: str, **headers: str) -> str:
        fields = {"dirname": f"{PROJECT}/controllers/explorer", "filename": "explorer.py", "content": content}
        form = {"Content_Type": "application/x-www-form-urlencoded", "Origin": self.cloud.page.rstrip("/")} | headers
        return self.ask("POST", "/ajax/upload-file.php", urlencode(fields), **form)[1]

    def init(self, **changed: str) -> str:
        """Write a request for an instance; what the website host is told beside it is secret, too."""
        fields = {
            "host": self.cloud.page.rstrip("/"),
            "project": PROJECT,
            "world": WORLD,
            "id": str(self.user["id"]),
            "name": NAME,
            "authentication": str(self.user["authentication"]),
            "id2": "8",
            "name2": NAME,
            "custom": f"{MARK}-custom-data",
        } | changed
        return json.dumps({"init": list(fields.values())})

    def simulate(self) -> None:
        """Start a simulation, use it, and leave it."""
        self.cloud.wait_until_available()
        with open_socket(f"ws://localhost:{self.cloud.simulation}/client") as client:
            client.send(self.init())
            windows = receive(client, begins("windows:")).removeprefix("windows:")
            page = receive(client, begins("webots:")).removeprefix("webots:")
            self.secrets |= {url.rpartition("/")[2] for url in (windows, page)}
            for url in (windows, page):
                # A file that is there, one that is not, and what is no plain path.
                for path in (f"/worlds/{WORLD}", "/worlds/none.png", "/../../etc/passwd", "/%0d%0aX: y"):
                    _get(self.cloud.simulation, f"/{url.partition('//')[2].partition('/')[2]}{path}")
            with open_socket(f"{page}/") as stream:
                stream.send("x3d")
                receive(stream, begins("scene load completed"))
                client.send(json.dumps({"reset controller": "explorer/none.py"}))
                stream.send("real-time:-1")
                receive(stream, lambda message: message.startswith(("application/json:", "stdout:")))
        self.cloud.wait_for(lambda: self.cloud.instances() == 0, "the instance to end")

    def fail_to_simulate(self, message: str, **how: Any) -> None:
        """Ask for something that is refused."""
        with open_socket(f"ws://localhost:{self.cloud.simulation}/client") as client:
            client.send(message)
            self.answers += [str(told) for told in client]


def _get(port: int, path: str) -> str:
    connection = http.client.HTTPConnection("localhost", port, timeout=PATIENCE)
    # As it is, whatever is in it.
    connection.putrequest("GET", path.replace(" ", "%20"))
    connection.endheaders()
    answer = connection.getresponse().read().decode("utf-8", "replace")
    connection.close()
    return answer


def pages(cloud: MarkedCloud) -> str:
    """What a stranger, and then the operator, sees of all servers."""
    seen = []
    for get in (partial(Cloud.get, cloud), cloud.get):
        for port in (cloud.session, cloud.simulation, cloud.host):
            for path in PAGES:
                try:
                    seen.append(get(port, path))
                except HTTPError as error:
                    seen.append(error.read().decode("utf-8", "replace"))
    return "\n".join(seen)


def found(secrets: Sequence[str], text: str) -> list[str]:
    return [line for line in text.splitlines() if any(secret in line for secret in secrets)]


def use(visitor: Visitor) -> None:
    """Do all that a visitor does, and all that may go wrong with it."""
    visitor.visit()
    visitor.simulate()
    assert visitor.upload("print('mine')\n") == "OK"
    visitor.upload("print('mine')\n", Origin="http://foreign.example.org")
    assert visitor.account("sign-up", name="Ada Marked", newPassword=f"{MARK}-password") == 200
    visitor.account("sign-up", name="Ada Marked", newPassword=f"{MARK}-other")
    visitor.account("change-password", password=f"{MARK}-wrong", newPassword=f"{MARK}-password-2")
    visitor.account("change-password", token=f"{MARK}-form-token", password=f"{MARK}-password", newPassword="x" * 9)
    assert visitor.account("change-password", password=f"{MARK}-password", newPassword=f"{MARK}-password-2") == 200
    visitor.account("log-out")
    visitor.visit()
    visitor.account("log-in", name="Ada Marked", password=f"{MARK}-wrong-again")
    visitor.account("log-in", name=f"{MARK}-typed-into-the-wrong-field", password=f"{MARK}-password-2")
    assert visitor.account("log-in", name="Ada Marked", password=f"{MARK}-password-2") == 200
    visitor.simulate()
    kept, visitor.cookies = visitor.cookies, dict.fromkeys(visitor.cookies, f"{MARK}-forged-cookie")
    visitor.visit()
    visitor.cookies = kept
    visitor.visit()
    visitor.ask("POST", "/ajax/download-project.php", urlencode({"project": PROJECT, "key": f"{MARK}-wrong-key"}))


def fail(visitor: Visitor) -> None:
    """Ask the simulation server for what it refuses."""
    host = visitor.cloud.page.rstrip("/")
    for changed in (
        {"project": "none"},
        {"world": "none.wbt"},
        {"world": "../secret"},
        {"host": "http://foreign.example.org"},
        {"host": f"http://other.example.org:{visitor.cloud.host}"},
        {"host": host.replace("//", f"//ada:{MARK}-in-an-address@")},
        {"host": f"{host}/?token={MARK}-in-a-query"},
        {"authentication": f"{MARK}-that-is-wrong"},
        {"id": "another"},
    ):
        with open_socket(f"ws://localhost:{visitor.cloud.simulation}/client") as client:
            client.send(visitor.init(**changed))
            visitor.answers += [str(next(iter(client)))]
    for message in (visitor.init()[:-1], visitor.init() + visitor.init(), visitor.init().replace("init", "start")):
        visitor.fail_to_simulate(message)
    visitor.fail_to_simulate(json.dumps({f"{MARK}-order": visitor.user["authentication"]}))
    _get(visitor.cloud.simulation, f"/webots/{MARK}-guessed-token/")
    _get(visitor.cloud.session, f"/session?token={MARK}-in-a-query")
    visitor.ask("GET", f"/projects/{PROJECT}.json?authentication={MARK}-in-a-query")


def test_none_is_in_anything_that_people_read(marked: MarkedCloud, mailbox: Mailbox) -> None:
    visitor = Visitor(marked)
    use(visitor)
    fail(visitor)
    marked.wait_for(lambda: marked.instances() == 0, "the instances to end")
    secrets = [MARK, NAME, *visitor.secrets]
    assert len(visitor.secrets) > 8, "the tokens, cookies and what the user is logged in with"
    assert all(len(secret) > 15 for secret in visitor.secrets)

    mail = mailbox.next()
    assert mailbox.logins == [(USER.encode(), f"{MARK}-mailSenderPassword".encode(), True)]
    content = cast(bytes, mail.content).decode()
    assert f"localhost:{marked.silent}" in content
    assert found(secrets, content) == []

    log = marked.everything()
    assert any("MESSAGE_ID" in entry and f"user {visitor.user['id']}" in entry for entry in marked.journal.entries)
    for beginning in ("session", "simulation", "host"):
        assert f"[webots_cloud.{beginning}." in log
    assert f"user {visitor.user['id']} at" in log
    assert "refused for" in log
    assert found(secrets, log) == []
    assert found([MARK, *visitor.secrets], "\n".join(visitor.answers)) == []
    seen = pages(marked)
    for told in ("webots_cloud_instances_started_total 2.0", '"started":2', "<title>"):
        assert told in seen
    assert found(secrets, seen) == []


def test_a_mistake_in_the_configuration_tells_no_secret(tmp_path: Path) -> None:
    for mistake in (
        f"[session]\neabKey = {MARK}\n",
        f"[acme]\neabKey {MARK}\n",
        f"[acme]\neabKey = {MARK}\n",
        f"[acme]\neabKey = {MARK}\neabKeyId = x\neabKey = {MARK}\n",
        f"[host]\nkeyFile = {tmp_path}/key\n",
    ):
        (tmp_path / "key").write_bytes(b"\xff" + MARK.encode())
        (tmp_path / "wrong.ini").write_text(mistake)
        command = [sys.executable, "-m", "twisted", "webots-cloud", "--config", str(tmp_path / "wrong.ini")]
        ran = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)
        assert ran.returncode == 78
        assert re.search(r"wrong\.ini:\d+: ", ran.stderr)
        assert MARK not in ran.stderr + ran.stdout
