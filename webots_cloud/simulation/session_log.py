"""What the log says of one client's session: its id in every line, and a summary at its end."""

from __future__ import annotations

import secrets
from typing import Any

from twisted.internet.interfaces import IReactorTime
from twisted.logger import ILogObserver, LogEvent, Logger, globalLogPublisher
from zope.interface import implementer

from webots_cloud.errors import quoted
from webots_cloud.simulation.instance import Phase
from webots_cloud.simulation.request import StartRequest

SUMMARY = "2f6c1d0b9a774a0c8f3e5d1b7c9e0a64"
"""The C{MESSAGE_ID} of summaries in the journal (journalctl(1), systemd.journal-fields(7))."""

_DOINGS = {
    Phase.WAITING: ("waited", "waited"),
    Phase.FETCHING: ("fetched", "fetched in"),
    Phase.STARTING: ("started", "started in"),
    Phase.RUNNING: ("ran", "ran"),
}
"""The field of each phase's seconds, and the words before them."""

_LETTERS = "bcdfghjkmnpqrstvwxz23456789"
_ID_LETTERS = 8


class SessionLog:
    """The log of one session.

    The id is nothing that lets anybody in: it is made for the log, and told to nobody.

    @ivar id: eight letters and digits, none of which looks like another.
    @ivar address: where the client is, as its connections are counted.
    """

    def __init__(self, clock: IReactorTime, address: str = "") -> None:
        """Begin, as the client connects."""
        self.id = "".join(secrets.choice(_LETTERS) for _ in range(_ID_LETTERS))
        self.address = address
        self._clock = clock
        self._request: StartRequest | None = None
        self._instance = 0
        self._phase: Phase | None = None
        self._since = 0.0
        self._seconds: dict[Phase, float] = {}
        self._log = self.logger(f"{__name__}.{type(self).__name__}")

    def logger(self, namespace: str) -> Logger:
        """Give a logger whose lines are of this session."""
        return Logger(namespace, observer=_Tagging(self))

    def ask(self, request: StartRequest, instance: int) -> None:
        """Note what the client asks for, and the number of the instance that it is to have."""
        self._request = request
        self._instance = instance
        self.enter(Phase.WAITING)
        self._log.info(
            "instance {instance} is for {user} at {address}: {project}/{world} of {host}", **self._facts(request)
        )

    def enter(self, phase: Phase) -> None:
        """Note that the instance begins something else."""
        now = self._clock.seconds()
        if self._phase is not None:
            self._seconds[self._phase] = now - self._since
        self._phase, self._since = phase, now

    def end(self, ending: str) -> None:
        """Sum it up.

        @param ending: why it has ended, for people.
        """
        self.enter(Phase.ENDED)
        if self._request is None:
            self._log.info(
                "ended: a client at {address} that has started nothing: {ending}",
                address=self.address,
                ending=ending,
                message_id=SUMMARY,
            )
            return
        seconds = {
            name: f"{self._seconds[phase]:.1f}" for phase, (name, _) in _DOINGS.items() if phase in self._seconds
        }
        times = ", ".join(f"{words} {seconds[name]} s" for name, words in _DOINGS.values() if name in seconds)
        self._log.info(
            "instance {instance}: ended: {user} at {address}; {project}/{world} of {host}; {times}; {ending}",
            times=times,
            ending=ending,
            message_id=SUMMARY,
            **seconds,
            **self._facts(self._request),
        )

    def tag(self, event: LogEvent) -> None:
        """Put into an event whose it is."""
        event["session"] = self.id
        if self._instance:
            event.setdefault("instance", self._instance)
        event["log_format"] = "session {session}, " + str(event["log_format"])

    def _facts(self, request: StartRequest) -> dict[str, Any]:
        return {
            "instance": self._instance,
            "user": _who(request),
            "address": self.address,
            "project": request.project,
            "world": request.world,
            "host": str(request.host),
        }


@implementer(ILogObserver)
class _Tagging:
    """Gives the events of a session to the log of the process."""

    def __init__(self, session: SessionLog) -> None:
        self._session = session

    def __call__(self, event: LogEvent) -> None:
        self._session.tag(event)
        globalLogPublisher(event)


def _who(request: StartRequest) -> str:
    """Say who asks: neither a name nor what a user is logged in with."""
    return f"user {quoted(request.user1.id, 60)}" if request.user1 is not None else "a guest"
