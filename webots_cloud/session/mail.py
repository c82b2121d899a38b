"""Mail to the administrator: sees what happens to simulation servers and certificates, and has it told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from webots_cloud.config import SessionConfig
from webots_cloud.encrypting import AnyEncryption
from webots_cloud.errors import quoted
from webots_cloud.session.fleet import Fleet, Server, State
from webots_cloud.session.letter import Letter, write_letter
from webots_cloud.session.notices import Condition, Notice, Notices, moment
from webots_cloud.session.outbox import Deliver, Outbox

if TYPE_CHECKING:
    from webots_cloud.session.smtp import MailServer

STOP_SECONDS = 5.0
"""How long a last message may take when the server stops."""

DAY = 86400.0
"""After how many seconds it is told again that a certificate needs attention."""

NONE_AVAILABLE, NOT_RESPONDING, CERTIFICATE, QUEUE_FULL, AT_MAXIMUM, WELL = 5, 4, 3, 2, 1, 0
"""How urgent it is."""

CAN_BE_STARTED = Condition("some", "can be started", WELL)
AVAILABLE = Condition("available", "is available", WELL)
IN_ORDER = Condition("well", "is in order", WELL)
QUEUE_HAS_PLACES = Condition("places", "has places", WELL)


class Mail(Service):
    """Tells the administrator what happens."""

    _log = Logger()

    def __init__(
        self, reactor: Any, config: SessionConfig, fleet: Fleet, certificates: Sequence[AnyEncryption], deliver: Deliver
    ) -> None:
        """Begin to watch.

        @param certificates: those of this process.
        @param deliver: delivers messages.
        """
        self._reactor = reactor
        self._config = config
        self._fleet = fleet
        self._certificates = certificates
        self._troubles: dict[str, float] = {}
        self._outbox = Outbox(reactor, self._write, deliver)
        self._notices = Notices(reactor, config.mailIntervalSeconds, self._outbox.put)
        self._looking = LoopingCall(self._look_at_certificates)
        self._looking.clock = reactor
        fleet.watch_figures(self._server)
        fleet.watch_servers(self._availability)

    @property
    def _monitor(self) -> str:
        return self._config.public_address.monitor_url

    def startService(self) -> None:
        """Begin to look at certificates; they must have started before."""
        Service.startService(self)
        looking = self._looking.start(self._config.mailIntervalSeconds)
        looking.addErrback(lambda failure: self._log.failure("certificates are not looked at any more", failure))

    def stopService(self) -> Deferred[None]:
        """Tell what there is to tell, and end; fires within L{STOP_SECONDS}."""
        Service.stopService(self)
        if self._looking.running:
            self._looking.stop()
        self._notices.stop()
        return Deferred.fromCoroutine(self._outbox.stop(STOP_SECONDS))

    def _server(self, server: Server) -> None:
        name, link, summary = str(server.address), server.address.monitor_url, server.summary
        if server.state is not State.UNKNOWN:
            self._notices.observe(name, _condition(server), link)
        if summary.queue and summary.waiting is not None:
            self._notices.observe(f"The queue of {name}", _queue(summary.waiting, summary.queue), link)
        if summary.attention is not None:
            self._certificate(name, "its monitor page says why" if summary.attention else "", link)

    def _availability(self, _: Server) -> None:
        condition = CAN_BE_STARTED
        if not self._fleet.available:
            states = Counter(one.state for one in self._fleet.servers)
            if states[State.UNKNOWN]:
                return
            condition = Condition("none", f"cannot be started; simulation servers: {_counted(states)}", NONE_AVAILABLE)
        self._notices.observe("Simulations", condition, self._monitor)

    def _look_at_certificates(self) -> None:
        # Several servers of the process may have the same one, and one of them something to say about its files.
        notices: dict[str, str] = {}
        for status in (certificate.status for certificate in self._certificates):
            names = ", ".join(status.names)
            notices[names] = notices.get(names) or status.notice
        for names, notice in notices.items():
            self._certificate(names, notice, self._monitor)

    def _certificate(self, whose: str, notice: str, link: str) -> None:
        """Take in how a certificate is.

        @param whose: what it is for.
        @param notice: a sentence about what should be done; empty if all is well.
        @param link: URL of a page about it.
        """
        condition = IN_ORDER
        if notice:
            now = self._reactor.seconds()
            days = int((now - self._troubles.setdefault(whose, now)) / DAY)
            condition = Condition(f"trouble for {days} days", f"needs attention: {quoted(notice, 300)}", CERTIFICATE)
        else:
            self._troubles.pop(whose, None)
        self._notices.observe(f"The certificate for {whose}", condition, link)

    def _write(self, notices: Sequence[Notice], left_out: int) -> Letter:
        now = self._reactor.seconds()
        first = max(notices, key=lambda notice: (notice.urgency, notice.before))
        more = len(notices) - 1 + left_out
        lines = [f"Session server {self._config.server}, {moment(now)}", ""]
        if left_out:
            lines += [f"{left_out} earlier notices did not find room here; they are in the log.", ""]
        for notice in notices:
            lines += [f"{moment(notice.when)}: {notice.text}.", f"    {notice.link}", ""]
        lines += [
            f"Simulation servers now: {_counted(Counter(one.state for one in self._fleet.servers))}.",
            f"    {self._monitor}",
        ]
        subject = f"[webots-cloud] {quoted(first.text, 110)}" + (f" (and {more} more)" if more else "")
        return write_letter(self._config.mailSender, self._config.administrator, subject, lines, now)


def _condition(server: Server) -> Condition:
    match server.state:
        case State.FAILED:
            return Condition("failed", f"is not available: {quoted(server.reason, 200)}", NOT_RESPONDING)
        case State.FULL:
            return Condition("full", f"is at its maximum, with a load of {server.load:.0f} %", AT_MAXIMUM)
    return AVAILABLE


def _queue(waiting: int, places: int) -> Condition:
    if waiting < places:
        return QUEUE_HAS_PLACES
    return Condition("full", f"is full: {waiting} clients wait, and others are refused", QUEUE_FULL)


def _counted(states: Counter[State]) -> str:
    words = {
        State.AVAILABLE: "available",
        State.FULL: "at maximum",
        State.FAILED: "not responding",
        State.UNKNOWN: "not asked yet",
    }
    return ", ".join(f"{states[state]} {word}" for state, word in words.items() if states[state])


def mail_to_administrator(
    reactor: Any, config: SessionConfig, fleet: Fleet, certificates: Sequence[AnyEncryption]
) -> Service:
    """Make the service that sends mail, or one that does nothing where nobody is to get any.

    @param certificates: those of this process.
    """
    if not config.administrator:
        return Service()
    return Mail(reactor, config, fleet, certificates, _mail_server(reactor, config).deliver)


async def try_mail(reactor: Any, config: SessionConfig, seconds: float, *, send: bool) -> None:
    """Look whether mail can be sent.

    @param config: with an administrator.
    @param seconds: how long that may take.
    @param send: whether to send the administrator a message; without it, only to connect and to log in.
    @raise NotSent: if not; its text says why.
    """
    server = _mail_server(reactor, config, seconds)
    lines = [f"Session server {config.server}: mail to the administrator works."]
    subject = "[webots-cloud] A test: mail works"
    letter = write_letter(config.mailSender, config.administrator, subject, lines, reactor.seconds())
    await server.deliver(letter if send else None)


def _mail_server(reactor: Any, config: SessionConfig, *seconds: float) -> MailServer:
    # Twisted's module asks for this machine's full name when it is imported, and waits for whoever answers: no server
    # that sends no mail should have to.
    from webots_cloud.session.smtp import MailServer

    return MailServer(reactor, config, *seconds)
