"""Everything behind one nginx with one certificate, as docs/behind_nginx.md shows it."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote, urlencode

import pytest
from playwright.sync_api import expect
from websockets.exceptions import InvalidStatus
from websockets.sync.client import ClientConnection

from tests.chromium import chromium
from tests.e2e.exposed import MARK, state_time
from tests.e2e.fronted import DOCUMENTED_PORTS, ODD_NAME, Fronted, examples, fronted
from tests.e2e.page import begins, receive
from tests.e2e.program import PATIENCE
from tests.e2e.raw import get
from tests.ports import free_port
from webots_cloud.config import read_config

MARK_PATH = "/worlds/textures/mark.png"
ODD_PATH = f"/{quote(ODD_NAME)}"
SOCKETS, STARTS = 4, 3
BAD_REQUEST, BAD_GATEWAY = 400, 502
MILLISECONDS = PATIENCE * 1000


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fronted]:
    with fronted(
        tmp_path_factory.mktemp("proxy"),
        maxSocketsPerAddress=SOCKETS,
        maxStartsPerMinute=STARTS,
        requestTimeoutSeconds=PATIENCE,
    ) as servers:
        yield servers


@pytest.fixture(scope="module")
def direct_servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fronted]:
    with fronted(tmp_path_factory.mktemp("direct"), network="host", gate="direct") as servers:
        yield servers


class Simulation(NamedTuple):
    """A simulation that runs.

    @ivar url: what its page was told to connect to.
    """

    client: ClientConnection
    url: str

    @property
    def path(self) -> str:
        return self.url.removeprefix("wss://localhost")


def init(servers: Fronted, project: str = "arena") -> str:
    """Write a request for an instance."""
    return json.dumps({"init": [servers.origin, project, "arena.wbt", "", "", "", "", "", ""]})


@contextmanager
def simulation(servers: Fronted, source: str = "127.0.0.1") -> Iterator[Simulation]:
    """Have a page start a simulation, which ends with it."""
    with servers.socket(servers.client_url, source) as client:
        client.send(init(servers))
        yield Simulation(client, receive(client, begins("webots:")).removeprefix("webots:"))


def drives(servers: Fronted, url: str, source: str = "127.0.0.1") -> None:
    """See that a scene comes, and that a step is made."""
    with servers.socket(url, source) as stream:
        stream.send("x3d")
        receive(stream, begins("model:"))
        receive(stream, begins("scene load completed"))
        stream.send("step")
        receive(stream, lambda message: state_time(message) > 0)


def test_the_session_server_sends_pages_on(servers: Fronted) -> None:
    site = json.loads(servers.ask("/projects.json").body)["sessionServer"]
    with servers.socket(f"{site}/") as availability:
        receive(availability, lambda message: message == "1")
        with servers.socket(f"{site}/session") as session:
            server = str(session.recv(timeout=PATIENCE))
    assert f"{server}/client" == servers.client_url


def test_a_simulation_through_the_gate(servers: Fronted) -> None:
    source = "127.0.0.11"
    with simulation(servers, source) as running:
        assert re.fullmatch(rf"wss://localhost/{servers.simulation}/webots/[\w-]{{43}}", running.url)
        drives(servers, f"{running.url}/", source)
        texture = servers.ask(f"{running.path}{MARK_PATH}", source)
        assert (texture.status, texture.body) == (200, MARK)
        assert servers.ask(f"{running.path}{ODD_PATH}", source).body == MARK
        assert servers.instances() == 1
    servers.wait_for(lambda: servers.instances() == 0 and not servers.folders, "the instance to end")
    assert servers.ask(f"{running.path}{MARK_PATH}", source).status == 404


@pytest.mark.parametrize("end", ["/", ""])
def test_a_simulation_at_a_port_of_its_own(direct_servers: Fronted, end: str) -> None:
    with simulation(direct_servers) as running:
        assert running.url in [f"wss://localhost/{port}" for port in direct_servers.instance_ports]
        drives(direct_servers, f"{running.url}{end}")
        texture = direct_servers.ask(f"{running.path}{MARK_PATH}")
        assert (texture.status, texture.body) == (200, MARK)
        # What a project has must not be able to act as the website, which has the same origin.
        assert texture.headers["content-security-policy"].startswith("sandbox allow-scripts")
        assert direct_servers.ask(f"{running.path}{ODD_PATH}").body == MARK
    direct_servers.wait_for(lambda: not direct_servers.folders, "the instance to end")


def test_the_website_saves_what_its_own_pages_send(servers: Fronted) -> None:
    cookie = servers.ask("/projects.json").headers["set-cookie"]
    assert "secure" in cookie.lower().split("; ")
    headers = {"Content_Type": "application/x-www-form-urlencoded", "Cookie": cookie.partition(";")[0]}

    def upload(content: str, origin: str) -> str:
        form = {"dirname": "arena/controllers/go", "filename": "go.py", "content": content}
        answer = servers.ask("/ajax/upload-file.php", method="POST", body=urlencode(form), Origin=origin, **headers)
        return answer.body.decode()

    assert upload("x" * 1500000, "https://localhost") == "OK"
    assert upload("x", "https://localhost.example.org").startswith("Error: ")
    assert upload("x" * 3000000, "https://localhost").startswith("Error: the file is larger than")


def test_visitors_who_do_not_encrypt_are_sent_to_where_it_is_done(servers: Fronted) -> None:
    answer = get(servers.plain, "/simulation.html?project=arena")
    assert (answer.status, answer.headers["location"]) == (301, "https://localhost/simulation.html?project=arena")


def test_the_page_in_a_browser(servers: Fronted) -> None:
    elsewhere = f"--host-resolver-rules=MAP localhost:443 127.0.0.1:{servers.front}"
    with chromium(elsewhere, "--ignore-certificate-errors") as browser:
        page = browser.new_page()
        page.set_default_timeout(MILLISECONDS)
        faults: list[str] = []
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
        page.goto(f"{servers.origin}/")
        expect(page.get_by_text("A simulation can be started now.")).to_be_visible(timeout=MILLISECONDS)
        page.locator("a[href^='simulation.html'][href*='arena']").click()
        page.get_by_role("button", name="Run in real time").click()
        servers.wait_for(lambda: page.get_by_title("Simulated time").inner_text() > "0:00:00.000", "simulated time")
    assert faults == []
    servers.wait_for(lambda: servers.instances() == 0, "the instance to end")


def test_the_monitor_pages_are_live(servers: Fronted) -> None:
    elsewhere = f"--host-resolver-rules=MAP localhost:443 127.0.0.1:{servers.front}"
    with chromium(elsewhere, "--ignore-certificate-errors") as browser:
        page = browser.new_page()
        for server in (servers.session, servers.simulation):
            page.goto(f"{servers.origin}/{server}/monitor", timeout=MILLISECONDS)
            expect(page.locator("#connection")).to_have_text("Live", timeout=MILLISECONDS)


def test_connections_are_counted_for_the_address_that_nginx_saw(servers: Fronted) -> None:
    client = servers.client_url
    greedy, modest = "127.0.0.21", "127.0.0.22"
    with ExitStack() as stack:
        for _ in range(SOCKETS):
            stack.enter_context(servers.socket(client, greedy, X_Forwarded_For=modest))
        for claimed in ("127.0.0.23", f"127.0.0.23, {modest}", "127.0.0.1", ""):
            with pytest.raises(InvalidStatus) as refused, servers.socket(client, greedy, X_Forwarded_For=claimed):
                pass
            assert refused.value.response.status_code == BAD_GATEWAY
        stack.enter_context(servers.socket(client, modest, X_Forwarded_For=greedy))


def test_starts_are_counted_for_the_address_that_nginx_saw(servers: Fronted) -> None:
    def start(source: str, claimed: str) -> str:
        with servers.socket(servers.client_url, source, X_Forwarded_For=claimed) as socket:
            socket.send(init(servers, "absent"))
            return str(socket.recv(timeout=PATIENCE))

    hasty, patient = "127.0.0.31", "127.0.0.32"
    told = [start(hasty, f"127.0.0.{number}") for number in range(100, 101 + STARTS)]
    too_many = "error: Your network address has started"
    assert [message.startswith(too_many) for message in told] == [False] * STARTS + [True]
    assert not start(patient, hasty).startswith(too_many)


def test_a_token_is_in_no_log(tmp_path: Path) -> None:
    with fronted(tmp_path) as servers:
        with simulation(servers) as running:
            drives(servers, f"{running.url}/")
            assert servers.ask(f"{running.path}{MARK_PATH}").status == 200
            # Refused before nginx looks at what is asked for.
            assert servers.ask(f"{running.path}/", Cookie="x" * 10000).status == BAD_REQUEST
        servers.wait_for(lambda: servers.instances() == 0, "the instance to end")
        assert servers.ask(f"{running.path}/").status == 404
        servers.stop()
        # Of a server that cannot be reached nginx tells who was asked for what.
        for path in (running.path, f"{running.path}/", f"/{servers.simulation}/load"):
            assert servers.ask(path).status == BAD_GATEWAY
        logs = servers.logs
    assert f'request: "GET /{servers.simulation}/load HTTP/1.1"' in logs
    assert f"GET /{servers.simulation}/client HTTP/1.1" in logs
    assert running.path.rpartition("/")[2] not in logs


def other_ports(servers: Fronted, other: int) -> list[str]:
    """Write addresses that somebody may take for one of another port."""
    ours = servers.simulation
    return [
        f"/{other}",
        f"/{other}/",
        f"//{other}/",
        f"/./{other}/",
        f"/0{other}/",
        f"/{ours}/../{other}/",
        f"/{ours}/%2e%2e/{other}/",
        f"/{ours}/..%2f{other}/",
        f"/{ours}:{other}/",
        f"/{ours}@127.0.0.1:{other}/",
        f"/{ours}%40127.0.0.1:{other}/",
        f"/{ours}/@127.0.0.1:{other}/",
        f"/{ours}{other}/",
        f"/{other}%2f",
        f"/{other}%0d%0a/",
        f"/127.0.0.1:{other}/",
        f"/{ours}/webots/../../{other}/",
        f"/{ours}/http://127.0.0.1:{other}/",
    ]


@pytest.mark.parametrize("fixture", ["servers", "direct_servers"])
def test_no_other_port_is_reached(fixture: str, request: pytest.FixtureRequest) -> None:
    servers: Fronted = request.getfixturevalue(fixture)
    port = next(port for port in iter(free_port, None) if port not in servers.instance_ports)
    with socket.create_server(("127.0.0.1", port)) as other:
        answers = {path: servers.ask(path).status for path in other_ports(servers, port)}
        other.setblocking(False)
        with pytest.raises(BlockingIOError):
            other.accept()
    assert set(answers.values()) == {404}, answers


def test_the_manual_lets_exactly_the_ports_of_instances_through() -> None:
    _, _, direct = examples()
    rule = re.compile(direct.partition("location ~ ")[2].partition(" {")[0])
    assert f"({DOCUMENTED_PORTS})" in rule.pattern
    config = read_config(None, ()).simulation
    expected = [str(config.port + number) for number in range(1, config.maxConnections + 1)]
    assert [str(port) for port in range(65536) if rule.match(f"/{port}/x")] == expected
    assert [port for port in expected if rule.match(f"/{port}x")] == []


def test_the_manual_lets_a_paused_simulation_be_silent_for_as_long_as_it_may() -> None:
    _, site, _ = examples()
    found = re.search(r"proxy_read_timeout ([0-9]+)s;", site)
    assert found
    assert int(found[1]) >= read_config(None, ()).simulation.totalTimeoutSeconds
