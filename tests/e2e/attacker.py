"""Servers with small limits, and an instance whose controller attacks: what a test says runs in the sandbox."""

from __future__ import annotations

import json
import resource
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import attrs
import psutil
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from tests.e2e.cloud import Cloud
from tests.e2e.page import begins, receive
from tests.e2e.program import PATIENCE, Program
from tests.ports import free_ports

CONTROLLER = Path(__file__).with_name("controllers") / "attacker"
LIMITS = {
    "maxConnections": 20,
    "maxStartsPerMinute": 10000,
    "maxMemoryMegabytes": 500,
    "maxAddressSpaceMegabytes": 3000,
    "maxProjectMegabytes": 20,
    "maxProjectFiles": 300,
    "maxFileMegabytes": 10,
    "maxProcesses": 60,
    "maxOpenFiles": 1000,
    "endTimeoutSeconds": 2,
}
SECRET = "a secret in the environment of the servers"
_WORLD = """#VRML_SIM R2022b utf8
WorldInfo {{ title "world of {name}" basicTimeStep 32 }}
Robot {{ name "attacker" controller "attacker" }}
"""


class Arena(Cloud):
    """Running servers, whose one base project is that of an attacker.

    @ivar projects: the base projects.
    """

    def __init__(self, state: Path, hostile_ports: tuple[int, ...] = (), limits: Mapping[str, int] = LIMITS) -> None:
        """Start.

        @param hostile_ports: of website hosts on this machine that have the key of localhost.
        """
        self.state = state
        self.projects = state / "projects"
        self.session, self.simulation, self.host = free_ports(3)
        self.add_project("attacker")
        self.configuration = state / "attacked.ini"
        self.configuration.write_text(self._options(hostile_ports, limits))
        self._guardians = []
        # What service managers give; instances would have more of what the servers have less.
        most_files = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        limited = ["prlimit", f"--nofile=1000:{most_files}", sys.executable, "-m", "twisted", "webots-cloud"]
        command = [*limited, "--config", str(self.configuration)]
        Program.__init__(self, command, STATE_DIRECTORY=str(state), SERVER_SECRET=SECRET)

    def _options(self, hostile_ports: tuple[int, ...], limits: Mapping[str, int]) -> str:
        host_ports = ", ".join(map(str, (self.host, *hostile_ports)))
        simulation = {"hostPorts": host_ports, "projectsDir": self.projects, **limits}
        return "".join(
            f"[{section}]\nport = {port}\nlisten = tcp:{port}:interface=127.0.0.1\n"
            f"logDir = {self.state / 'logs'}\n{more}"
            for section, port, more in (
                ("session", self.session, f"simulationServers = localhost:{self.simulation}\n"),
                ("simulation", self.simulation, "".join(f"{name} = {value}\n" for name, value in simulation.items())),
                ("host", self.host, f"sessionServer = ws://localhost:{self.session}\n"),
            )
        )

    def add_project(self, name: str) -> Path:
        """Make a base project of the attacker's; give its folder."""
        folder = self.projects / name
        (folder / "worlds").mkdir(parents=True)
        (folder / "worlds" / "attacker.wbt").write_text(_WORLD.format(name=name))
        shutil.copytree(CONTROLLER, folder / "controllers" / "attacker", ignore=shutil.ignore_patterns("__pycache__"))
        return folder

    @contextmanager
    def asking(self, project: str = "attacker", host: str = "") -> Iterator[ClientConnection]:
        """Connect a page that asks for an instance."""
        with connect(f"ws://localhost:{self.simulation}/client", open_timeout=PATIENCE, max_queue=None) as client:
            init = [host or self.page.rstrip("/"), project, "attacker.wbt", *[""] * 6]
            client.send(json.dumps({"init": init}))
            yield client

    @contextmanager
    def attacker(self, project: str = "attacker") -> Iterator[Attacker]:
        """Run an instance; afterwards nothing may be left of it."""
        before = set(self.folders)
        with self.asking(project) as client:
            url = receive(client, begins("webots:ws://")).removeprefix("webots:")
            (folder,) = set(self.folders) - before
            with connect(f"{url}/", open_timeout=PATIENCE, max_size=None, max_queue=None) as stream:
                stream.send("x3d")
                receive(stream, begins("scene load completed"))
                stream.send("real-time:-1")
                yield Attacker(self, client, stream, url, folder)
        self.wait_for(lambda: not folder.exists(), "the folder to vanish")
        self.wait_for(lambda: not of_folder(folder), "all processes to end")

    def answers_within(self, seconds: float) -> None:
        """See that the simulation server has time for others."""
        begin = time.monotonic()
        self.get(self.simulation, "/load")
        assert time.monotonic() - begin < seconds


