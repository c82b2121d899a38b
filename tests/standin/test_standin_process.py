"""The real process, driven over real sockets."""

import contextlib
import json
import os
import shutil
import socket
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import psutil
import treq
from autobahn.twisted.websocket import WebSocketClientFactory, WebSocketClientProtocol
from twisted.internet import reactor as default_reactor
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import HostnameEndpoint
from twisted.internet.error import ProcessDone
from twisted.internet.process import Process
from twisted.internet.protocol import ProcessProtocol
from twisted.python.failure import Failure
from twisted.trial.unittest import SkipTest, TestCase

from tests.ports import free_port

reactor = cast("Any", default_reactor)

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
SHARED = Path(os.environ.get("WEBOTS_CLOUD_SHARED", ROOT.parent / "shared"))

ROVER = """#VRML_SIM R2022b utf8
WorldInfo { basicTimeStep 20 }
Robot { name "rover" controller "c" boundingObject Box { size 0.1 0.1 0.1 } children [
  HingeJoint { jointParameters HingeJointParameters { axis 0 1 0 anchor 0 0.1 0 } device RotationalMotor { name "left" }
    endPoint Solid { boundingObject Sphere { radius 0.05 } } }
  HingeJoint { jointParameters HingeJointParameters { axis 0 1 0 anchor 0 -0.1 0 }
    device [ RotationalMotor { name "right" } PositionSensor { name "turned" } ]
    endPoint Solid { boundingObject Sphere { radius 0.05 } } } ] }
"""
DRIVE = """from controller import Robot
robot = Robot()
for name in ("left", "right"):
    robot.getDevice(name).setPosition(float("inf"))
    robot.getDevice(name).setVelocity(SPEED)
turned = robot.getDevice("turned")
turned.enable(20)
print("starts at", robot.getTime())
while robot.step(20) != -1:
    if robot.getTime() == 1:
        print("turned by", round(turned.getValue(), 3))
print("ends")
"""


class Waiter:
    """A list that grows, and who waits for what in it."""

    def __init__(self) -> None:
        self.items: list[str] = []
        self._read = 0
        self._waiting: list[tuple[Callable[[str], bool], Deferred[str]]] = []

    def add(self, item: str) -> None:
        self.items.append(item)
        self._look()

    async def until(self, wanted: Callable[[str], bool]) -> str:
        """The next item, after the last one waited for, that is as wanted."""
        found: Deferred[str] = Deferred()
        self._waiting.append((wanted, found))
        self._look()
        return await found

    def _look(self) -> None:
        while self._waiting and self._read < len(self.items):
            item = self.items[self._read]
            self._read += 1
            if self._waiting[0][0](item):
                self._waiting.pop(0)[1].callback(item)


class Standin(ProcessProtocol):
    """A stand-in as a process."""

    def __init__(self) -> None:
        self.out = Waiter()
        self.errors = ""
        self.ended: Deferred[int | None] = Deferred()
        self._rest = ""

    def outReceived(self, data: bytes) -> None:
        *lines, self._rest = (self._rest + data.decode()).split("\n")
        for line in lines:
            self.out.add(line)

    def errReceived(self, data: bytes) -> None:
        self.errors += data.decode()

    def processEnded(self, reason: Failure) -> None:
        code = 0 if reason.check(ProcessDone) else getattr(reason.value, "exitCode", None)
        self.ended.callback(code)

    @property
    def process(self) -> psutil.Process:
        return psutil.Process(cast(Process, self.transport).pid)

    async def says(self, word: str) -> None:
        await self.out.until(lambda line: line == word)

    def kill(self, name: str) -> None:
        cast(Process, self.transport).signalProcess(name)


class Viewer(WebSocketClientProtocol):
    """A web client."""

    def __init__(self) -> None:
        super().__init__()
        self.opened: Deferred[None] = Deferred()
        self.closed: Deferred[None] = Deferred()
        self.received = Waiter()

    def onOpen(self) -> None:
        self.opened.callback(None)

    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        self.received.add(payload.decode())

    def onClose(self, wasClean: bool, code: int | None, reason: str | None) -> None:
        self.closed.callback(None)

    def say(self, text: str) -> None:
        self.sendMessage(text.encode())  # type: ignore[no-untyped-call]  # Autobahn's

    async def hears(self, beginning: str) -> str:
        return await self.received.until(lambda message: message.startswith(beginning))

    async def place(self, accept: Callable[[float, float], bool]) -> tuple[float, float]:
        """Wait for a state in which the robot is where it is wanted."""

        def wanted(message: str) -> bool:
            places = [p["translation"] for p in _poses(message) if p["id"] == 2]
            return any(accept(*map(float, place.split()[:2])) for place in places)

        [pose] = [p for p in _poses(await self.received.until(wanted)) if p["id"] == 2]
        x, y, _ = map(float, pose["translation"].split())
        return x, y


