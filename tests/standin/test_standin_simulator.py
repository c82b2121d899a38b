import json
from pathlib import Path
from typing import Any, NoReturn

import pytest
from twisted.internet.task import Clock

from webots_cloud.standin.label import Label
from webots_cloud.standin.pace import FAST, PAUSE, REAL_TIME, STEP, Pace
from webots_cloud.standin.simulator import Simulator, read_world
from webots_cloud.standin.stream import Stream
from webots_cloud.standin.wbt import WbtError

WORLD = """#VRML_SIM R2022b utf8
WorldInfo { title "T" basicTimeStep 20 FPS 10 }
Robot { controller "<none>" children [
  HingeJoint { jointParameters HingeJointParameters { axis 0 1 0 } device RotationalMotor { name "m" }
    endPoint Solid { boundingObject Sphere { } } } ] }
"""


class Pacing:
    """A pace with a clock, and what it did."""

    def __init__(self, duration: float = 0.02) -> None:
        self.clock = Clock()
        self.steps: list[float] = []
        self.is_ready = True
        self.pace = Pace(self.clock, lambda: duration, lambda: self.is_ready, self.step)

    def step(self) -> None:
        self.steps.append(self.clock.seconds())
        if self.pace.mode == STEP or len(self.steps) >= 1000:
            self.pace.change(PAUSE)


def test_real_time_keeps_pace_with_the_clock() -> None:
    p = Pacing()
    p.pace.change(REAL_TIME)
    p.clock.pump([0.001] * 1000)
    assert len(p.steps) == pytest.approx(50, abs=1)
    assert p.steps[10] == pytest.approx(0.2, abs=0.002)


def test_what_was_lost_is_not_caught_up_in_a_rush() -> None:
    p = Pacing()
    p.pace.change(REAL_TIME)
    p.clock.advance(0)
    p.is_ready = False
    p.clock.advance(60)
    p.is_ready = True
    p.pace.poke()
    assert len(p.steps) < 10


def test_fast_makes_as_many_steps_as_it_can() -> None:
    p = Pacing()
    p.pace.change(FAST)
    p.clock.advance(0)
    assert len(p.steps) == 1000
    assert p.pace.mode == PAUSE


def test_one_step_is_one_step() -> None:
    p = Pacing()
    p.pace.change(STEP)
    p.clock.pump([0.1] * 10)
    assert len(p.steps) == 1


def test_nothing_moves_and_no_timer_runs_while_paused_or_waiting() -> None:
    p = Pacing()
    p.pace.poke()
    assert not p.clock.getDelayedCalls()
    p.is_ready = False
    p.pace.change(FAST)
    p.clock.advance(0)
    assert not p.clock.getDelayedCalls()
    p.pace.change(PAUSE)
    p.is_ready = True
    p.pace.poke()
    p.clock.pump([1] * 5)
    assert p.steps == []


class Watcher:
    """A viewer in memory."""

    def __init__(self) -> None:
        self.is_behind = False
        self.messages: list[str] = []

    def send(self, text: str) -> None:
        self.messages.append(text)

    def take(self) -> list[str]:
        messages, self.messages = self.messages, []
        return messages

    def states(self) -> list[dict[str, Any]]:
        return [json.loads(m.partition(":")[2]) for m in self.take() if m.startswith("application/json:")]


class TimeOnly(Clock):
    """A reactor for worlds without controllers."""

    def spawnProcess(self, *_: object, **__: object) -> NoReturn:
        raise AssertionError("there is no controller in these worlds")


class Stage:
    """A simulator in memory with a way to add viewers."""

    def __init__(self, folder: Path, may_edit: bool = True, world: str = WORLD) -> None:
        self.folder = folder
        (folder / "worlds").mkdir()
        (folder / "controllers" / "c").mkdir(parents=True)
        (folder / "controllers" / "c" / "c.py").write_text("one\ntwo\n")
        self.path = folder / "worlds" / "w.wbt"
        self.path.write_text(world)
        self.reactor = TimeOnly()
        self.said: list[str] = []
        self.log: list[str] = []
        self.world = read_world(self.path, self.log.append)
        self.simulator = Simulator(
            self.reactor, self.path, self.world, self.said.append, self.log.append, may_edit=may_edit
        )

    def viewer(self, first: str = "x3d") -> tuple[Watcher, Stream]:
        watcher = Watcher()
        stream = Stream(self.simulator, watcher)
        stream.said(first)
        return watcher, stream

    def turn(self) -> None:
        self.world.bodies[0].motors()["m"].command(float("inf"), 1.0)

    def pump(self, seconds: float) -> None:
        self.reactor.pump([0.01] * round(seconds / 0.01))


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path)


