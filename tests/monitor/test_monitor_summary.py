"""What a simulation server says of itself in a header."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webots_cloud.monitor.summary import NOTHING, Summary, parse_summary

FULL = Summary(3, 1, 100, 2, "1.0.0", "Webots R2023b")


def test_what_is_said_is_read() -> None:
    text = 'instances=3, idle=1, capacity=100, waiting=2, version="1.0.0", simulator="Webots R2023b"'
    assert FULL.header() == text
    assert parse_summary(text) == FULL


@pytest.mark.parametrize(
    ("header", "known"),
    [
        ("", NOTHING),
        ("instances=3", Summary(instances=3)),
        ('  instances=3 ,version="2"', Summary(instances=3, version="2")),
        ('instances="3", version=2, load=5, idle=-1, waiting=1234567, capacity=٣', NOTHING),
        ("instances=3, instances=4", Summary(instances=4)),
        ('simulator="a"b", idle=2', Summary(idle=2)),
        (f'version="{"x" * 61}", idle=2', Summary(idle=2)),
        ('version="<b>\x1b[31m", version="\xff"', NOTHING),
    ],
)
def test_of_anything_else_what_is_well_formed_is_taken(header: str, known: Summary) -> None:
    assert parse_summary(header) == known


def test_no_more_is_looked_at_than_a_server_would_say() -> None:
    assert parse_summary("x," * 500 + "idle=1") == NOTHING


@given(st.text())
def test_no_header_breaks_the_reading_of_it(header: str) -> None:
    parse_summary(header)


@given(st.text(), st.text())
def test_whatever_a_simulator_is_called_the_rest_is_read(version: str, simulator: str) -> None:
    header = Summary(1, 2, 3, 4, version, simulator).header()
    assert header.isascii()
    assert header.isprintable()
    read = parse_summary(header)
    assert (read.instances, read.idle, read.capacity, read.waiting) == (1, 2, 3, 4)
    assert read.version
    assert read.simulator
