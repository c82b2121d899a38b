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


class AnyEncryption(Protocol):
    """What encrypts a server's connections: with files that somebody else replaces, or with what an authority makes."""

    contexts: Contexts
    status: CertificateStatus


class Encryptions(MultiService):
    """The certificates of all servers of a process; SIGHUP has their files read again.

    It starts before the servers, which have nothing to encrypt with until then.
    """

    def __init__(self, reactor: Any, acme: AcmeConfig, servers: Sequence[ServerConfig]) -> None:
        """Prepare to encrypt what is to be encrypted; where that is nothing, SIGHUP does what it does elsewhere.

        @param servers: those of this process.
        """
        MultiService.__init__(self)
        self._reactor = reactor
        self._hangup: ReloadOnHangup | None = None
        self._by_section: dict[str, AnyEncryption] = {}
        self.challenges: IResource | None = None
        automatic = [config for config in servers if config.automatic]
        if automatic:
            self._automate(acme, automatic)
        for config in servers:
            if config.sslCertificate is not None and config.sslKey is not None:
                names = [config.server.strip("[]")]
                files = Encryption(reactor, config.section, config.sslCertificate, config.sslKey, names)
                self._by_section[config.section] = files
                self._add(files, files.reload)

    def of(self, config: ServerConfig) -> AnyEncryption | None:
        """Give what encrypts a server's connections; C{None} if they are not encrypted."""
        return self._by_section.get(config.section)

    def _automate(self, acme: AcmeConfig, servers: Sequence[ServerConfig]) -> None:
        """Have the authority make what these servers encrypt with, and answer its challenges."""
        made = AcmeEncryption(self._reactor, acme, acme.names or [config.server for config in servers])
        self._by_section |= dict.fromkeys((config.section for config in servers), made)
        if acme.challenge == "http-01":
            self.challenges = made.challenges
            site = PromptSite(self._reactor, unencrypted_root(servers[0].url("http"), made.challenges))
            self._add(Listener(self._reactor, acme.section, acme.challengeListen, site))
        self._add(made, made.reload)

    def _add(self, service: Service, reload: Callable[[], object] | None = None) -> None:
        service.setServiceParent(self)
        if reload is not None:
            if self._hangup is None:
                self._hangup = ReloadOnHangup(self._reactor)
                self._hangup.setServiceParent(self)
            self._hangup.register(reload)


def listener(reactor: Any, config: ServerConfig, site: PromptSite, encryption: AnyEncryption | None) -> Listener:
    """Give what listens where a server's configuration says.

    @param site: answers; where there is encryption, its browsers are sent there.
    """
    if encryption is None:
        return Listener(reactor, config.section, config.endpoints, site)
    site.hsts = config.hsts
    site.unencrypted = unencrypted_root(config.url("http"))
    return Listener(reactor, config.section, config.endpoints, site, config.tls_endpoints, encryption.contexts)


def certificate_shown(encryption: AnyEncryption | None) -> str:
    """Give a paragraph in HTML about a server's certificate, for its page for people; empty if it has none."""
    if encryption is None:
        return ""
    status = encryption.status
    notice = f" <strong>{escape(status.notice)}</strong>" if status.notice else ""
    return (
        f"<p>Certificate: for {escape(', '.join(status.names))}, until {status.ends:%Y-%m-%d %H:%M} UTC.{notice}</p>\n"
    )
