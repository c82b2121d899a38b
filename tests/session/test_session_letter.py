"""Messages as they go over the wire: well-formed whatever is in them."""

from __future__ import annotations

import re
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from email.utils import parsedate_to_datetime

from hypothesis import given
from hypothesis import strategies as st

from webots_cloud.session.letter import MAX_SUBJECT, Letter, write_letter


def write(subject: str = "A server is down", lines: tuple[str, ...] = ()) -> Letter:
    return write_letter("webots@example.org", ("a@example.org", "b@example.org"), subject, lines, 86400)


def read(letter: Letter) -> EmailMessage:
    message = message_from_bytes(letter.content, policy=default)
    assert isinstance(message, EmailMessage)
    return message


def test_it_says_who_writes_to_whom_when_and_that_nobody_need_answer() -> None:
    message = read(write(lines=("Größe: 5 µm", "", "    http://a:2000/monitor", ".")))
    assert message["From"] == "webots-cloud <webots@example.org>"
    assert message["To"] == "a@example.org, b@example.org"
    assert message["Subject"] == "A server is down"
    assert parsedate_to_datetime(message["Date"]).timestamp() == 86400
    assert message["Auto-Submitted"] == "auto-generated"
    assert re.fullmatch(r"<\S+@example\.org>", message["Message-ID"])
    assert message.get_content_type() == "text/plain"
    assert message.get_content_charset() == "utf-8"
    assert message.get_content() == "Größe: 5 µm\r\n\r\n    http://a:2000/monitor\r\n.\r\n"


def test_each_has_an_id_of_its_own() -> None:
    assert read(write())["Message-ID"] != read(write())["Message-ID"]


def test_nothing_in_a_subject_is_a_header() -> None:
    message = read(write("down\r\nBcc: c@example.org\n\nbody\x00\u2028Subject: other"))
    assert message["Subject"] == "down Bcc: c@example.org body Subject: other"
    assert "Bcc" not in message


def test_what_looks_encoded_in_a_subject_is_not_decoded() -> None:
    message = read(write("=?utf-8?q?down=0D=0ABcc:_c=40example.org?= " * 3))
    assert message["Subject"].startswith("= ?utf-8?q?down=0D=0ABcc:_c=40example.org?= = ?utf-8")
    assert "Bcc" not in message


def test_a_subject_is_one_line_of_ascii_that_says_that_there_is_more() -> None:
    letter = write("Größe " * 50)
    assert letter.content.split(b"\r\n")[2] == b"Subject: " + letter.subject.encode("ascii")
    assert letter.subject.startswith("Gr??e Gr??e ")
    assert letter.subject.endswith("...")


@given(st.text(max_size=300), st.lists(st.text(max_size=1500), max_size=5))
def test_any_text_gives_a_message_with_the_same_headers_and_as_many_lines(subject: str, lines: list[str]) -> None:
    letter = write(subject, tuple(lines))
    message = read(letter)
    assert message.keys() == [
        "From",
        "To",
        "Subject",
        "Date",
        "Message-ID",
        "Auto-Submitted",
        "Content-Type",
        "Content-Transfer-Encoding",
        "MIME-Version",
    ]
    assert message["To"] == "a@example.org, b@example.org"
    assert message["Subject"] == letter.subject
    assert len(letter.subject) <= MAX_SUBJECT
    assert message.get_content().count("\n") == max(1, len(lines))
    assert letter.content.isascii()
    assert letter.content.count(b"\r") == letter.content.count(b"\n") == letter.content.count(b"\r\n")
    assert max(map(len, letter.content.split(b"\r\n"))) <= 998
