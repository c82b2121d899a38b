"""Has messages to the administrator delivered, one after another, each until it is; what fails costs a log line."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from webots_cloud.session.letter import Letter
from webots_cloud.session.notices import Notice, duration

MAX_NOTICES = 100
"""How many notices are in a message at most; of more, the least urgent are left out."""

FIRST_WAIT, LONGEST_WAIT = 60.0, 3600.0
"""Seconds to wait after the first failure, which double with each, and at most; chance makes them longer."""

JITTER = 0.5
"""By which share, at most, chance makes a wait longer."""

GIVE_UP_SECONDS = 2 * 86400.0
"""How long one message is tried: there may be something in it that a mail server takes from nobody."""


class NotSent(Exception):
    """A message was not sent; the text is why, as part of a sentence."""


class Deliver(Protocol):
    """Delivers a message."""

    def __call__(self, letter: Letter) -> Deferred[None]:
        """Deliver; fails with L{NotSent}, and can be cancelled."""


class Write(Protocol):
    """Writes a message."""

    def __call__(self, notices: Sequence[Notice], left_out: int) -> Letter:
        """Write of notices.

        @param left_out: how many before them were left out.
        """


class Outbox:
    """Messages on their way.

    A message is tried again as it was first written, with the same Message-ID, so that a mail server that has taken it
    without saying so can know it; what happens in the meantime goes into the next one.
    """

    _log = Logger()

    def __init__(
        self,
        clock: IReactorTime,
        write: Write,
        deliver: Deliver,
        uniform: Callable[[float, float], float] = random.uniform,
    ) -> None:
        """Begin with nothing to deliver.

        @param uniform: gives a random number between two.
        """
        self._clock = clock
        self._write = write
        self._deliver = deliver
        self._uniform = uniform
        self._waiting: list[Notice] = []
        self._left_out = 0
        self._working: Deferred[None] | None = None
        self._pause: Deferred[None] | None = None
        self._stopping = False
        self._out_of_time = False

    def put(self, notices: Sequence[Notice]) -> None:
        """Have the administrator told."""
        self._waiting.extend(notices)
        self._leave_out(len(self._waiting) - MAX_NOTICES)
        if self._working is None:
            self._working = Deferred.fromCoroutine(self._work())
            self._working.addErrback(self._broken).addCallback(self._done)

    def _leave_out(self, count: int) -> None:
        """Leave out the least urgent notices, and of those the oldest.

        @param count: how many; less than one: none.
        """
        for notice in sorted(self._waiting, key=lambda notice: notice.urgency)[: max(0, count)]:
            self._waiting.remove(notice)
            self._left_out += 1
            self._log.warn("too many notices for one mail; left out: {notice}", notice=notice.text)

    async def stop(self, seconds: float) -> None:
        """Try once more what has not been delivered, at once; and then no more.

        @param seconds: how long that may take.
        """
        self._stopping = True
        if self._working is None:
            return
        ended: Deferred[None] = Deferred()
        self._working.addBoth(ended.callback)
        self._go_on()
        timer = self._clock.callLater(seconds, self._give_up)
        await ended
        if timer.active():
            timer.cancel()

    def _give_up(self) -> None:
        self._out_of_time = True
        if self._working is not None:
            self._working.cancel()

    def _broken(self, failure: Failure) -> None:
        if not failure.check(CancelledError):
            self._log.failure("mail is not sent any more", failure)

    def _done(self, _: object) -> None:
        self._working = None

    async def _work(self) -> None:
        while self._waiting and not self._out_of_time:
            notices, left_out = tuple(self._waiting), self._left_out
            self._waiting.clear()
            self._left_out = 0
            if not await self._delivered(self._write(notices, left_out)):
                self._lost(notices)
        self._lost(self._waiting)

    def _lost(self, notices: Iterable[Notice]) -> None:
        for notice in notices:
            self._log.error("nobody was told by mail: {notice}", notice=notice.text)

    async def _delivered(self, letter: Letter) -> bool:
        """Deliver a message; gives whether it was."""
        begun, wait = self._clock.seconds(), FIRST_WAIT
        while True:
            try:
                await self._deliver(letter)
            except CancelledError:
                self._log.error('mail "{subject}" is not sent: the server stops', subject=letter.subject)
                return False
            except NotSent as error:
                reason = str(error)
            # Whatever else it is must not end all mail.
            except Exception as error:
                self._log.failure("a fault while mail was sent")
                reason = f"a fault of this server ({type(error).__name__})"
            else:
                self._log.info(
                    'mail "{subject}" was sent to {recipients}',
                    subject=letter.subject,
                    recipients=", ".join(letter.recipients),
                )
                return True
            if self._stopping or self._clock.seconds() - begun > GIVE_UP_SECONDS:
                self._log.error(
                    'mail "{subject}" is not sent: {reason}; it is not tried again',
                    subject=letter.subject,
                    reason=reason,
                )
                return False
            pause = wait * self._uniform(1, 1 + JITTER)
            self._log.warn(
                'mail "{subject}" was not sent: {reason}; it is tried again in {wait}',
                subject=letter.subject,
                reason=reason,
                wait=duration(pause),
            )
            wait = min(2 * wait, LONGEST_WAIT)
            await self._paused(pause)

    async def _paused(self, seconds: float) -> None:
        """Wait, but no longer than until the server stops."""
        self._pause = Deferred()
        timer = self._clock.callLater(seconds, self._go_on)
        await self._pause
        if timer.active():
            timer.cancel()

    def _go_on(self) -> None:
        pause, self._pause = self._pause, None
        if pause is not None:
            pause.callback(None)
