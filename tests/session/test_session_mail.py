"""What happens to simulation servers and certificates becomes mail, with a given clock."""

from __future__ import annotations

import datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any, cast

import attrs
import pytest
from twisted.internet import reactor
from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import Clock
from twisted.trial.unittest import TestCase

from tests.session.mail_servers import Mailbox, mail_server
from webots_cloud.address import ServerAddress
from webots_cloud.config import SessionConfig, read_config
from webots_cloud.encrypting import AnyEncryption
from webots_cloud.monitor.summary import Summary
from webots_cloud.session.fleet import Fleet
from webots_cloud.session.letter import Letter
from webots_cloud.session.mail import Mail, mail_to_administrator, try_mail
from webots_cloud.session.outbox import NotSent
from webots_cloud.tls.encryption import CertificateStatus

ENDS = datetime.datetime(2030, 1, 1, tzinfo=datetime.UTC)


@attrs.define
class Certificate:
    """What tells how a certificate is."""

    status: CertificateStatus


def config(**options: Any) -> SessionConfig:
    return attrs.evolve(
        read_config(None, ()).session,
        server="robots.example.org",
        administrator=("admin@example.org",),
        mailServer="localhost",
        mailSender="webots@example.org",
        **options,
    )


class Operating:
    """A fleet, certificates, and the mail that comes of what happens to them."""

    def __init__(self, count: int = 3, *certificates: Certificate) -> None:
        self.clock = Clock()
        self.servers = [ServerAddress(False, f"simulation{number}.example.org:2000") for number in range(count)]
        self.fleet = Fleet(self.servers, self.clock.seconds)
        self.sent: list[EmailMessage] = []
        self.mail = Mail(
            self.clock, config(), self.fleet, [cast(AnyEncryption, one) for one in certificates], self.deliver
        )
        self.mail.startService()

    def deliver(self, letter: Letter) -> Deferred[None]:
        message = message_from_bytes(letter.content, policy=default)
        assert isinstance(message, EmailMessage)
        self.sent.append(message)
        return succeed(None)

    def all_available(self) -> None:
        for server in self.servers:
            self.fleet.report(server, 10, self.clock.seconds())

    def pass_time(self, seconds: float) -> None:
        self.clock.pump([10.0] * round(seconds / 10))

    @property
    def subjects(self) -> list[str]:
        return [message["Subject"] for message in self.sent]


def body(message: EmailMessage) -> list[str]:
    return cast(str, message.get_content()).splitlines()


def test_a_fleet_that_is_well_is_no_news() -> None:
    operating = Operating()
    operating.all_available()
    operating.pass_time(3600)
    assert operating.sent == []


def test_a_server_that_does_not_respond_is_told_with_where_to_look() -> None:
    operating = Operating()
    operating.all_available()
    operating.fleet.report_failure(operating.servers[1], "it does not answer within 4 s")
    operating.pass_time(3600)

    (message,) = operating.sent
    assert message["Subject"] == (
        "[webots-cloud] simulation1.example.org:2000 is not available: it does not answer within 4 s"
    )
    assert (message["To"], message["From"]) == ("admin@example.org", "webots-cloud <webots@example.org>")
    assert body(message) == [
        "Session server robots.example.org, 1970-01-01 00:01:00 UTC",
        "",
        "1970-01-01 00:00:00 UTC: simulation1.example.org:2000 is not available: it does not answer within 4 s.",
        "    http://simulation1.example.org:2000/monitor",
        "",
        "Simulation servers now: 2 available, 1 not responding.",
        "    http://robots.example.org:1999/monitor",
    ]


def test_that_nothing_can_be_started_comes_first_of_what_happens_in_a_minute() -> None:
    operating = Operating()
    operating.all_available()
    operating.fleet.report_failure(operating.servers[0], "its name is not known")
    operating.fleet.report_failure(operating.servers[1], "its name is not known")
    operating.pass_time(10)
    operating.fleet.report(operating.servers[2], 99.5, 10)
    operating.pass_time(3600)

    (message,) = operating.sent
    assert message["Subject"] == (
        "[webots-cloud] Simulations cannot be started; simulation servers: 1 at maximum, 2 not responding (and 3 more)"
    )
    assert [line.partition("UTC: ")[2].partition(",")[0] for line in body(message) if "UTC: " in line] == [
        "simulation0.example.org:2000 is not available: its name is not known.",
        "simulation1.example.org:2000 is not available: its name is not known.",
        "Simulations cannot be started; simulation servers: 1 at maximum",
        "simulation2.example.org:2000 is at its maximum",
    ]

    operating.all_available()
    operating.pass_time(3600)
    assert operating.subjects[1:] == ["[webots-cloud] Simulations can be started again, after 60 minutes (and 3 more)"]


def test_a_fleet_of_which_nobody_responds_from_the_beginning_is_told() -> None:
    operating = Operating(2)
    operating.fleet.report_failure(operating.servers[0], "its name is not known")
    operating.pass_time(20)
    operating.fleet.report_failure(operating.servers[1], "its name is not known")
    operating.pass_time(3600)
    (subject,) = operating.subjects
    assert subject == (
        "[webots-cloud] Simulations cannot be started; simulation servers: 2 not responding (and 2 more)"
    )