def _poses(message: str) -> list[dict[str, Any]]:
    if not message.startswith("application/json:"):
        return []
    return list(json.loads(message.partition(":")[2])["poses"])


class Case(TestCase):
    """A project in a folder, and the processes that tests start in it."""

    timeout = 120

    def setUp(self) -> None:
        self.folder = Path(tempfile.mkdtemp()).resolve()
        self.addCleanup(shutil.rmtree, self.folder)
        self.world = self.folder / "worlds" / "w.wbt"
        self.world.parent.mkdir()
        self.world.write_text(ROVER)
        self.controller = self.folder / "controllers" / "c" / "c.py"
        self.controller.parent.mkdir(parents=True)
        self.controller.write_text(DRIVE.replace("SPEED", "2.0"))
        self.port = free_port()

    def run_with(self, *arguments: str) -> Standin:
        standin = Standin()
        command = [sys.executable, "-m", "webots_cloud.standin", *arguments]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        reactor.spawnProcess(standin, sys.executable, command, env=environment, path=str(self.folder))
        self.addCleanup(self._end, standin)
        return standin

    async def _end(self, standin: Standin) -> None:
        if not standin.ended.called:
            # Not SIGKILL, which would leave behind what controllers have started.
            standin.kill("TERM")
            await standin.ended

    async def start(self, mode: str = "pause") -> Standin:
        stream = f'--stream="port={self.port};monitorActivity;controllerEdit"'
        standin = self.run_with("--batch", f"--mode={mode}", "--minimize", stream, str(self.world))
        await standin.says("open")
        return standin

    async def view(self, first: str = "x3d") -> Viewer:
        factory = WebSocketClientFactory(f"ws://127.0.0.1:{self.port}/")
        factory.protocol = Viewer
        viewer = cast(Viewer, await HostnameEndpoint(reactor, "127.0.0.1", self.port).connect(factory))
        await viewer.opened
        self.addCleanup(self._close, viewer)
        if first:
            viewer.say(first)
            await viewer.hears("scene load completed")
            await viewer.hears("")
        return viewer

    async def _close(self, viewer: Viewer) -> None:
        viewer.dropConnection(abort=True)
        if not viewer.closed.called:
            await viewer.closed

    async def get(self, path: str) -> tuple[int, str, dict[bytes, list[bytes]]]:
        response = await treq.get(f"http://127.0.0.1:{self.port}{path}", persistent=False)
        return response.code, await response.text(), dict(response.headers.getAllRawHeaders())


class StartingTests(Case):
    async def test_generation_a_says_open_then_its_mode(self) -> None:
        standin = await self.start()
        await standin.says("pause")
        assert standin.out.items == ["open", "pause"]
        assert "stand-in (not Webots)" in standin.errors.splitlines()[0]

    async def test_generation_b_says_a_dot_and_again_and_again(self) -> None:
        arguments = ["--batch", "--mode=pause", "--minimize", "--no-rendering", f"--port={self.port}"]
        standin = self.run_with(*arguments, "--heartbeat=200", "--stream=x3d", str(self.world))
        await standin.says(".")
        viewer = await self.view()
        await standin.says(".")
        await standin.says(".")
        viewer.say("reset")
        await standin.says("reset")
        assert set(standin.out.items) == {".", "pause", "reset"}

    async def test_it_can_begin_in_real_time(self) -> None:
        standin = await self.start("realtime")
        await standin.says("real-time")
        viewer = await self.view()
        await viewer.place(lambda x, y: x > 0)

    async def test_what_cannot_start_says_why_and_exits_with_1(self) -> None:
        with socket.socket() as taken:
            taken.bind(("0.0.0.0", 0))  # noqa: S104 -- as the stand-in does
            taken.listen()
            stream = f"--stream=port={taken.getsockname()[1]};monitorActivity"
            bad = self.folder / "worlds" / "bad.wbt"
            bad.write_text(ROVER + "Solid {")
            for arguments, expected in (
                ([stream, str(self.world)], "cannot be used: Address already in use."),
                ([stream, str(bad)], "World bad.wbt cannot be read: line 9, column 8"),
                ([stream, "none.wbt"], "World none.wbt cannot be read: No such file or directory."),
                (["--strem", str(self.world)], "Unknown option '--strem'."),
            ):
                standin = self.run_with(*arguments)
                assert await standin.ended == 1
                assert expected in standin.errors
                assert len(standin.errors.splitlines()) == 2
                assert standin.out.items == []


