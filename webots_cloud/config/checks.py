"""Looks at the files and folders that options name, before a server starts; a `ValueError` says what is wrong."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from cryptography.x509 import load_pem_x509_certificates

from webots_cloud.config.values import state_directory


def readable_folder(path: Path) -> None:
    """Look whether there is a folder that can be read."""
    if not path.is_dir():
        raise ValueError(f"there is no folder {path}; make it, or name another")
    if not os.access(path, os.R_OK | os.X_OK):
        raise ValueError(f"the folder {path} cannot be read by this user; give it read permission")


def own_folder(path: Path | None) -> None:
    """Make a folder of this server's own where it is missing; look whether it can be written."""
    if path is None:
        return
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ValueError(f"the folder {path} cannot be made ({error.strerror}); make it, or name another") from error
    if not os.access(path, os.R_OK | os.W_OK | os.X_OK):
        raise ValueError(f"the folder {path} cannot be written by this user; give it write permission")


def webots(home: Path | None) -> None:
    """Look whether Webots is in its folder and may be executed."""
    if home is None:
        return
    if not (home / "webots").is_file():
        raise ValueError(f"there is no file {home / 'webots'}; name the folder that Webots was installed in")
    if not os.access(home / "webots", os.X_OK):
        raise ValueError(f"{home / 'webots'} may not be executed by this user; give it execute permission")


def sandbox(kind: str) -> None:
    """Look whether instances can be put into the sandbox."""
    if kind == "none":
        return
    if shutil.which("firejail") is None:
        raise ValueError(
            "Firejail is not installed; install it with: apt-get install firejail (or write sandbox = none, where "
            "everybody who may start simulations is trusted with this machine)"
        )
    if os.geteuid() == 0:
        raise ValueError("the sandbox does not hold root; run this server as a user of its own")


def readable_file(path: Path | None) -> None:
    """Look whether a file can be read, where one is named."""
    if path is not None and not (path.is_file() and os.access(path, os.R_OK)):
        raise ValueError(f"the file {path} cannot be read by this user; name another, or give it read permission")


def password_file(path: Path | None) -> None:
    """Look whether a file has a password, where one is named."""
    if path is None:
        return
    readable_file(path)
    try:
        password = path.read_text("utf-8").partition("\n")[0].strip()
    except UnicodeDecodeError as error:
        # The error itself tells a part of the password.
        raise ValueError(f"{path} is not UTF-8 text; put the password into its first line") from error
    if not password:
        raise ValueError(f"the first line of {path} is empty; put the password there")


def authorities(path: Path | None) -> None:
    """Look whether a file has certificates of authorities, where one is named."""
    readable_file(path)
    if path is None:
        return
    try:
        load_pem_x509_certificates(path.read_bytes())
    except ValueError as error:
        raise ValueError(
            f"the file {path} has no certificates in PEM, or broken ones; name one with the authorities' certificates"
        ) from error


def key_file(path: Path) -> None:
    """Look whether a file has a key."""
    try:
        key = path.read_text("utf-8").partition("\n")[0].strip()
    except FileNotFoundError as error:
        raise ValueError(f"there is no file {path}; put the host's key into its first line") from error
    except OSError as error:
        raise ValueError(
            f"the key in {path} cannot be read ({error.strerror}); make it a file that this user can read"
        ) from error
    except UnicodeDecodeError as error:
        # The error itself tells a part of the key.
        raise ValueError(f"the key in {path} is not UTF-8 text; put the host's key into its first line") from error
    if not key:
        raise ValueError(f"the first line of {path} is empty; put the host's key there")


def keys(folder: Path) -> None:
    """Look whether every key in a folder can be read; the default folder may have to be made.

    Names with a dot before them are no hosts' names, but for instance what an interrupted writer has left.
    """
    if folder == state_directory() / "keys":
        own_folder(folder)
    readable_folder(folder)
    for path in sorted(folder.iterdir()):
        if path.is_file() and not path.name.startswith("."):
            key_file(path)
