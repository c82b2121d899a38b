"""The command as an operator types it, in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

CHECKOUT = Path(__file__).resolve().parents[2]
PATIENCE = 120


def webots_cloud(*arguments: object, said: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    """Run it; there may never be a traceback."""
    ended = subprocess.run(
        [sys.executable, "-m", "webots_cloud.command", *map(str, arguments)],
        env=os.environ | {"PYTHONPATH": str(CHECKOUT)} | environment,
        input=said,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )
    assert "Traceback" not in ended.stderr, ended.stderr
    return ended


def told(*arguments: object, status: int = 0, **environment: str) -> Any:
    """Run it with C{--json}; give what it printed."""
    ended = webots_cloud(*arguments, "--json", **environment)
    assert ended.returncode == status, ended.stdout + ended.stderr
    return json.loads(ended.stdout)
