"""Form fields out of a request's body, in both encodings that browsers and simulation servers use."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping
from urllib.parse import parse_qsl

from multipart import MultipartError, MultipartParser, parse_options_header  # type: ignore[import-untyped]  # no stubs

from webots_cloud.host.refusals import BadForm, MissingField, RepeatedField

MAX_FIELDS = 32
"""How many fields a form may have."""


def read_form(content_type: str, body: bytes) -> Mapping[str, str]:
    """Read a form; this may take a while, so call it in a thread.

    @param content_type: the header of that name.
    @param body: at most as long as L{webots_cloud.host.bounds.MAX_BODY_BYTES}.
    @raise BadForm: if it is none, has more than L{MAX_FIELDS} fields, or holds what is no UTF-8.
    @raise RepeatedField: if a field is there twice, as two programs would see two different ones.
    """
    kind, options = parse_options_header(content_type)
    try:
        if kind == "application/x-www-form-urlencoded":
            return _once(_urlencoded(body))
        if kind == "multipart/form-data":
            return _once(_multipart(options.get("boundary", ""), body))
    except (MultipartError, ValueError) as error:
        raise BadForm(str(error)) from error
    raise BadForm(f"content type {kind}")


def field(form: Mapping[str, str], name: str) -> str:
    """Give a field that must be there.

    @raise MissingField: if it is not.
    """
    if name not in form:
        raise MissingField(field=name)
    return form[name]


def _urlencoded(body: bytes) -> Iterable[tuple[str, str]]:
    return parse_qsl(body.decode("utf-8"), keep_blank_values=True, errors="strict", max_num_fields=MAX_FIELDS)


def _multipart(boundary: str, body: bytes) -> Iterable[tuple[str, str]]:
    whole = len(body) + 1
    parser = MultipartParser(
        io.BytesIO(body), boundary, part_limit=MAX_FIELDS, spool_limit=whole, memory_limit=whole, disk_limit=0
    )
    for part in parser:
        text = part.raw.decode("utf-8")
        # A browser turns every line end of a text field, not of a file, into CR LF (HTML, section on form submission);
        # a script whose first line ends so would not run.
        yield part.name or "", text if part.filename else text.replace("\r\n", "\n")


def _once(fields: Iterable[tuple[str, str]]) -> Mapping[str, str]:
    form: dict[str, str] = {}
    for name, value in fields:
        if name in form:
            raise RepeatedField(field=name)
        form[name] = value
    return form
