"""The whole exchange between a page, its host and the servers, from the session server to the end."""

from __future__ import annotations

import json

from tests.e2e.cloud import TUTORIAL_CONTROLLER, Cloud
from tests.e2e.page import begins, moved, receive, simulation, upload

CONTROLLER = f"{TUTORIAL_CONTROLLER}/{TUTORIAL_CONTROLLER}.py"
STANDS_STILL = """from controller import Robot

robot = Robot()
print("I stand still")
while robot.step(64) != -1:
    pass
"""


def test_a_user_edits_a_controller_and_sees_what_changed(cloud: Cloud) -> None:
    user, cookie = cloud.guest()
    with simulation(cloud, user) as (client, stream):
        stream.send("real-time:-1")
        receive(stream, moved)
        receive(client, lambda message: message == ".")

        answer = upload(
            cloud,
            cookie,
            dirname=f"four_wheels/controllers/{TUTORIAL_CONTROLLER}",
            filename=f"{TUTORIAL_CONTROLLER}.py",
            content=STANDS_STILL,
        )
        assert answer == "OK"
        stream.send(f"set controller:{CONTROLLER}:{STANDS_STILL.count(chr(10))}\n{STANDS_STILL}")
        stream.send("reset")
        receive(stream, begins("reset finished"))
        stream.send("real-time:-1")
        receive(stream, lambda message: message.startswith("stdout:") and "I stand still" in message)

        client.send(json.dumps({"reset controller": CONTROLLER}))
        assert receive(client, begins("reset controller:")) == f"reset controller: {CONTROLLER}"
        stream.send(f"sync controller:{CONTROLLER}")
        assert "I stand still" not in receive(stream, begins("set controller:"))
        stream.send("reset")
        receive(stream, begins("reset finished"))
        stream.send("real-time:-1")
        receive(stream, moved)
    cloud.wait_for(lambda: cloud.instances() == 0, "the instance to end")
    cloud.wait_for(lambda: not cloud.processes and not cloud.folders, "nothing to be left")


def test_what_a_user_saved_is_there_the_next_time_and_only_for_this_user(cloud: Cloud) -> None:
    user, cookie = cloud.guest()
    place = {"dirname": f"four_wheels/controllers/{TUTORIAL_CONTROLLER}", "filename": f"{TUTORIAL_CONTROLLER}.py"}
    assert upload(cloud, cookie, **place, content=STANDS_STILL) == "OK"

    with simulation(cloud, user) as (_, stream):
        stream.send(f"get controller:{TUTORIAL_CONTROLLER}")
        assert "I stand still" in receive(stream, begins("set controller:"))

    other, _ = cloud.guest()
    with simulation(cloud, other) as (_, stream):
        stream.send(f"get controller:{TUTORIAL_CONTROLLER}")
        assert "I stand still" not in receive(stream, begins("set controller:"))
    cloud.wait_for(lambda: cloud.instances() == 0, "the instances to end")


def test_no_secret_reaches_the_log(cloud: Cloud) -> None:
    user, _ = cloud.guest()
    with simulation(cloud, user):
        key = (cloud.state / "keys" / "localhost").read_text().strip()
        files = [(cloud.state / "logs" / f"{server}.log").read_text() for server in ("session", "simulation", "host")]
    log = "\n".join([*cloud.output, *files])
    assert all(files)
    assert len(key) > 20
    assert key not in log
    assert user["authentication"] not in log
    cloud.wait_for(lambda: cloud.instances() == 0, "the instance to end")
