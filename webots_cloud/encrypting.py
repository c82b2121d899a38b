"""How the servers of a process come to their certificates, and what their sites do where there is one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from twisted.application.service import MultiService, Service

from webots_cloud.config import AcmeConfig, ServerConfig
from webots_cloud.listening import Listener
from webots_cloud.monitor.merging import Document, known
from webots_cloud.redirect import unencrypted_root
from webots_cloud.site import PromptSite
from webots_cloud.tls.encryption import Encryption
from webots_cloud.tls.hangup import ReloadOnHangup
from webots_cloud.tls.issuing import AcmeEncryption

AnyEncryption = Encryption | AcmeEncryption
"""What encrypts a server's connections: certificates in files that somebody else replaces, or of an authority."""


class Encryptions(MultiService):
    """The certificates of all servers of a process; SIGHUP has their files read again.

    It starts before the servers, which have nothing to encrypt with until then.

    @ivar all: them, as far as servers have asked for them.
    """

    def __init__(self, reactor: Any, acme: AcmeConfig | None = None, names: Sequence[str] = ()) -> None:
        """Begin with none: then SIGHUP does what it does elsewhere.

        @param acme: where certificates come from that are in no files.
        @param names: of the servers that have such certificates, where C{acme} has no names.
        """
        MultiService.__init__(self)
        self._reactor = reactor
        self._acme = acme
        self._names = tuple(dict.fromkeys(names))
        self._automatic: AcmeEncryption | None = None
        self._hangup: ReloadOnHangup | None = None
        self.all: list[AnyEncryption] = []

    def of(self, config: ServerConfig) -> AnyEncryption | None:
        """Give what encrypts a server's connections; C{None} if they are not encrypted."""
        if self._acme is not None and config.automatic:
            self._automatic = self._automatic or self._automate(self._acme, config.url("http"))
            return self._automatic
        if config.sslCertificate is None or config.sslKey is None:
            return None
        encryption = Encryption(
            self._reactor, config.section, config.sslCertificate, config.sslKey, [config.server.strip("[]")]
        )
        self._add(encryption)
        return encryption

    def _automate(self, acme: AcmeConfig, url: str) -> AcmeEncryption:
        """Have the authority make certificates, and answer its challenges.

        @param url: where browsers are sent that come to where only the authority should.
        """
        encryption = AcmeEncryption(self._reactor, acme, acme.names or self._names)
        self._add(encryption)
        if encryption.challenges is not None:
            site = PromptSite(self._reactor, unencrypted_root(url, encryption.challenges))
            self._start_with_this(Listener(self._reactor, acme.section, acme.challengeListen, site))
        return encryption

    def _add(self, encryption: AnyEncryption) -> None:
        self.all.append(encryption)
        self._start_with_this(encryption)
        if self._hangup is None:
            self._hangup = ReloadOnHangup(self._reactor)
            self._start_with_this(self._hangup)
        self._hangup.register(encryption.reload)

    def _start_with_this(self, service: Service) -> None:
        service.setServiceParent(self)


def listener(reactor: Any, config: ServerConfig, site: PromptSite, encryption: AnyEncryption | None) -> Listener:
    """Give what listens where a server's configuration says.

    @param site: answers; where there is encryption, its browsers are sent there.
    """
    if encryption is None:
        return Listener(reactor, config.section, config.endpoints, site)
    site.hsts = config.hsts
    site.unencrypted = unencrypted_root(config.url("http"), encryption.challenges)
    return Listener(reactor, config.section, config.endpoints, site, config.tls_endpoints, encryption.contexts)


def certificate_of(encryption: AnyEncryption | None) -> Document | None:
    """Tell what there is to know of a server's certificate, for its monitor page; C{None} if it has none."""
    # Before the service has started there is none yet.
    status = None if encryption is None else getattr(encryption, "status", None)
    if status is None:
        return None
    return known(names=list(status.names), ends=round(status.ends.timestamp()), notice=status.notice or None)
