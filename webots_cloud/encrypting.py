"""How the servers of a process come to their certificates, and what their sites do where there is one."""

from __future__ import annotations

from html import escape
from typing import Any

from twisted.application.service import MultiService, Service

from webots_cloud.config import ServerConfig
from webots_cloud.listening import Listener
from webots_cloud.redirect import unencrypted_root
from webots_cloud.site import PromptSite
from webots_cloud.tls.encryption import Encryption
from webots_cloud.tls.hangup import ReloadOnHangup


class Encryptions(MultiService):
    """The certificates of all servers of a process; SIGHUP has their files read again.

    It starts before the servers, which have nothing to encrypt with until then.
    """

    def __init__(self, reactor: Any) -> None:
        """Begin with none: then SIGHUP does what it does elsewhere."""
        MultiService.__init__(self)
        self._reactor = reactor
        self._hangup: ReloadOnHangup | None = None

    def of(self, config: ServerConfig) -> Encryption | None:
        """Give what encrypts a server's connections; C{None} if they are not encrypted."""
        if config.sslCertificate is None or config.sslKey is None:
            return None
        encryption = Encryption(
            self._reactor, config.section, config.sslCertificate, config.sslKey, [config.server.strip("[]")]
        )
        self._add(encryption)
        if self._hangup is None:
            self._hangup = ReloadOnHangup(self._reactor)
            self._add(self._hangup)
        self._hangup.register(encryption.reload)
        return encryption

    def _add(self, service: Service) -> None:
        service.setServiceParent(self)


def listener(reactor: Any, config: ServerConfig, site: PromptSite, encryption: Encryption | None) -> Listener:
    """Give what listens where a server's configuration says.

    @param site: answers; where there is encryption, its browsers are sent there.
    """
    if encryption is None:
        return Listener(reactor, config.section, config.endpoints, site)
    site.hsts = config.hsts
    site.unencrypted = unencrypted_root(config.url("http"))
    return Listener(reactor, config.section, config.endpoints, site, config.tls_endpoints, encryption.contexts)


def certificate_shown(encryption: Encryption | None) -> str:
    """Give a paragraph in HTML about a server's certificate, for its page for people; empty if it has none."""
    if encryption is None:
        return ""
    status = encryption.status
    notice = f" <strong>{escape(status.notice)}</strong>" if status.notice else ""
    return (
        f"<p>Certificate: for {escape(', '.join(status.names))}, until {status.ends:%Y-%m-%d %H:%M} UTC.{notice}</p>\n"
    )
