"""What new encrypted connections get: a certificate for the name that the client asks for, and sound parameters."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any, cast

from OpenSSL import SSL, crypto
from twisted.internet.interfaces import IOpenSSLServerConnectionCreator
from twisted.protocols.tls import TLSMemoryBIOProtocol
from zope.interface import implementer

from webots_cloud.tls.certificate import BadCertificate, Certificate
from webots_cloud.tls.connection import ServerConnection

HTTP = b"http/1.1"

ACME_TLS = b"acme-tls/1"
"""What an authority offers that looks at an answer to its challenge (RFC 8737 section 4)."""

TICKET_KEY_SECONDS = 24 * 3600.0
"""How old the key may be with which a client's session is encrypted that it brings back to resume it."""

SESSION_SECONDS = 4 * 3600
"""How long a client may resume a session."""

SUITES = (
    "ECDHE-ECDSA-AES128-GCM-SHA256",
    "ECDHE-RSA-AES128-GCM-SHA256",
    "ECDHE-ECDSA-AES256-GCM-SHA384",
    "ECDHE-RSA-AES256-GCM-SHA384",
    "ECDHE-ECDSA-CHACHA20-POLY1305",
    "ECDHE-RSA-CHACHA20-POLY1305",
)
"""What TLS 1.2 may use; all that TLS 1.3 has is as good."""


@implementer(IOpenSSLServerConnectionCreator)
class Contexts:
    """Makes the server's end of encrypted connections.

    A connection begins with a context that has no certificate. It keeps the keys of tickets, so that clients resume
    their sessions whatever certificate was replaced meanwhile; at least once a day another one takes its place, and
    each client makes one full handshake more. The certificate comes from a context of its own when the client has
    said which host it wants.
    """

    def __init__(self, seconds: Callable[[], float] = time.monotonic) -> None:
        """Prepare; L{use} must give a certificate before there is a client.

        @param seconds: the time, in seconds since any moment.
        """
        self._seconds = seconds
        self._by_name: dict[bytes, SSL.Context] = {}
        self._default: SSL.Context | None = None
        self._challenges: dict[bytes, SSL.Context] = {}
        self._first: SSL.Context | None = None
        self._first_made = 0.0

    def use(self, certificates: Sequence[Certificate]) -> None:
        """Give these certificates to new connections, and no others; open connections stay as they are.

        @param certificates: at least one; the first is for clients that ask for a host that none of them is for.
        @raise BadCertificate: if one cannot be used; then nothing changes.
        """
        by_name: dict[bytes, SSL.Context] = {}
        contexts = [self._certified(certificate, HTTP) for certificate in certificates]
        for certificate, context in zip(certificates, contexts, strict=True):
            for name in certificate.names:
                by_name.setdefault(name.lower().encode(), context)
        self._by_name, self._default = by_name, contexts[0]

    def answer_alpn(self, name: str, certificate: Certificate) -> None:
        """Answer a challenge: who asks for a host and offers C{acme-tls/1} gets a certificate and nothing more.

        @raise BadCertificate: if it cannot be used.
        """
        self._challenges[name.lower().encode()] = self._certified(certificate, ACME_TLS)

    def forget_alpn(self, name: str) -> None:
        """Answer the challenge for a host no longer, if there was one."""
        self._challenges.pop(name.lower().encode(), None)

    def serverConnectionForTLS(self, protocol: TLSMemoryBIOProtocol) -> ServerConnection:
        """Make the server's end of a connection."""
        return ServerConnection(self._first_context(), bool(self._challenges))

    def _first_context(self) -> SSL.Context:
        now = self._seconds()
        if self._first is None or now - self._first_made >= TICKET_KEY_SECONDS:
            self._first, self._first_made = self._context(), now
            self._first.set_tlsext_servername_callback(self._choose)
        return self._first

    def _choose(self, asked: SSL.Connection) -> None:
        connection = cast(ServerConnection, asked)
        name = (connection.get_servername() or b"").lower()
        challenge = self._challenges.get(name)
        if challenge is not None and connection.offers(ACME_TLS):
            connection.set_context(challenge)
            connection.end_after_handshake()
            return
        wildcard = b"*." + name.partition(b".")[2]
        context = self._by_name.get(name) or self._by_name.get(wildcard) or self._default
        if context is not None:
            connection.set_context(context)

    def _certified(self, certificate: Certificate, protocol: bytes) -> SSL.Context:
        context = self._context()
        try:
            context.use_certificate(certificate.chain[0])
            for authority in certificate.chain[1:]:
                context.add_extra_chain_cert(authority)
            context.use_privatekey(certificate.key)
            context.check_privatekey()
        except (SSL.Error, crypto.Error) as error:
            raise BadCertificate(
                f"OpenSSL does not take the certificate for {', '.join(certificate.names)} ({_reason(error)}); get "
                "another one"
            ) from error

        def select(connection: SSL.Connection, offered: list[bytes]) -> Any:
            return protocol if protocol in offered else SSL.NO_OVERLAPPING_PROTOCOLS

        context.set_alpn_select_callback(select)
        return context

    def _context(self) -> SSL.Context:
        context = SSL.Context(SSL.TLS_SERVER_METHOD)
        context.set_min_proto_version(SSL.TLS1_2_VERSION)
        context.set_cipher_list(":".join(SUITES).encode())
        context.set_options(SSL.OP_NO_COMPRESSION | SSL.OP_NO_RENEGOTIATION)
        context.set_mode(SSL.MODE_RELEASE_BUFFERS)
        # Clients keep their sessions, encrypted, themselves.
        context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
        context.set_timeout(SESSION_SECONDS)
        return context


def _reason(error: SSL.Error | crypto.Error) -> str:
    reasons = dict.fromkeys(str(part[-1]) for part in error.args[0]) if error.args else ()
    return ", ".join(reasons) or "no reason given"