def test_a_viewer_first_gets_everything(stage: Stage) -> None:
    (stage.folder / "worlds" / "v.wbt").write_text(WORLD)
    watcher, _ = stage.viewer()
    world, model, state, completed, mode = watcher.take()
    assert world == "world:w.wbt:v.wbt;w.wbt"
    assert model.startswith("model:<X3D ")
    assert state.startswith('application/json:{"time":0.0,"poses":[{"id":2,')
    assert [completed, mode] == ["scene load completed", "pause: 0"]


@pytest.mark.parametrize("message", ["", "pause", "reset", "x3dd", "hello"])
def test_nothing_is_sent_before_the_scene_is_asked_for(stage: Stage, message: str) -> None:
    watcher, stream = stage.viewer(message)
    stream.said("step")
    stage.pump(1)
    assert watcher.messages == []
    assert stage.said == []


def test_images_are_refused_with_a_reason(stage: Stage) -> None:
    watcher, _ = stage.viewer("mjpeg: 800x600")
    assert watcher.take() == ["stderr:The stand-in cannot stream images: ask for x3d."]


def test_modes_are_told_to_viewers_and_on_standard_output(stage: Stage) -> None:
    watcher, stream = stage.viewer("w3d")
    other, _ = stage.viewer()
    watcher.take()
    other.take()
    for message in ("real-time:-1", "fast:-1", "run:-1", "real-time:-1"):
        stream.said(message)
    stream.said("pause")
    assert stage.said == ["real-time", "fast", "run", "real-time", "pause"]
    assert [m for m in watcher.take() if ":" not in m] == ["real-time", "fast", "run", "real-time", "paused by client"]
    assert other.take()[-1] == "pause: 0"


def test_a_step_is_one_step_and_pauses(stage: Stage) -> None:
    watcher, stream = stage.viewer()
    watcher.take()
    stage.turn()
    stream.said("step")
    stage.pump(1)
    assert stage.said == ["step", "pause"]
    step, state, pause = watcher.take()
    assert (step, pause) == ("step", "pause: 20")
    assert '"time":20.0' in state


def test_states_come_at_most_so_often_and_hold_only_what_changed(stage: Stage) -> None:
    watcher, stream = stage.viewer()
    watcher.take()
    stage.turn()
    stream.said("real-time:-1")
    stage.pump(2)
    states = watcher.states()
    assert 18 <= len(states) <= 21
    assert {pose["id"] for state in states[2:] for pose in state["poses"]} >= {2}
    stage.world.bodies[0].motors()["m"].command(None, 0.0)
    stage.pump(1)
    later = watcher.take()
    assert sum("poses" in m for m in later) <= 2
    assert later[-1].startswith("time: ")


def test_it_pauses_by_itself_after_the_time_given(stage: Stage) -> None:
    watcher, stream = stage.viewer()
    stream.said("real-time:200")
    stage.pump(1)
    assert stage.said == ["real-time", "pause"]
    assert watcher.take()[-1] == "pause: 200"
    stream.said("real-time:-1")
    stream.said("timeout:100")
    stage.pump(1)
    assert stage.world.time == 300


@pytest.mark.parametrize("value", ["", "x", "-5", "nan", "inf", "1e999"])
def test_a_time_that_makes_no_sense_is_for_ever(stage: Stage, value: str) -> None:
    _, stream = stage.viewer()
    stream.said(f"real-time:{value}")
    stage.pump(1)
    assert stage.simulator.mode == REAL_TIME


def test_a_reset_sends_a_full_state_and_keeps_mode_and_numbers(stage: Stage) -> None:
    watcher, stream = stage.viewer()
    first = watcher.states()[0]
    stage.turn()
    stream.said("real-time:-1")
    stage.pump(1)
    watcher.take()
    stream.said("reset")
    state, finished = watcher.take()
    assert json.loads(state.partition(":")[2]) == first
    assert finished == "reset finished"
    assert stage.said == ["real-time", "reset"]
    assert stage.simulator.mode == REAL_TIME


def test_a_revert_reads_the_file_again(stage: Stage) -> None:
    watcher, stream = stage.viewer()
    before = watcher.take()
    stage.path.write_text(WORLD.replace('"T"', '"New title"'))
    stream.said("revert")
    after = watcher.take()
    assert after[0] == "model:"
    assert after[1] == before[0]
    assert "New title" in after[2]
    assert after[4] == "scene load completed"


def test_another_world_of_the_same_folder_is_loaded(stage: Stage) -> None:
    (stage.folder / "worlds" / "v.wbt").write_text(WORLD)
    watcher, stream = stage.viewer()
    watcher.take()
    stream.said("load:v.wbt")
    assert watcher.take()[1] == "world:v.wbt:v.wbt;w.wbt"
    assert stage.simulator.path.name == "v.wbt"


