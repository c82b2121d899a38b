"""A simulation server that strangers may try to harm, its website host, and an honest page that must notice nothing."""

from __future__ import annotations

import io
import json
import re
import stat
import sys
import threading
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import attrs
import psutil
from websockets.sync.client import ClientConnection, connect

from tests.e2e.page import begins, receive
from tests.e2e.program import PATIENCE, Program
from tests.e2e.raw import Answer, get
from tests.open_files import open_files
from tests.ports import free_port

KEY = "the-key-of-this-website-host"
AUTHENTICATION = "what-Ada-is-logged-in-with"
ADA = ("7", "Ada", AUTHENTICATION)
WORLD = "#VRML_SIM R2022b utf8\nWorldInfo {\n}\nViewpoint {\n}\nSolid {\n}\n"
MARK = b"a texture of this project only"
SECRET = "nothing outside of its project is for an instance"
HONEST = "127.0.0.99"
FEW = 8 * 10**6
"""How many bytes of memory more do not matter."""


def project(mark: bytes = MARK) -> dict[str, bytes]:
    """Give the files of a project."""
    return {
        "worlds/arena.wbt": WORLD.encode(),
        "worlds/textures/mark.png": mark,
        "controllers/go/go.py": b"print('go')\n",
    }


def packed(files: Mapping[str, bytes]) -> bytes:
    """Make an archive."""
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return written.getvalue()


@attrs.frozen
class Given:
    """What a website host answers."""

    body: bytes
    status: int = 200
    headers: Mapping[str, str] = attrs.field(factory=dict)


class WebsiteHost(ThreadingHTTPServer):
    """Answers each project as a test says.

    @ivar answers: what is answered for each project.
    @ivar forms: what was asked.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Ajax)
        self.answers: dict[str, Given] = {}
        self.forms: list[dict[str, str]] = []
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    @property
    def url(self) -> str:
        """What its pages call it."""
        return f"http://localhost:{self.port}"

    def stop(self) -> None:
        self.shutdown()
        self.server_close()


class _Ajax(BaseHTTPRequestHandler):
    server: WebsiteHost

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        form = {name: values[0] for name, values in parse_qs(body, keep_blank_values=True).items()}
        self.server.forms.append(form)
        given = self.server.answers.get(form["project"], Given(b"Error: no such directory: here"))
        self.send_response(given.status)
        for name, value in given.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(given.body)))
        self.end_headers()
        self.wfile.write(given.body)

    def log_message(self, format: str, *arguments: Any) -> None:
        pass


class Server(Program):
    """A simulation server as a process of its own.

    @ivar tokens: all that it has given.
    """

    def __init__(self, place: Path, host: WebsiteHost, **options: object) -> None:
        """Start it.

        @param place: a folder for all that it has.
        @param options: of its section of the configuration.
        """
        self.place = place
        self.instances_dir = place / "instances"
        self.port = free_port()
        self.host = host
        self.tokens: list[str] = []
        self._prepare(options)
        command = [sys.executable, "-m", "twisted", "--log-format=text", "webots-simulation"]
        Program.__init__(self, [*command, "--config", str(place / "test.ini")], STATE_DIRECTORY=str(place))
        self.wait_for(lambda: any("[simulation] listens on" in line for line in self.output), "the server to start")
        self._guardians = self._itself.children()
        self._descriptors = self._itself.num_fds()

    def _prepare(self, options: Mapping[str, object]) -> None:
        (self.place / "keys").mkdir(mode=0o700, parents=True)
        (self.place / "keys" / "localhost").write_text(f"{KEY}\n")
        (self.place / "secret.png").write_text(SECRET)
        for name, content in project().items():
            (self.place / "projects" / "arena" / name).parent.mkdir(parents=True, exist_ok=True)
            (self.place / "projects" / "arena" / name).write_bytes(content)
        settings = {
            "port": self.port,
            "listen": f"tcp:{self.port}:interface=127.0.0.1",
            "logDir": self.place / "logs",
            "projectsDir": self.place / "projects",
            "hostPorts": self.host.port,
            **options,
        }
        lines = [f"{name} = {value}\n" for name, value in settings.items()]
        (self.place / "test.ini").write_text("[simulation]\n" + "".join(lines))

    @property
    def _itself(self) -> psutil.Process:
        return psutil.Process(self.process.pid)

    @property
    def log(self) -> str:
        """All that it has logged."""
        files = [file.read_text() for file in (self.place / "logs").iterdir()]
        return "\n".join([*self.output, *files])

    @property
    def processes(self) -> list[psutil.Process]:
        """All processes of instances that are still there."""
        return [child for child in self._itself.children(recursive=True) if child not in self._guardians]

    @property
    def folders(self) -> list[Path]:
        """Of the instances that are still there."""
        return [path for path in self.instances_dir.iterdir() if path.is_dir()]

    def monitor(self, what: str, source: str = HONEST) -> int:
        """Read a number off the data of the monitor page."""
        return int(json.loads(get(self.port, "/monitor.json", source).body)["totals"][what])

    def size_of_open_files(self) -> int:
        """Sum up what it holds on the disk, also in files without a name."""
        return sum(
            status.st_size
            for name, status in open_files(self.process.pid)
            if "/logs/" not in name and stat.S_ISREG(status.st_mode)
        )

    @contextmanager
    def limited_to_files(self, count: int) -> Iterator[None]:
        """Let it have only so many files and sockets open."""
        before = self._itself.rlimit(psutil.RLIMIT_NOFILE)
        self._itself.rlimit(psutil.RLIMIT_NOFILE, (count, before[1]))
        try:
            yield
        finally:
            self._itself.rlimit(psutil.RLIMIT_NOFILE, before)

    @contextmanager
    def memory_stays(self, few: int = FEW) -> Iterator[None]:
        """See that the server's memory does not at any moment grow by more than a few bytes."""
        before = self._itself.memory_info().rss
        # Has the kernel forget the highest so far.
        Path(f"/proc/{self.process.pid}/clear_refs").write_text("5")
        yield
        found = re.search(r"VmHWM:\s+([0-9]+) kB", Path(f"/proc/{self.process.pid}/status").read_text())
        assert found
        grown = int(found.group(1)) * 1024 - before
        print("memory has grown by", grown)
        assert grown < few

    def init(
        self, name: str = "arena", world: str = "arena.wbt", host: str = "", user: tuple[str, ...] = ("",) * 3
    ) -> str:
        """Write a request for an instance."""
        return json.dumps({"init": [host or self.host.url, name, world, *user, "", "", ""]})

    @contextmanager
    def client(self, source: str = "127.0.0.1", **how: Any) -> Iterator[ClientConnection]:
        """Connect a page."""
        with connect(
            f"ws://127.0.0.1:{self.port}/client",
            source_address=(source, 0),
            open_timeout=PATIENCE,
            close_timeout=PATIENCE,
            max_queue=None,
            proxy=None,
            **how,
        ) as client:
            yield client

    def told(self, message: str | bytes, source: str = "127.0.0.1", **how: Any) -> str:
        """Have a page send one message; it is to be told of one failure and let go, which is given."""
        with self.client(source, **how) as client:
            client.send(message)
            messages = [str(message) for message in client]
            assert client.protocol.close_code == 1000
        assert messages[-1].startswith("error: "), messages
        return messages[-1]

    @contextmanager
    def simulation(self, source: str = "127.0.0.1", message: str = "", **how: Any) -> Iterator[Simulation]:
        """Have a page start a simulation, which ends with it."""
        with self.client(source, **how) as client:
            client.send(message or self.init())
            tokens = [receive(client, begins(way)).rpartition("/")[2] for way in ("windows:", "webots:")]
            self.tokens += tokens
            windows, page = (f"/webots/{token}" for token in tokens)
            yield Simulation(self, client, page, source, windows)

    def nothing_is_left(self) -> None:
        """See that the server is as it was at first, and that its log tells no secret and of no fault."""
        self.wait_for(lambda: self.monitor("instances") + self.monitor("waiting") == 0, "all instances to end")
        self.wait_for(lambda: not self.processes and not self.folders, "nothing to be left of them")
        assert {get(self.port, f"/webots/{token}/", HONEST).status for token in self.tokens} <= {404}
        self.wait_for(lambda: self._itself.num_fds() <= self._descriptors, "all descriptors to be closed")
        log = self.log
        assert "Traceback" not in log, log
        assert [secret for secret in (KEY, AUTHENTICATION, SECRET, *self.tokens) if secret in log] == []


