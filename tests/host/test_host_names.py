"""Names that come from outside, and what may become of them."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webots_cloud.host.names import MAX_NAME, controller_of, is_plain

HOSTILE = ["", ".", "..", ".hidden", "a/b", "/etc", "a\\b", "a\0b", "a\n", "a b", "é", "x" * (MAX_NAME + 1), "a:b", "~"]


@pytest.mark.parametrize("name", ["simple", "4_wheels-robot.wbt", "-", "a..b", "x" * MAX_NAME])
def test_plain_names_are_taken(name: str) -> None:
    assert is_plain(name)


@pytest.mark.parametrize("name", HOSTILE)
def test_names_that_could_lead_elsewhere_are_refused(name: str) -> None:
    assert not is_plain(name)


@given(st.text(max_size=100))
def test_a_name_that_is_taken_stays_in_its_folder(name: str) -> None:
    if is_plain(name):
        assert os.path.normpath(os.path.join("/folder", name)) == f"/folder/{name}"
        assert os.path.basename(name) == name


def test_a_controller_is_found_in_a_directory_name() -> None:
    assert controller_of("simple/controllers/drive") == ("simple", "drive")


@pytest.mark.parametrize(
    "dirname",
    [
        "simple",
        "simple/controllers",
        "simple/worlds/drive",
        "simple/controllers/drive/deeper",
        "/simple/controllers/drive",
        "simple/controllers/drive/",
        *(f"{name}/controllers/drive" for name in HOSTILE),
        *(f"simple/controllers/{name}" for name in HOSTILE),
    ],
)
def test_directory_names_of_anything_else_are_refused(dirname: str) -> None:
    assert controller_of(dirname) is None
