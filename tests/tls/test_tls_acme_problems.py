"""What authorities say when something goes wrong, as one line; and how long they ask to wait."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.web.http_headers import Headers

from webots_cloud.tls.problem import (
    LONGEST_WAIT,
    MAX_SENTENCE,
    AcmeError,
    parse_problem,
    parse_retry_after,
    problem_kind,
    problem_sentence,
)

RATE_LIMITED = {"type": "urn:ietf:params:acme:error:rateLimited", "detail": "too many certificates already issued."}


@pytest.mark.parametrize(
    ("document", "sentence"),
    [
        (RATE_LIMITED, "too many certificates already issued (rateLimited)"),
        ({"type": "urn:ietf:params:acme:error:malformed"}, "malformed"),
        ({"type": "about:blank", "detail": "no"}, "no (about:blank)"),
        ({"detail": "one\r\ntwo\x1b[31m"}, "one two [31m"),
        (
            {
                "type": "urn:ietf:params:acme:error:rejectedIdentifier",
                "detail": "some names are refused",
                "subproblems": [
                    {"detail": "not here", "identifier": {"type": "dns", "value": "a.example.org"}},
                    {"detail": "not there"},
                    "nonsense",
                ],
            },
            "some names are refused; a.example.org: not here; not there (rejectedIdentifier)",
        ),
        ({}, ""),
        ([], ""),
        (None, ""),
        ({"type": 7, "detail": None, "subproblems": 3}, ""),
    ],
)
def test_a_problem_is_a_line(document: Any, sentence: str) -> None:
    assert problem_sentence(document) == sentence


def test_a_long_problem_is_cut() -> None:
    assert len(problem_sentence({"detail": "a" * 100_000})) == MAX_SENTENCE


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["type", "detail", "subproblems", "x"]), inner),
)


@given(json_values)
def test_whatever_an_authority_says_is_a_line_of_bounded_length(document: Any) -> None:
    sentence = problem_sentence(document)

    assert sentence.isprintable()
    assert len(sentence) < 2 * MAX_SENTENCE
    assert isinstance(problem_kind(document), str)


def test_what_is_no_json_is_no_problem_document() -> None:
    assert parse_problem(b"<html>") is None
    assert parse_problem(b"\xff") is None


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120),
        (" 0 ", 0),
        ("999999999", LONGEST_WAIT),
        ("Thu, 01 Jan 1970 00:20:00 GMT", 200),
        ("Thu, 01 Jan 1970 00:00:01 GMT", 0),
        ("Fri, 01 Jan 2100 00:00:00 GMT", LONGEST_WAIT),
        ("soon", None),
        ("-5", None),
        ("1.5", None),
        ("", None),
    ],
)
def test_an_authority_asks_to_wait(value: str, seconds: float | None) -> None:
    assert parse_retry_after(Headers({"Retry-After": [value]}), 1000) == seconds


def test_an_authority_does_not_ask_to_wait() -> None:
    assert parse_retry_after(Headers(), 1000) is None


def test_an_error_names_the_host_name_the_step_and_what_was_said() -> None:
    error = AcmeError("ordering", "the authority says: no", kind="k", retry_after=5, everywhere=True)

    named = error.about("a.example.org")

    assert str(error) == "ordering: the authority says: no"
    assert str(named) == "a.example.org: ordering: the authority says: no"
    assert (named.kind, named.retry_after, named.everywhere) == ("k", 5, True)
