"""Hands a message over to the mail server of the configuration (RFC 5321), over TLS and after a login where it says so.

Twisted's C{sendmail} is not used: it waits for each answer by itself, so that a server may keep it for ever; what was
said, password and all, is in the errors that it ends with; and it believes what came before TLS was begun.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable
from io import BytesIO
from typing import Any, cast

from twisted.internet.defer import CancelledError, Deferred, TimeoutError
from twisted.internet.endpoints import HostnameEndpoint, wrapClientTLS
from twisted.internet.error import (
    ConnectError,
    ConnectingCancelledError,
    ConnectionDone,
    ConnectionLost,
    DNSLookupError,
)
from twisted.internet.interfaces import IOpenSSLClientConnectionCreator, IStreamClientEndpoint
from twisted.internet.protocol import Factory, connectionDone
from twisted.internet.ssl import optionsForClientTLS
from twisted.logger import Logger
from twisted.mail.smtp import (
    AUTHDeclinedError,
    AUTHRequiredError,
    ESMTPClient,
    LOGINAuthenticator,
    PLAINAuthenticator,
    SMTPClientError,
    TLSRequiredError,
)
from twisted.python.failure import Failure

from webots_cloud.agent import TrustedAuthorities, refused_over_tls
from webots_cloud.config import SessionConfig
from webots_cloud.errors import quoted
from webots_cloud.secret import Secret
from webots_cloud.session.letter import Letter
from webots_cloud.session.outbox import NotSent

TRY_SECONDS = 300.0
"""How long everything together may take, from the connection to the server's word that it has the message."""

CONNECT_SECONDS = 30.0
"""How long connecting may take."""

GOODBYE_SECONDS = 5.0
"""How long the server may take to say goodbye, after all is done."""

MAX_ANSWERS = 64 * 1024
"""How many bytes a server may say."""


class MailServer:
    """The mail server of a configuration."""

    def __init__(self, reactor: Any, config: SessionConfig, try_seconds: float = TRY_SECONDS) -> None:
        """Prepare to connect.

        @raise OSError: if the file with the password cannot be read.
        @raise ValueError: if the file of authorities has none.
        """
        self._reactor = reactor
        self._config = config
        self._try_seconds = try_seconds
        self._password = _password(config)
        self._tls: IOpenSSLClientConnectionCreator | None = None
        if config.mailSecurity != "plain":
            self._tls = optionsForClientTLS(self._host, trustRoot=TrustedAuthorities(config.caFile))

    def deliver(self, letter: Letter | None) -> Deferred[None]:
        """Hand a message over; fires when the server has it, fails with L{NotSent}, and can be cancelled.

        @param letter: C{None}: go as far as the login, and no farther.
        """
        return Deferred.fromCoroutine(self._deliver(letter))

    @property
    def _host(self) -> str:
        return self._config.mailServer.strip("[]")

    async def _deliver(self, letter: Letter | None) -> None:
        client = _Client(self._config, self._password, self._tls, letter)
        work = Deferred.fromCoroutine(self._converse(client)).addTimeout(self._try_seconds, self._reactor)
        try:
            await work
        except TimeoutError as error:
            raise NotSent(f"{self._name} is not done within {self._try_seconds:g} s") from error
        except DNSLookupError as error:
            raise NotSent(f"the name of {self._name} is not known") from error
        except ConnectError as error:
            raise NotSent(f"{self._name} cannot be connected to ({quoted(error)})") from error
        except _Refusal as error:
            raise NotSent(f"{self._name}: {error}") from error

    @property
    def _name(self) -> str:
        return f"the mail server {self._config.mailServer}:{self._config.mail_port}"

    async def _converse(self, client: _Client) -> None:
        factory = Factory.forProtocol(lambda: client)
        factory.noisy = False
        try:
            await self._endpoint().connect(factory)
        except ConnectingCancelledError as error:
            raise CancelledError from error
        try:
            await client.ended
        except CancelledError:
            client.abort()
            raise
        finally:
            await client.gone(self._reactor)

    def _endpoint(self) -> IStreamClientEndpoint:
        endpoint: IStreamClientEndpoint = HostnameEndpoint(
            self._reactor, self._host, self._config.mail_port, CONNECT_SECONDS
        )
        return wrapClientTLS(self._tls, endpoint) if self._tls and self._config.mailSecurity == "tls" else endpoint


def _password(config: SessionConfig) -> Secret:
    file = config.mailSenderPasswordFile
    return config.mailSenderPassword if file is None else Secret(file.read_text("utf-8").partition("\n")[0].strip())


def _introduction(server: str) -> bytes:
    """Give the name by which this machine introduces itself (RFC 5321 section 4.1.3)."""
    if server.startswith("["):
        return f"[IPv6:{server[1:]}".encode("ascii")
    return (f"[{server}]" if server.rpartition(".")[2].isdigit() else server).encode("ascii")


class _Refusal(Exception):
    """The mail server does not do what it is asked to; the text is what it does instead."""


