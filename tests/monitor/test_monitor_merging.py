"""Merge patches (RFC 7396)."""

from __future__ import annotations

import pytest

from webots_cloud.monitor.merging import Document, known, merge_patch


@pytest.mark.parametrize(
    ("before", "after", "patch"),
    [
        ({}, {}, {}),
        ({"a": 1}, {"a": 1}, {}),
        ({"a": 1}, {"a": 2, "b": {"c": 1}}, {"a": 2, "b": {"c": 1}}),
        ({"a": 1, "b": 2}, {"b": 2}, {"a": None}),
        ({"a": {"b": 1, "c": 2}}, {"a": {"b": 1, "c": 3}}, {"a": {"c": 3}}),
        ({"a": {"b": {"c": 1}}}, {"a": {"b": {}}}, {"a": {"b": {"c": None}}}),
        ({"a": [1, 2]}, {"a": [1, 2, 3]}, {"a": [1, 2, 3]}),
        ({"a": {"b": 1}}, {"a": 1}, {"a": 1}),
        ({"a": 1}, {"a": {"b": 1}}, {"a": {"b": 1}}),
        ({"a": 1}, {"a": True}, {}),
    ],
)
def test_a_patch_has_what_is_different_and_nothing_else(before: Document, after: Document, patch: Document) -> None:
    assert merge_patch(before, after) == patch


def test_what_is_not_known_is_not_there() -> None:
    assert known(a=None, b=0, c="", d=False) == {"b": 0, "c": "", "d": False}
