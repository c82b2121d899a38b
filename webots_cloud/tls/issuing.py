"""Encryption with certificates that an authority makes and that are renewed before they end."""

from __future__ import annotations

import datetime
import random
from collections.abc import Callable, Sequence
from typing import Any

from twisted.application.service import Service
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from webots_cloud.config import AcmeConfig
from webots_cloud.tls.alpn import AlpnResponder
from webots_cloud.tls.certificate import BadCertificate, Certificate, moment, parse_certificate, self_signed
from webots_cloud.tls.challenges import ChallengeResource, HttpResponder, Responder
from webots_cloud.tls.contexts import Contexts
from webots_cloud.tls.encryption import CertificateStatus
from webots_cloud.tls.issuer import Issuer, authority_name
from webots_cloud.tls.pace import Pace, ends_soon, renewal_time
from webots_cloud.tls.problem import AcmeError
from webots_cloud.tls.store import CertificateStore, NotWritten

LOOK_SECONDS = 3600.0
"""How many seconds pass at most between two looks at what is to be done: clocks are set, and machines sleep."""

CLOCKS_DIFFER = datetime.timedelta(minutes=5)
"""By how much an authority's clock may be ahead: what it has just made begins in the future then, and is used."""

TEMPORARY_DAYS = 7
"""How long a certificate of this server's own is for, which is used until the authority has made one."""


