"""Secrets: whatever prints one prints no secret."""

from __future__ import annotations

import io
import json
from typing import cast

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.logger import (
    ILogObserver,
    LogEvent,
    Logger,
    eventAsJSON,
    eventAsText,
    jsonFileLogObserver,
    textFileLogObserver,
)
from twisted.python.failure import Failure

from webots_cloud.secret import Secret

SECRET = Secret("sesame")


@attrs.frozen
class Login:
    user: str
    password: Secret


@pytest.mark.parametrize(
    "printed",
    [
        str(SECRET),
        repr(SECRET),
        f"{SECRET}",
        f"{SECRET!r:>40}",
        f"{SECRET:x}",
        "{}".format(SECRET),  # noqa: UP032  # one of the ways to print it
        "%s %r" % (SECRET, SECRET),  # noqa: UP031  # another one
        str([SECRET]),
        str({"key": SECRET}),
        str(Login("me", SECRET)),
        str(ValueError(SECRET)),
    ],
)
def test_no_printed_form_shows_it(printed: str) -> None:
    assert "<secret>" in printed
    assert "sesame" not in printed


def test_only_asking_for_it_gives_it() -> None:
    assert SECRET.reveal() == "sesame"


def test_no_log_shows_it() -> None:
    events: list[LogEvent] = []
    text, lines = io.StringIO(), io.StringIO()
    for observer in (events.append, textFileLogObserver(text), jsonFileLogObserver(lines)):
        Logger("test", observer=cast(ILogObserver, observer)).info(
            "{key} {key!r} {login}", key=SECRET, login=Login("me", SECRET)
        )
    (event,) = events
    for written in (text.getvalue(), lines.getvalue(), eventAsText(event), eventAsJSON(event)):
        assert "sesame" not in written
    assert text.getvalue().endswith("<secret> <secret> Login(user='me', password=<secret>)\n")
    assert json.loads(lines.getvalue().strip("\x1e"))["key"] != "sesame"


def test_no_traceback_shows_it() -> None:
    failure = Failure(ValueError(SECRET))
    assert failure.getErrorMessage() == "<secret>"
    assert "sesame" not in failure.getTraceback()


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("sesame", "sesame", True),
        ("sesame", "sesamf", False),
        ("sesame", "sesam", False),
        ("", "", True),
        ("ä", "a", False),
    ],
)
def test_two_secrets_are_compared(one: str, other: str, same: bool) -> None:
    assert Secret(one).matches(Secret(other)) is same


@given(st.text(), st.text())
def test_any_two_texts_match_when_they_are_the_same(one: str, other: str) -> None:
    assert Secret(one).matches(Secret(other)) == (one == other)
    assert Secret(one).matches(Secret(one))


def test_texts_that_are_no_proper_unicode_are_compared_too() -> None:
    assert Secret("\ud800").matches(Secret("\ud800"))
    assert not Secret("\ud800").matches(Secret("\ud801"))


def test_an_empty_secret_is_none() -> None:
    assert SECRET
    assert not Secret("")


def test_it_is_taken_out_of_what_others_say() -> None:
    assert Secret("key").blotted_out_of("the key is key") == "the <secret> is <secret>"
    assert Secret("").blotted_out_of("nothing") == "nothing"
