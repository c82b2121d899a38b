import json
from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webots_cloud.standin import talk
from webots_cloud.standin.console import LONGEST_LINE, Lines
from webots_cloud.standin.label import Label
from webots_cloud.standin.wbt import parse
from webots_cloud.standin.world import World

ROBOT = """#VRML_SIM R2022b utf8
WorldInfo { basicTimeStep 16 }
Robot { name "me" customData "7" children [
  HingeJoint { jointParameters HingeJointParameters { axis 0 1 0 } device [ RotationalMotor { name "m" maxVelocity 5 }
    PositionSensor { name "p" } ] endPoint Solid { } }
  DistanceSensor { name "d" } LED { name "l" } ] }
"""


def world() -> World:
    return World(parse(ROBOT), print)


def test_a_controller_is_greeted_with_what_its_robot_has() -> None:
    w = world()
    assert json.loads(talk.greeting(w, w.bodies[0])) == {
        "name": "me",
        "time": 0.0,
        "basicTimeStep": 16.0,
        "customData": "7",
        "devices": {
            "m": {"type": "Motor", "maxVelocity": 5.0},
            "p": {"type": "PositionSensor"},
            "d": {"type": "DistanceSensor"},
            "l": {"type": "LED"},
        },
    }


def test_a_request_moves_the_motor_and_is_answered_with_the_sensors() -> None:
    w = world()
    body = w.bodies[0]
    request = talk.parse(
        b'{"step": 16, "motors": {"m": {"position": null, "velocity": 2}, "no": {}}, "sensors": ["p", "p", "d", "no"]}'
    )
    assert request == talk.Request(16.0, {"m": (inf, 2.0), "no": (None, None)}, ["p", "d", "no"])
    talk.obey(w, body, request)
    w.step()
    assert json.loads(talk.answer(w, body, request.sensors)) == {
        "time": 16.0,
        "values": {"p": pytest.approx(0.032), "d": 1000.0},
    }


def test_lamps_are_set_and_messages_from_windows_come_with_the_answer() -> None:
    w = world()
    body = w.bodies[0]
    body.post("one")
    body.post("two")
    request = talk.parse(b'{"step": 16, "motors": {}, "sensors": [], "leds": {"l": 1, "no": 2}, "texts": ["a", "b"]}')
    assert request.texts == ["a", "b"]
    talk.obey(w, body, request)
    assert body.leds["l"].value == 1
    assert json.loads(talk.answer(w, body, [])) == {"time": 0.0, "values": {}, "texts": ["one", "two"]}
    assert json.loads(talk.answer(w, body, [])) == {"time": 0.0, "values": {}}


@pytest.mark.parametrize("supervisor", ["", "supervisor TRUE"])
def test_only_a_supervisor_puts_labels(supervisor: str) -> None:
    w = World(parse(ROBOT.replace('name "me"', supervisor)), print)
    place = b'"x": 0.1, "y": 0.2, "size": 0.05, "color": 255, "transparency": 7, "font": "Arial"'
    request = talk.parse(
        b'{"step": 1, "motors": {}, "sensors": [], "labels": [{"id": 3, "text": "hi", ' + place + b"}]}"
    )
    talk.obey(w, w.bodies[0], request)
    assert w.labels == ({3: Label(3, "hi", 0.1, 0.2, 0.05, 255, 1.0)} if supervisor else {})


