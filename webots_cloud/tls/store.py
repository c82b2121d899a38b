"""Keeps the certificates that an authority has made, with their keys, in a folder: a file for each name."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pem
from twisted.internet.defer import Deferred, maybeDeferred, succeed
from twisted.internet.threads import deferToThreadPool
from txacme.interfaces import ICertificateStore
from zope.interface import implementer

from webots_cloud.tls.private_file import read_private, write_private


class NotWritten(Exception):
    """A certificate could not be written to its file; the text says why."""


@implementer(ICertificateStore)
class CertificateStore:
    """A certificate store for txacme, whose own writes files that others may read.

    A certificate that cannot be written is kept in memory: an authority makes only so many in a week.
    """

    def __init__(self, reactor: Any, folder: Path) -> None:
        """Prepare to keep certificates.

        @param reactor: has the threads in which files are written.
        """
        self._reactor = reactor
        self._folder = folder
        self._unwritten: dict[str, bytes] = {}

    def read(self, server_name: str) -> tuple[bytes, bytes]:
        """Give a name's certificates and their key, in PEM.

        @raise KeyError: if there are none.
        @raise OSError: if they cannot be read.
        """
        objects = pem.parse(self._content(server_name))
        chain = b"".join(part.as_bytes() for part in objects if isinstance(part, pem.Certificate))
        return chain, b"".join(part.as_bytes() for part in objects if isinstance(part, pem.Key))

    def get(self, server_name: str) -> Deferred[list[pem.AbstractPEMObject]]:
        """Give what is kept for a name; fails with C{KeyError} if nothing is."""
        return maybeDeferred(lambda: pem.parse(self._content(server_name)))

    def store(self, server_name: str, pem_objects: Sequence[pem.AbstractPEMObject]) -> Deferred[None]:
        """Keep a name's certificates and their key; fails with L{NotWritten} if only memory has them."""
        self._unwritten[server_name] = b"".join(part.as_bytes() for part in pem_objects)
        return Deferred.fromCoroutine(self._write(server_name))

    def as_dict(self) -> Deferred[dict[str, list[pem.AbstractPEMObject]]]:
        """Give everything that is kept."""
        written = {path.stem for path in self._folder.glob("*.pem") if not path.name.startswith(".")}
        return succeed({name: pem.parse(self._content(name)) for name in written | self._unwritten.keys()})

    async def write_again(self) -> None:
        """Write what could not be written before.

        @raise NotWritten: if it still cannot.
        """
        for server_name in list(self._unwritten):
            await self._write(server_name)

    def read_tries(self, server_name: str) -> list[float]:
        """Give when the last certificates for a name were asked for; nothing, if that is not known."""
        try:
            return [float(line) for line in self._tries_path(server_name).read_text("ascii").split()]
        except (OSError, ValueError):
            return []

    async def write_tries(self, server_name: str, tries: Sequence[float]) -> None:
        """Remember when the last certificates were asked for, for a server that is started again and again."""
        content = "".join(f"{when:.0f}\n" for when in tries).encode("ascii")
        # A certificate can be asked for without; and a full disk is told of when the certificate cannot be written.
        with contextlib.suppress(OSError):
            await self._in_thread(self._tries_path(server_name), content)

    def _in_thread(self, path: Path, content: bytes) -> Deferred[None]:
        return deferToThreadPool(self._reactor, self._reactor.getThreadPool(), write_private, path, content)

    def _tries_path(self, server_name: str) -> Path:
        return self._folder / f"{server_name}.tries"

    async def _write(self, server_name: str) -> None:
        content = self._unwritten[server_name]
        path = self._path(server_name)
        try:
            await self._in_thread(path, content)
        except OSError as error:
            raise NotWritten(f"{path} cannot be written ({error.strerror})") from error
        if self._unwritten.get(server_name) is content:
            del self._unwritten[server_name]

    def _content(self, server_name: str) -> bytes:
        if server_name in self._unwritten:
            return self._unwritten[server_name]
        try:
            return read_private(self._path(server_name))
        except FileNotFoundError as error:
            raise KeyError(server_name) from error

    def _path(self, server_name: str) -> Path:
        return self._folder / f"{server_name}.pem"