class AcmeEncryption(Service):
    """Keeps a certificate for each name; whatever goes wrong, what there is stays in use.

    @ivar contexts: what encrypted ports take their certificates from.
    @ivar status: what is to be known of the certificates that are in use.
    @ivar challenges: what is to be found at C{/.well-known/acme-challenge} on plain ports; C{None}: nothing.
    """

    _log = Logger()

    def __init__(
        self,
        reactor: Any,
        config: AcmeConfig,
        names: Sequence[str],
        clock: IReactorTime | None = None,
        uniform: Callable[[float, float], float] = random.uniform,
    ) -> None:
        """Prepare to keep certificates.

        @param names: host names, at least one; the first one's certificate is for clients that do not say a name.
        @param clock: tells when to renew; C{None}: the reactor.
        @param uniform: gives a random number between two.
        """
        self._clock: IReactorTime = reactor if clock is None else clock
        self._config = config
        self._names = tuple(dict.fromkeys(names))
        self.contexts = Contexts()
        resource = ChallengeResource()
        self.challenges = resource if config.challenge == "http-01" else None
        self._store = CertificateStore(reactor, config.store / authority_name(config.directory))
        responder: Responder = (
            HttpResponder(resource) if config.challenge == "http-01" else AlpnResponder(reactor, self.contexts)
        )
        self._issuer = Issuer(reactor, config, self._store, responder)
        self._uniform = uniform
        self._paces: dict[str, Pace] = {}
        self._made: dict[str, Certificate] = {}
        self._own: dict[str, Certificate] = {}
        self._used: list[Certificate] = []
        self._problems: dict[str, str] = {}
        self._timer: IDelayedCall | None = None
        self._working: Deferred[Any] | None = None
        self._again = False
        self.status = CertificateStatus(self._names, self._now(), "")

    def startService(self) -> None:
        """Use what is in the store; certificates that lack, or end soon, are asked for when the reactor runs."""
        Service.startService(self)
        self._paces = {name: Pace(self._uniform, self._store.read_tries(name)) for name in self._names}
        for name in self._names:
            self._read(name)
        self._show()
        self._timer = self._clock.callLater(0, self._look)

    def stopService(self) -> Deferred[None]:
        """Ask no more; fires when all that was under way has ended."""
        Service.stopService(self)
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        return Deferred.fromCoroutine(self._stop())

    def reload(self) -> None:
        """Try again now what has failed, unless that was tried too often, or the authority asked to wait."""
        if self._working is not None:
            self._again = True
        elif self.running:
            self._issuer.forget()
            self._look(impatient=True)

    async def _stop(self) -> None:
        if self._working is not None:
            working, ended = self._working, Deferred[None]()
            working.addBoth(lambda _: ended.callback(None))
            working.cancel()
            await ended
        await self._issuer.close()

    def _look(self, *, impatient: bool = False) -> None:
        """Do what is to be done now."""
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        self._working = Deferred.fromCoroutine(self._work(impatient))
        self._working.addErrback(self._broken).addCallback(self._done)

    def _broken(self, failure: Failure) -> bool:
        if not failure.check(CancelledError) or self.running:
            self._log.failure("certificates could not be looked after; they are in an hour", failure)
        return True

    def _done(self, broken: bool | None) -> None:
        self._working = None
        again, self._again = self._again, False
        if not self.running:
            return
        now = self._clock.seconds()
        wait = LOOK_SECONDS if broken else min(self._when(name) - now for name in self._names)
        self._timer = self._clock.callLater(min(max(wait, 1.0), LOOK_SECONDS), self._look)
        if again:
            self.reload()

    def _when(self, name: str, *, impatient: bool = False) -> float:
        """Tell when a name's certificate is to be asked for."""
        made = self._made.get(name)
        renewal = 0.0 if made is None else renewal_time(made, self._config.renewBefore)
        return max(renewal, self._paces[name].next_try(impatient=impatient))

    async def _work(self, impatient: bool) -> None:
        await self._write()
        for name in self._names:
            if self._when(name, impatient=impatient) > self._clock.seconds():
                continue
            error = await self._renew(name)
            self._show()
            if error is not None and error.everywhere:
                for pace in self._paces.values():
                    pace.postpone(self._paces[name])
                break
        self._show()

    async def _write(self) -> None:
        """Write what the disk had no space for."""
        try:
            await self._store.write_again()
        except NotWritten as error:
            self._unwritten(error)
        else:
            self._problems.pop("", None)

    async def _renew(self, name: str) -> AcmeError | None:
        """Ask for a certificate; gives what went wrong, after it has been told."""
        pace = self._paces[name]
        pace.tried(self._clock.seconds())
        await self._store.write_tries(name, pace.tries)
        self._log.info("{name}: asks {url} for a certificate", name=name, url=self._config.directory)
        try:
            await self._issuer.issue(name)
        except NotWritten as error:
            self._unwritten(error)
        # A failure, of whatever kind, must not end the care for certificates.
        except Exception as error:
            if not self.running:
                raise CancelledError from error
            return self._failed(name, self._told(name, error))
        if not self._read(name):
            said = self._problems.get(name, "it is not in the store")
            return self._failed(name, AcmeError("using the certificate", said, name=name))
        pace.succeeded()
        self._problems.pop(name, None)
        self._log.info("{name}: has a new certificate, until {ends}", name=name, ends=moment(self._made[name].ends))
        return None

    def _read(self, name: str) -> bool:
        """Take up what the store has for a name."""
        try:
            chain, key = self._store.read(name)
            made = parse_certificate(chain, key, [name], self._now() + CLOCKS_DIFFER)
            # OpenSSL may still refuse it, which must not happen to what is in use.
            Contexts().use([made])
            self._made[name] = made
        except KeyError:
            return False
        except (OSError, BadCertificate) as error:
            self._problems[name] = f"the certificate in the store cannot be used: {error}"
            self._log.warn("{name}: {problem}", name=name, problem=self._problems[name])
            return False
        return True

    def _told(self, name: str, error: Exception) -> AcmeError:
        if isinstance(error, AcmeError):
            return error
        self._log.failure("{name}: no new certificate, for a reason that was not foreseen", name=name)
        return AcmeError("asking for the certificate", f"a fault of this server ({type(error).__name__})", name=name)

    def _failed(self, name: str, error: AcmeError) -> AcmeError:
        self._paces[name].failed(self._clock.seconds(), error.retry_after)
        when = datetime.datetime.fromtimestamp(self._paces[name].next_try(), datetime.UTC)
        self._problems[name] = f"no new certificate for {error}; next try at {when:%Y-%m-%d %H:%M} UTC"
        self._log.warn("{problem}", problem=self._problems[name])
        return error

    def _unwritten(self, error: NotWritten) -> None:
        self._problems[""] = f"{error}; the new certificate is in use, and is written again within an hour"
        self._log.warn("{problem}", problem=self._problems[""])

    def _show(self) -> None:
        """Have the certificates used that there are, and tell of them."""
        now = self._now()
        used = [self._made.get(name) or self._temporary(name, now) for name in self._names]
        if used != self._used:
            self.contexts.use(used)
            self._used = used
        notices = list(self._problems.values())
        notices += [
            f"{name} has a certificate that browsers do not trust, until {self._config.directory} has made one"
            for name in self._names
            if name not in self._made and name not in self._problems
        ]
        ends = [
            f"the certificate for {name} ends on {moment(made.ends)}"
            for name, made in self._made.items()
            if ends_soon(made, now)
        ]
        for end in ends:
            if end not in self.status.notice:
                self._log.warn("{notice}", notice=end)
        notices += ends
        self.status = CertificateStatus(self._names, min(part.ends for part in used), "; ".join(notices))

    def _temporary(self, name: str, now: datetime.datetime) -> Certificate:
        """Give a certificate of this server's own, which is made again a day before it ends."""
        own = self._own.get(name)
        if own is None or own.ends - now < datetime.timedelta(days=1):
            own = self._own[name] = self_signed([name], now, TEMPORARY_DAYS)
        return own

    def _now(self) -> datetime.datetime:
        return datetime.datetime.fromtimestamp(self._clock.seconds(), datetime.UTC)
