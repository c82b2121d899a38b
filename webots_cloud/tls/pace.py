"""When an authority may be asked for a certificate, and when it has to be: no sockets, the time is given."""

from __future__ import annotations

import datetime
from collections import deque
from collections.abc import Callable, Iterable

from webots_cloud.tls.certificate import Certificate

TRIES_PER_HOUR = 4
"""How often an authority is asked for one certificate within an hour."""

FIRST_WAIT, LONGEST_WAIT = 300.0, 6 * 3600.0
"""Seconds to wait after the first failure, which double with each, and at most; chance makes them longer."""

JITTER = 0.5
"""By which share, at most, chance makes a wait longer, so that servers that failed together do not come together."""


def renewal_time(certificate: Certificate, days: float) -> float:
    """Tell when a certificate is to be replaced, in seconds since 1970.

    @param days: how long before its end; a third of its time, if that is less.
    """
    life = certificate.ends - certificate.begins
    return (certificate.ends - min(datetime.timedelta(days=days), life / 3)).timestamp()


def ends_soon(certificate: Certificate, now: datetime.datetime) -> bool:
    """Tell whether a certificate should have been replaced long ago, so that somebody has to know."""
    life = certificate.ends - certificate.begins
    return certificate.ends - now < min(datetime.timedelta(days=14), life / 4)


class Pace:
    """When the certificate of one name may be asked for; all times are in seconds since 1970."""

    def __init__(self, uniform: Callable[[float, float], float], tries: Iterable[float] = ()) -> None:
        """Begin.

        @param uniform: gives a random number between two.
        @param tries: when it was asked for before.
        """
        self._uniform = uniform
        self._tries: deque[float] = deque(tries, maxlen=TRIES_PER_HOUR)
        self._failures = 0
        self._back_off_until = 0.0
        self._asked_until = 0.0

    @property
    def tries(self) -> tuple[float, ...]:
        """When it was asked for, the last few times."""
        return tuple(self._tries)

    def next_try(self, *, impatient: bool = False) -> float:
        """Tell from when on it may be asked for.

        @param impatient: whether somebody who may have mended what was wrong wants it now; what the authority asked
            for, and the number of tries within an hour, count nevertheless.
        """
        hour = self._tries[0] + 3600 if len(self._tries) == TRIES_PER_HOUR else 0.0
        return max(hour, self._asked_until, 0.0 if impatient else self._back_off_until)

    def tried(self, now: float) -> None:
        """Count a try."""
        self._tries.append(now)

    def failed(self, now: float, retry_after: float | None) -> None:
        """Wait after a try that has failed.

        @param retry_after: the seconds that the authority asks to wait.
        """
        wait = min(FIRST_WAIT * 2**self._failures, LONGEST_WAIT)
        self._failures = min(self._failures + 1, 20)
        self._back_off_until = now + wait * self._uniform(1, 1 + JITTER)
        self._asked_until = now + (retry_after or 0.0)

    def postpone(self, other: Pace) -> None:
        """Wait as long as another: what went wrong there would go wrong here too."""
        self._back_off_until = max(self._back_off_until, other._back_off_until)
        self._asked_until = max(self._asked_until, other._asked_until)

    def succeeded(self) -> None:
        """Forget failures."""
        self._failures = 0
        self._back_off_until = self._asked_until = 0.0
