"""A server's control socket: a Unix socket on which its operator asks what it does, and has it do something.

C{webots-cloud status} and its like speak HTTP there (docs/command.md). Who may connect is the file system's business:
the server's own user, and root.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import socket
import stat
from collections.abc import Callable, Coroutine, Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO, cast

from twisted.application.service import Service
from twisted.internet import tcp, unix
from twisted.internet.defer import Deferred
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IListeningPort
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.http import INTERNAL_SERVER_ERROR, NOT_ALLOWED, NOT_FOUND
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Request

from webots_cloud import __version__
from webots_cloud.config import ServerConfig
from webots_cloud.encrypting import AnyEncryption
from webots_cloud.site import Nowhere, PromptSite

_MODE = 0o600

Told = Mapping[str, Any]
"""What is told, as JSON has it; nothing secret, and no names of visitors."""


class Refused(Exception):
    """What was asked for cannot be done; the text is a sentence for the operator."""


@contextlib.contextmanager
def short_address(path: Path) -> Iterator[str]:
    """Give another name for a path, that is good while the context lasts: sockets' own may have 107 bytes only.

    @raise OSError: if there is no such folder, or it may not be entered.
    """
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)


class Answer(Resource):
    """Answers one kind of question, or carries out one kind of order."""

    isLeaf = True
    _log = Logger()

    def __init__(self, method: bytes, answer: Callable[[str], Coroutine[Deferred[Any], Any, Told]]) -> None:
        """Prepare to answer.

        @param method: of requests: C{GET} where nothing changes, else C{POST}.
        @param answer: gives what is told; called with what follows in the path, and may raise L{Refused}.
        """
        Resource.__init__(self)
        self._method = method
        self._answer = answer

    def render(self, request: Request) -> bytes | int:
        """Answer, now or later."""
        request.setHeader(b"content-type", b"application/json")
        if request.method != self._method:
            request.setResponseCode(NOT_ALLOWED)
            return _packed({"error": f"ask with {self._method.decode()}"})
        what = b"/".join(request.postpath or []).decode("utf-8", "replace")
        Deferred.fromCoroutine(self._respond(request, what)).addErrback(
            lambda failure: self._log.failure("an operator cannot be answered", failure)
        )
        return NOT_DONE_YET

    async def _respond(self, request: Request, what: str) -> None:
        left: list[Failure] = []
        request.notifyFinish().addErrback(left.append)
        try:
            told = await self._answer(what)
        except Refused as error:
            request.setResponseCode(NOT_FOUND)
            told = {"error": str(error)}
        except Exception as error:
            self._log.failure("an operator's question cannot be answered")
            request.setResponseCode(INTERNAL_SERVER_ERROR)
            told = {"error": f"the server met an error of its own ({type(error).__name__}); its log says more"}
        # Orders are carried out whether who gave them has waited for it or not.
        if not left:
            request.write(_packed(told))
            request.finish()


def _packed(told: Told) -> bytes:
    return json.dumps(told).encode() + b"\n"


class _ControlSite(PromptSite):
    """A site whose requests have no body."""

    def getContentFile(self, length: int | None) -> BinaryIO:
        """Give a request a place for its body."""
        return Nowhere()


class ControlSocket(Service):
    """Listens on a server's control socket while it runs; where that is not possible, the server runs without one."""

    _log = Logger()

    def __init__(
        self,
        reactor: Any,
        config: ServerConfig,
        encryption: AnyEncryption | None,
        status: Callable[[], Coroutine[Deferred[Any], Any, Told]],
        orders: Mapping[str, Callable[[str], Coroutine[Deferred[Any], Any, Told]]] | None = None,
    ) -> None:
        """Prepare to listen.

        @param reactor: the real one.
        @param encryption: what the server encrypts with; C{None}: it does not.
        @param status: gives what only this kind of server can tell.
        @param orders: what carries out orders, by their names.
        """
        self._reactor = reactor
        self._config = config
        self._encryption = encryption
        self._details = status
        self._began: float = reactor.seconds()
        root = Resource()
        root.putChild(b"status", Answer(b"GET", self._status))
        for name, carry_out in (orders or {}).items():
            root.putChild(name.encode(), Answer(b"POST", carry_out))
        self._site = _ControlSite(reactor, root)
        self._port: IListeningPort | None = None
        self._open = contextlib.ExitStack()

    def startService(self) -> None:
        """Listen, if there is a path to listen at."""
        Service.startService(self)
        path = self._config.controlSocket
        if path is None:
            return
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._listen(self._open.enter_context(short_address(path)), path)
            self._log.info(
                "[{section}] webots-cloud asks this server on {path}", section=self._config.section, path=str(path)
            )
        # Whoever uses the servers must not suffer for it.
        except (OSError, CannotListenError) as error:
            self._open.close()
            cause = error.socketError if isinstance(error, CannotListenError) else error
            self._log.error(
                "[{section}] controlSocket: cannot listen on {path} ({why}); the server runs, but webots-cloud cannot "
                "ask it",
                section=self._config.section,
                path=str(path),
                why=cause.strerror or str(cause),
            )

    def stopService(self) -> Deferred[None]:
        """Listen no more; fires when nobody is connected."""
        Service.stopService(self)
        return Deferred.fromCoroutine(self._stop())

    async def _stop(self) -> None:
        port, self._port = self._port, None
        if port is not None:
            await cast("Deferred[None]", port.stopListening())
        await self._site.channels.close()
        self._open.close()

    def _listen(self, address: str, path: Path) -> None:
        _remove_stale(address, path)
        # Nobody else may connect, not even before the mode has been set.
        umask = os.umask(0o777 & ~_MODE)
        try:
            port = _PrivatePort(address.encode(), self._site, mode=_MODE, reactor=self._reactor)
            cast(Any, port).startListening()
            self._port = port
        finally:
            os.umask(umask)

    async def _status(self, what: str) -> Told:
        return {
            "server": self._config.section,
            "version": __version__,
            "pid": os.getpid(),
            "seconds": self._reactor.seconds() - self._began,
            "url": self._config.url("http"),
            "listens": [*self._config.endpoints, *self._config.tls_endpoints],
            "certificate": self._certificate(),
            **await self._details(),
        }

    def _certificate(self) -> Told | None:
        if self._encryption is None:
            return None
        status = self._encryption.status
        return {"names": status.names, "ends": status.ends.isoformat(), "notice": status.notice}


class _PrivatePort(unix.Port):
    """A listening socket that closes also where somebody has removed its file."""

    def connectionLost(self, reason: Failure) -> None:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._bindPath)
        tcp.Port.connectionLost(self, reason)


def _remove_stale(address: str, path: Path) -> None:
    """Remove a socket that a server has left which did not live to do it.

    @raise OSError: if it is not a socket, or somebody listens on it, or it cannot be removed.
    """
    try:
        found = os.lstat(address)
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(found.st_mode):
        raise OSError(errno.EEXIST, "there is a file of that name, which is not a socket")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.setblocking(False)
        try:
            probe.connect(address)
        except ConnectionRefusedError:
            os.unlink(address)
            return
        except BlockingIOError:
            pass
    raise OSError(errno.EADDRINUSE, "another server listens there; give each of them a controlSocket of its own")