@pytest.mark.parametrize(
    ("color", "value", "shown"),
    [
        ("", 0, (0, 0, 0)),
        ("", 1, (1, 0, 0)),
        ("color [ 0 1 0, 0 0 1 ]", 2, (0, 0, 1)),
        ("color [ 0 1 0, 0 0 1 ]", 7, (0, 0, 1)),
        ("color [ 0 1 0 ]", -1, (0, 0, 0)),
        ("color [ 0 1 0 ] gradual TRUE", 51, (0, 0.2, 0)),
        ("color [ 0 1 0 ] gradual TRUE", 1000, (0, 1, 0)),
        ("color [ 0 1 0, 1 0 0 ] gradual TRUE", 0x3300FF, (0.2, 0, 1)),
    ],
)
def test_a_lamp_shows_the_colour_of_its_value(color: str, value: int, shown: tuple[float, ...]) -> None:
    materials = """children [ Group { children [ Shape { appearance DEF P PBRAppearance { } }
      Shape { appearance USE P } Shape { appearance Appearance { material Material { } } } ] } ]"""
    w = World(parse(f"#VRML_SIM R2022b utf8\nRobot {{ children [ LED {{ {color} {materials} }} ] }}"), print)
    led = w.bodies[0].leds["led"]
    led.value = value
    assert [(node.kind, color) for node, color in led.colors()] == [("PBRAppearance", shown), ("Material", shown)]


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"nonsense",
        b"[]",
        b'{"step": 1}',
        b'{"step": "1", "motors": {}, "sensors": []}',
        b'{"step": NaN, "motors": {}, "sensors": []}',
        b'{"step": -1, "motors": {}, "sensors": []}',
        b'{"step": 1e300, "motors": {}, "sensors": []}',
        b'{"step": 1' + b"0" * 400 + b', "motors": {}, "sensors": []}',
        b'{"step": true, "motors": {}, "sensors": []}',
        b'{"step": 1, "motors": [], "sensors": []}',
        b'{"step": 1, "motors": {"m": 3}, "sensors": []}',
        b'{"step": 1, "motors": {"m": {"velocity": Infinity}}, "sensors": []}',
        b'{"step": 1, "motors": {}, "sensors": 5}',
        b'{"step": 1, "motors": {}, "sensors": [], "leds": {"l": 0.5}}',
        b'{"step": 1, "motors": {}, "sensors": [], "leds": {"l": 1' + b"0" * 100 + b"}}",
        b'{"step": 1, "motors": {}, "sensors": [], "leds": [1]}',
        b'{"step": 1, "motors": {}, "sensors": [], "texts": 1}',
        b'{"step": 1, "motors": {}, "sensors": [], "labels": [{"id": 1}]}',
        b'{"step": 1, "motors": {}, "sensors": [], "labels": [[1, "text"]]}',
        b'{"step": 1, "motors": {}, "sensors": [], "labels": [{"id": 1, "text": "", "x": NaN, "y": 0, "size": 1, '
        b'"color": 0, "transparency": 0, "font": ""}]}',
        b"[" * 100_000,
        b"\xff\xfe",
    ],
)
def test_a_line_that_makes_no_sense_is_refused(line: bytes) -> None:
    with pytest.raises(talk.TalkError):
        talk.parse(line)


@given(st.binary(max_size=200))
def test_any_bytes_are_refused_and_nothing_worse(line: bytes) -> None:
    with pytest.raises(talk.TalkError):
        talk.parse(line)


def test_lines_come_whole_and_together() -> None:
    lines = Lines()
    assert lines.feed(b"one\ntwo\nth") == "one\ntwo"
    assert lines.feed(b"ree") is None
    assert lines.feed(b"\n") == "three"
    assert lines.feed(b"last") is None
    assert lines.end() == "last"
    assert lines.end() is None


def test_a_character_cut_in_two_is_put_together() -> None:
    lines = Lines()
    assert lines.feed("é".encode()[:1]) is None
    assert lines.feed("é".encode()[1:] + b"\n") == "é"


def test_a_line_without_end_is_cut() -> None:
    lines = Lines()
    text = lines.feed(b"x" * (2 * LONGEST_LINE + 1))
    assert text is not None
    assert [len(line) for line in text.split("\n")] == [LONGEST_LINE, LONGEST_LINE, 1]
    assert lines.end() is None


@given(st.lists(st.binary()))
def test_any_bytes_give_text_that_loses_no_line(chunks: list[bytes]) -> None:
    lines = Lines()
    texts = [text for text in map(lines.feed, chunks) if text is not None]
    rest = lines.end()
    whole = "".join(text + "\n" for text in texts) + (rest or "")
    assert whole == b"".join(chunks).decode("utf-8", "replace")
