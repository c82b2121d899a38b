"""The mail server is spoken to: a real one with TLS and login, and some that do not do what they should."""

from __future__ import annotations

import base64
import tempfile
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Any, cast
from unittest.mock import patch

import attrs
import pytest
from twisted.internet import reactor
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.protocol import Factory
from twisted.logger import capturedLogs, formatEvent
from twisted.trial.unittest import TestCase

from tests.session.mail_servers import PASSWORD, USER, Answers, Authority, Mailbox, Scripted, mail_server
from webots_cloud.config import SessionConfig, read_config
from webots_cloud.secret import Secret
from webots_cloud.session import smtp
from webots_cloud.session.letter import Letter, write_letter
from webots_cloud.session.outbox import NotSent
from webots_cloud.session.smtp import MAX_ANSWERS, MailServer


def letter(*recipients: str, lines: tuple[str, ...] = ("It is down.",)) -> Letter:
    return write_letter("webots@example.org", recipients or ("admin@example.org",), "Down", lines, 0)


class MailCase(TestCase):
    timeout = 120

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.mailbox = Mailbox()

    def config(self, port: int, **options: Any) -> SessionConfig:
        return attrs.evolve(
            read_config(None, ()).session,
            administrator=("admin@example.org",),
            mailServer="localhost",
            mailServerPort=port,
            mailSender="webots@example.org",
            **options,
        )

    async def deliver(self, port: int, message: Letter | None, seconds: float = 60, **options: Any) -> None:
        await MailServer(reactor, self.config(port, **options), seconds).deliver(message)

    async def refusal(self, port: int, message: Letter | None = None, seconds: float = 60, **options: Any) -> str:
        """Give why a message was not sent."""
        with pytest.raises(NotSent) as raised:
            await self.deliver(port, message or letter(), seconds, **options)
        told = str(raised.value)
        assert PASSWORD not in told
        return told.replace(f"the mail server localhost:{port}", "it")


