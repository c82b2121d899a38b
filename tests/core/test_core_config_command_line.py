"""The command lines: where the configuration comes from, and how a server ends that has none it can use."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import pytest

from webots_cloud.config import EX_CONFIG, Config, ConfigOptions, HostConfig, ServerConfig, SessionConfig, command_line

CHECKOUT = Path(__file__).parents[2]
SECONDS = 60


class SessionOptions(ConfigOptions):
    sections: ClassVar[Sequence[type[ServerConfig]]] = (SessionConfig,)


class HostOptions(ConfigOptions):
    sections: ClassVar[Sequence[type[ServerConfig]]] = (HostConfig,)

    def prepare(self, config: Config) -> None:
        config.host.keyFile.parent.mkdir(parents=True)
        config.host.keyFile.write_text("sesame\n")


def parsed(options: Any, *arguments: str) -> Config:
    command_line = options()
    command_line.parseOptions(list(arguments))
    assert isinstance(command_line.config, Config)
    return command_line.config


def session(*arguments: str) -> SessionConfig:
    return parsed(SessionOptions, *arguments).session


@pytest.fixture
def default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    default = tmp_path / "default.ini"
    monkeypatch.setattr(command_line, "DEFAULT_FILE", default)
    return default


def twist(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "twisted", *arguments],
        env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )


def test_the_default_file_is_where_an_operator_looks_for_it() -> None:
    assert Path("/etc/webots-cloud.ini") == command_line.DEFAULT_FILE


def test_without_any_file_there_are_defaults(default: Path) -> None:
    assert session().port == 1999


def test_the_default_file_is_read_if_it_is_there(default: Path) -> None:
    default.write_text("[session]\nport = 5\n")
    assert session().port == 5


@pytest.mark.parametrize("option", ["--config", "-c"])
def test_another_file_is_read_instead(option: str, default: Path) -> None:
    default.write_text("[session]\nport = x\n")
    Path("other.ini").write_text("[session]\nport = 6\n")
    assert session(option, "other.ini").port == 6


def test_a_named_file_must_be_there(default: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as raised:
        session("--config", "absent.ini")
    assert raised.value.code == EX_CONFIG == 78
    assert capsys.readouterr().err.startswith("absent.ini: the configuration cannot be read (No such file or ")


def test_each_mistake_is_a_line_of_standard_error(default: Path, capsys: pytest.CaptureFixture[str]) -> None:
    default.write_text("[session]\nport = x\nserver =\n")
    with pytest.raises(SystemExit) as raised:
        session()
    assert raised.value.code == EX_CONFIG
    out, err = capsys.readouterr()
    assert out == ""
    assert [line.partition(": ")[0] for line in err.splitlines()] == [f"{default}:2", f"{default}:3"]


def test_a_server_may_make_what_its_first_start_lacks(default: Path) -> None:
    assert parsed(HostOptions).host.keyFile.read_text() == "sesame\n"


@pytest.mark.parametrize("server", ["webots-session", "webots-simulation", "webots-host", "webots-cloud"])
def test_each_server_tells_how_to_configure_it(server: str) -> None:
    told = twist(server, "--help")
    assert told.returncode == 0
    assert "-c, --config=" in told.stdout
    assert "The configuration; /etc/webots-cloud.ini if it is there" in " ".join(told.stdout.split())
    assert told.stderr == ""


@pytest.mark.parametrize("server", ["webots-session", "webots-simulation", "webots-host", "webots-cloud"])
def test_each_server_ends_with_all_mistakes(server: str) -> None:
    Path("wrong.ini").write_text("[host]\nport = x\n[session]\nprot = 1\n[simulation]\nhsts = much\n")
    told = twist(server, "--config", "wrong.ini")
    assert told.returncode == 78
    assert told.stdout == ""
    assert [line.partition(": ")[0] for line in told.stderr.splitlines()] == [f"wrong.ini:{line}" for line in (2, 4, 6)]


def test_twist_knows_all_servers() -> None:
    told = twist("--help")
    for server in ("webots-session", "webots-simulation", "webots-host", "webots-cloud"):
        assert server in told.stdout
