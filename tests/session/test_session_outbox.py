"""Messages on their way: tried again until they are there, with a given clock."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.logger import capturedLogs, formatEvent

from webots_cloud.session.letter import Letter, write_letter
from webots_cloud.session.notices import Notice
from webots_cloud.session.outbox import GIVE_UP_SECONDS, LONGEST_WAIT, MAX_NOTICES, NotSent, Outbox


class Post:
    """An outbox, and the tries to deliver what is in it, whose ends a test decides."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.tries: list[tuple[float, Letter]] = []
        self.written: list[tuple[list[str], int]] = []
        self.cancelled = 0
        self.outbox = Outbox(self.clock, self.write, self.deliver, lambda low, high: low)

    def write(self, notices: Sequence[Notice], left_out: int) -> Letter:
        texts = [notice.text for notice in notices]
        self.written.append((texts, left_out))
        return write_letter("webots@example.org", ["admin@example.org"], " ".join(texts), texts, self.clock.seconds())

    def deliver(self, letter: Letter) -> Deferred[None]:
        self.tries.append((self.clock.seconds(), letter))
        self.under_way: Deferred[None] = Deferred(self.note)
        return self.under_way

    def note(self, _: object) -> None:
        self.cancelled += 1

    def put(self, *texts: str) -> None:
        self.outbox.put([Notice(0, text, "", 1) for text in texts])

    def fail(self, error: Exception | None = None) -> None:
        self.under_way.errback(error or NotSent("the mail server is not there"))

    def succeed(self) -> None:
        self.under_way.callback(None)

    def stop(self) -> Deferred[None]:
        return Deferred.fromCoroutine(self.outbox.stop(5))

    @property
    def times(self) -> list[float]:
        return [time for time, _ in self.tries]


def test_a_message_goes_at_once_and_what_comes_meanwhile_is_the_next_one() -> None:
    post = Post()
    post.put("one")
    post.put("two")
    post.put("three")
    assert [texts for texts, _ in post.written] == [["one"]]
    with capturedLogs() as logs:
        post.succeed()
    assert [texts for texts, _ in post.written] == [["one"], ["two", "three"]]
    assert [formatEvent(event) for event in logs] == ['mail "one" was sent to admin@example.org']
    post.succeed()
    assert post.clock.getDelayedCalls() == []
    post.put("four")
    assert len(post.tries) == 3


def test_a_failure_costs_a_line_and_a_try_after_a_while_of_the_same_message() -> None:
    post = Post()
    post.put("one")
    with capturedLogs() as logs:
        post.fail()
    assert [formatEvent(event) for event in logs] == [
        'mail "one" was not sent: the mail server is not there; it is tried again in 60 seconds'
    ]
    post.put("two")
    for _ in range(8):
        post.clock.advance(post.clock.getDelayedCalls()[0].getTime() - post.clock.seconds())
        post.fail()
    assert post.times == [0, 60, 180, 420, 900, 1860, 3780, 7380, 10980]
    assert post.times[-1] - post.times[-2] == LONGEST_WAIT
    assert len({letter.content for _, letter in post.tries}) == 1
    post.clock.advance(LONGEST_WAIT)
    post.succeed()
    assert [texts for texts, _ in post.written] == [["one"], ["two"]]
    assert post.times[-1] == 10980 + LONGEST_WAIT


def test_of_too_many_notices_the_least_urgent_and_oldest_are_left_out_and_that_is_said() -> None:
    post = Post()
    post.put("first")
    with capturedLogs() as logs:
        post.outbox.put([Notice(0, "urgent", "", 5)])
        for number in range(MAX_NOTICES + 1):
            post.put(f"notice {number}")
    assert [formatEvent(event) for event in logs] == [
        f"too many notices for one mail; left out: notice {number}" for number in (0, 1)
    ]
    post.succeed()
    texts, left_out = post.written[1]
    assert (len(texts), texts[:2], left_out) == (MAX_NOTICES, ["urgent", "notice 2"], 2)


def test_a_message_that_nobody_takes_is_given_up_and_the_next_one_goes() -> None:
    post = Post()
    post.put("one")
    with capturedLogs() as logs:
        while len(post.written) < 2:
            post.fail()
            post.put("two")
            waiting = post.clock.getDelayedCalls()
            if waiting:
                post.clock.advance(waiting[0].getTime() - post.clock.seconds())
    assert GIVE_UP_SECONDS < post.clock.seconds() < GIVE_UP_SECONDS + 2 * LONGEST_WAIT
    told = [formatEvent(event) for event in logs]
    assert 'mail "one" is not sent: the mail server is not there; it is not tried again' in told
    assert "nobody was told by mail: one" in told


def test_a_fault_of_our_own_is_logged_and_does_not_end_all_mail() -> None:
    post = Post()
    post.put("one")
    with capturedLogs() as logs:
        post.fail(ZeroDivisionError())
    assert "a fault while mail was sent" in [event.get("log_format") for event in logs]
    post.clock.advance(60)
    assert len(post.tries) == 2


def test_without_anything_to_say_stopping_takes_no_time() -> None:
    post = Post()
    assert post.stop().called
    assert post.tries == []


def test_at_the_end_a_message_under_way_is_waited_for() -> None:
    post = Post()
    post.put("one")
    stopped = post.stop()
    assert not stopped.called
    post.succeed()
    assert stopped.called
    assert post.clock.getDelayedCalls() == []


def test_at_the_end_a_message_that_waits_is_tried_once_more() -> None:
    post = Post()
    post.put("one")
    post.fail()
    stopped = post.stop()
    assert post.times == [0, 0]
    with capturedLogs() as logs:
        post.fail()
    assert stopped.called
    assert post.clock.getDelayedCalls() == []
    assert [formatEvent(event) for event in logs] == [
        'mail "one" is not sent: the mail server is not there; it is not tried again',
        "nobody was told by mail: one",
    ]


@pytest.mark.parametrize("answers_when_cancelled", [False, True])
def test_at_the_end_nothing_is_waited_for_longer_than_a_little_while(answers_when_cancelled: bool) -> None:
    post = Post()
    if answers_when_cancelled:
        post.note = lambda _: post.fail()  # type: ignore[method-assign]
    post.put("one")
    post.put("two")
    stopped = post.stop()
    with capturedLogs() as logs:
        post.clock.advance(5)
    assert stopped.called
    assert len(post.tries) == 1
    assert post.clock.getDelayedCalls() == []
    told = [formatEvent(event) for event in logs]
    assert told[-2:] == ["nobody was told by mail: one", "nobody was told by mail: two"]
    assert told[0].startswith('mail "one" is not sent: ')
