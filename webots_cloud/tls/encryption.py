"""A section's certificate and key in files that somebody else replaces; new ones are taken up while the server runs."""

from __future__ import annotations

import datetime
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import attrs
from twisted.application.service import Service
from twisted.internet.defer import Deferred, DeferredLock
from twisted.internet.task import LoopingCall
from twisted.internet.threads import deferToThreadPool
from twisted.logger import Logger

from webots_cloud.config import refuse_to_start
from webots_cloud.tls.certificate import BadCertificate, Certificate, moment, read_certificate
from webots_cloud.tls.contexts import Contexts

LOOK_SECONDS = 30.0
"""How often files are looked at."""

SOON = datetime.timedelta(days=14)
"""How long before its end a certificate is spoken of."""

_Seen = tuple[tuple[int, ...], ...]


@attrs.frozen
class CertificateStatus:
    """What the operator is told of a certificate.

    @ivar names: the host names and IP addresses that it is for.
    @ivar ends: until when it is valid.
    @ivar notice: a sentence about what should be done; empty if all is well.
    """

    names: tuple[str, ...]
    ends: datetime.datetime
    notice: str


def notice_of_end(certificate: Certificate, now: datetime.datetime) -> str:
    """Say that a certificate ends soon, or has ended; empty if neither."""
    names, ends, left = ", ".join(certificate.names), moment(certificate.ends), certificate.ends - now
    if left < datetime.timedelta():
        return f"the certificate for {names} ended on {ends}, and browsers refuse it; renew it"
    if left < SOON:
        return f"the certificate for {names} ends in {left.days} days, on {ends}; renew it"
    return ""


class Encryption(Service):
    """Gives a section's connections the certificate that is in two files.

    @ivar contexts: makes the server's end of connections.
    @ivar status: the certificate that is in use; there is one as soon as the service has started.
    """

    _log = Logger()

    def __init__(self, reactor: Any, section: str, certificate: Path, key: Path, names: Sequence[str]) -> None:
        """Prepare.

        @param reactor: the real one, or one with another time.
        @param section: the section of the configuration that a complaint names.
        @param certificate: the file with the certificate and its chain.
        @param key: the file with the private key.
        @param names: the host names and IP addresses that the certificate must be for.
        """
        self.contexts = Contexts(reactor.seconds)
        self.status: CertificateStatus
        self._reactor = reactor
        self._section = section
        self._certificate = certificate
        self._key = key
        self._names = tuple(names)
        self._seen: _Seen = ()
        self._refusal = ""
        self._one_at_a_time = DeferredLock()
        self._looking = LoopingCall(self._look, False)
        self._looking.clock = reactor

    def startService(self) -> None:
        """Read the files, and go on to look at them.

        @raise SystemExit: if they cannot be used; with a sentence for the operator.
        """
        self._seen = self._glance()
        try:
            self._take(self._read())
        except BadCertificate as error:
            refuse_to_start(f"[{self._section}] {error}")
        Service.startService(self)
        self._looking.start(LOOK_SECONDS, now=False)

    def stopService(self) -> Deferred[object]:
        """Look at the files no longer; fires when nothing does."""
        Service.stopService(self)
        if self._looking.running:
            self._looking.stop()
        return self._one_at_a_time.run(lambda: None)

    def reload(self) -> Deferred[None]:
        """Read the files again, whether they have changed or not; fires when that is done."""
        return self._look(True)

    def _look(self, at_all_events: bool) -> Deferred[None]:
        looking: Deferred[None] = self._one_at_a_time.run(
            lambda: Deferred.fromCoroutine(self._look_once(at_all_events))
        )
        return looking.addErrback(lambda failure: self._log.failure("certificate files cannot be looked at", failure))

    async def _look_once(self, at_all_events: bool) -> None:
        seen = await self._in_thread(self._glance)
        if at_all_events or seen != self._seen:
            self._seen = seen
            try:
                self._take(await self._in_thread(self._read))
            except BadCertificate as error:
                self._refusal = f"{error}; the certificate that was there before stays in use"
                self._log.error("[{section}] {refusal}", section=self._section, refusal=self._refusal)
        self._tell()

    def _in_thread(self, work: Any) -> Deferred[Any]:
        return deferToThreadPool(self._reactor, self._reactor.getThreadPool(), work)

    def _glance(self) -> _Seen:
        """Give what differs when a file has been replaced or written to, at the price of not reading it."""
        return tuple(_identity(path) for path in (self._certificate, self._key))

    def _read(self) -> Certificate:
        return read_certificate(self._certificate, self._key, self._names, self._now())

    def _take(self, certificate: Certificate) -> None:
        self.contexts.use([certificate])
        self._in_use, self._refusal = certificate, ""
        self._log.info(
            "[{section}] uses the certificate for {names} that ends on {ends}",
            section=self._section,
            names=", ".join(certificate.names),
            ends=moment(certificate.ends),
        )
        self.status = CertificateStatus(certificate.names, certificate.ends, "")
        self._tell()

    def _tell(self) -> None:
        """Put what is to be said into the status; what is new of it goes to the log as well."""
        end = notice_of_end(self._in_use, self._now())
        notice = "; ".join(filter(None, (self._refusal, end)))
        if end and end not in self.status.notice:
            self._log.warn("[{section}] {notice}", section=self._section, notice=end)
        self.status = attrs.evolve(self.status, notice=notice)

    def _now(self) -> datetime.datetime:
        return datetime.datetime.fromtimestamp(self._reactor.seconds(), datetime.UTC)


def _identity(path: Path) -> tuple[int, ...]:
    try:
        found = os.stat(path)
    except OSError as error:
        return (error.errno or 0,)
    return (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_mode)
