"""What a page does, with plain WebSockets (docs/protocol.md)."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from urllib.parse import urlencode
from urllib.request import Request, urlopen

from websockets.sync.client import ClientConnection, connect

from tests.e2e.cloud import Cloud
from tests.e2e.program import PATIENCE


def open_socket(url: str) -> AbstractContextManager[ClientConnection]:
    return connect(url, open_timeout=PATIENCE, max_size=None)


def receive(socket: ClientConnection, wanted: Callable[[str], bool]) -> str:
    """Read messages until one is wanted; an error, or silence, is a failure."""
    deadline = time.monotonic() + PATIENCE
    while True:
        message = socket.recv(timeout=max(deadline - time.monotonic(), 0.01))
        assert isinstance(message, str)
        assert not message.startswith("error:"), message
        if wanted(message):
            return message


def begins(prefix: str) -> Callable[[str], bool]:
    return lambda message: message.startswith(prefix)


def moved(message: str) -> bool:
    """Tell whether a state message has a simulated time after the beginning and something in another place."""
    if not message.startswith("application/json:"):
        return False
    state = json.loads(message.removeprefix("application/json:"))
    return state["time"] > 0 and any("translation" in pose for pose in state["poses"])


def upload(cloud: Cloud, cookie: str, **fields: str) -> str:
    request = Request(
        f"{cloud.page}ajax/upload-file.php",
        urlencode(fields).encode(),
        {"Cookie": cookie, "Origin": cloud.page.rstrip("/")},
    )
    with urlopen(request, timeout=PATIENCE) as answer:
        return str(answer.read().decode())


@contextmanager
def simulation(
    cloud: Cloud, user: dict[str, str], project: str = "four_wheels", world: str = "4_wheels_robot.wbt"
) -> Iterator[tuple[ClientConnection, ClientConnection]]:
    """Go from the session server to the stream; give the sockets to the simulation server and to the simulator."""
    identity = [user["id"], user["name"], user["authentication"]]
    cloud.wait_until_available()
    with open_socket(f"ws://localhost:{cloud.session}/session") as session:
        server = str(session.recv(timeout=PATIENCE))
    assert server == f"ws://localhost:{cloud.simulation}"
    with open_socket(f"{server}/client") as client:
        client.send(json.dumps({"init": [cloud.page.rstrip("/"), project, world, *identity, "", "", ""]}))
        url = receive(client, begins("webots:ws://")).removeprefix("webots:")
        with open_socket(f"{url}/") as stream:
            stream.send("x3d")
            receive(stream, begins("model:"))
            receive(stream, begins("scene load completed"))
            yield client, stream