class RealServers(MailCase):
    def login(self, authority: Authority, password: str = PASSWORD, security: str = "starttls") -> dict[str, Any]:
        return {
            "caFile": authority.file,
            "mailSecurity": security,
            "mailSenderUser": USER,
            "mailSenderPassword": Secret(password),
        }

    def demands(self, authority: Authority) -> dict[str, Any]:
        return {
            "starttls": authority.context,
            "require_starttls": True,
            "auth_required": True,
            "authenticator": self.mailbox.log_in,
        }

    async def test_a_message_goes_over_starttls_after_a_login(self) -> None:
        authority = Authority(self.folder)
        lines = ("Größe", ".", "..", ". and so on")
        with mail_server(self.mailbox, **self.demands(authority)) as port:
            await self.deliver(port, letter("a@example.org", "b@example.org", lines=lines), **self.login(authority))

        envelope = self.mailbox.next()
        assert (envelope.mail_from, envelope.rcpt_tos) == ("webots@example.org", ["a@example.org", "b@example.org"])
        assert self.mailbox.logins == [(USER.encode(), PASSWORD.encode(), True)]
        message = cast(Any, message_from_bytes(cast(bytes, envelope.content), policy=default))
        assert message["Subject"] == "Down"
        assert message.get_content().splitlines() == list(lines)
        assert self.mailbox.empty

    async def test_a_message_goes_over_tls_from_the_first_byte_on_after_a_login(self) -> None:
        authority = Authority(self.folder)
        options: dict[str, Any] = {
            "auth_required": True,
            "auth_require_tls": False,
            "authenticator": self.mailbox.log_in,
        }
        with mail_server(self.mailbox, tls=authority.context, **options) as port:
            await self.deliver(port, letter(), **self.login(authority, security="tls"))
        assert self.mailbox.next().rcpt_tos == ["admin@example.org"]
        assert [login[:2] for login in self.mailbox.logins] == [(USER.encode(), PASSWORD.encode())]

    async def test_a_server_that_knows_only_plain_passwords_is_logged_in_to(self) -> None:
        authority = Authority(self.folder)
        demands = self.demands(authority) | {"auth_exclude_mechanism": ["LOGIN"]}
        with mail_server(self.mailbox, **demands) as port:
            await self.deliver(port, letter(), **self.login(authority))
        assert self.mailbox.logins == [(USER.encode(), PASSWORD.encode(), True)]

    async def test_the_password_may_be_in_a_file(self) -> None:
        authority = Authority(self.folder)
        file = self.folder / "password"
        file.write_text(f"{PASSWORD}\nand a remark\n")
        login = self.login(authority, password="") | {"mailSenderPasswordFile": file}
        with mail_server(self.mailbox, **self.demands(authority)) as port:
            await self.deliver(port, letter(), **login)
        assert self.mailbox.logins == [(USER.encode(), PASSWORD.encode(), True)]

    async def test_a_message_goes_unencrypted_where_that_is_asked_for(self) -> None:
        with mail_server(self.mailbox) as port:
            await self.deliver(port, letter(), mailSecurity="plain")
        assert self.mailbox.next().rcpt_tos == ["admin@example.org"]

    async def test_a_wrong_password_is_refused_and_tried_once(self) -> None:
        authority = Authority(self.folder)
        with mail_server(self.mailbox, **self.demands(authority)) as port:
            told = await self.refusal(port, **self.login(authority, "wrong"))
        assert told.startswith("it: it refuses the login (535 ")
        assert len(self.mailbox.logins) == 1
        assert self.mailbox.empty

    async def test_a_server_whose_certificate_nobody_knows_is_told_nothing(self) -> None:
        authority = Authority(self.folder)
        with mail_server(self.mailbox, **self.demands(authority)) as port:
            told = await self.refusal(port, **self.login(authority) | {"caFile": None})
        assert told == "it: its certificate is not trusted; name its authority's certificate in caFile"
        with mail_server(self.mailbox, tls=authority.context) as port:
            assert told == await self.refusal(port, mailSecurity="tls")
        assert self.mailbox.logins == []
        assert self.mailbox.empty

    async def test_a_server_with_the_certificate_of_another_is_told_nothing(self) -> None:
        authority = Authority(self.folder, "other.example.org")
        with mail_server(self.mailbox, **self.demands(authority)) as port:
            told = await self.refusal(port, **self.login(authority))
        assert told == "it: its certificate is for another name"
        assert self.mailbox.logins == []

    async def test_a_server_that_does_not_encrypt_gets_no_password_and_no_message(self) -> None:
        authority = Authority(self.folder)
        options: dict[str, Any] = {
            "auth_required": True,
            "auth_require_tls": False,
            "authenticator": self.mailbox.log_in,
        }
        with mail_server(self.mailbox, **options) as port:
            told = await self.refusal(port, **self.login(authority))
        assert told == (
            "it: it does not offer STARTTLS; write mailSecurity = tls if it encrypts from the first byte on"
        )
        assert self.mailbox.logins == []
        assert self.mailbox.empty

    async def test_a_server_that_speaks_tls_late_is_told_of(self) -> None:
        authority = Authority(self.folder)
        with mail_server(self.mailbox, starttls=authority.context) as port:
            told = await self.refusal(port, **self.login(authority, security="tls"))
        assert told.startswith("it: it cannot be spoken to over TLS (")

    async def test_where_one_of_several_is_refused_the_others_get_it_and_the_log_says_so(self) -> None:
        with mail_server(self.mailbox) as port, capturedLogs() as logs:
            await self.deliver(port, letter("nobody@example.org", "a@example.org"), mailSecurity="plain")
        assert self.mailbox.next().rcpt_tos == ["a@example.org"]
        assert "the mail server refuses nobody@example.org (550 No such user here); others get the message" in [
            formatEvent(event) for event in logs
        ]

    async def test_where_all_are_refused_it_is_not_sent(self) -> None:
        with mail_server(self.mailbox) as port:
            told = await self.refusal(port, letter("nobody@example.org"), mailSecurity="plain")
        assert told == "it: it refuses nobody@example.org (550 No such user here)"

    async def test_without_a_message_only_the_login_is_tried(self) -> None:
        authority = Authority(self.folder)
        with mail_server(self.mailbox, **self.demands(authority)) as port:
            await self.deliver(port, None, **self.login(authority))
            await self.refusal(port, None, **self.login(authority, "wrong"))
        assert len(self.mailbox.logins) == 2
        assert self.mailbox.empty


