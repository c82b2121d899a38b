"""Names that come from outside, and what may become of them."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webots_cloud.host.names import MAX_NAME, AccountName, account_name, controller_of, is_plain
from webots_cloud.host.refusals import BadName

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


@pytest.mark.parametrize(
    ("text", "shown", "key"),
    [
        ("Ada", "Ada", "ada"),
        ("  Ada   Lovelace ", "Ada Lovelace", "ada lovelace"),
        ("\uff32obot\uff17", "Robot7", "robot7"),
        ("STRASSE", "STRASSE", "strasse"),
        ("Straße", "Straße", "strasse"),
        ("Zoe\u0308", "Zoë", "zoë"),
        ("机器人", "机器人", "机器人"),
        ("a.b-c_d", "a.b-c_d", "a.b-c_d"),
    ],
)
def test_names_of_accounts_that_people_take_for_the_same_are_the_same(text: str, shown: str, key: str) -> None:
    assert account_name(text) == AccountName(shown, key)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a",
        "x" * 41,
        "x" * 10**6,
        "ﷺ" * 40,
        "<b>Ada</b>",
        "Ada\0",
        "Ada\u202e",
        "Ada\u200b",
        "Ada\ud800",
        "..",
        "' OR 1=1 --",
        "a/b",
    ],
)
def test_what_is_no_name_of_an_account_is_refused(text: str) -> None:
    with pytest.raises(BadName):
        account_name(text)
