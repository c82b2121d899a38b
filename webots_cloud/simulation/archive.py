"""Unpacking a website host's ZIP archive safely: every entry is checked, and every limit while bytes come out."""

from __future__ import annotations

import os
import stat
import zipfile
import zlib
from pathlib import Path
from typing import IO, cast

import attrs

from webots_cloud.errors import BadArchive, ProjectTooLarge
from webots_cloud.simulation.blocking import GoOn
from webots_cloud.simulation.folder import disk_space_is_finite

MAX_DEPTH = 32
"""How deep folders in an archive may go."""
MAX_NAME = 1000
"""How many characters the path of a file in an archive may have."""
MAX_RATIO = 200
"""How many times larger than packed a file may be, once it is larger than L{RATIO_MATTERS_FROM} bytes."""
RATIO_MATTERS_FROM = 1024 * 1024
_DIRECTORY_BYTES_PER_FILE = 512
_LOCAL_HEADER_BYTES = 30
_END_RECORD_BYTES = 22 + 65536
_CHUNK = 64 * 1024
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_ENCRYPTED = 0x1


@attrs.frozen
class Limits:
    """What a project may have when unpacked.

    @ivar bytes: sum of all files' sizes.
    @ivar files: number of files and folders.
    """

    bytes: int
    files: int


def unpack(go_on: GoOn, archive: Path, target: Path, limits: Limits, host: str) -> None:
    """Lay the content of a ZIP archive over a folder; blocks.

    @param target: a folder that has no links in it.
    @param host: whom an error names.
    @raise BadArchive: if it is no archive or has an entry that must not be unpacked.
    @raise ProjectTooLarge: if it goes beyond a limit.
    @raise NoDiskSpace: if the disk is full.
    """
    try:
        with archive.open("rb") as file, disk_space_is_finite():
            bounded = _BoundedReads(file, max(limits.files * _DIRECTORY_BYTES_PER_FILE, _END_RECORD_BYTES))
            with zipfile.ZipFile(cast(IO[bytes], bounded)) as zipped:
                _Unpacking(go_on, zipped, target, limits).run()
    except _Refused as refusal:
        raise BadArchive(host=host, reason=refusal) from refusal
    except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, NotImplementedError, RuntimeError) as error:
        raise BadArchive(detail=str(error), host=host, reason="it is not a sound ZIP archive") from error


class _Refused(Exception):
    """An entry that must not be unpacked; its text is the reason."""


class _BoundedReads:
    """A file that refuses long reads, as C{zipfile} reads a whole directory, of any size, at once."""

    def __init__(self, file: IO[bytes], limit: int) -> None:
        self._file = file
        self._limit = limit
        self.tell = file.tell
        self.seekable = file.seekable

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        if whence == os.SEEK_SET and offset < 0:
            raise zipfile.BadZipFile("an offset leads out of the file")
        return self._file.seek(offset, whence)

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(self._limit + 1 if size < 0 else min(size, self._limit + 1))
        if len(data) > self._limit:
            raise _Refused("its directory is too long")
        return data


class _Unpacking:
    """One archive being unpacked."""

    def __init__(self, go_on: GoOn, zipped: zipfile.ZipFile, target: Path, limits: Limits) -> None:
        self._go_on = go_on
        self._zipped = zipped
        self._target = target
        self._limits = limits
        self._bytes_left = limits.bytes

    def run(self) -> None:
        entries = self._zipped.infolist()
        self._check_number(len(entries))
        for entry in entries:
            _check(entry)
        _check_overlap(entries)
        self._check_number(len(_with_folders(entries)))
        for entry in entries:
            self._go_on()
            self._unpack(entry)

    def _check_number(self, files: int) -> None:
        if files > self._limits.files:
            raise ProjectTooLarge(reason=f"it has more than {self._limits.files} files")

    def _unpack(self, entry: zipfile.ZipInfo) -> None:
        path = self._target.joinpath(*_parts(entry.filename))
        try:
            (path if entry.is_dir() else path.parent).mkdir(mode=0o700, parents=True, exist_ok=True)
            if not entry.is_dir():
                self._write(entry, path)
        except (FileExistsError, NotADirectoryError, IsADirectoryError) as error:
            raise _Refused("it has a file and a folder of one name") from error

    def _write(self, entry: zipfile.ZipInfo, path: Path) -> None:
        mode = 0o700 if entry.external_attr >> 16 & stat.S_IXUSR else 0o600
        path.unlink(missing_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode)
        with os.fdopen(descriptor, "wb") as file, self._zipped.open(entry) as packed:
            written = 0
            while chunk := packed.read(_CHUNK):
                self._go_on()
                written += len(chunk)
                self._count(len(chunk))
                if written > max(RATIO_MATTERS_FROM, entry.compress_size * MAX_RATIO):
                    raise _Refused("it has a file that is packed suspiciously small")
                file.write(chunk)

    def _count(self, size: int) -> None:
        self._bytes_left -= size
        if self._bytes_left < 0:
            raise ProjectTooLarge(reason=f"it has more than {self._limits.bytes // 10**6} MB")


def _check(entry: zipfile.ZipInfo) -> None:
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise _Refused("it has an entry that is neither a file nor a folder")
    if entry.flag_bits & _ENCRYPTED:
        raise _Refused("it is encrypted")
    if entry.compress_type not in _METHODS:
        raise _Refused("it is packed by a method other than deflate")
    # Not C{filename}, which ends at the first NUL.
    _parts(entry.orig_filename)


def _check_overlap(entries: list[zipfile.ZipInfo]) -> None:
    """Refuse a directory that names the same bytes again and again, as bombs do; not every C{zipfile} does so."""
    free_from = 0
    for entry in sorted(entries, key=lambda entry: entry.header_offset):
        if entry.header_offset < free_from:
            raise _Refused("it has entries that overlap")
        free_from = entry.header_offset + _LOCAL_HEADER_BYTES + entry.compress_size


def _with_folders(entries: list[zipfile.ZipInfo]) -> set[tuple[str, ...]]:
    """Give the path of every file and folder, also of folders that have no entry of their own."""
    paths = (tuple(_parts(entry.filename)) for entry in entries)
    return {path[:length] for path in paths for length in range(1, len(path) + 1)}


def _parts(name: str) -> list[str]:
    parts = name.removesuffix("/").split("/")
    if (
        len(parts) > MAX_DEPTH
        or len(name) > MAX_NAME
        or any(part in ("", ".", "..") or len(part.encode()) > 255 for part in parts)
        or any(character == "\\" or not character.isprintable() for character in name)
    ):
        raise _Refused("it has an entry whose name is not a path within the project")
    return parts
