"""What Webots answers is read strictly, and its body ends where its head says."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webots_cloud.errors import BadAnswer
from webots_cloud.simulation.proxy.answer import Body, ChunkedBody, EndlessBody, SizedBody, body_of, parse_head


def test_a_head_is_read() -> None:
    head = parse_head(b"HTTP/1.1 200 OK\r\nContent-Type:text/html \r\nX-A: b\r\nx-a:\tc")
    assert head.status == 200
    assert head.fields == {b"content-type": (b"text/html",), b"x-a": (b"b", b"c")}
    assert parse_head(b"HTTP/1.0 404 ").status == 404
    assert parse_head(b"HTTP/1.0 404").fields == {}


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"hello",
        b"HTTP/2 200 OK",
        b"HTTP/1.1 600 OK",
        b"HTTP/1.1 20 OK",
        b"HTTP/1.1  200 OK",
        b" HTTP/1.1 200 OK",
        b"HTTP/1.1 200 OK\nX: y",
        b"HTTP/1.1 200 OK\r\nX y",
        b"HTTP/1.1 200 OK\r\nX : y",
        b"HTTP/1.1 200 OK\r\n: y",
        b"HTTP/1.1 200 OK\r\nX: y\r\n folded",
        b"HTTP/1.1 200 OK\r\nX: y\nZ: w",
        b"HTTP/1.1 200 OK\r\nX: y\rZ: w",
        b"HTTP/1.1 200 OK\r\nX: y\x00",
        b"HTTP/1.1 200 OK" + b"\r\nX: y" * 101,
    ],
)
def test_what_is_no_head_is_refused(data: bytes) -> None:
    with pytest.raises(BadAnswer):
        parse_head(data)


@given(st.binary(max_size=100))
def test_any_bytes_are_a_head_or_refused(data: bytes) -> None:
    for beginning in (b"", b"HTTP/1.1 200 OK\r\n"):
        try:
            head = parse_head(beginning + data)
        except BadAnswer:
            continue
        for name, values in head.fields.items():
            assert not set(name + b"".join(values)) & set(b"\r\n\x00")


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        (b"", EndlessBody),
        (b"\r\nContent-Length: 5", SizedBody),
        (b"\r\nTransfer-Encoding: Chunked", ChunkedBody),
    ],
)
def test_a_body_ends_as_its_head_says(fields: bytes, kind: type) -> None:
    assert isinstance(body_of(parse_head(b"HTTP/1.1 200 OK" + fields)), kind)


@pytest.mark.parametrize("status", [204, 304])
def test_some_answers_have_no_body(status: int) -> None:
    assert body_of(parse_head(b"HTTP/1.1 %d x\r\nContent-Length: 5" % status)).complete
    assert body_of(parse_head(b"HTTP/1.1 %d x" % status)).complete


@pytest.mark.parametrize(
    "fields",
    [
        b"Content-Length: 5\r\nContent-Length: 5",
        b"Content-Length: 5\r\nContent-Length: 6",
        b"Content-Length: 5\r\nTransfer-Encoding: chunked",
        b"Content-Length: -5",
        b"Content-Length: +5",
        b"Content-Length: 5, 5",
        b"Content-Length: 0x5",
        b"Content-Length:",
        b"Content-Length: " + b"9" * 16,
        b"Transfer-Encoding: gzip, chunked",
        b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
        b"Transfer-Encoding: identity",
    ],
)
def test_a_body_without_one_length_is_refused(fields: bytes) -> None:
    with pytest.raises(BadAnswer):
        body_of(parse_head(b"HTTP/1.1 200 OK\r\n" + fields))


def fed(body: Body, data: bytes, step: int) -> bytes:
    """Give a body some data piece by piece."""
    return b"".join(body.take(data[at : at + step]) for at in range(0, len(data), step))


@given(st.binary(max_size=200), st.integers(1, 50))
def test_a_sized_body_ends_in_time(data: bytes, step: int) -> None:
    body = SizedBody(100)
    assert fed(body, data, step) == data[:100]
    assert body.complete == (len(data) >= 100)


@given(st.lists(st.binary(min_size=1, max_size=40), max_size=5), st.integers(1, 50), st.booleans(), st.booleans())
def test_chunks_are_put_together_however_they_are_cut(
    chunks: list[bytes], step: int, extended: bool, trailers: bool
) -> None:
    extension, trailer = b";a=b" if extended else b"", b"X: y\r\n" if trailers else b""
    data = b"".join(b"%x%s\r\n%s\r\n" % (len(chunk), extension, chunk) for chunk in chunks)
    body = ChunkedBody()
    content = fed(body, data, step)
    assert not body.complete
    content += fed(body, b"0\r\n" + trailer + b"\r\nmore", step)
    assert body.complete
    assert content == b"".join(chunks)


@pytest.mark.parametrize("step", [1, 7, 10000])
@pytest.mark.parametrize(
    "data",
    [
        b"x\r\n",
        b"-1\r\n",
        b"0x5\r\nhello",
        b"\r\n",
        b"5\nhello\r\n",
        b"5\r\nhelloworld\r\n",
        b"5\r\nhello5\r\nworld\r\n",
        b"5" * 300 + b"\r\n",
        b"5;" + b"a" * 300 + b"\r\n",
        b"f" * 13 + b"\r\n",
        b"0\r\n" + b"a" * 300,
    ],
)
def test_what_is_no_chunk_is_refused(data: bytes, step: int) -> None:
    with pytest.raises(BadAnswer):
        fed(ChunkedBody(), data + b"\r\n", step)


def test_a_flood_of_tiny_chunks_is_not_read() -> None:
    with pytest.raises(BadAnswer):
        ChunkedBody().take(b"1\r\na\r\n" * 1000)