class _Client(ESMTPClient):
    """Our side of one conversation.

    @ivar ended: fires when the server has the message, or fails with L{_Refusal}.
    """

    _log = Logger()

    debug = False
    heloFallback = False

    def __init__(
        self,
        config: SessionConfig,
        password: Secret,
        tls: IOpenSSLClientConnectionCreator | None,
        letter: Letter | None,
    ) -> None:
        user, starttls = config.mailSenderUser.encode("utf-8"), config.mailSecurity == "starttls"
        secret = password.reveal().encode("utf-8")
        ESMTPClient.__init__(self, secret, tls if starttls else None, _introduction(config.server))
        self.requireAuthentication = bool(user)
        self.requireTransportSecurity = starttls
        # Twisted tries PLAIN twice, and servers may lock out who comes twice with a wrong password.
        self.authenticators = [LOGINAuthenticator(user), PLAINAuthenticator(user)]
        self.ended: Deferred[None] = Deferred()
        self._closed: Deferred[None] = Deferred()
        self._letter = letter
        self._unsent = letter
        self._left = MAX_ANSWERS
        forms = (
            secret,
            base64.b64encode(secret),
            *(base64.b64encode(b"\0".join((who, user, secret))) for who in (b"", user)),
        )
        self._never_shown = [Secret(form.decode("utf-8")) for form in forms]

    def abort(self) -> None:
        """Close the connection at once."""
        cast(Any, self.transport).abortConnection()

    async def gone(self, reactor: Any) -> None:
        """Wait until the connection is closed, which the server may delay for a little while."""
        timer = reactor.callLater(GOODBYE_SECONDS, self.abort)
        try:
            await self._closed
        except CancelledError:
            self.abort()
        finally:
            if timer.active():
                timer.cancel()

    def dataReceived(self, data: bytes) -> None:
        """Take in answers, not without end."""
        self._left -= len(data)
        if self._left < 0:
            self._refuse(f"it answers with more than {MAX_ANSWERS} bytes")
            self.abort()
        else:
            ESMTPClient.dataReceived(self, data)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Note the end."""
        ESMTPClient.connectionLost(self, reason)
        why = "" if reason.check(ConnectionDone, ConnectionLost) else f" ({quoted(reason.value)})"
        self._refuse(refused_over_tls(cast(Exception, reason.value)) or f"it breaks off the connection{why}")
        if not self._closed.called:
            self._closed.callback(None)

    def esmtpState_starttls(self, code: int, resp: bytes) -> None:
        """Begin TLS, if nothing came with the answer: somebody on the way could have put it there."""
        if cast(Any, self).clearLineBuffer():
            self._refuse("more came with its agreement to encrypt, as if somebody on the way wanted to be taken for it")
            self.abort()
        else:
            ESMTPClient.esmtpState_starttls(self, code, resp)

    def getMailFrom(self) -> str | None:
        """Give the sender; C{None} after the last message."""
        letter, self._unsent = self._unsent, None
        if letter is None and not self.ended.called:
            self.ended.callback(None)
        return None if letter is None else letter.sender

    def getMailTo(self) -> Iterable[str]:
        """Give the recipients."""
        return self._letter.recipients if self._letter else ()

    def getMailData(self) -> BytesIO:
        """Give the message, as it goes over the wire."""
        content = self._letter.content if self._letter else b""
        return BytesIO(content.replace(b"\r\n.", b"\r\n.."))

    def transformChunk(self, chunk: bytes) -> bytes:
        """Leave a part of the message as it is: Twisted misses dots where one part ends and the next begins."""
        return chunk

    def sentMail(
        self, code: int, resp: bytes | str, numOk: int, addresses: list[tuple[str, int, bytes]], log: object
    ) -> None:
        """Take in what has become of the message."""
        refused = [f"{address} ({self._shown(code, words)})" for address, code, words in addresses if code // 100 != 2]
        if code // 100 != 2 or not numOk:
            self._refuse(f"it refuses {', '.join(refused)}" if refused else self._shown(code, resp))
            return
        for one in refused:
            self._log.warn("the mail server refuses {recipient}; others get the message", recipient=one)
        if not self.ended.called:
            self.ended.callback(None)

    def esmtpEHLORequired(self, code: int = -1, resp: bytes | None = None) -> None:
        """Take in that the server refuses the introduction."""
        self._refuse(f"it refuses EHLO ({self._shown(code, resp or b'')})")
        cast(Any, self.transport).loseConnection()

    def sendError(self, exc: Exception) -> None:
        """Take in that there is no way to go on."""
        code, words = (exc.code, exc.resp) if isinstance(exc, SMTPClientError) else (-1, str(exc))
        match exc:
            case TLSRequiredError():
                why = "it does not offer STARTTLS; write mailSecurity = tls if it encrypts from the first byte on"
            case AUTHRequiredError():
                why = "it offers no login that is known here (LOGIN or PLAIN)"
            case AUTHDeclinedError():
                why = f"it refuses the login ({self._shown(code, words)})"
            case _:
                why = self._shown(code, words)
        self._refuse(why)
        cast(Any, self.transport).loseConnection()

    def _refuse(self, why: str) -> None:
        if not self.ended.called:
            self.ended.errback(_Refusal(why))

    def _shown(self, code: int, words: bytes | str) -> str:
        """Give what the server said, without the password, which it knows."""
        text = words.decode("utf-8", "replace") if isinstance(words, bytes) else words
        for secret in self._never_shown:
            text = secret.blotted_out_of(text)
        return quoted(f"{code} {text}" if code > 0 else text, 200)
