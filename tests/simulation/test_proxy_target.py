"""Paths of requests to Webots: plain names pass, tricks do not, and what passes can be read in one way only."""

from __future__ import annotations

from urllib.parse import unquote_to_bytes

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webots_cloud.errors import NotPassedOn
from webots_cloud.simulation.proxy.target import LONGEST_TARGET, checked_target


@pytest.mark.parametrize(
    ("path", "query", "target"),
    [
        (b"", b"", b"/"),
        (b"/", b"", b"/"),
        (b"/textures/grass.jpg", b"", b"/textures/grass.jpg"),
        (b"/robot_windows/e-puck/", b"", b"/robot_windows/e-puck/"),
        (b"/~a-b_c.d!$&'()*+,;=:@e", b"", b"/~a-b_c.d!$&'()*+,;=:@e"),
        (b"/.hidden/..two/three...", b"", b"/.hidden/..two/three..."),
        (b"/%7euser/%C3%A9t%c3%a9/a%20b", b"", b"/~user/%C3%A9t%C3%A9/a%20b"),
        (b'/a|b"c', b"", b"/a%7Cb%22c"),
        (b"/\xc3\xa9", b"", b"/%C3%A9"),
        (b"/100%25", b"", b"/100%25"),
        (b"/%252e%252e/x", b"", b"/%252e%252e/x"),
        (b"", b"name=a%20b&c=/?d", b"/?name=a%20b&c=/?d"),
    ],
)
def test_plain_names_pass(path: bytes, query: bytes, target: bytes) -> None:
    assert checked_target(path, query) == target


@pytest.mark.parametrize(
    "path",
    [
        b"/..",
        b"/../etc/passwd",
        b"/a/../../b",
        b"/%2e%2e/b",
        b"/.%2E/b",
        b"/./b",
        b"/.",
        b"/%2e",
        b"/...",
        b"/.%20.",
        b"/%20",
        b"//etc/passwd",
        b"/a//b",
        b"///",
        b"/a%2fb",
        b"/a%2Fb",
        b"/..%2f..%2fetc",
        b"/a\\b",
        b"/a%5cb",
        b"/..%5c..",
        b"/a%00b",
        b"/a%0d%0aX-Header:%20b",
        b"/a%0a",
        b"/a%7f",
        b"/%c2%80",
        b"/a%",
        b"/a%2",
        b"/a%zz",
        b"/%u002e",
        b"/a#b",
        b"/%c0%ae%c0%ae/b",
        b"/%ff",
        b"/" + b"a" * 256,
        b"/a" * 2000,
    ],
)
def test_tricks_do_not_pass(path: bytes) -> None:
    with pytest.raises(NotPassedOn):
        checked_target(path, b"")


@pytest.mark.parametrize("query", [b"a%", b"a%0d%0aX", b"a%00", b"a#b", b"a\\b", b"a b", b'a"b', b"\xff", b"a" * 3000])
def test_queries_are_checked_too(query: bytes) -> None:
    with pytest.raises(NotPassedOn):
        checked_target(b"/", query)


@given(st.lists(st.binary(max_size=12), max_size=6), st.binary(max_size=20))
def test_what_passes_is_one_line_of_names(segments: list[bytes], query: bytes) -> None:
    path = b"".join(b"/" + segment for segment in segments)
    try:
        target = checked_target(path, query)
    except NotPassedOn:
        return
    assert target.isascii()
    assert not set(target) & (set(range(33)) | set(b'\x7f\\#"<>'))
    path, _, _ = target.partition(b"?")
    names = [unquote_to_bytes(name) for name in path.split(b"/")[1:]]
    assert b"" not in names[:-1]
    assert not {b".", b".."} & set(names)
    assert checked_target(path, b"") == path
    assert len(path) <= 3 * LONGEST_TARGET