class EndingTests(Case):
    async def running(self) -> tuple[Standin, list[psutil.Process]]:
        """A stand-in with a controller that has started a process of its own and does not end by itself."""
        self.controller.write_text(
            "import os, signal, subprocess, sys\nfrom controller import Robot\nrobot = Robot()\n"
            "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
            "subprocess.Popen([sys.executable, '-c', 'import signal; print(1, flush=True); signal.pause()'])\n"
            "while True: robot.step(20)\n"
        )
        standin = await self.start()
        viewer = await self.view()
        viewer.say("real-time:-1")
        await viewer.hears("stdout:1")
        return standin, standin.process.children(recursive=True)

    async def test_sigterm_ends_it_with_everything_below_it(self) -> None:
        standin, below = await self.running()
        assert len(below) == 2
        standin.kill("TERM")
        assert await standin.ended == 0
        assert psutil.wait_procs(below, timeout=30)[1] == []

    async def test_a_controller_does_not_outlive_it_even_when_it_is_killed(self) -> None:
        standin, below = await self.running()
        controller = standin.process.children()[0]
        group = os.getpgid(controller.pid)
        assert group == os.getpgid(standin.process.pid)
        standin.kill("KILL")
        await standin.ended
        assert psutil.wait_procs([controller], timeout=30)[1] == []
        for process in below:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()

    async def test_a_reset_ends_what_a_controller_has_left_behind(self) -> None:
        _, below = await self.running()
        viewer = await self.view()
        viewer.say("reset")
        await viewer.hears("stdout:1")
        assert psutil.wait_procs(below, timeout=30)[1] == []

    async def test_it_ends_when_nobody_listens_to_it_any_more(self) -> None:
        arguments = [f"--port={self.port}", "--heartbeat=100", "--stream", str(self.world)]
        standin = self.run_with(*arguments)
        await standin.says(".")
        cast(Process, standin.transport).closeStdout()
        assert await standin.ended == 0


class DrivingTests(Case):
    async def test_a_controller_drives_the_robot_and_its_prints_arrive(self) -> None:
        await self.start()
        viewer = await self.view()
        viewer.say("fast:1000")
        await viewer.hears("stdout:INFO: c: Starting controller")
        await viewer.hears("stdout:starts at 0.0")
        x, _ = await viewer.place(lambda x, y: x > 0.099)
        assert abs(x - 0.1) < 1e-6
        assert await viewer.hears("pause") == "pause: 1000"
        await viewer.hears("stdout:turned by 2.0")

    async def test_a_changed_controller_is_read_again_at_a_reset(self) -> None:
        standin = await self.start()
        viewer = await self.view()
        viewer.say("real-time:-1")
        await viewer.place(lambda x, y: x > 0.001)
        content = DRIVE.replace("SPEED", "-2.0")
        viewer.say(f"set controller:c/c.py:{content.count(chr(10))}\n{content}")
        viewer.say("reset")
        await viewer.hears("reset finished")
        await standin.says("reset")
        await viewer.hears("stdout:ends")
        await viewer.place(lambda x, y: x < -0.001)
        assert self.controller.read_text() == content

    async def test_the_numbers_of_nodes_survive_a_reset_and_a_revert(self) -> None:
        await self.start()
        viewer = await self.view("")
        viewer.say("x3d")
        model = await viewer.hears("model:")
        first = {pose["id"] for pose in _poses(await viewer.hears("application/json:"))}
        viewer.say("reset")
        assert {pose["id"] for pose in _poses(await viewer.hears("application/json:"))} == first
        viewer.say("revert")
        await viewer.hears("model:")
        assert await viewer.hears("model:") == model

    async def test_real_time_is_real(self) -> None:
        await self.start()
        viewer = await self.view()
        viewer.say("real-time:-1")
        await viewer.place(lambda x, y: x > 0)
        begin = reactor.seconds()
        start = _time(await viewer.hears("application/json:"))
        end = _time(await viewer.received.until(lambda m: _time(m) >= start + 1500))
        assert reactor.seconds() - begin > 0.9 * (end - start) / 1000

    async def test_a_second_viewer_sees_the_present_and_one_of_a_broadcast_cannot_drive(self) -> None:
        standin = await self.start()
        viewer = await self.view()
        viewer.say("fast:500")
        await viewer.hears("pause")
        late = await self.view("x3d;broadcast")
        late.say("real-time:-1")
        late.say("reset")
        viewer.say("step")
        assert "pause: 500" in late.received.items
        assert await late.hears("step") == "step"
        assert await late.hears("pause") == "pause: 520"
        await standin.says("step")
        assert "reset" not in standin.out.items