def test_what_a_server_says_is_no_header_and_no_line() -> None:
    operating = Operating(1)
    operating.fleet.report_failure(operating.servers[0], "it answers\r\nBcc: eve@example.org\r\n\r\n<b>\x1b[2J")
    operating.pass_time(3600)
    (message,) = operating.sent
    assert "Bcc" not in message
    (line,) = [line for line in body(message) if "Bcc" in line]
    assert line.endswith("is not available: it answers Bcc: eve@example.org <b> [2J.")


def test_certificate_trouble_is_told_once_a_day_until_it_is_over() -> None:
    own = Certificate(CertificateStatus(("robots.example.org",), ENDS, ""))
    operating = Operating(1, own)
    operating.all_available()
    operating.pass_time(600)
    own.status = attrs.evolve(own.status, notice="no new certificate; next try at 12:00")
    operating.pass_time(3600)
    own.status = attrs.evolve(own.status, notice="no new certificate; next try at 13:00")
    operating.pass_time(3600)
    assert operating.subjects == [
        "[webots-cloud] The certificate for robots.example.org needs attention: no new certificate; next try at 12:00"
    ]
    operating.pass_time(2 * 86400)
    assert len(operating.subjects) == 3
    assert operating.subjects[2].endswith("next try at 13:00")

    own.status = attrs.evolve(own.status, notice="")
    operating.pass_time(86400)
    assert operating.subjects[3:] == [
        "[webots-cloud] The certificate for robots.example.org is in order again, after 2 days"
    ]


def test_a_server_whose_queue_is_full_is_told_and_so_is_that_it_has_places() -> None:
    operating = Operating(1)
    for waiting in (9, 10, 10, 3):
        operating.fleet.report(operating.servers[0], 50, operating.clock.seconds(), Summary(waiting=waiting, queue=10))
        operating.pass_time(120)
    assert operating.subjects == [
        "[webots-cloud] The queue of simulation0.example.org:2000 is full: 10 clients wait, and others are refused",
        "[webots-cloud] The queue of simulation0.example.org:2000 has places again, after 4 minutes",
    ]
    assert "    http://simulation0.example.org:2000/monitor" in body(operating.sent[0])


def test_a_server_without_a_queue_and_one_that_says_nothing_of_it_are_not_told_of() -> None:
    operating = Operating(2)
    operating.fleet.report(operating.servers[0], 50, 0, Summary(waiting=0, queue=0))
    operating.fleet.report(operating.servers[1], 50, 0)
    operating.pass_time(3600)
    assert operating.sent == []


def test_a_server_that_tells_of_its_certificate_is_told_of_once_a_day() -> None:
    operating = Operating(1)
    for attention in (0, *[1] * 26, 0):
        operating.fleet.report(operating.servers[0], 50, operating.clock.seconds(), Summary(attention=attention))
        operating.pass_time(3600)
    trouble = (
        "[webots-cloud] The certificate for simulation0.example.org:2000 needs attention: its monitor page says why"
    )
    assert operating.subjects == [
        trouble,
        trouble,
        "[webots-cloud] The certificate for simulation0.example.org:2000 is in order again, after 26 hours",
    ]


def test_the_reason_is_the_one_of_when_it_is_told() -> None:
    operating = Operating(1)
    operating.fleet.report_failure(operating.servers[0], "its answer is not HTTP, or breaks off")
    operating.pass_time(10)
    operating.fleet.report_failure(operating.servers[0], "it cannot be connected to")
    operating.pass_time(600)
    assert any("is not available: it cannot be connected to." in line for line in body(operating.sent[0]))


def test_a_certificate_that_several_servers_share_is_one() -> None:
    names = ("robots.example.org",)
    one, other = (Certificate(CertificateStatus(names, ENDS, notice)) for notice in ("", "it ends in 3 days"))
    operating = Operating(1, one, other, one)
    operating.pass_time(3600)
    assert operating.subjects == [
        "[webots-cloud] The certificate for robots.example.org needs attention: it ends in 3 days"
    ]


def test_stopping_sends_what_there_is_to_say_and_leaves_nothing() -> None:
    operating = Operating(1)
    operating.fleet.report_failure(operating.servers[0], "its name is not known")
    operating.pass_time(40)
    stopped = operating.mail.stopService()
    assert stopped.called
    assert len(operating.sent) == 1
    assert operating.clock.getDelayedCalls() == []


def test_without_an_administrator_nothing_is_watched() -> None:
    clock = Clock()
    fleet = Fleet([ServerAddress(False, "a:2000")], clock.seconds)
    service = mail_to_administrator(clock, read_config(None, ()).session, fleet, ())
    service.startService()
    fleet.report_failure(ServerAddress(False, "a:2000"), "its name is not known")
    assert clock.getDelayedCalls() == []
    assert service.stopService() is None


class Trying(TestCase):
    timeout = 120

    async def test_an_operator_can_try_it_with_and_without_a_message(self) -> None:
        mailbox = Mailbox()
        with mail_server(mailbox) as port:
            tried = config(mailServerPort=port, mailSecurity="plain")
            await try_mail(reactor, tried, 60, send=False)
            assert mailbox.empty
            await try_mail(reactor, tried, 60, send=True)
        message = message_from_bytes(cast(bytes, mailbox.next().content), policy=default)
        assert message["Subject"] == "[webots-cloud] A test: mail works"
        with pytest.raises(NotSent, match="cannot be connected to"):
            await try_mail(reactor, tried, 60, send=False)

    async def test_files_that_are_needed_are_read_at_the_start(self) -> None:
        with pytest.raises(OSError, match="absent"):
            await try_mail(reactor, config(mailSenderPasswordFile=Path("absent")), 60, send=False)