class StrangeServers(MailCase):
    def listen(self, answers: Answers) -> int:
        def build() -> Scripted:
            self.server = Scripted(answers)
            return self.server

        port = cast(Any, reactor).listenTCP(0, Factory.forProtocol(build), interface="127.0.0.1")
        self.addCleanup(port.stopListening)
        return int(port.getHost().port)

    async def told(self, answers: Answers, seconds: float = 60) -> str:
        return await self.refusal(self.listen(answers), seconds=seconds, mailSecurity="plain")

    async def test_a_server_that_is_not_there_is_told_of(self) -> None:
        port = cast(Any, reactor).listenTCP(0, Factory(), interface="127.0.0.1")
        number = port.getHost().port
        await port.stopListening()
        told = await self.refusal(number, mailSecurity="plain")
        assert told.startswith("it cannot be connected to (")

    async def test_a_name_that_is_not_there_is_told_of(self) -> None:
        config = attrs.evolve(self.config(25, mailSecurity="plain"), mailServer="mail.invalid")
        with pytest.raises(NotSent) as raised:
            await MailServer(reactor, config).deliver(letter())
        assert str(raised.value) == "the name of the mail server mail.invalid:25 is not known"

    async def test_a_server_that_hangs_is_left(self) -> None:
        for moment in ("greeting", "EHLO", "MAIL", "RCPT", "DATA", "message"):
            assert await self.told({moment: Scripted.hang}, 0.2) == "it is not done within 0.2 s"

    async def test_a_server_that_drops_the_connection_is_told_of(self) -> None:
        for moment in ("greeting", "EHLO", "MAIL", "RCPT", "DATA", "message"):
            assert await self.told({moment: Scripted.drop}) == "it: it breaks off the connection"

    async def test_a_server_that_refuses_is_told_of_in_its_words(self) -> None:
        for moment in ("greeting", "MAIL", "DATA", "message"):
            told = await self.told({moment: b"451 try later\x1b[31m\r\n"})
            assert told == "it: 451 try later [31m"
        assert await self.told({"EHLO": b"550 no\r\n"}) == "it: it refuses EHLO (550 no)"
        assert await self.told({"RCPT": b"450 busy\r\n"}) == "it: it refuses admin@example.org (450 busy)"
        assert "Invalid response from SMTP server" in await self.told({"greeting": b"HTTP/1.1 400 Bad Request\r\n"})

    async def test_a_server_that_talks_without_end_is_left(self) -> None:
        told = await self.told({"EHLO": b"250-more\r\n" * (MAX_ANSWERS // 10 + 1)})
        assert told == f"it: it answers with more than {MAX_ANSWERS} bytes"

    async def test_a_message_that_was_taken_is_sent_however_the_server_says_goodbye(self) -> None:
        goodbyes: list[Any] = [Scripted.hang, Scripted.drop, b"500 what?\r\n", b"nonsense\r\n"]
        for goodbye in goodbyes:
            with patch.object(smtp, "GOODBYE_SECONDS", 0.2):
                await self.deliver(self.listen({"RSET": goodbye, "QUIT": goodbye}), letter(), mailSecurity="plain")

    async def test_who_gives_up_leaves_no_connection(self) -> None:
        hanging: Deferred[Scripted] = Deferred()
        sending = Deferred.fromCoroutine(
            self.deliver(self.listen({"DATA": hanging.callback}), letter(), mailSecurity="plain")
        )
        await hanging
        sending.cancel()
        with pytest.raises(CancelledError):
            await sending
        await self.server.gone

    async def test_what_somebody_on_the_way_adds_before_tls_is_not_believed(self) -> None:
        authority = Authority(self.folder)
        port = self.listen(
            {
                "EHLO": b"250-mail\r\n250 STARTTLS\r\n",
                "STAR": b"220 go on\r\n250-mail\r\n250 AUTH PLAIN\r\n235 in\r\n250 OK\r\n",
            }
        )
        told = await self.refusal(port, caFile=authority.file)
        assert told == (
            "it: more came with its agreement to encrypt, as if somebody on the way wanted to be taken for it"
        )

    async def test_a_password_that_a_server_repeats_is_not_told(self) -> None:
        said = base64.b64encode(f"\0{USER}\0{PASSWORD}".encode())
        answers: Answers = {"AUTH": b"535 not with %s, that is %s\r\n" % (said, PASSWORD.encode())}
        config = self.config(
            self.listen(answers), mailSecurity="plain", mailSenderUser=USER, mailSenderPassword=Secret(PASSWORD)
        )
        with pytest.raises(NotSent) as raised, capturedLogs() as logs:
            await MailServer(reactor, config).deliver(letter())
        assert str(raised.value).endswith("it refuses the login (535 not with <secret>, that is <secret>)")
        assert PASSWORD not in repr(logs)

    async def test_a_server_without_a_known_login_is_told_of(self) -> None:
        port = self.listen({"EHLO": b"250-mail\r\n250 AUTH GSSAPI\r\n"})
        told = await self.refusal(port, mailSecurity="plain", mailSenderUser=USER, mailSenderPassword=Secret(PASSWORD))
        assert told == "it: it offers no login that is known here (LOGIN or PLAIN)"

    async def test_this_machine_introduces_itself_by_its_name_or_address(self) -> None:
        for name, said in (
            ("robots.example.org", b"robots.example.org"),
            ("10.0.0.1", b"[10.0.0.1]"),
            ("[::1]", b"[IPv6:::1]"),
        ):
            await self.deliver(self.listen({}), letter(), mailSecurity="plain", server=name)
            assert self.server.heard[0] == b"EHLO " + said
            await self.server.gone
            assert self.server.heard[-1] == b"QUIT"

    async def test_a_long_message_arrives_whole_wherever_its_dots_are(self) -> None:
        for padding in range(64):
            lines = tuple("." * 60 for _ in range(300))
            message = attrs.evolve(
                letter(),
                content=b"X: " + b"x" * padding + b"\r\n\r\n" + b"".join(f"{line}\r\n".encode() for line in lines),
            )
            await self.deliver(self.listen({}), message, mailSecurity="plain")
            heard = self.server.heard
            body = heard[heard.index(b"") + 1 : heard.index(b".")]
            assert body == [b"." * 61] * 300
