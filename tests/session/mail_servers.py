"""Mail servers for tests: a real one in a thread, and one that says what a test wants."""

from __future__ import annotations

import asyncio
import queue
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import Any, cast

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from twisted.internet.defer import Deferred
from twisted.internet.protocol import connectionDone
from twisted.protocols.basic import LineReceiver
from twisted.python.failure import Failure

from tests.certificate import Made, authority, certify

USER, PASSWORD = "webots", "open sesame"
PATIENCE = 60
GO_ON = b"354 go on\r\n"


class Mailbox:
    """What a real mail server has taken.

    @ivar logins: users and passwords that were tried, each with whether it was over TLS.
    """

    def __init__(self, password: str = PASSWORD) -> None:
        """Begin with nothing.

        @param password: of L{USER}.
        """
        self._password = password
        self._envelopes: queue.Queue[Envelope] = queue.Queue()
        self.logins: list[tuple[bytes, bytes, bool]] = []

    def next(self) -> Envelope:
        """Wait for the next message."""
        return self._envelopes.get(timeout=PATIENCE)

    @property
    def empty(self) -> bool:
        return self._envelopes.empty()

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address.startswith("nobody@"):
            return "550 No such user here"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        self._envelopes.put(envelope)
        return "250 OK"

    def log_in(self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
        assert isinstance(data, LoginPassword)
        self.logins.append((data.login, data.password, session.ssl is not None))
        known = (data.login, data.password) == (USER.encode(), self._password.encode())
        return AuthResult(success=known, handled=False)


class Authority:
    """An authority of the test's own, and the mail server's certificate of it, as files."""

    def __init__(self, folder: Path, name: str = "localhost") -> None:
        self.file = folder / "authority.pem"
        self._made: Made = authority("mail")
        made = certify((name,), issuer=self._made)
        self._certificate, self._key = folder / "mail.pem", folder / "mail.key"
        self.file.write_bytes(self._made.pem)
        self._certificate.write_bytes(made.pem)
        self._key.write_bytes(made.key_pem)

    @property
    def context(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self._certificate, self._key)
        return context


@contextmanager
def mail_server(
    mailbox: Mailbox, starttls: ssl.SSLContext | None = None, tls: ssl.SSLContext | None = None, **options: Any
) -> Iterator[int]:
    """Run a real mail server; gives its port.

    @param starttls: what it encrypts with after STARTTLS; C{None}: it does not offer it.
    @param tls: what it encrypts with from the first byte on; C{None}: it does not.
    @param options: more for aiosmtpd.
    """
    loop = asyncio.new_event_loop()

    def make() -> SMTP:
        return SMTP(mailbox, hostname="mail.example.org", loop=loop, tls_context=starttls, **options)

    server = loop.run_until_complete(loop.create_server(make, "127.0.0.1", 0, ssl=tls))
    thread = Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        asyncio.run_coroutine_threadsafe(_end(server), loop).result(PATIENCE)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(PATIENCE)
        loop.close()


async def _end(server: asyncio.Server) -> None:
    server.close()
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)


Answers = dict[str, "bytes | Callable[[Scripted], None]"]
"""Each answer is what is sent, or what is called instead."""


class Scripted(LineReceiver):
    """A mail server that answers each command as a test wants; it notes what it hears.

    @ivar heard: the lines that were said to it.

    @ivar gone: fires when the client is.
    """

    def __init__(self, answers: Answers) -> None:
        """Begin.

        @param answers: by the first four letters of a command; C{greeting}; and C{message}, at the end of one.
        """
        usual: Answers = {
            "greeting": b"220 mail\r\n",
            "EHLO": b"250-mail\r\n250 AUTH PLAIN\r\n",
            "DATA": GO_ON,
            "QUIT": b"221 bye\r\n",
        }
        self._answers = usual | answers
        self._in_message = False
        self.heard: list[bytes] = []
        self.gone: Deferred[None] = Deferred()

    def connectionMade(self) -> None:
        self._answer("greeting")

    def lineReceived(self, line: bytes) -> None:
        self.heard.append(line)
        if self._in_message:
            if line == b".":
                self._in_message = False
                self._answer("message")
            return
        command = line[:4].decode().upper()
        self._in_message = command == "DATA" and self._answers["DATA"] == GO_ON
        self._answer(command)

    def _answer(self, to: str) -> None:
        answer = self._answers.get(to, b"250 OK\r\n")
        if isinstance(answer, bytes):
            cast(Any, self.transport).write(answer)
        else:
            answer(self)

    def hang(self) -> None:
        """Say nothing."""

    def drop(self) -> None:
        """Close the connection."""
        cast(Any, self.transport).abortConnection()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Note the end."""
        self.gone.callback(None)
