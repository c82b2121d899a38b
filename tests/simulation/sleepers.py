"""Processes that only sleep."""

from __future__ import annotations

import subprocess
from collections.abc import Callable

Sleeper = Callable[[], "subprocess.Popen[bytes]"]
"""Starts one."""