class MisbehavingControllerTests(Case):
    async def watch(self, controller: str) -> tuple[Standin, Viewer]:
        self.controller.write_text(controller)
        standin = await self.start()
        viewer = await self.view()
        viewer.say("fast:-1")
        return standin, viewer

    async def test_a_traceback_arrives_and_time_goes_on(self) -> None:
        _, viewer = await self.watch("x = 1\nraise RuntimeError('oh no')\n")
        text = await viewer.hears("stderr:")
        while "oh no" not in text:
            text = await viewer.hears("stderr:")
        await viewer.hears("stderr:WARNING: 'c' controller exited with status: 1.")
        await viewer.received.until(lambda m: _time(m) > 1000)

    async def test_one_that_never_steps_holds_up_the_world_but_not_the_viewers(self) -> None:
        standin, viewer = await self.watch("print('here')\nwhile True: pass\n")
        await viewer.hears("stdout:here")
        viewer.say("pause")
        await viewer.hears("paused by client")
        self.controller.write_text(DRIVE.replace("SPEED", "2.0"))
        viewer.say("fast:-1")
        await viewer.hears("stderr:WARNING: c has not called step() for 5 s")
        viewer.say("reset")
        await viewer.hears("reset finished")
        await viewer.place(lambda x, y: x > 0.1)
        assert standin.out.items[:2] == ["open", "pause"]

    async def test_one_that_floods_neither_stalls_nor_bloats_the_simulator(self) -> None:
        standin, viewer = await self.watch("while True: print('x' * 1000)\n")
        await viewer.hears("stdout:xxx")
        before = standin.process.memory_info().rss
        for _ in range(20):
            viewer.say("pause")
            await viewer.hears("paused by client")
            viewer.say("fast:-1")
            await viewer.hears("fast")
        received = sum(len(m) for m in viewer.received.items if m.startswith("stdout:"))
        assert received < 2_000_000
        assert standin.process.memory_info().rss - before < 2_000_0000

    async def test_one_cannot_speak_in_the_simulators_name(self) -> None:
        standin, viewer = await self.watch(
            "import os\nprint('open')\nos.write(1, b'pause\\n')\nos.write(2, b'reset\\n')\nprint('done')\n"
        )
        await viewer.hears("stdout:INFO: 'c' controller exited successfully.")
        assert standin.out.items == ["open", "pause", "fast"]

    async def test_one_that_breaks_the_rules_is_ended(self) -> None:
        await self.start()
        viewer = await self.view()
        for mischief in (
            "os.write(4, b'garbage\\n')",
            'os.write(4, b\'{"step": 20, "motors": {}, "sensors": []}\\n\' * 5)',
            "os.write(4, b'x' * 1000000)",
        ):
            self.controller.write_text(f"import os, signal\n{mischief}\nsignal.pause()\n")
            viewer.say("reset")
            viewer.say("real-time:-1")
            await viewer.hears("stderr:c: ended by the stand-in: ")
            await viewer.hears("stderr:WARNING: 'c' controller was ended by signal 9.")

    async def test_one_that_closes_its_pipes_does_no_harm(self) -> None:
        _, viewer = await self.watch("import os\nfrom controller import Robot\nr = Robot()\nos.close(3)\nr.step(20)\n")
        await viewer.hears("stderr:WARNING: 'c' controller exited with status: 1.")
        await viewer.received.until(lambda m: _time(m) > 1000)

    async def test_a_missing_one_is_told(self) -> None:
        self.controller.unlink()
        await self.start()
        viewer = await self.view()
        viewer.say("fast:-1")
        await viewer.hears("stderr:rover: there is no controller controllers/c/c.py")