@pytest.mark.parametrize("name", ["../x.wbt", "none.wbt", "w.txt", "", "link.wbt", "bad.wbt"])
def test_a_world_that_cannot_be_loaded_is_told_and_the_old_one_stays(stage: Stage, name: str) -> None:
    (stage.folder / "x.wbt").write_text(WORLD)
    (stage.folder / "worlds" / "link.wbt").symlink_to(stage.folder / "x.wbt")
    (stage.folder / "worlds" / "bad.wbt").write_text(WORLD + "}")
    watcher, stream = stage.viewer()
    watcher.take()
    stream.said(f"load:{name}")
    [message] = watcher.take()
    assert message.startswith("stderr:")
    assert stage.simulator.path == stage.path


def test_a_viewer_of_a_broadcast_only_watches(stage: Stage) -> None:
    watcher, stream = stage.viewer("x3d;broadcast")
    watcher.take()
    for message in ("real-time:-1", "step", "reset", "revert", "load:w.wbt", "set controller:c/c.py:1\nx"):
        stream.said(message)
    stage.pump(1)
    assert watcher.take() == []
    assert stage.said == []
    assert (stage.folder / "controllers" / "c" / "c.py").read_text() == "one\ntwo\n"


def test_controllers_are_read_and_written_in_the_form_of_webots(stage: Stage) -> None:
    (stage.folder / "controllers" / "c" / "note.txt").write_text("no end")
    watcher, stream = stage.viewer()
    watcher.take()
    stream.said("get controller:c")
    assert watcher.take() == ["set controller:c/c.py:2\none\ntwo\n", "set controller:c/note.txt:1\nno end"]
    stream.said("set controller:c/c.py:2\na:b/c\nd")
    assert watcher.take() == []
    stream.said("sync controller:c/c.py")
    assert watcher.take() == ["set controller:c/c.py:2\na:b/c\nd"]


@pytest.mark.parametrize(
    "message",
    [
        "set controller:../worlds/w.wbt:1\nx",
        "set controller:c/../../worlds/w.wbt:1\nx",
        "set controller:c:1\nx",
        "set controller:c/c.py\nx",
        "set controller:c/c.py:x\nx",
        "set controller:d/d.py:1\nx",
        "get controller:..",
        "get controller:",
        "sync controller:c/none.py",
        "sync controller:c",
    ],
)
def test_a_file_that_is_none_of_a_controllers_is_refused(stage: Stage, message: str) -> None:
    watcher, stream = stage.viewer()
    watcher.take()
    stream.said(message)
    [answer] = watcher.take()
    assert answer.startswith("stderr:")
    assert stage.path.read_text() == WORLD


def test_controllers_are_not_written_where_that_is_not_allowed(tmp_path: Path) -> None:
    stage = Stage(tmp_path, may_edit=False)
    watcher, stream = stage.viewer()
    watcher.take()
    stream.said("set controller:c/c.py:1\nx")
    assert watcher.take() == ["stderr:Controllers of this simulation cannot be changed."]


@pytest.mark.parametrize("message", ["robot:R:hi", 'robot:{"name":"R"}', "mouse 1 2", "resize: 3x4", "", "\0"])
def test_messages_without_a_meaning_here_are_ignored(stage: Stage, message: str) -> None:
    watcher, stream = stage.viewer()
    watcher.take()
    stream.said(message)
    stage.pump(0.1)
    assert watcher.take() == []


def test_a_viewer_that_is_behind_misses_states_and_then_gets_a_full_one(stage: Stage) -> None:
    slow, stream = stage.viewer()
    quick, _ = stage.viewer()
    slow.take()
    quick.take()
    stage.turn()
    slow.is_behind = True
    stream.said("real-time:-1")
    stage.pump(1)
    stage.simulator.printed("stdout", "hello")
    assert slow.take() == ["real-time"]
    assert quick.take()[-1] == "stdout:hello"
    slow.is_behind = False
    stage.pump(0.2)
    assert [pose["id"] for pose in slow.states()[0]["poses"]] == [2, 6]


def test_a_viewer_that_has_left_is_sent_nothing(stage: Stage) -> None:
    watcher, stream = stage.viewer()
    watcher.take()
    stream.gone()
    stage.simulator.run(FAST, 100)
    stage.pump(1)
    assert watcher.take() == []


def test_after_the_end_no_timer_is_left(stage: Stage) -> None:
    _, stream = stage.viewer()
    stream.said("real-time:-1")
    stage.pump(0.5)
    stage.simulator.close()
    assert not stage.reactor.getDelayedCalls()


def test_a_world_that_is_none_is_told_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "bad.wbt").write_text("nothing")
    for name, expected in (("bad.wbt", "line 1, column 1"), ("none.wbt", "No such file"), (".", "Is a directory")):
        with pytest.raises(WbtError, match=expected):
            read_world(tmp_path / name, print)


