"""What docs/monitoring.md says to type, where a simulation server is in trouble."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from tests.e2e.manual import blocks
from tests.session.test_session_process import SimulationServer, session

SECONDS = 60


def test_the_commands_do_what_they_say(tmp_path: Path) -> None:
    commands = [block.text for block in blocks("monitoring") if block.language == "sh"]
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