class WebTests(Case):
    async def test_the_page_says_that_it_is_a_stand_in(self) -> None:
        await self.start()
        code, text, _ = await self.get("/")
        assert code == 200
        assert "stand-in (not Webots)" in text

    async def test_textures_are_served_to_every_page_and_nothing_else_is(self) -> None:
        (self.folder / "worlds" / "t.png").write_text("a picture")
        (self.folder / "host.txt").write_text("secret")
        (self.folder / "link.png").symlink_to("/etc/passwd")
        await self.start()
        code, text, headers = await self.get("/worlds/t.png")
        assert (code, text) == (200, "a picture")
        assert headers[b"Access-Control-Allow-Origin"] == [b"*"]
        assert headers[b"Content-Type"] == [b"image/png"]
        for path in (
            "/host.txt", "/link.png", "/worlds", "/worlds/", "/controllers/c/c.py", "/worlds/none.png",
            "/worlds/%2e%2e/host.txt", "/..%2f..%2fetc%2fpasswd", "/%00", "//worlds//t.png",
        ):  # fmt: skip
            assert (await self.get(path))[0] == 404, path

    async def test_a_viewer_that_does_not_read_costs_little(self) -> None:
        self.controller.write_text("#" * 500_000)
        standin = await self.start()
        slow = await self.view()
        cast("Any", slow.transport).pauseProducing()
        viewer = await self.view()
        before = standin.process.memory_info().rss
        for _ in range(300):
            slow.say("get controller:c")
        viewer.say("fast:20000")
        await viewer.hears("pause: 20000")
        assert standin.process.memory_info().rss - before < 40_000_000

    async def test_too_long_a_message_ends_the_socket_and_not_the_simulator(self) -> None:
        await self.start()
        viewer = await self.view()
        viewer.say("x" * 3_000_000)
        await viewer.closed
        await self.view()


class WindowTests(Case):
    TALKS = """from controller import Supervisor
robot = Supervisor()
lamp = robot.getDevice("lamp")
while robot.step(20) != -1:
    text = robot.wwiReceiveText()
    while text is not None:
        lamp.set(1)
        robot.setLabel(0, text, 0.1, 0.2, 0.05, 0x00FF00, 0.5)
        robot.wwiSendText(f"you say {text}")
        text = robot.wwiReceiveText()
"""

    def setUp(self) -> None:
        super().setUp()
        lamp = 'LED { name "lamp" children [ Shape { appearance PBRAppearance { } } ] }'
        self.world.write_text(
            ROVER.replace('name "rover"', 'name "rover" supervisor TRUE').replace("children [", f"children [ {lamp}", 1)
        )
        self.controller.write_text(self.TALKS)

    async def test_a_controller_hears_and_answers_a_window_and_shows_what_it_does(self) -> None:
        await self.start()
        viewer, window = await self.view(), await self.view("")
        window.say("robot:rover:hello: there")
        viewer.say("real-time:-1")
        for who in (viewer, window):
            assert await who.hears("robot:") == 'robot:{"message":"you say hello: there","name":"rover"}'
        assert '"emissiveColor":"1 0 0"' in await viewer.received.until(lambda message: '"rgba"' in message)
        assert len(window.received.items) == 1

    async def test_a_page_of_a_robot_window_is_served(self) -> None:
        page = self.folder / "plugins" / "robot_windows" / "w" / "w.html"
        page.parent.mkdir(parents=True)
        page.write_text("<p>window</p>")
        await self.start()
        code, text, headers = await self.get("/robot_windows/w/w.html?name=rover")
        assert (code, text) == (200, "<p>window</p>")
        assert headers[b"Content-Type"] == [b"text/html"]


class TutorialTests(Case):
    async def test_the_tutorial_robot_drives_about_inside_its_walls(self) -> None:
        project = SHARED / "projects" / "four_wheels"
        if not project.is_dir():
            raise SkipTest(f"the shared worlds are not here: {project} is missing (set WEBOTS_CLOUD_SHARED)")
        self.world = self.folder / "worlds" / "4_wheels_robot.wbt"
        shutil.copyfile(project / "worlds" / self.world.name, self.world)
        shutil.copytree(HERE / "controllers", self.folder / "controllers", dirs_exist_ok=True)
        await self.start()
        viewer = await self.view()
        viewer.say("fast:120000")
        await viewer.hears("stdout:Obstacle: turning")
        await viewer.hears("pause: 120000")
        robots = [p for m in viewer.received.items for p in _poses(m) if p["id"] == 30]
        places = [tuple(map(float, robot["translation"].split())) for robot in robots]
        assert max(abs(value) for place in places for value in place[:2]) < 0.45
        assert len({(round(x, 1), round(y, 1)) for x, y, _ in places}) > 10
        assert places[-1][2] == 0.04


def _time(message: str) -> float:
    if message.startswith("time: "):
        return float(message[6:])
    return float(json.loads(message.partition(":")[2])["time"]) if message.startswith("application/json:") else 0.0
