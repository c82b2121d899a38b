"""The sandbox, with real Firejail, and small programs in the place of Webots: what they see and how they end."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

import attrs
import psutil
import pytest
from twisted.internet import reactor as _reactor
from twisted.trial.unittest import TestCase

from tests.simulation.heard import Events
from tests.simulation.stage import until
from webots_cloud.config import SimulationConfig, read_config
from webots_cloud.simulation.channel import Use
from webots_cloud.simulation.folder import InstanceFolder
from webots_cloud.simulation.launch import Launch
from webots_cloud.simulation.process import WebotsProcess
from webots_cloud.simulation.sandbox import (
    ETC,
    ETC_OF_A_NETWORK,
    Firejail,
    NoSandbox,
    UnfitSandbox,
    make_sandbox,
    try_out,
)
from webots_cloud.simulation.webots import Simulator

reactor = cast(Any, _reactor)
PORT = 1234
LISTENS = f"""
import os, socket
listening = socket.create_server(("127.0.0.1", {PORT}))
print("open", flush=True)
while True:
    connection, _ = listening.accept()
    connection.sendall(b"hello")
    connection.close()
"""
DAEMONISES = """
import os, signal, time
for step in range(2):
    if os.fork():
        break
    os.setsid()
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
else:
    open("daemon", "w").write("here")
print("open", flush=True)
signal.pause()
"""


class SandboxCase(TestCase):
    """Runs programs in a sandbox; none may be left."""

    timeout = 120

    def setUp(self) -> None:
        self.place = Path(self.enterContext(TemporaryDirectory())).resolve()
        for name in ("keys", "instances", "webots"):
            (self.place / name).mkdir()
        (self.place / "keys" / "localhost").write_text("the key")
        self.folder = InstanceFolder(self.place / "instances" / "1-0123456789abcdef")
        self.folder.create()
        self.events = Events()
        self.uses: list[Use] = []
        self.process = WebotsProcess(reactor, "instance 1", self.events, self.uses.append)

    def config(self, **changed: Any) -> SimulationConfig:
        return attrs.evolve(
            read_config(None, ()).simulation,
            **{
                "keyDir": self.place / "keys",
                "instancesDir": self.place / "instances",
                "display": "xvfb",
                "displayAuthority": None,
                "endTimeoutSeconds": 10.0,
                **changed,
            },
        )

    def run_python(self, script: str, needs_display: bool = False, **changed: Any) -> None:
        config = self.config(**changed)
        simulator = Simulator(("/usr/bin/python3",), self.place / "webots" if needs_display else None, "")
        launch = Launch(config, make_sandbox(config, (self.place / "webots",)), simulator)
        self.process.run(
            lambda channel: launch.command(self.folder, ["/usr/bin/python3", "-c", script], PORT, channel),
            launch.environment(self.folder),
            self.folder.project,
        )

    async def result_of(self, script: str, **how: Any) -> str:
        """Run a script that writes its result into the file C{result}; give it."""
        self.run_python(script, **how)
        ended = await self.events.gone
        result = self.folder.project / "result"
        assert result.exists(), ended
        return result.read_text()

    async def nothing_left(self) -> None:
        """Wait until no process knows of this test's folder; those in the sandbox have it on their command lines."""
        await until(lambda: not any(map(self.is_ours, psutil.process_iter())), "a process is left")

    def is_ours(self, process: psutil.Process) -> bool:
        with contextlib.suppress(psutil.Error):
            return str(self.place) in " ".join(process.cmdline())
        return False