@attrs.define
class Attacker:
    """An instance whose controller does what a test says.

    @ivar client: the socket to the simulation server.
    @ivar stream: the socket to the simulator.
    @ivar url: where the simulator is.
    @ivar folder: the instance's own.
    """

    arena: Arena
    client: ClientConnection
    stream: ClientConnection
    url: str
    folder: Path
    orders: int = 0

    def begin(self, program: str) -> None:
        """Have the controller run a program, and do not wait for its end."""
        self.orders += 1
        text = f"# order {self.orders}\nfrom tools import *\n{program}\n# end of order {self.orders}\n"
        self.stream.send(f"set controller:attacker/order.py:{text.count(chr(10))}\n{text}")

    def run(self, program: str) -> str:
        """Have the controller run a program; give what it has printed."""
        self.begin(program)
        return self.said()

    def said(self) -> str:
        """Wait for the end of the last program; give what it has printed."""
        begin = f"[{self.orders}, "
        answer = receive(self.stream, lambda message: message.startswith("stdout:") and begin in message)
        line = next(line for line in answer.removeprefix("stdout:").splitlines() if line.startswith(begin))
        _, status, printed, complained = json.loads(line)
        assert status == 0, complained
        return str(printed).strip()

    def error(self) -> str:
        """Wait until the page is told of a failure."""
        deadline = time.monotonic() + PATIENCE
        while True:
            message = str(self.client.recv(timeout=max(deadline - time.monotonic(), 0.01)))
            if message.startswith("error:"):
                return message

    def frames(self, seconds: float) -> int:
        """Count the frames that arrive in some time."""
        self.skip()
        count, end = 0, time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            try:
                count += str(self.stream.recv(timeout=left)).startswith(("time:", "application/json:"))
            except TimeoutError:
                break
        return count

    def skip(self) -> list[str]:
        """Give the messages of the simulator that are there already."""
        return list(_those_here(self.stream))

    def heard(self) -> list[str]:
        """Give the messages of the server that are there already."""
        return list(_those_here(self.client))

    @property
    def processes(self) -> list[psutil.Process]:
        """The processes of this instance, as the machine sees them."""
        return of_folder(self.folder)


def _those_here(socket: ClientConnection) -> Iterator[str]:
    while True:
        try:
            yield str(socket.recv(timeout=0))
        except (TimeoutError, ConnectionClosed):
            return


def of_folder(folder: Path) -> list[psutil.Process]:
    """Give the sandbox of an instance, which has its folder on its command line, and everything in it."""
    found: dict[int, psutil.Process] = {}
    for process in psutil.process_iter(["cmdline"]):
        if any(str(folder) in word for word in process.info["cmdline"] or ()):
            found[process.pid] = process
            try:
                found.update((child.pid, child) for child in process.children(recursive=True))
            except psutil.NoSuchProcess:
                continue
    return list(found.values())


def outside(program: str, folder: Path) -> str:
    """Run the program of an attack as the same user without the sandbox; give what it has printed.

    An attack that fails here as well, or a test that would not notice its success, shows nothing.

    @param folder: where it may write.
    """
    shutil.copyfile(CONTROLLER / "tools.py", folder / "tools.py")
    text = f"from tools import *\n{program}\n"
    ended = subprocess.run([sys.executable, "-c", text], cwd=folder, capture_output=True, text=True, timeout=PATIENCE)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout.strip()


@contextmanager
def hostile_host() -> Iterator[tuple[int, Callable[[bytes], None]]]:
    """A website host that sends what a test says; gives its port, and how to say it."""
    archives: list[bytes] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            self.send_response(200)
            self.send_header("content-type", "application/zip")
            self.send_header("content-length", str(len(archives[-1])))
            self.end_headers()
            self.wfile.write(archives[-1])

        def log_message(self, format: str, *arguments: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server.server_port, archives.append
        server.shutdown()
        thread.join(PATIENCE)
