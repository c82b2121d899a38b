"""Asking a website host for a project: the request with the key, and the archive streamed to the disk."""

from __future__ import annotations

import os
from pathlib import Path
from typing import IO, Any

import attrs
from treq.client import HTTPClient
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.error import ConnectError, ConnectingCancelledError, DNSLookupError, TimeoutError
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure
from twisted.web.client import RequestGenerationFailed, RequestTransmissionFailed, ResponseDone, ResponseFailed
from twisted.web.http import PotentialDataLoss

from webots_cloud.agent import CompressedAnswer, TrustedAuthorities, drop, plain_agent, untrusted
from webots_cloud.errors import (
    BadArchive,
    DownloadBroken,
    DownloadTooLarge,
    HostRefused,
    HostUnreachable,
    UnknownHost,
    quoted,
)
from webots_cloud.secret import Secret
from webots_cloud.simulation.folder import disk_space_is_finite
from webots_cloud.simulation.request import StartRequest, User, WebsiteHost

CONNECT_SECONDS = 10.0
MAX_ERROR_BYTES = 4096
"""How much of an answer that is no archive is read."""
_SPELLINGS = ("download-project.php", "download_project.php")
_NO_VERSION = "Error: no such directory:"
_BROKEN_OFF = (RequestGenerationFailed, RequestTransmissionFailed, ResponseFailed)


@attrs.frozen
class Keys:
    """The keys of the website hosts that may be contacted.

    @ivar folder: a file for each host, named after it, with the key in its first line.
    @ivar ports: the ports at which hosts may be contacted.
    """

    folder: Path
    ports: frozenset[int]

    def key_for(self, host: WebsiteHost) -> Secret:
        """Give the host's key.

        @raise UnknownHost: if there is none, or the host's port is not one that may be contacted.
        """
        if host.port not in self.ports:
            raise UnknownHost(detail=f"port {host.port} is not in hostPorts", host=host)
        try:
            key = (self.folder / host.name).read_text("utf-8").partition("\n")[0].strip()
        except (OSError, UnicodeDecodeError) as error:
            raise UnknownHost(detail=f"no key in {self.folder / host.name}: {error}", host=host) from error
        if not key:
            raise UnknownHost(detail=f"the first line of {self.folder / host.name} is empty", host=host)
        return Secret(key)


@attrs.frozen
class HostClient:
    """Downloads projects (docs/protocol.md section 6).

    @ivar reactor: connects.
    @ivar keys: what the hosts are shown.
    @ivar max_archive_bytes: the largest archive that is taken.
    @ivar authorities: whose word is taken on who a host is.
    """

    reactor: Any
    keys: Keys
    max_archive_bytes: int
    authorities: TrustedAuthorities = attrs.field(factory=TrustedAuthorities)

    async def download(self, request: StartRequest, user: User | None, archive: Path) -> bool:
        """Download C{request.project} into the file C{archive}.

        @param user: whose version is wanted; C{None}: the base project.
        @return: whether the host has such a version; where not, there is no file, and after an error perhaps a part.
        @raise ClientError: if there is no key, no connection, an error, or no archive that can be taken.
        """
        key = self.keys.key_for(request.host)
        form = _form(request, user, key)
        try:
            with disk_space_is_finite(), archive.open("xb") as file:
                await self._save(request.host, await self._post(request.host, form), file)
        except _NoArchive as answer:
            os.unlink(archive)
            text = key.blotted_out_of(str(answer))
            return _without_archive(user.authentication.blotted_out_of(text) if user else text, request.host)
        except ConnectingCancelledError as error:
            # What is given up while it connects is given up, as anything else.
            raise CancelledError from error
        except CompressedAnswer as error:
            raise HostRefused(host=request.host, answer=error) from error
        except (ConnectError, DNSLookupError, TimeoutError, *_BROKEN_OFF) as error:
            raise HostUnreachable(detail=untrusted(error) or _reasons(Failure(error)), host=request.host) from error
        return True

    async def _post(self, host: WebsiteHost, form: dict[str, str]) -> Any:
        for spelling in _SPELLINGS:
            # A client of its own each time, as it keeps cookies.
            client = HTTPClient(plain_agent(self.reactor, CONNECT_SECONDS, authorities=self.authorities))
            response = await client.post(
                f"{host.url}/ajax/{spelling}", data=form, allow_redirects=False, unbuffered=True
            )
            if response.code == 200:
                return response
            drop(response)
            if response.code != 404:
                break
        raise HostRefused(host=host, answer=f"it answers with status {response.code}")
        return response

    async def _save(self, host: WebsiteHost, response: Any, file: IO[bytes]) -> None:
        saving = _Saving(file, host, self.max_archive_bytes)
        response.deliverBody(saving)
        if isinstance(response.length, int):
            saving.expect(response.length)
        await saving.saved


