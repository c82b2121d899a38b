"""What a process holds open."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path


def open_files(process: int | str = "self") -> list[tuple[str, os.stat_result]]:
    """Give each of its files and sockets, as C{/proc} names it, with its status.

    The process, or another thread of this one, may close some meanwhile: these are left out.
    """
    found = []
    for descriptor in Path(f"/proc/{process}/fd").iterdir():
        with suppress(FileNotFoundError):
            found.append((os.readlink(descriptor), descriptor.stat()))
    return found


def open_paths() -> set[Path]:
    """Give the paths of what this process has open."""
    return {Path(name) for name, _ in open_files()}
