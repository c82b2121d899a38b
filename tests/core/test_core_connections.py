"""The open connections of a server, and how they end when it stops; with a given clock."""

from __future__ import annotations

import attrs
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from webots_cloud.connections import CLOSE_SECONDS, Connections


@attrs.define(eq=False)
class Peer:
    """A connection whose peer does nothing by itself."""

    asked: int = 0
    aborted: bool = False

    def leave(self) -> None:
        self.asked += 1

    def abort(self) -> None:
        self.aborted = True


@attrs.define(eq=False)
class PromptPeer(Peer):
    """A connection that is lost as soon as it is asked to close."""

    connections: Connections[Peer] | None = None

    def leave(self) -> None:
        Peer.leave(self)
        assert self.connections is not None
        self.connections.discard(self)


def closing(connections: Connections[Peer]) -> Deferred[None]:
    return Deferred.fromCoroutine(connections.close())


def test_where_there_are_none_closing_takes_no_time() -> None:
    clock = Clock()
    assert closing(Connections(clock)).called
    assert clock.getDelayedCalls() == []


def test_it_is_known_which_are_open() -> None:
    connections: Connections[Peer] = Connections(Clock())
    one, other = Peer(), Peer()
    connections.add(one)
    connections.add(other)
    connections.add(one)
    assert (list(connections), len(connections)) == ([one, other], 2)
    connections.discard(one)
    connections.discard(one)
    assert (list(connections), len(connections)) == ([other], 1)


def test_all_are_asked_to_close_and_waited_for() -> None:
    clock = Clock()
    connections: Connections[Peer] = Connections(clock)
    peers = [Peer(), Peer()]
    for peer in peers:
        connections.add(peer)

    closed = closing(connections)

    assert [peer.asked for peer in peers] == [1, 1]
    connections.discard(peers[0])
    assert not closed.called
    connections.discard(peers[1])
    assert closed.called
    assert clock.getDelayedCalls() == []
    assert not any(peer.aborted for peer in peers)


def test_those_that_go_at_once_are_not_waited_for() -> None:
    clock = Clock()
    connections: Connections[Peer] = Connections(clock)
    for _ in range(3):
        connections.add(PromptPeer(connections=connections))
    assert closing(connections).called
    assert clock.getDelayedCalls() == []


def test_those_that_do_not_go_are_aborted_in_time() -> None:
    clock = Clock()
    connections: Connections[Peer] = Connections(clock)
    slow, prompt = Peer(), PromptPeer(connections=connections)
    connections.add(slow)
    connections.add(prompt)
    closed = closing(connections)

    clock.advance(CLOSE_SECONDS * 0.99)
    assert not slow.aborted
    clock.advance(CLOSE_SECONDS * 0.01)

    assert (slow.aborted, prompt.aborted) == (True, False)
    assert not closed.called
    connections.discard(slow)
    assert closed.called


def test_one_that_comes_while_all_close_is_closed_too() -> None:
    clock = Clock()
    connections: Connections[Peer] = Connections(clock)
    first, late = Peer(), Peer()
    connections.add(first)
    closed = closing(connections)
    connections.add(late)
    connections.discard(first)

    assert (late.asked, closed.called) == (1, False)
    clock.advance(CLOSE_SECONDS)
    assert late.aborted
    connections.discard(late)
    assert closed.called


def test_after_all_are_closed_there_may_be_others() -> None:
    connections: Connections[Peer] = Connections(Clock())
    assert closing(connections).called
    peer = Peer()
    connections.add(peer)
    assert (peer.asked, len(connections)) == (0, 1)
