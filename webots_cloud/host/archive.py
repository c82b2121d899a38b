"""Files into a ZIP archive, block by block; nothing is ever held but the block and the names."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import BinaryIO, cast
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

BLOCK_BYTES = 64 * 1024
"""How much is read, and about how much is given, at a time."""

_FIRST_DATE = (1980, 1, 1, 0, 0, 0)
_ZIP64_BYTES = 2**31


class _Collector:
    """A stream that can only be written to, so that C{zipfile} writes sizes after each file rather than going back."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self.size = 0

    def write(self, data: bytes) -> int:
        self._parts.append(bytes(data))
        self.size += len(data)
        return len(data)

    def flush(self) -> None:
        """Do nothing: what is written is there."""

    def take(self) -> bytes:
        """Give what was written since the last time."""
        block = b"".join(self._parts)
        self._parts.clear()
        self.size = 0
        return block


def archive(files: Mapping[str, Path]) -> Iterator[bytes]:
    """Pack files; every step blocks for as long as it takes to read and compress one block.

    @param files: each file by its name in the archive, as L{webots_cloud.host.versions.version} lists them.
    @return: the blocks of the archive; close it to stop early.
    @raise OSError: while iterating, if a file cannot be read.
    """
    written = _Collector()
    # Level 1: simulation servers are mostly near, and the processor is better spent on simulations.
    with ZipFile(cast(BinaryIO, written), "w", ZIP_DEFLATED, compresslevel=1) as packed:
        for name, path in files.items():
            yield from _pack(packed, written, name, path)
    yield written.take()


def _pack(packed: ZipFile, written: _Collector, name: str, path: Path) -> Iterator[bytes]:
    with open(path, "rb", opener=_open_file_itself) as file:
        status = os.fstat(file.fileno())
        # A file that grows meanwhile is packed as long as it was, or its size would not fit what the header announced.
        left = status.st_size
        with packed.open(_member(name, status), "w", force_zip64=left >= _ZIP64_BYTES) as member:
            while left and (data := file.read(min(left, BLOCK_BYTES))):
                left -= len(data)
                member.write(data)
                if written.size >= BLOCK_BYTES:
                    yield written.take()


def _member(name: str, status: os.stat_result) -> ZipInfo:
    info = ZipInfo(name, max(_FIRST_DATE, time.gmtime(status.st_mtime)[:6]))
    info.compress_type = ZIP_DEFLATED
    info.external_attr = (stat.S_IFREG | (0o755 if status.st_mode & stat.S_IXUSR else 0o644)) << 16
    return info


def _open_file_itself(path: str, flags: int) -> int:
    """Open a file unless a symbolic link or a pipe has taken its place since it was listed."""
    descriptor = os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(f"{path} is no file any more")
    return descriptor
