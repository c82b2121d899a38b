"""Form fields out of hostile bodies."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webots_cloud.errors import ClientError
from webots_cloud.host.forms import MAX_FIELDS, field, read_form
from webots_cloud.host.refusals import BadForm, MissingField, RepeatedField

URLENCODED = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data; boundary=BOUNDARY"


def multipart(*fields: tuple[str, bytes], extra: str = "") -> bytes:
    parts = (
        b'--BOUNDARY\r\nContent-Disposition: form-data; name="%b"%b\r\n\r\n%b\r\n'
        % (name.encode(), extra.encode(), text)
        for name, text in fields
    )
    return b"".join(parts) + b"--BOUNDARY--\r\n"


def test_both_encodings_give_the_same() -> None:
    wanted = {"project": "simple", "content": "print('é & +')", "customData": ""}
    assert read_form(f"{URLENCODED}; charset=UTF-8", urlencode(wanted).encode()) == wanted
    assert read_form(MULTIPART, multipart(*((name, text.encode()) for name, text in wanted.items()))) == wanted


def test_line_ends_that_the_browser_changed_are_changed_back() -> None:
    assert read_form(MULTIPART, multipart(("content", b"a\r\nb\r\n"))) == {"content": "a\nb\n"}


def test_line_ends_of_a_file_stay() -> None:
    body = multipart(("content", b"a\r\nb"), extra='; filename="a.txt"')
    assert read_form(MULTIPART, body) == {"content": "a\r\nb"}


def test_a_field_that_lacks_is_named() -> None:
    with pytest.raises(MissingField, match="missing field: key"):
        field({"project": "simple"}, "key")


@pytest.mark.parametrize(
    ("content_type", "body"),
    [(URLENCODED, b"key=a&key=b"), (MULTIPART, multipart(("key", b"a"), ("key", b"b")))],
)
def test_a_field_that_is_there_twice_is_refused(content_type: str, body: bytes) -> None:
    with pytest.raises(RepeatedField, match="key"):
        read_form(content_type, body)


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("", b"project=simple"),
        ("application/json", b"{}"),
        ("multipart/form-data", multipart(("a", b"b"))),
        ("multipart/form-data; boundary=OTHER", multipart(("a", b"b"))),
        (MULTIPART, b"--BOUNDARY\r\nnonsense"),
        (MULTIPART, multipart(("a", b"b"))[:-20]),
        (MULTIPART, multipart(("a", b"\xff"))),
        (MULTIPART, multipart(*((f"a{number}", b"") for number in range(MAX_FIELDS + 1)))),
        (URLENCODED, b"a=%ff"),
        (URLENCODED, b"\xff=b"),
        (URLENCODED, b"&".join(b"a%d=" % number for number in range(MAX_FIELDS + 1))),
    ],
)
def test_what_is_no_form_is_refused(content_type: str, body: bytes) -> None:
    with pytest.raises(BadForm):
        read_form(content_type, body)


@given(
    st.sampled_from([URLENCODED, MULTIPART, "multipart/form-data; boundary=", "; boundary"]), st.binary(max_size=500)
)
def test_any_body_is_a_form_or_refused(content_type: str, body: bytes) -> None:
    try:
        form = read_form(content_type, body)
    except ClientError:
        return
    assert all(isinstance(name, str) and isinstance(text, str) for name, text in form.items())


@given(st.binary(max_size=300))
def test_any_multipart_content_arrives_as_it_is_or_is_refused(content: bytes) -> None:
    if b"BOUNDARY" in content:
        return
    try:
        text = content.decode()
    except UnicodeDecodeError:
        with pytest.raises(BadForm):
            read_form(MULTIPART, multipart(("content", content)))
    else:
        assert read_form(MULTIPART, multipart(("content", content))) == {"content": text.replace("\r\n", "\n")}
