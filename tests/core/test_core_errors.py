"""What web clients are told: one clean sentence for each failure."""

from __future__ import annotations

import string
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webots_cloud import errors
from webots_cloud.errors import MAX_QUOTED, ClientError, HostRefused, UnknownHost, quoted

# Those of the website host come after "Error: " and begin in the middle of a sentence.
ERRORS = [error for error in ClientError.__subclasses__() if error.__module__ == errors.__name__]


def made(error: type[ClientError], value: object) -> ClientError:
    """Make an error whose every field has this value."""
    names = [name for _, name, _, _ in string.Formatter().parse(error.sentence) if name]
    return error(detail="for the log", **dict.fromkeys(names, value))


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: error.__name__)
def test_every_failure_is_told_in_one_sentence(error: type[ClientError]) -> None:
    made_error = made(error, "Something")
    told = str(made_error)
    assert told[0].isupper()
    # What a host says is at the end, in its own words.
    assert told.endswith("." if error is not HostRefused else ": Something")
    assert not {"{", "}"} & set(told)
    assert len(told) < 150
    assert made_error.detail == "for the log"
    assert "log" not in told.replace("in the log.", "")


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: error.__name__)
@given(value=st.text() | st.integers() | st.none() | st.binary())
def test_no_value_makes_more_than_one_line_or_one_that_is_too_long(error: type[ClientError], value: object) -> None:
    told = str(made(error, value))
    assert told.isprintable() or not str(value).isprintable()
    assert "\n" not in told
    assert len(told) <= len(error.sentence) + MAX_QUOTED * error.sentence.count("{")


def test_each_failure_has_a_sentence_of_its_own() -> None:
    assert len({error.sentence for error in ERRORS}) == len(ERRORS) > 20


def test_nothing_is_told_as_such() -> None:
    for nothing in ("", " \n", "\0", "\u202e"):
        assert str(UnknownHost(host=nothing)).startswith("The website (nothing) is not known")


def test_braces_from_outside_are_nothing_but_braces() -> None:
    assert str(HostRefused(host="{answer}", answer="{host} {0} {x.y}")).endswith(
        "{answer} does not give the project: {host} {0} {x.y}"
    )


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("4_wheels_robot.wbt", "4_wheels_robot.wbt"),
        ("a\nb\r\n\tc", "a b c"),
        ("  a  b  ", "a b"),
        ("\x1b[2Ja\0b\x9bc", "[2Ja b c"),
        ("evil\u202etxt.exe", "evil txt.exe"),
        ("a\u2028b\u200bc\ue000d", "a b c d"),
        ("\ud800", ""),
        ("école 世界 🤖", "école 世界 🤖"),
        (5, "5"),
        (None, "None"),
    ],
)
def test_a_text_from_outside_is_shown_on_one_line_without_what_cannot_be_seen(text: object, shown: str) -> None:
    assert quoted(text) == shown


def test_a_long_text_is_cut_where_one_can_see_it() -> None:
    assert quoted("x" * MAX_QUOTED) == "x" * MAX_QUOTED
    assert quoted("x" * (MAX_QUOTED + 1)) == "x" * (MAX_QUOTED - 1) + "…"
    assert quoted("x" * 10**7, 5) == "xxxx…"


@given(st.text(), st.integers(1, 100))
def test_what_is_shown_is_bounded_and_has_no_control_characters(text: str, length: int) -> None:
    shown = quoted(text, length)
    assert len(shown) <= length
    assert not [character for character in shown if character != " " and unicodedata.category(character)[0] in "CZ"]
    assert shown == shown.strip()
    shown.encode("utf-8")
