"""Listening on endpoints: a service that either listens on all of them or ends the process with what to do."""

from __future__ import annotations

import resource
from collections.abc import Sequence
from typing import Any, cast

from twisted.application.service import Service
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.endpoints import serverFromString
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IListeningPort, IOpenSSLServerConnectionCreator, IProtocolFactory
from twisted.logger import Logger
from twisted.protocols.tls import TLSMemoryBIOFactory
from twisted.python.failure import Failure

from webots_cloud.site import PromptSite


class Listener(Service):
    """Listens while it runs.

    @ivar ports: the listening ports, one per endpoint, in their order; those that encrypt come last.
    """

    _log = Logger()

    def __init__(
        self,
        reactor: Any,
        section: str,
        endpoints: Sequence[str],
        site: PromptSite,
        tls_endpoints: Sequence[str] = (),
        contexts: IOpenSSLServerConnectionCreator | None = None,
    ) -> None:
        """Prepare to listen.

        @param section: the section of the configuration that a complaint names.
        @param endpoints: Twisted endpoint strings.
        @param site: answers on all of them.
        @param tls_endpoints: Twisted endpoint strings, whose connections are encrypted.
        @param contexts: what they are encrypted with.
        """
        self._reactor = reactor
        self._section = section
        self._site = site
        self._doors: list[tuple[str, str, IProtocolFactory]] = [(endpoint, "", site) for endpoint in endpoints]
        if contexts is not None:
            encrypted = TLSMemoryBIOFactory(contexts, False, site, reactor)
            self._doors += [(endpoint, ", encrypted", encrypted) for endpoint in tls_endpoints]
        self._complaints: list[str] = []
        self.ports: list[IListeningPort] = []

    def startService(self) -> None:
        """Listen on every endpoint.

        @raise SystemExit: if one of them cannot be listened on; with a sentence for the operator.
        """
        Service.startService(self)
        _allow_many_sockets()
        for endpoint, how, factory in self._doors:
            listening = serverFromString(self._reactor, endpoint).listen(factory)
            listening.addCallbacks(self._listening, self._refused, callbackArgs=[endpoint, how], errbackArgs=[endpoint])
        if self._complaints:
            raise SystemExit("\n".join(self._complaints))

    async def stop_listening(self) -> None:
        """Close the ports; connections that are open stay."""
        ports, self.ports = self.ports, []
        for port in ports:
            await cast("Deferred[None]", _deferred(port.stopListening()))

    def stopService(self) -> Deferred[None]:
        """Close the ports, and the connections that speak HTTP; fires when they are closed."""
        Service.stopService(self)
        return Deferred.fromCoroutine(self._stop())

    async def _stop(self) -> None:
        await self.stop_listening()
        await self._site.channels.close()

    def _listening(self, port: IListeningPort, endpoint: str, how: str) -> None:
        self.ports.append(port)
        self._log.info("[{section}] listens on {endpoint}{how}", section=self._section, endpoint=endpoint, how=how)

    def _refused(self, failure: Failure, endpoint: str) -> None:
        error = failure.value.socketError if isinstance(failure.value, CannotListenError) else failure.value
        self._complaints.append(
            f"[{self._section}] cannot listen on {endpoint} ({getattr(error, 'strerror', None) or error}); "
            f"end the program that uses it, or give another port in section [{self._section}]"
        )


def _allow_many_sockets() -> None:
    """Raise this process's limit of open files, of which each client takes one, as far as the system allows."""
    highest = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (highest, highest))


def _deferred(result: Any) -> Deferred[Any]:
    return gatherResults([result]) if isinstance(result, Deferred) else gatherResults([])
