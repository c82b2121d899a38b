"""Those who wait for a place, first come first served, and what each is told of who is ahead; no I/O."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

import attrs
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.internet.task import deferLater

AT_ONCE = 100
"""How many are told their place before anything else has its turn: some two milliseconds' work."""
LEAVE_AT_ONCE = 25
"""How many are dismissed before anything else has its turn: some three milliseconds' work."""

W = TypeVar("W")


@attrs.define
class _Place(Generic[W]):
    """A place in the queue.

    @ivar number: rises from one to the next.
    @ivar told: how many there were ahead when C{who} was told last.
    """

    number: int
    who: W
    told: int


class Queue(Generic[W]):
    """The queue.

    Who leaves changes the places of all behind. They are told some at a time, from where the last ones were told, and
    each the place that it has by then: however many changes there are, all have their turn.
    """

    def __init__(self, clock: IReactorTime, tell: Callable[[W, int], None]) -> None:
        """Begin with nobody.

        @param tell: told how many are ahead of somebody, at first and when that has changed.
        """
        self._clock = clock
        self._tell = tell
        self._places: list[_Place[W]] = []
        self._next = 0
        self._unsure = 0
        self._telling: IDelayedCall | None = None

    def __len__(self) -> int:
        return len(self._places)

    def __iter__(self) -> Iterator[W]:
        return iter([place.who for place in self._places])

    def add(self, number: int, who: W) -> None:
        """Take in somebody at the end.

        @param number: higher than all before.
        """
        place = _Place(number, who, len(self._places))
        self._places.append(place)
        if self._unsure:
            # One more is passed on the way to all others.
            self._unsure += 1
        self._tell(who, place.told)

    def take(self) -> tuple[int, W]:
        """Give the number of the first, and the first itself, who waits no more."""
        place = self._places.pop(0)
        self._changed()
        return place.number, place.who

    def remove(self, number: int) -> bool:
        """Let somebody leave; tell whether it was in the queue."""
        index = bisect_left(self._places, number, key=lambda place: place.number)
        if index == len(self._places) or self._places[index].number != number:
            return False
        del self._places[index]
        self._changed()
        return True

    async def dismiss(self, farewell: Callable[[W], None]) -> None:
        """Let all leave, some at a time; returns when nobody is left."""
        while self._places:
            leaving, self._places = self._places[:LEAVE_AT_ONCE], self._places[LEAVE_AT_ONCE:]
            self._unsure = 0
            for place in leaving:
                farewell(place.who)
            await deferLater(self._clock, 0)

    def _changed(self) -> None:
        self._unsure = len(self._places)
        if self._unsure and self._telling is None:
            self._next = 0
            self._telling = self._clock.callLater(0, self._tell_some)

    def _tell_some(self) -> None:
        self._telling = None
        for _ in range(AT_ONCE):
            # Whoever hears of its place may leave at once.
            if not self._unsure:
                return
            self._unsure -= 1
            ahead = self._next % len(self._places)
            self._next = ahead + 1
            place = self._places[ahead]
            if place.told != ahead:
                place.told = ahead
                self._tell(place.who, ahead)
        if self._unsure and self._telling is None:
            self._telling = self._clock.callLater(0, self._tell_some)