@attrs.frozen
class Simulation:
    """A simulation that runs.

    @ivar client: its page's socket to the server.
    @ivar path: what is before all that is asked of it.
    @ivar source: the address of its page.
    @ivar windows: what is before all that robot windows ask of it.
    """

    server: Server
    client: ClientConnection
    path: str
    source: str
    windows: str

    @property
    def token(self) -> str:
        return self.path.rpartition("/")[2]

    def get(self, path: str, **headers: str) -> Answer:
        """Ask for something below its path."""
        return get(self.server.port, f"{self.path}{path}", self.source, **headers)

    @contextmanager
    def stream(self, first: str = "x3d", **how: Any) -> Iterator[ClientConnection]:
        """Connect to it."""
        with connect(
            f"ws://127.0.0.1:{self.server.port}{self.path}/",
            source_address=(self.source, 0),
            open_timeout=PATIENCE,
            close_timeout=PATIENCE,
            max_size=None,
            max_queue=None,
            proxy=None,
            **how,
        ) as stream:
            stream.send(first)
            yield stream

    @contextmanager
    def driven(self) -> Iterator[Driver]:
        """Connect to it, and wait for the scene."""
        with self.stream() as stream:
            receive(stream, begins("scene load completed"))
            yield Driver(self, stream)


@attrs.define
class Driver:
    """A page that drives its simulation step by step.

    @ivar time: simulated, ms.
    """

    simulation: Simulation
    stream: ClientConnection
    time: float = 0.0

    def steps(self) -> None:
        """See that the simulation goes on when it is told to, and that its files can be had."""
        self.stream.send("step")
        self.time = state_time(receive(self.stream, lambda message: state_time(message) > self.time))
        assert self.simulation.get("/worlds/textures/mark.png").body == MARK


def state_time(message: str) -> float:
    """Give the simulated time that a message tells of; of another message, less than none."""
    if message.startswith("time: "):
        return float(message.removeprefix("time: "))
    if message.startswith("application/json:"):
        return float(json.loads(message.removeprefix("application/json:"))["time"])
    return -1.0


@contextmanager
def exposed(place: Path, **options: object) -> Iterator[Server]:
    """Run a server; in the end nothing may be left of what was done to it."""
    host = WebsiteHost()
    server = Server(place, host, **options)
    try:
        yield server
        server.nothing_is_left()
    finally:
        server.stop()
        host.stop()


@contextmanager
def honest_page(server: Server, **how: Any) -> Iterator[Driver]:
    """Have a page, of a user who is logged in, drive a simulation."""
    with server.simulation(HONEST, server.init(user=ADA), **how) as simulation, simulation.driven() as driver:
        driver.steps()
        yield driver
