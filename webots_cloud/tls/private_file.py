"""Files with private keys: for this user only, and written whole or not at all."""

from __future__ import annotations

import os
import stat
import tempfile
from contextlib import ExitStack
from pathlib import Path

from twisted.logger import Logger

_log = Logger()


def write_private(path: Path, content: bytes) -> None:
    """Write a file that only this user may read; what was there before stays if that fails.

    @param path: the file; a folder that lacks is made, for this user only.
    @raise OSError: if it cannot be written; the old file is as it was.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # Made with mode 0600.
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".new")
    with ExitStack() as undoing:
        undoing.callback(os.unlink, name)
        with open(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.rename(name, path)
        undoing.pop_all()
    _keep_folder(path.parent)


def read_private(path: Path) -> bytes:
    """Read a file that only this user may read; if others may, that ends, with a line in the log.

    @raise OSError: if it cannot be read, or is open to others and belongs to somebody else.
    """
    with path.open("rb") as file:
        found = os.fstat(file.fileno())
        open_to_others = stat.S_IMODE(found.st_mode) & 0o077
        if open_to_others:
            os.fchmod(file.fileno(), stat.S_IMODE(found.st_mode) & 0o700)
            _log.warn(
                "{path} has a private key and had mode {mode:04o}; now only its owner may read it",
                path=str(path),
                mode=stat.S_IMODE(found.st_mode),
            )
        return file.read()


def _keep_folder(folder: Path) -> None:
    """See to it that a power failure does not undo a renaming."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
