"""How often something may be tried in a while, by whom or on what; no I/O."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable

BUCKETS = 65536
"""How many counts there are at most; what comes in greater numbers shares them, rather than memory without end."""


class Attempts:
    """Counts attempts; they are forgotten at the end of each span of time."""

    def __init__(self, seconds: Callable[[], float], limit: int, span: float) -> None:
        """Begin with none.

        @param seconds: the time.
        @param limit: how many there may be in each span.
        @param span: its length in seconds.
        """
        self._seconds = seconds
        self._began = seconds()
        self._limit = limit
        self._span = span
        self._number = 0
        self._counts: dict[int, int] = {}
        # Nobody outside can tell who shares a count with whom.
        self._key = secrets.token_bytes(16)

    def __len__(self) -> int:
        return len(self._counts)

    def wait_seconds(self, who: str) -> float:
        """Tell how long there may be no further attempt; 0: there may be one now."""
        self._begin_span()
        if self._counts.get(self._bucket(who), 0) < self._limit:
            return 0.0
        return self._began + (self._number + 1) * self._span - self._seconds()

    def add(self, who: str) -> None:
        """Count an attempt."""
        self._begin_span()
        bucket = self._bucket(who)
        self._counts[bucket] = self._counts.get(bucket, 0) + 1

    def take_back(self, who: str) -> None:
        """Count an attempt no more, as it turned out to be none that is to be counted."""
        self._begin_span()
        bucket = self._bucket(who)
        left = self._counts.pop(bucket, 0) - 1
        if left > 0:
            self._counts[bucket] = left

    def _begin_span(self) -> None:
        number = int((self._seconds() - self._began) // self._span)
        if number != self._number:
            self._number = number
            self._counts.clear()

    def _bucket(self, who: str) -> int:
        digest = hashlib.blake2b(who.encode("utf-8", "surrogatepass"), key=self._key, digest_size=8).digest()
        return int.from_bytes(digest, "big") % BUCKETS
