"""Events as text, in which nothing from outside can pass for a line of ours."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.logger import Logger, LogLevel, capturedLogs
from twisted.python.failure import Failure

from webots_cloud.log.lines import MESSAGE_CHARACTERS, fields, line, message, priority
from webots_cloud.secret import Secret

FORGED = "x\n2026-01-01T00:00:00+0000 [webots_cloud.session#info] simulations can be started"


def event(text: str = "{said}", level: LogLevel = LogLevel.info, **more: object) -> dict[str, object]:
    with capturedLogs() as events:
        Logger("webots_cloud.session.poller").emit(level, text, **more)
    return dict(events[0])


def test_a_line_has_a_time_a_level_and_who_says_it() -> None:
    assert re.fullmatch(
        r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d{4} \[webots_cloud\.session\.poller#warn\] hello Ada\n",
        line(event("hello {said}", LogLevel.warn, said="Ada")),
    )


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        (FORGED, "x\\n2026-01-01T00:00:00+0000 [webots_cloud.session#info] simulations can be started"),
        ("\x1b[31mred\x1b]0;title\x07", "\\x1b[31mred\\x1b]0;title\\x07"),
        ("a\rb\vc\fd\0e\x85f\u2028g\u2029h", "a\\rb\\x0bc\\x0cd\\x00e\\x85f\\u2028g\\u2029h"),
        ("\u202eturned\u2066", "\\u202eturned\\u2066"),
        ("half \ud83d of a sign", "half \\ud83d of a sign"),
        ("Zürich, 東京, naïve: fine", "Zürich, 東京, naïve: fine"),
    ],
)
def test_what_does_not_show_is_written_out(said: str, shown: str) -> None:
    assert message(event(said=said)) == shown


@given(st.text())
def test_whatever_is_said_is_one_line(said: str) -> None:
    written = line(event(said=said))
    assert len(written.splitlines()) == 1
    assert written.endswith("\n")
    assert written.encode("utf-8", "strict")


def failed(error: Exception) -> str:
    return line(event("{said} failed", said="something", log_failure=Failure(error)))


def test_a_traceback_is_in_lines_that_begin_with_a_tab() -> None:
    first, *others = failed(ValueError("nothing")).splitlines()
    assert first.endswith("] something failed")
    assert others[0].startswith("\tTraceback")
    assert others[-1].endswith("builtins.ValueError: nothing")
    assert all(other.startswith("\t") for other in others)


def test_the_text_of_an_error_forges_no_line() -> None:
    written = failed(ValueError(FORGED + "\x1b[31m"))
    assert len(re.findall(r"(?m)^\d{4}-", written)) == 1
    assert "\x1b" not in written


def test_what_is_endless_is_cut_in_its_middle() -> None:
    shown = message(event(said="a" * 10**6 + "z"))
    assert len(shown) < MESSAGE_CHARACTERS + 10
    assert shown.startswith("aaa")
    assert shown.endswith("aaz")


def test_what_cannot_be_formatted_is_a_line_still() -> None:
    class Broken:
        def __str__(self) -> str:
            raise ValueError(FORGED)

        __repr__ = __str__

    assert len(line(event(said=Broken())).splitlines()) == 1


@pytest.mark.parametrize(
    ("level", "number"),
    [("debug", 7), ("info", 6), ("warn", 4), ("error", 3), ("critical", 2)],
)
def test_levels_are_those_of_syslog(level: str, number: int) -> None:
    assert priority(event("x", LogLevel.levelWithName(level))) == number


def test_fields_are_lines_as_well_and_only_those_that_are_meant_to_be() -> None:
    found = dict(fields(event("x", project=FORGED, instance=0, user="", session=None, password="sesame")))
    assert found == {
        "LOGGER": "webots_cloud.session.poller",
        "PROJECT": FORGED.replace("\n", "\\n"),
        "INSTANCE": "0",
    }


def test_a_secret_is_none_in_a_line_and_in_a_field() -> None:
    secret = event("{said} {project}", said=Secret("sesame"), project=Secret("sesame"))
    assert "sesame" not in line(secret) + str(dict(fields(secret)))
