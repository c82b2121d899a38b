"""The command line and the environment of an instance."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

import attrs
import pytest
from twisted.internet import reactor as _reactor
from twisted.internet.defer import Deferred
from twisted.trial.unittest import TestCase

from tests.simulation.heard import Heard
from webots_cloud.config import SimulationConfig, read_config
from webots_cloud.simulation.folder import InstanceFolder
from webots_cloud.simulation.inside.settings import Settings
from webots_cloud.simulation.launch import Launch, in_cgroup
from webots_cloud.simulation.process import WebotsProcess
from webots_cloud.simulation.sandbox import INSIDE, Firejail, NoSandbox, Sandbox, UnfitSandbox, make_sandbox, try_out
from webots_cloud.simulation.webots import Simulator, find_simulator

WEBOTS = ["webots", "--stream=port=1234", "a world; $HOME.wbt"]


@pytest.fixture
def config(tmp_path: Path) -> SimulationConfig:
    return config_in(tmp_path)


def config_in(place: Path, **changed: Any) -> SimulationConfig:
    for name in ("keys", "instances"):
        (place / name).mkdir(exist_ok=True)
    return attrs.evolve(
        read_config(None, ()).simulation,
        **{"keyDir": place / "keys", "instancesDir": place / "instances", "displayAuthority": None, **changed},
    )


@pytest.fixture
def folder(config: SimulationConfig) -> InstanceFolder:
    return InstanceFolder(config.instancesDir / "1-abc")


def launch(config: SimulationConfig, sandbox: Sandbox | None = None, home: Path | None = None) -> Launch:
    return Launch(config, sandbox or NoSandbox(), Simulator(("webots",), home, ""))


class TestCommand:
    def test_is_from_the_outside_in(self, config: SimulationConfig, folder: InstanceFolder) -> None:
        setsid, python, *rest = launch(config).command(folder, WEBOTS, 1234, 7)
        assert os.path.basename(setsid) == "setsid"
        assert Path(python) == Path(sys.executable).resolve()
        assert rest[:3] == ["-I", "-S", str(INSIDE / "__main__.py")]
        assert rest[-len(WEBOTS) - 1 :] == ["--", *WEBOTS]

    def test_the_sandbox_is_around_the_launcher(self, config: SimulationConfig, folder: InstanceFolder) -> None:
        sandbox = make_sandbox(config, ())
        inner = launch(config).command(folder, WEBOTS, 1234, 7)
        command = launch(config, sandbox).command(folder, WEBOTS, 1234, 7)
        assert command[:2] == [inner[0], cast(Firejail, sandbox).program]
        assert f"--keep-fd={7}" in command
        assert f"--whitelist={folder.project}" in command
        assert command.index(inner[1]) > command.index("--keep-fd=7")
        assert command[-len(WEBOTS) - 1 :] == ["--", *WEBOTS]

    def test_the_launcher_understands_it(self, config: SimulationConfig, folder: InstanceFolder) -> None:
        changed = attrs.evolve(
            config,
            endTimeoutSeconds=2.5,
            maxProjectMegabytes=1,
            maxProjectFiles=2,
            maxOpenFiles=3,
            maxFileMegabytes=4,
            maxAddressSpaceMegabytes=5,
            maxCpuSeconds=6,
            maxProcesses=7,
        )
        settings = self.settings(launch(changed), folder)
        assert (settings.channel, settings.port, settings.patience) == (9, 1234, 2.5)
        assert (settings.project, settings.home) == (str(folder.project), str(folder.home))
        assert (settings.megabytes, settings.files) == (1, 2)
        assert sorted(settings.limits.values()) == [0, 3, 6, 4_000_000, 5_000_000]
        assert (settings.sandboxed, settings.display) == (False, False)

    def test_the_launcher_knows_whether_it_is_in_a_sandbox(
        self, config: SimulationConfig, folder: InstanceFolder
    ) -> None:
        sandbox = make_sandbox(config, ())
        settings = self.settings(launch(config, sandbox), folder)
        assert settings.sandboxed
        assert settings.home == str(sandbox.home(folder.home))

    @pytest.mark.parametrize(
        ("display", "needs_one", "starts_one"), [("xvfb", True, True), ("xvfb", False, False), (":0", True, False)]
    )
    def test_a_display_is_started_where_one_is_needed(
        self, tmp_path: Path, folder: InstanceFolder, display: str, needs_one: bool, starts_one: bool
    ) -> None:
        of_display = launch(config_in(tmp_path, display=display), home=tmp_path if needs_one else None)
        assert self.settings(of_display, folder).display is starts_one

    def test_setsid_is_found_even_on_no_path(
        self, config: SimulationConfig, folder: InstanceFolder, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("PATH", "/nowhere")
        assert launch(config).command(folder, WEBOTS, 1234, 7)[0] == "/usr/bin/setsid"

    def settings(self, launch: Launch, folder: InstanceFolder) -> Settings:
        command = launch.command(folder, WEBOTS, 1234, 9)
        return Settings(command[command.index(str(INSIDE / "__main__.py")) + 1 : command.index("--")])


class TestEnvironment:
    def test_has_nothing_of_the_servers(
        self, config: SimulationConfig, folder: InstanceFolder, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("SECRET", "secret")
        monkeypatch.setenv("DISPLAY", ":5")
        monkeypatch.setenv("XAUTHORITY", "/secret")
        environment = launch(config).environment(folder)
        assert set(environment) == {"PATH", "LANG", "HOME", "TMPDIR", "XDG_RUNTIME_DIR"}
        assert environment["HOME"] == str(folder.home)

    @pytest.mark.parametrize("authority", [None, Path("authority")])
    def test_names_a_display_that_is_there(
        self, tmp_path: Path, folder: InstanceFolder, authority: Path | None
    ) -> None:
        config = config_in(tmp_path, display=":7", displayAuthority=authority)
        environment = launch(config, home=tmp_path).environment(folder)
        assert environment["DISPLAY"] == ":7"
        assert environment.get("XAUTHORITY") == (str(Path.cwd() / "authority") if authority else None)

    def test_names_none_that_is_still_to_be_started(self, tmp_path: Path, folder: InstanceFolder) -> None:
        environment = launch(config_in(tmp_path, display="xvfb"), home=tmp_path).environment(folder)
        assert "DISPLAY" not in environment

    def test_names_none_to_a_simulator_that_needs_none(self, tmp_path: Path, folder: InstanceFolder) -> None:
        config = config_in(tmp_path, display=":7")
        environment = Launch(config, NoSandbox(), find_simulator(None)).environment(folder)
        assert "DISPLAY" not in environment

    def test_the_home_is_that_of_the_sandbox(self, config: SimulationConfig, folder: InstanceFolder) -> None:
        sandbox = make_sandbox(config, ())
        assert launch(config, sandbox).environment(folder)["HOME"] == str(sandbox.home(folder.home))


class TestJoiningACgroup:
    ARGUMENTS = ("a b", "$HOME", "`id`", "'", '"', "*", "", "-n", "\\", "ü")

    def test_the_command_is_the_process_that_has_joined(self, tmp_path: Path) -> None:
        procs = tmp_path / "a cgroup's $HOME" / "cgroup.procs"
        procs.parent.mkdir()
        script = "import os, sys; print(os.getpid(), ascii(sys.argv[1:]))"
        done = subprocess.run(
            in_cgroup(procs, [sys.executable, "-S", "-c", script, *self.ARGUMENTS]),
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout == f"{procs.read_text().strip()} {list(self.ARGUMENTS)!a}\n"

    def test_what_cannot_join_does_not_run(self, tmp_path: Path) -> None:
        command = in_cgroup(tmp_path / "absent" / "cgroup.procs", ["/bin/touch", str(tmp_path / "ran")])
        done = subprocess.run(command, capture_output=True, check=False)
        assert done.returncode != 0
        assert not (tmp_path / "ran").exists()


class TestWithoutFirejail(TestCase):
    timeout = 60

    def setUp(self) -> None:
        self.place = Path(self.enterContext(TemporaryDirectory())).resolve()

    def sandbox(self) -> Sandbox:
        return attrs.evolve(cast(Firejail, make_sandbox(config_in(self.place), ())), program="/absent/firejail")

    def test_its_usual_place_is_assumed(self) -> None:
        path = os.environ["PATH"]
        self.addCleanup(os.environ.__setitem__, "PATH", path)
        os.environ["PATH"] = "/nowhere"
        assert cast(Firejail, make_sandbox(config_in(self.place), ())).program == "/usr/bin/firejail"

    def test_the_operator_is_told_before_anything_starts(self) -> None:
        with pytest.raises(UnfitSandbox, match=r"/absent/firejail.*sandbox = none"):
            try_out(self.sandbox(), self.place / "instances")
        assert list((self.place / "instances").iterdir()) == []

    async def test_an_instance_ends_at_once(self) -> None:
        gone: Deferred[str] = Deferred()

        class Events(Heard):
            def exited(self, how: str) -> None:
                gone.callback(how)

        config = config_in(self.place)
        folder = InstanceFolder(config.instancesDir / "1-abc")
        folder.create()
        launched = launch(config, self.sandbox())
        process = WebotsProcess(_reactor, "instance 1", Events(), lambda use: None)
        process.run(
            lambda channel: launched.command(folder, WEBOTS, 1234, channel),
            launched.environment(folder),
            folder.project,
        )
        assert await gone == "with exit code 127"