def _form(request: StartRequest, user: User | None, key: Secret) -> dict[str, str]:
    user2 = request.user2 if user else None
    return {
        "project": request.project,
        "key": key.reveal(),
        "user1Id": user.id if user else "",
        "user1Name": user.name if user else "",
        "user1Authentication": user.authentication.reveal() if user else "",
        "user2Id": user2.id if user2 else "",
        "user2Name": user2.name if user2 else "",
        "customData": request.custom_data,
    }


def _without_archive(answer: str, host: WebsiteHost) -> bool:
    if answer.startswith(_NO_VERSION):
        return False
    if answer.startswith("Error:"):
        raise HostRefused(host=host, answer=answer.removeprefix("Error:").strip())
    raise BadArchive(detail=f"it begins with {quoted(answer)!r}", host=host, reason="it is not a ZIP archive")


class _NoArchive(Exception):
    """The answer is a text instead of an archive."""


class _Saving(Protocol):
    """Writes an archive to a file while it arrives.

    @ivar saved: fires when all of it is written; cancelling it ends the connection.
    """

    def __init__(self, file: IO[bytes], host: WebsiteHost, limit: int) -> None:
        self.saved: Deferred[None] = Deferred(lambda _: self._hang_up())
        self._file = file
        self._host = host
        self._limit = limit
        self._received = 0
        self._begin = b""

    def expect(self, length: int) -> None:
        """Take notice of how many bytes the host says will come."""
        if length > self._limit and not self.saved.called:
            self._fail(self._too_large())

    def dataReceived(self, data: bytes) -> None:
        if self.saved.called:
            return
        self._received += len(data)
        self._begin = (self._begin + data)[:MAX_ERROR_BYTES] if len(self._begin) < MAX_ERROR_BYTES else self._begin
        if self._received > self._limit:
            self._fail(self._too_large())
        elif not self._is_archive() and self._received > MAX_ERROR_BYTES:
            self._fail(self._no_archive())
        else:
            self._write(data)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        if self.saved.called:
            return
        # An answer that does not tell its length may have broken off; then the archive has no directory at its end.
        if not reason.check(ResponseDone, PotentialDataLoss):
            self.saved.errback(DownloadBroken(detail=_reasons(reason), host=self._host))
        elif not self._is_archive():
            self.saved.errback(self._no_archive())
        else:
            self.saved.callback(None)

    def _is_archive(self) -> bool:
        return self._begin[:4] in (b"PK\x03\x04"[: len(self._begin)], b"PK\x05\x06"[: len(self._begin)])

    def _too_large(self) -> Exception:
        return DownloadTooLarge(host=self._host, limit=self._limit // 10**6)

    def _no_archive(self) -> Exception:
        return _NoArchive(self._begin.decode("utf-8", "replace"))

    def _write(self, data: bytes) -> None:
        try:
            self._file.write(data)
        except OSError as error:
            self._fail(error)

    def _fail(self, error: Exception) -> None:
        self._hang_up()
        self.saved.errback(error)

    def _hang_up(self) -> None:
        if self.transport is not None:
            self.transport.loseConnection()


def _reasons(failure: Failure) -> str:
    """Name the errors inside an error of L{twisted.web.client}."""
    reasons = getattr(failure.value, "reasons", None) or [failure]
    return "; ".join(reason.getErrorMessage() for reason in reasons)
