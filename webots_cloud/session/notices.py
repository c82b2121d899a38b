"""What the administrator is to know: changes are collected, and what goes back and forth is told of once; no I/O."""

from __future__ import annotations

import datetime
from collections import deque
from collections.abc import Callable, Sequence

import attrs
from twisted.internet.interfaces import IDelayedCall, IReactorTime

HOLD = 0.5
"""Which share of the interval something must have lasted to be told: a poll that fails once is nobody's business."""

FLAPS, FLAP_INTERVALS = 5, 10
"""With so many changes within so many intervals something goes back and forth; it is steady again when it has not
changed for as many intervals."""


@attrs.frozen
class Condition:
    """How something is.

    @ivar kind: what is of the same kind as before is no news, whatever the sentence says.
    @ivar sentence: goes on where the thing's name ends.
    @ivar urgency: the higher, the sooner somebody should look; 0: all is well.
    """

    kind: str
    sentence: str
    urgency: int

    def is_news_after(self, other: Condition) -> bool:
        """Tell whether who knows of the other wants to know of this."""
        return self.kind != other.kind and bool(self.urgency or other.urgency)


@attrs.frozen
class Notice:
    """Something that the administrator is told.

    @ivar when: since when it is so, in seconds since 1970.
    @ivar text: a sentence without a full stop.
    @ivar link: URL of a page about it.
    @ivar urgency: of the condition.
    @ivar before: the urgency of the one that was told before.
    """

    when: float
    text: str
    link: str
    urgency: int
    before: int = 0


@attrs.define
class _Thing:
    """Something that is in one condition or another.

    @ivar since: when the current condition began.
    @ivar told: the condition that the administrator believes it to be in.
    @ivar trouble: when the last trouble began.
    @ivar recent: when it has changed lately.
    @ivar flapping: since when it goes back and forth; C{None}: it does not.
    @ivar flaps: how often it has changed since then.
    """

    name: str
    link: str
    current: Condition = Condition("", "", 0)
    since: float = 0.0
    told: Condition = Condition("", "", 0)
    trouble: float = 0.0
    recent: deque[float] = attrs.field(factory=deque)
    flapping: float | None = None
    flaps: int = 0

    @property
    def unsettled(self) -> bool:
        """Whether there may be something to tell though nothing changes any more."""
        return self.flapping is not None or self.current.is_news_after(self.told)

    def change(self, condition: Condition, now: float) -> None:
        """Note that it is in another condition."""
        if not (self.current.urgency or self.told.urgency):
            self.trouble = now
        self.current, self.since = condition, now
        self.recent.append(now)
        self.flaps += 1

    def forget(self, until: float) -> None:
        """Forget the changes until then."""
        while self.recent and self.recent[0] < until:
            self.recent.popleft()

    def news(self, now: float, interval: float) -> Notice | None:
        """Give what is to be told now, once."""
        window = FLAP_INTERVALS * interval
        if self.flapping is not None:
            return self._steady(self.flapping, now) if now - self.since >= window else None
        self.forget(now - window)
        if len(self.recent) >= FLAPS:
            return self._flaps(now, window)
        if now - self.since < HOLD * interval or not self.current.is_news_after(self.told):
            return None
        return self._tell(self._sentence())

    def _tell(self, sentence: str) -> Notice:
        before, self.told = self.told, self.current
        return Notice(self.since, f"{self.name} {sentence}", self.link, self.current.urgency, before.urgency)

    def _sentence(self) -> str:
        if self.current.urgency:
            return self.current.sentence
        return f"{self.current.sentence} again, after {duration(self.since - self.trouble)}"

    def _flaps(self, now: float, window: float) -> Notice:
        self.flapping, self.flaps = self.recent[0], len(self.recent)
        return attrs.evolve(
            self._tell(
                f"goes back and forth: it has changed {self.flaps} times within {duration(now - self.flapping)}, and "
                f"now {self.current.sentence}; the next message about it comes when it has been steady for "
                f"{duration(window)}"
            ),
            urgency=max(self.current.urgency, 1),
        )

    def _steady(self, flapping: float, now: float) -> Notice:
        times = f"{self.flaps} times in {duration(self.since - flapping)}"
        self.flapping = None
        self.recent.clear()
        return self._tell(
            f"is steady again: it {self.current.sentence}, for {duration(now - self.since)}; before it changed {times}"
        )


class Notices:
    """Sees how things change, and tells what the administrator is to know of it.

    After the first change, others are waited for, and what is told is how things are then: what was over before is not
    told, unless it comes again and again.
    """

    def __init__(self, clock: IReactorTime, interval: float, tell: Callable[[Sequence[Notice]], None]) -> None:
        """Begin with all well.

        @param interval: seconds between two times of telling, at least.
        @param tell: is given what is to be told.
        """
        self._clock = clock
        self._interval = interval
        self._tell = tell
        self._things: dict[str, _Thing] = {}
        self._timer: IDelayedCall | None = None

    def observe(self, name: str, condition: Condition, link: str) -> None:
        """Take in how something is, whether that has changed or not.

        @param name: tells it from all others, and is what sentences begin with.
        @param link: URL of a page about it.
        """
        thing = self._things.get(name)
        if thing is None:
            thing = self._things[name] = _Thing(name, link)
        if condition.is_news_after(thing.current):
            thing.change(condition, self._clock.seconds())
            thing.forget(self._clock.seconds() - FLAP_INTERVALS * self._interval)
            if self._timer is None:
                self._timer = self._clock.callLater(self._interval, self._look)
        else:
            thing.current = condition

    def stop(self) -> None:
        """Tell what is to be told, and then nothing any more."""
        if self._timer is not None:
            self._look()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self) -> None:
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        now = self._clock.seconds()
        news = [thing.news(now, self._interval) for thing in self._things.values()]
        unsettled = any(thing.unsettled for thing in self._things.values())
        self._timer = self._clock.callLater(self._interval, self._look) if unsettled else None
        told = sorted((notice for notice in news if notice is not None), key=lambda notice: notice.when)
        if told:
            self._tell(told)


def duration(seconds: float) -> str:
    """Say how long something takes, in the largest units that matter."""
    seconds = max(0, round(seconds))
    for unit, size in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit}s"
    return f"{seconds} second{'' if seconds == 1 else 's'}"


def moment(seconds: float) -> str:
    """Say when something is, in UTC.

    @param seconds: since 1970.
    """
    return f"{datetime.datetime.fromtimestamp(seconds, datetime.UTC):%Y-%m-%d %H:%M:%S} UTC"
