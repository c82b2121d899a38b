"""What tests of encrypted connections need: a port that answers over TLS, and clients that are not our own."""

from __future__ import annotations

import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Sequence
from typing import Any, TypeVar, cast

from cryptography import x509
from twisted.internet import reactor as _reactor
from twisted.internet.defer import Deferred
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.threads import deferToThread
from twisted.protocols.tls import TLSMemoryBIOFactory
from twisted.trial.unittest import TestCase

from tests.certificate import Made
from webots_cloud.tls.certificate import Certificate
from webots_cloud.tls.contexts import Contexts

T = TypeVar("T")

reactor = cast(Any, _reactor)
PATIENCE_SECONDS = 60


def usable(made: Made, *names: str) -> Certificate:
    """Give a certificate as what reads files does."""
    chain, one = [made.certificate], made
    while one.issuer is not None and one.issuer.issuer is not None:
        one = one.issuer
        chain.append(one.certificate)
    return Certificate(
        tuple(chain), made.key, names, made.certificate.not_valid_before_utc, made.certificate.not_valid_after_utc
    )


class Echo(Protocol):
    """Sends back what it gets."""

    def dataReceived(self, data: bytes) -> None:
        cast(Echoes, self.factory).heard += data
        cast(Any, self.transport).write(data)


class Echoes(Factory):
    """Keeps what all connections got."""

    protocol = Echo

    def __init__(self) -> None:
        self.heard = b""


def client_context(alpn: Sequence[str] = (), version: ssl.TLSVersion | None = None) -> ssl.SSLContext:
    """Make a client that trusts all.

    @param version: of TLS, the only one to speak.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if alpn:
        context.set_alpn_protocols(list(alpn))
    if version is not None:
        context.minimum_version = context.maximum_version = version
    return context


class Client:
    """A client's connection, for a thread of its own."""

    def __init__(
        self,
        port: int,
        name: str | None = "localhost",
        context: ssl.SSLContext | None = None,
        session: ssl.SSLSession | None = None,
    ) -> None:
        # Its descriptor is the encrypted socket's as soon as there is one; else it is closed here.
        with socket.create_connection(("127.0.0.1", port), PATIENCE_SECONDS) as connected:
            self.socket = (context or client_context()).wrap_socket(connected, server_hostname=name, session=session)

    @property
    def names(self) -> list[str]:
        """The names on the server's certificate."""
        certificate = x509.load_der_x509_certificate(cast(bytes, self.socket.getpeercert(binary_form=True)))
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        return names.get_values_for_type(x509.DNSName)

    def echoes(self, data: bytes = b"hello") -> bool:
        """Tell whether the connection works."""
        self.socket.sendall(data)
        got = b""
        while len(got) < len(data):
            got += self.socket.recv(len(data) - len(got)) or b"the end"
        return got == data

    def close(self) -> None:
        self.socket.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class ServedCase(TestCase):
    """Serves echoes over TLS.

    @ivar now: the time of tickets' keys, in seconds.
    """

    timeout = 2 * PATIENCE_SECONDS

    def setUp(self) -> None:
        self.now = 0.0
        self.contexts = Contexts(lambda: self.now)
        self.echoes = Echoes()
        factory = TLSMemoryBIOFactory(self.contexts, False, self.echoes)
        listening = reactor.listenTCP(0, factory, interface="127.0.0.1")
        self.addCleanup(listening.stopListening)
        self.port: int = listening.getHost().port
        self._gone: list[Deferred[None]] = []

    def in_thread(self, work: Callable[[], T]) -> Deferred[T]:
        """Have a client do something."""
        return cast("Deferred[T]", deferToThread(work))

    def names(self, name: str | None = "localhost", context: ssl.SSLContext | None = None) -> Deferred[list[str]]:
        """Give the names on the certificate that a client gets which asks for a host."""

        def ask() -> list[str]:
            with Client(self.port, name, context) as client:
                assert client.echoes()
                return client.names

        return self.in_thread(ask)

    def openssl(self, *arguments: str, say: str = "") -> Deferred[str]:
        """Run C{openssl s_client}, and give all that it says."""

        def run() -> str:
            command = ["openssl", "s_client", "-connect", f"127.0.0.1:{self.port}", *arguments]
            running = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
            )
            watchdog = threading.Timer(PATIENCE_SECONDS, running.kill)
            watchdog.start()
            try:
                return running.communicate(say)[0]
            finally:
                watchdog.cancel()

        return self.in_thread(run)
