"""What the administrator is told and when, with a given clock."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from hypothesis import example, given
from hypothesis import strategies as st
from twisted.internet.task import Clock

from webots_cloud.session.notices import Condition, Notice, Notices, duration, moment

WELL = Condition("available", "is available", 0)
DOWN = Condition("failed", "is not available: it does not answer", 4)
FULL = Condition("full", "is at its maximum", 1)
PAGE = "http://a:2000/monitor"


class Told:
    """Notices with an interval of a minute, and the messages that they come to, each with its time."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.messages: list[tuple[float, list[str]]] = []
        self.notices = Notices(self.clock, 60, self.tell)

    def tell(self, notices: Sequence[Notice]) -> None:
        self.last = notices
        self.messages.append((self.clock.seconds(), [notice.text for notice in notices]))

    def see(self, condition: Condition, name: str = "a:2000") -> None:
        self.notices.observe(name, condition, PAGE)

    def pass_time(self, seconds: float) -> None:
        self.clock.pump([1.0] * round(seconds))


def test_what_is_well_from_the_beginning_is_not_told() -> None:
    told = Told()
    told.see(WELL)
    told.pass_time(3600)
    assert told.messages == []
    assert told.clock.getDelayedCalls() == []


def test_a_server_that_is_down_is_told_once_and_its_return_once() -> None:
    told = Told()
    told.see(WELL)
    told.see(DOWN)
    told.pass_time(7200)
    assert told.messages == [(60, ["a:2000 is not available: it does not answer"])]
    assert told.last == [Notice(0, "a:2000 is not available: it does not answer", PAGE, 4)]

    told.see(WELL)
    told.pass_time(7200)
    assert told.messages[1:] == [(7260, ["a:2000 is available again, after 2 hours"])]
    assert told.clock.getDelayedCalls() == []


def test_what_happens_within_a_minute_is_one_message_in_the_order_of_time() -> None:
    told = Told()
    for name in ("a:2000", "b:2000", "c:2000"):
        told.see(DOWN, name)
        told.pass_time(10)
    told.pass_time(3600)
    assert told.messages == [
        (60, [f"{name}:2000 is not available: it does not answer" for name in ("a", "b", "c")]),
    ]


def test_what_has_only_just_begun_waits_for_the_next_message() -> None:
    told = Told()
    told.see(DOWN)
    told.pass_time(50)
    told.see(DOWN, "b:2000")
    told.pass_time(3600)
    assert [(time, len(texts)) for time, texts in told.messages] == [(60, 1), (120, 1)]


def test_a_poll_that_fails_once_is_not_told() -> None:
    told = Told()
    for _ in range(4):
        told.see(DOWN)
        told.pass_time(5)
        told.see(WELL)
        told.pass_time(900)
    assert told.messages == []


def test_what_gets_worse_is_told() -> None:
    told = Told()
    told.see(FULL)
    told.pass_time(120)
    told.see(DOWN)
    told.pass_time(120)
    told.see(FULL)
    told.pass_time(120)
    told.see(WELL)
    told.pass_time(120)
    assert [texts for _, texts in told.messages] == [
        ["a:2000 is at its maximum"],
        ["a:2000 is not available: it does not answer"],
        ["a:2000 is at its maximum"],
        ["a:2000 is available again, after 6 minutes"],
    ]


def test_another_sentence_of_the_same_kind_is_no_news_but_is_what_is_told() -> None:
    told = Told()
    told.see(DOWN)
    told.see(Condition("failed", "is not available: its name is not known", 4))
    told.pass_time(120)
    told.see(DOWN)
    told.pass_time(120)
    assert told.messages == [(60, ["a:2000 is not available: its name is not known"])]


def test_a_server_that_goes_back_and_forth_is_told_of_twice() -> None:
    told = Told()
    for _ in range(15):
        told.see(DOWN)
        told.pass_time(20)
        told.see(WELL)
        told.pass_time(20)
    told.pass_time(3600)
    assert told.messages == [
        (
            120,
            [
                "a:2000 goes back and forth: it has changed 6 times within 2 minutes, and now is available; the next "
                "message about it comes when it has been steady for 10 minutes"
            ],
        ),
        (1200, ["a:2000 is steady again: it is available, for 10 minutes; before it changed 30 times in 9 minutes"]),
    ]
    assert told.clock.getDelayedCalls() == []


def test_slow_changes_are_told_each_until_they_are_too_many() -> None:
    told = Told()
    for _ in range(10):
        told.see(DOWN)
        told.pass_time(100)
        told.see(WELL)
        told.pass_time(100)
    told.pass_time(3600)
    assert len(told.messages) == 6
    assert "goes back and forth" in told.messages[4][1][0]
    assert "is steady again: it is available, for 10 minutes; before it changed 20 times" in told.messages[5][1][0]


def test_what_was_over_before_it_was_told_does_not_count_in_how_long_trouble_lasted() -> None:
    told = Told()
    told.see(DOWN)
    told.pass_time(5)
    told.see(WELL)
    told.pass_time(1000)
    told.see(DOWN)
    told.pass_time(200)
    told.see(WELL)
    told.pass_time(100)
    assert [texts for _, texts in told.messages][1:] == [["a:2000 is available again, after 3 minutes"]]


def test_after_flapping_that_ends_badly_it_is_told_how_it_is() -> None:
    told = Told()
    for condition in (DOWN, WELL, DOWN, WELL, DOWN):
        told.see(condition)
        told.pass_time(10)
    told.pass_time(700)
    assert len(told.messages) == 2
    assert told.messages[1][1][0].startswith("a:2000 is steady again: it is not available: it does not answer, for 10")
    assert told.last[0].urgency == 4


def test_at_the_end_is_told_what_has_lasted_and_nothing_after_it() -> None:
    told = Told()
    told.see(DOWN)
    told.pass_time(35)
    told.see(DOWN, "b:2000")
    told.notices.stop()
    assert told.messages == [(35, ["a:2000 is not available: it does not answer"])]
    assert told.clock.getDelayedCalls() == []
    told.notices.stop()
    assert len(told.messages) == 1


@given(st.lists(st.tuples(st.sampled_from([WELL, FULL, DOWN]), st.integers(1, 400)), max_size=30))
@example([(FULL, 60), (DOWN, 60), (WELL, 60), (FULL, 60), (WELL, 1)])
def test_whatever_happens_the_administrator_knows_in_the_end_and_is_not_told_too_often(
    happening: list[tuple[Condition, int]],
) -> None:
    told = Told()
    current = WELL
    for current, seconds in happening:
        told.see(current)
        told.pass_time(seconds)
    told.pass_time(1300)

    assert told.clock.getDelayedCalls() == []
    assert (told.last[0].urgency if told.messages else 0) == current.urgency
    times = [time for time, _ in told.messages]
    assert all(later - earlier >= 60 for earlier, later in pairwise(times))
    texts = [text for _, texts in told.messages for text in texts]
    back_and_forth, steady = (sum(words in text for text in texts) for words in ("goes back and forth", "steady again"))
    # Each change is told at most once; what went back and forth is told of once more, when that is over.
    assert len(times) - steady <= len(happening)
    assert steady == back_and_forth


def test_times_are_told_in_words() -> None:
    assert [duration(seconds) for seconds in (-1, 0.4, 1, 119, 120, 7199, 7200, 172800, 900000)] == [
        "0 seconds",
        "0 seconds",
        "1 second",
        "119 seconds",
        "2 minutes",
        "119 minutes",
        "2 hours",
        "2 days",
        "10 days",
    ]
    assert moment(86400) == "1970-01-02 00:00:00 UTC"
