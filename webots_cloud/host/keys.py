"""Files that hold a secret: the key that simulation servers must know, and what visitors' cookies are signed with."""

from __future__ import annotations

import os
import secrets
import tempfile
from pathlib import Path

from webots_cloud.secret import Secret


def ensure_key(path: Path) -> None:
    """Make a random key unless there is a file already; for this user only, whole or not at all.

    @param path: the file; a folder that lacks is made, for this user only.
    @raise OSError: if it cannot be made.
    """
    if path.exists():
        return
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", dir=path.parent, prefix=".", suffix=".new") as file:
        file.write(f"{secrets.token_urlsafe(32)}\n")
        file.flush()
        try:
            # A link never replaces a key that another process has made in the meantime.
            os.link(file.name, path)
        except FileExistsError:
            return


def read_key(path: Path) -> Secret:
    """Read the first line of a key file.

    @raise OSError: if it cannot be read.
    @raise ValueError: if there is no key in it, or no text.
    """
    key = path.read_text("utf-8").partition("\n")[0].strip()
    if not key:
        raise ValueError(f"the first line of {path} is empty")
    return Secret(key)