ROBOTS = """#VRML_SIM R2022b utf8
Robot { name "a" children [
  LED { name "lamp" color [ 1 0 0, 0 0.5 1 ] children [ Shape { appearance DEF LIGHT PBRAppearance { } } ] } ] }
Robot { name "b:c" supervisor TRUE }
"""


@pytest.fixture
def robots(tmp_path: Path) -> Stage:
    return Stage(tmp_path, world=ROBOTS)


def letters(stage: Stage) -> list[list[str]]:
    return [body.take_letters() for body in stage.world.bodies]


def test_what_viewers_and_windows_say_reaches_the_robot_they_name(robots: Stage) -> None:
    _, stream = robots.viewer()
    window, window_stream = robots.viewer("robot:a:init robot window")
    stream.said("robot:a:x:y")
    window_stream.said('robot:{"name":"b:c","message":"\\"z\\""}')
    assert letters(robots) == [["init robot window", "x:y"], ['"z"']]
    for nonsense in ("robot:", "robot:a", "robot:d:x", "robot:{", 'robot:{"name":"a"}', 'robot:{"name":1,"message":2}'):
        stream.said(nonsense)
    _, broadcast = robots.viewer("x3d;broadcast")
    broadcast.said("robot:a:x")
    assert letters(robots) == [[], []]
    assert window.messages == []


def test_windows_hear_what_robots_say_and_nothing_else(robots: Stage) -> None:
    viewer, _ = robots.viewer()
    window, stream = robots.viewer("robot:a:hello")
    viewer.take()
    robots.simulator.spoken("b:c", 'say "é"')
    assert viewer.take() == ['robot:{"message":"say \\"é\\"","name":"b:c"}']
    assert window.take() == ['robot:{"message":"say \\"é\\"","name":"b:c"}']
    stream.said("step")
    stream.said("x3d")
    robots.pump(0.2)
    assert (window.take(), robots.said) == ([], [])
    stream.gone()
    robots.simulator.spoken("a", "more")
    assert window.take() == []


def test_who_does_not_read_what_robots_say_misses_it(robots: Stage) -> None:
    window, _ = robots.viewer("robot:a:hello")
    window.is_behind = True
    robots.simulator.spoken("a", "lost")
    window.is_behind = False
    robots.simulator.spoken("a", "heard")
    assert window.take() == ['robot:{"message":"heard","name":"a"}']


def test_letters_that_nobody_takes_do_not_pile_up(robots: Stage) -> None:
    body = robots.world.bodies[0]
    _, stream = robots.viewer()
    for _ in range(1000):
        stream.said("robot:a:x")
    assert len(body.take_letters()) == 100
    for _ in range(1000):
        stream.said("robot:a:" + "x" * 10000)
    assert 50_000 < sum(map(len, body.take_letters())) <= 65_536
    stream.said("robot:a:x")
    stream.said("reset")
    assert body.take_letters() == []


def test_a_lamp_that_changes_is_told_as_the_light_of_its_material(robots: Stage) -> None:
    lamp = robots.world.bodies[0].leds["lamp"]
    watcher, stream = robots.viewer()
    [first] = watcher.states()
    [light] = [pose for pose in first["poses"] if "emissiveColor" in pose]
    assert light["emissiveColor"] == "0 0 0"
    lamp.value = 2
    stream.said("step")
    robots.pump(0.2)
    [state] = watcher.states()
    assert state["poses"] == [{"id": light["id"], "emissiveColor": "0 0.5 1"}]
    stream.said("reset")
    [state] = watcher.states()
    assert light in state["poses"]


def test_labels_are_told_once_replaced_and_taken_away_by_a_reset(robots: Stage) -> None:
    watcher, stream = robots.viewer()
    watcher.take()
    robots.world.put_label(Label(1, "one", 0.1, 0.2, 0.05, 0xFF8000, 0.25))
    robots.world.put_label(Label(2, "two"))
    stream.said("step")
    robots.pump(0.2)
    [state] = watcher.states()
    assert state["labels"][0] == {
        "id": 1, "text": "one", "font": "Arial", "rgba": "255,128,0,0.75", "size": 0.05, "x": 0.1, "y": 0.2
    }  # fmt: skip
    robots.world.put_label(Label(2, ""))
    stream.said("step")
    robots.pump(0.2)
    [state] = watcher.states()
    assert [(label["id"], label["text"]) for label in state["labels"]] == [(2, "")]
    late, _ = robots.viewer()
    [state] = late.states()
    assert [label["text"] for label in state["labels"]] == ["one", ""]
    stream.said("reset")
    [state] = watcher.states()
    assert [label["text"] for label in state["labels"]] == ["", ""]
    for number in range(1000):
        robots.world.put_label(Label(number, "x"))
    assert len(robots.world.labels) == 100
