"""What one network address may do: how many connections it has, and how many instances it starts; no I/O.

The site asks it about each connection, and C{/client} about each start.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence

from twisted.logger import Logger

from webots_cloud.address import Network
from webots_cloud.client_address import Address, client_address, counted_as, is_trusted, read_address
from webots_cloud.errors import TooManyStarts

MINUTE_SECONDS = 60.0


class PerMinute:
    """Lets each address do something so many times in any minute, and remembers nothing longer than that."""

    def __init__(self, seconds: Callable[[], float], limit: int) -> None:
        """Begin with nothing done.

        @param seconds: the time.
        """
        self._seconds = seconds
        self._limit = limit
        self._done: deque[tuple[float, Address]] = deque()
        self._counts: dict[Address, int] = {}

    def __len__(self) -> int:
        return len(self._counts)

    def allow(self, address: Address) -> bool:
        """Tell whether an address may do it once more; if so, it has done it."""
        now = self._seconds()
        while self._done and self._done[0][0] <= now - MINUTE_SECONDS:
            _subtract(self._counts, self._done.popleft()[1])
        if self._counts.get(address, 0) >= self._limit:
            return False
        self._counts[address] = self._counts.get(address, 0) + 1
        self._done.append((now, address))
        return True


class Addresses:
    """All that clients' addresses do on a server.

    @ivar proxies: the web servers in front, whose connections are their clients'.
    """

    _log = Logger()

    def __init__(
        self, seconds: Callable[[], float], max_sockets: int, max_starts: int, proxies: Sequence[Network]
    ) -> None:
        """Begin with nobody.

        @param seconds: the time.
        @param max_sockets: connections of one address at once.
        @param max_starts: instances that one address may start in a minute.
        """
        self.proxies = tuple(proxies)
        self._max_sockets = max_sockets
        self._max_starts = max_starts
        self._open: dict[Address, int] = {}
        self._starts = PerMinute(seconds, max_starts)
        self._told = PerMinute(seconds, 1)

    def __len__(self) -> int:
        return len(self._open)

    def connect(self, peer: str | None) -> Visit:
        """Take note of a new connection.

        @param peer: the address at its other end; C{None} if it has none, as a Unix socket: it is not counted.
        """
        visit = Visit(self)
        address = read_address(peer) if peer is not None else None
        if address is not None and not is_trusted(address, self.proxies):
            visit.belong_to(counted_as(address))
        return visit

    def add(self, address: Address) -> bool:
        """Count a connection of an address; tell whether it may have it."""
        count = self._open.get(address, 0)
        if count >= self._max_sockets:
            if self._told.allow(address):
                self._log.warn(
                    "{address} has {count} connections; more are closed at once (maxSocketsPerAddress)",
                    address=str(address),
                    count=count,
                )
            return False
        self._open[address] = count + 1
        return True

    def remove(self, address: Address) -> None:
        """Count a connection of an address no more."""
        _subtract(self._open, address)

    def start(self, address: Address) -> None:
        """Count a start by an address.

        @raise TooManyStarts: if there were too many within the last minute.
        """
        if not self._starts.allow(address):
            raise TooManyStarts(detail=f"{address}, maxStartsPerMinute", limit=self._max_starts)


class Visit:
    """One connection, from its beginning to its end.

    @ivar admitted: whether its client may have it; if not, it is to be closed at once.
    @ivar client: whom it is counted for; C{None} while that is nobody, as a proxy may use it for one after another.
    """

    def __init__(self, addresses: Addresses) -> None:
        """Begin with nobody's."""
        self.admitted = True
        self.client: Address | None = None
        self._addresses = addresses
        self._of_proxy = True

    def belong_to(self, client: Address) -> None:
        """Count it for a client, for as long as it lasts."""
        self._of_proxy = False
        self._count(client)

    def speak_for(self, peer: str | None, forwarded: str) -> None:
        """Count it for whom a proxy opens a WebSocket by it; where it does not come from a proxy, change nothing.

        @param peer: the address at its other end, as far as it is known by now.
        @param forwarded: the request's C{X-Forwarded-For}.
        """
        if self._of_proxy and peer is not None:
            self.end()
            self._count(counted_as(client_address(peer, forwarded, self._addresses.proxies)))

    def speak_for_nobody(self) -> None:
        """Count it for nobody again, as the proxy's request is done and it has not become a WebSocket."""
        if self._of_proxy:
            self.end()

    def start(self) -> None:
        """Count a start by its client.

        @raise TooManyStarts: if there were too many within the last minute.
        """
        if self.client is not None:
            self._addresses.start(self.client)

    def end(self) -> None:
        """Count it no more; doing so twice changes nothing."""
        client, self.client = self.client, None
        if client is not None:
            self._addresses.remove(client)

    def _count(self, client: Address) -> None:
        self.admitted = self._addresses.add(client)
        self.client = client if self.admitted else None


def _subtract(counts: dict[Address, int], address: Address) -> None:
    """Count one less; nothing is kept of an address that has none left."""
    counts[address] -= 1
    if not counts[address]:
        del counts[address]
