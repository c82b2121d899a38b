"""What the website host's data folder lacks at a first start is made here."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path

from twisted.logger import Logger

from webots_cloud.host.keys import ensure_key
from webots_cloud.host.versions import DataFolder

_log = Logger()


def prepare(data: DataFolder, demo_projects: Path) -> None:
    """Make the data folder ready; this blocks.

    @param demo_projects: copied to where projects lie if there is no such folder yet.
    @raise OSError: if something cannot be made.
    """
    data.root.mkdir(mode=0o700, parents=True, exist_ok=True)
    ensure_key(data.secret)
    # What was not complete when the last process ended belongs to nobody.
    shutil.rmtree(data.incoming, ignore_errors=True)
    data.incoming.mkdir(mode=0o700)
    if not data.projects.exists():
        _copy(demo_projects, data.projects)
        _log.info("the demo projects were copied to {folder}", folder=data.projects)


def _copy(source: Path, target: Path) -> None:
    """Copy a folder whole or not at all."""
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".") as folder:
        copied = Path(folder, target.name)
        shutil.copytree(source, copied, symlinks=True, ignore=_ignored)
        os.rename(copied, target)


def _ignored(folder: str, names: Iterable[str]) -> set[str]:
    """Tell what is no part of a project; the pictures of worlds, whose names begin with a dot, are one."""
    pictures = Path(folder).name == "worlds"
    return {
        name
        for name in names
        if name == "__pycache__" or (name.startswith(".") and not (pictures and name.endswith(".jpg")))
    }
