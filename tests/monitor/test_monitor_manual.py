"""What docs/monitoring.md says to type and to write, as it stands there."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from tests.session.test_session_process import SimulationServer, session
from webots_cloud.config import read_config

MANUAL = (Path(__file__).parents[2] / "docs" / "monitoring.md").read_text()
SECONDS = 60


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", MANUAL, re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("section", ["session", "simulation"])
def test_the_example_is_a_configuration_without_mistakes(section: str, tmp_path: Path) -> None:
    (example,) = blocks("ini")
    (tmp_path / "test.ini").write_text(f"[{section}]\n{example}")
    config = getattr(read_config(tmp_path / "test.ini", []), section)
    assert config.monitorPassword.reveal() == "correct horse battery staple"
    assert len(config.monitorNetworks) == 2


def test_the_commands_do_what_they_say(tmp_path: Path) -> None:
    commands = blocks("")
    assert len(commands) == 2
    with SimulationServer("broken").running() as broken, session(tmp_path, broken) as running:
        running.wait_for_log("is not available")
        said = [
            subprocess.run(
                ["bash", "-euo", "pipefail", "-c", re.sub(r"localhost:\d+", f"127.0.0.1:{running.port}", command)],
                capture_output=True,
                text=True,
                timeout=SECONDS,
                check=True,
            ).stdout
            for command in commands
        ]
    assert said[0].count('{"time":') == 2
    assert said[1] == f"127.0.0.1:{broken.port} it answers 'broken', which is not a load in percent\n"
