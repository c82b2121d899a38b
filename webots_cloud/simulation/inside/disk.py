"""What a folder takes on the disk, though whoever fills it may try to hide that."""

from __future__ import annotations

import contextlib
import os

BLOCK = 512
"""What the kernel counts a file's blocks in, whatever those of its disk are (stat(2))."""


def folder_size(folder: str, most_bytes: int, most_files: int) -> tuple[int, int]:
    """Give how many bytes and files a folder has; beyond a limit it is not looked at further.

    Where it cannot be looked into, whatever it may hold counts as too many files.
    """
    size = files = 0
    folders = [folder]
    while folders and size <= most_bytes and files <= most_files:
        path = folders.pop()
        try:
            with os.scandir(path) as entries:
                for entry in entries:
                    files += 1
                    if files > most_files:
                        break
                    with contextlib.suppress(FileNotFoundError):
                        size += entry.stat(follow_symlinks=False).st_blocks * BLOCK
                    if entry.is_dir(follow_symlinks=False):
                        folders.append(entry.path)
        except (FileNotFoundError, NotADirectoryError):
            # It has been removed since it was seen.
            continue
        except PermissionError:
            # It counts once more, so that whoever closes it again and again comes to the limit.
            files += 1
            if not _open_up(path):
                return size, most_files + 1
            folders.append(path)
        except OSError:
            return size, most_files + 1
    return size, files


def _open_up(path: str) -> bool:
    """Let a folder be looked into; tell whether that can have changed anything."""
    try:
        if os.stat(path, follow_symlinks=False).st_mode & 0o700 == 0o700:
            return False
        os.chmod(path, 0o700)
    except OSError:
        return False
    return True