class TestView(SandboxCase):
    async def test_the_project_can_be_written_and_executed(self) -> None:
        shutil.copy("/bin/true", self.folder.project / "program")
        script = "import subprocess; open('result', 'w').write(str(subprocess.run(['./program']).returncode))"
        assert await self.result_of(script) == "0"

    async def test_nothing_else_of_the_servers_is_there(self) -> None:
        self.folder.original.mkdir()
        keys = self.place / "keys"
        paths = [keys, keys / "localhost", self.folder.original, self.folder.home, Path(__file__)]
        assert all(path.exists() for path in paths)
        script = (
            f"import os; found = [path for path in {[str(path) for path in paths]!r} if os.path.exists(path)]\n"
            "open('result', 'w').write(repr(found))"
        )
        assert await self.result_of(script) == "[]"

    async def test_the_home_and_temporary_folders_are_empty(self) -> None:
        script = (
            "import os\n"
            "folders = os.environ['HOME'], '/tmp', '/var/tmp', '/home', '/srv', '/run/user'\n"
            "names = [name for folder in folders if os.path.isdir(folder) for name in os.listdir(folder)]\n"
            "found = [name for name in names if not name.startswith('.')]\n"
            "open('result', 'w').write(repr(found))"
        )
        allowed = {"state", *self.place.parts, *Path(sys.prefix).parts}
        assert set(eval(await self.result_of(script))) <= allowed  # noqa: S307 -- a list that this test has made

    async def test_of_the_machines_configuration_only_what_programs_need_is_there(self) -> None:
        assert {"passwd", "group", "ld.so.cache"} <= set(await self.names_in_etc()) <= set(ETC)

    async def test_what_names_of_the_network_need_is_there_where_it_is_wanted(self) -> None:
        seen = {name for name in ETC_OF_A_NETWORK if (Path("/etc") / name).exists()}
        assert {name.partition("/")[0] for name in seen} == set(await self.names_in_etc(network="host")) - set(ETC)

    async def names_in_etc(self, **changed: Any) -> list[str]:
        names = await self.result_of("import os; open('result', 'w').write(repr(os.listdir('/etc')))", **changed)
        found: list[str] = eval(names)  # noqa: S307 -- a list that this test has made
        return found

    async def test_the_machines_configuration_cannot_be_written(self) -> None:
        script = (
            "said = []\n"
            "for name in ('passwd', 'new'):\n"
            "    try:\n        open('/etc/' + name, 'a'); said.append('written')\n"
            "    except OSError:\n        said.append('refused')\n"
            "open('result', 'w').write(repr(said))"
        )
        assert await self.result_of(script) == "['refused', 'refused']"

    async def test_the_folder_of_webots_can_be_read_and_not_written(self) -> None:
        (self.place / "webots" / "resource").write_text("a texture")
        script = (
            f"path = {str(self.place / 'webots' / 'resource')!r}\n"
            "try:\n    open(path, 'w'); said = 'written'\nexcept OSError as error:\n    said = error.strerror\n"
            "open('result', 'w').write(open(path).read() + ': ' + said)"
        )
        assert await self.result_of(script) == "a texture: Read-only file system"

    async def test_the_environment_has_nothing_of_the_servers(self) -> None:
        os.environ["SERVER_SECRET"] = "secret"
        self.addCleanup(os.environ.pop, "SERVER_SECRET")
        environment = await self.result_of("import os; open('result', 'w').write(repr(dict(os.environ)))")
        assert "SERVER_SECRET" not in environment
        assert "'PATH': '/usr/local/bin:/usr/bin:/bin'" in environment

    async def test_the_host_has_a_name_of_its_own(self) -> None:
        script = "import socket; open('result', 'w').write(socket.gethostname())"
        assert await self.result_of(script) == "webots"

    async def test_there_are_no_capabilities_and_no_way_to_new_ones(self) -> None:
        status = await self.result_of("open('result', 'w').write(open('/proc/self/status').read())")
        lines = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
        assert {lines[name] for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")} == {"0" * 16}
        assert (lines["NoNewPrivs"], lines["Seccomp"]) == ("1", "2")

    async def test_only_the_loopback_is_there(self) -> None:
        devices = await self.result_of("open('result', 'w').write(open('/proc/net/dev').read())")
        assert [line.split(":")[0].strip() for line in devices.splitlines()[2:]] == ["lo"]

    async def test_the_machines_network_is_there_where_that_is_wanted(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listening:
            port = listening.getsockname()[1]
            connect = f"import socket; socket.create_connection(('127.0.0.1', {port}))"
            script = f"{connect}; open('result', 'w').write('connected')"
            assert await self.result_of(script, network="host") == "connected"


class TestDialling(SandboxCase):
    async def test_gives_a_connection_to_the_port_inside(self) -> None:
        self.run_python(LISTENS)
        await self.events.open
        for _ in range(3):
            connection = await self.process.dial()
            with connection:
                assert not connection.getblocking()
                connection.setblocking(True)
                assert connection.recv(100) == b"hello"
        await self.process.end(10)
        await self.nothing_left()

    async def test_says_so_where_nothing_listens(self) -> None:
        self.run_python("import signal; print('open', flush=True); signal.pause()")
        await self.events.open
        await self.assertFailure(self.process.dial(), ConnectionRefusedError)
        await self.process.end(10)

    async def test_of_one_that_has_ended_is_refused(self) -> None:
        self.run_python("pass")
        await self.events.gone
        await self.assertFailure(self.process.dial(), ConnectionRefusedError)

    async def test_a_port_of_the_machine_is_another(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listening:
            script = (
                "import socket\n"
                f"try:\n    socket.create_connection(('127.0.0.1', {listening.getsockname()[1]})); said = 'connected'\n"
                "except OSError as error:\n    said = error.strerror\nopen('result', 'w').write(said)"
            )
            assert await self.result_of(script) == "Connection refused"


class TestEnding(SandboxCase):
    async def test_daemons_end_with_it(self) -> None:
        self.run_python(DAEMONISES)
        await self.events.open
        await until((self.folder.project / "daemon").exists, "there is no daemon")
        await self.process.end(10)
        assert await self.events.gone == "by signal SIGTERM"
        await self.nothing_left()

    async def test_one_that_ignores_signals_ends(self) -> None:
        script = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('open', flush=True)"
        self.run_python(f"{script}\nwhile True: signal.pause()", endTimeoutSeconds=0.2)
        await self.events.open
        await self.process.end(0.2)
        assert await self.events.gone == "by signal SIGKILL"
        await self.nothing_left()

    async def test_killing_the_sandbox_ends_all_in_it(self) -> None:
        self.run_python(DAEMONISES)
        await self.events.open
        assert self.process.pid is not None
        os.kill(self.process.pid, 9)
        assert await self.events.gone == "by signal SIGKILL"
        await self.nothing_left()


class TestDisplay(SandboxCase):
    async def test_each_has_one_of_its_own_that_needs_its_cookie(self) -> None:
        script = (
            "import os, socket\n"
            "def ask(name, data):\n"
            "    server = socket.socket(socket.AF_UNIX)\n"
            "    server.connect('/tmp/.X11-unix/X' + os.environ['DISPLAY'][1:])\n"
            "    lengths = bytes([len(name), 0, len(data), 0, 0, 0])\n"
            "    server.sendall(b'l\\0\\x0b\\0\\0\\0' + lengths + name + bytes(-len(name) % 4) + data)\n"
            "    return server.recv(1)[0]\n"
            "cookie = open(os.environ['XAUTHORITY'], 'rb').read()[-16:]\n"
            "answers = [ask(b'', b''), ask(b'MIT-MAGIC-COOKIE-1', cookie)]\n"
            "open('result', 'w').write(repr(answers))\n"
        )
        assert await self.result_of(script, needs_display=True) == "[0, 1]"

    async def test_one_that_is_not_installed_is_told(self) -> None:
        script = "open('result', 'w').write('')"
        path = self.place / "webots"
        (path / "Xvfb").write_text("#!/bin/sh\nexit 1\n")
        (path / "Xvfb").chmod(0o755)
        config = self.config()
        launch = Launch(config, make_sandbox(config, (path,)), Simulator(("x",), path, ""))
        self.process.run(
            lambda channel: launch.command(self.folder, ["/usr/bin/python3", "-c", script], PORT, channel),
            {**launch.environment(self.folder), "PATH": str(path)},
            self.folder.project,
        )
        assert await self.events.gone == "as the X server Xvfb does not start"
        assert not (self.folder.project / "result").exists()


class TestMeasuring(SandboxCase):
    async def test_tells_what_is_used(self) -> None:
        script = (
            "import os, signal\n"
            "memory = bytearray(os.urandom(50_000_000))\n"
            "open('data', 'wb').write(os.urandom(3_000_000))\n"
            "unlinked = open('unlinked', 'wb', 0); unlinked.write(os.urandom(5_000_000)); os.unlink('unlinked')\n"
            "open(os.environ['HOME'] + '/in-memory', 'wb').write(bytes(20_000_000))\n"
            "if os.fork() == 0: signal.pause()\n"
            "print('open', flush=True); signal.pause()\n"
        )
        self.run_python(script)
        await self.events.open
        await until(lambda: bool(self.uses) and self.uses[-1].processes == 2, "nothing is told")
        use = self.uses[-1]
        assert 70_000_000 < use.memory < 200_000_000
        assert 8_000_000 <= use.disk < 9_000_000
        assert use.files == 1
        await self.process.end(10)

    async def test_a_process_that_hides_what_it_has_open_is_ended(self) -> None:
        script = (
            "import ctypes, os, signal\n"
            "child = os.fork()\n"
            "if child == 0:\n"
            "    ctypes.CDLL(None).prctl(4, 0)\n"
            "    signal.pause()\n"
            "open('result', 'w').write(str(os.waitpid(child, 0)[1]))\n"
        )
        assert await self.result_of(script) == "9"


class TestTrying(SandboxCase):
    def test_it_works_here(self) -> None:
        config = self.config()
        try_out(make_sandbox(config, ()), config.instancesDir)
        assert [path.name for path in config.instancesDir.iterdir()] == [self.folder.root.name]

    def test_where_it_does_not_the_operator_is_told_what_to_do(self) -> None:
        sandbox = attrs.evolve(cast(Firejail, make_sandbox(self.config(), ())), program="/bin/false")
        with pytest.raises(UnfitSandbox, match="Firejail does not work for this user"):
            try_out(sandbox, self.place / "instances")

    def test_firejail_that_runs_programs_without_a_sandbox_is_none(self) -> None:
        # As it does without a word where it believes that it is in a container.
        program = self.place / "firejail"
        program.write_text('#!/bin/sh\nwhile [ "${1#--}" != "$1" ]; do shift; done\nexec "$@"\n')
        program.chmod(0o755)
        config = self.config()
        sandbox = attrs.evolve(cast(Firejail, make_sandbox(config, ())), program=str(program))
        with pytest.raises(UnfitSandbox, match="keeps nothing from instances here"):
            try_out(sandbox, config.instancesDir)
        assert [path.name for path in config.instancesDir.iterdir()] == [self.folder.root.name]

    def test_without_one_there_is_nothing_to_go_wrong(self) -> None:
        try_out(NoSandbox(), self.place / "instances")

    def test_a_secret_that_would_be_visible_is_told(self) -> None:
        config = self.config(keyDir=self.place / "webots" / "keys")
        with pytest.raises(UnfitSandbox, match=r"keyDir: .* is inside of .*, which instances can read"):
            make_sandbox(config, (self.place / "webots",))

    def test_a_control_socket_that_instances_could_reach_is_told(self) -> None:
        config = self.config(controlSocket=self.place / "webots" / "run" / "simulation.sock")
        with pytest.raises(UnfitSandbox, match=r"controlSocket: .* is inside of .*, which instances can read"):
            make_sandbox(config, (self.place / "webots",))
