"""Folders of visitors, reached without ever passing through a symbolic link."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def inner_folder(root: Path, folders: Sequence[str], make: bool = False) -> Iterator[int]:
    """Open the last of some folders that lie in one another.

    @param root: in which the first of them is.
    @param make: whether those that lack are made, for this user only.
    @return: its descriptor, for as long as the context lasts.
    @raise OSError: if one of them is not there, or is a symbolic link.
    """
    where = os.open(root, os.O_DIRECTORY)
    try:
        for folder in folders:
            if make:
                with suppress(FileExistsError):
                    os.mkdir(folder, 0o700, dir_fd=where)
            inner = os.open(folder, os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=where)
            os.close(where)
            where = inner
        yield where
    finally:
        os.close(where)


def remove_file(root: Path, folders: Sequence[str], name: str) -> None:
    """Remove a file; it may be gone already."""
    with suppress(FileNotFoundError), inner_folder(root, folders) as where:
        os.unlink(name, dir_fd=where)


def remove_folder(root: Path, folders: Sequence[str]) -> None:
    """Remove the last of some folders with all that is in it; it may be gone already."""
    with suppress(FileNotFoundError), inner_folder(root, folders[:-1]) as where:
        shutil.rmtree(folders[-1], dir_fd=where)
