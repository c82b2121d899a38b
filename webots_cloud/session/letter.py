"""A message to the administrator as it goes over the wire (RFC 5322): nothing that others said becomes a header."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, make_msgid

import attrs

from webots_cloud.errors import quoted

MAX_SUBJECT = 150
"""How many characters a subject may have."""

MAX_LINE = 1000
"""How many characters a line of the body may have."""


@attrs.frozen
class Letter:
    """A message.

    @ivar sender: the address that it is from.
    @ivar recipients: the addresses that it is for.
    @ivar subject: what it is about.
    @ivar content: headers and body, in lines that end with CR LF, of ASCII only.
    """

    sender: str
    recipients: tuple[str, ...]
    subject: str
    content: bytes


def write_letter(sender: str, recipients: Sequence[str], subject: str, lines: Sequence[str], now: float) -> Letter:
    """Write a message.

    @param sender: an address, without a name.
    @param recipients: addresses, without names.
    @param subject: any text.
    @param lines: any texts; each becomes one line, and may begin with spaces.
    @param now: the time, in seconds since 1970.
    """
    message = EmailMessage(SMTP)
    subject = _headline(subject)
    message["From"] = Address("webots-cloud", addr_spec=sender)
    message["To"] = [Address(addr_spec=recipient) for recipient in recipients]
    message["Subject"] = subject
    message["Date"] = format_datetime(datetime.datetime.fromtimestamp(now, datetime.UTC))
    message["Message-ID"] = make_msgid(domain=sender.rpartition("@")[2])
    # Out-of-office replies are not for programs (RFC 3834).
    message["Auto-Submitted"] = "auto-generated"
    body = "".join(
        f"{' ' * (len(line) - len(line.lstrip(' ')))}{quoted(line, MAX_LINE)}".rstrip() + "\n" for line in lines
    )
    message.set_content(body, charset="utf-8", cte="quoted-printable")
    # Python folds a long subject after its name, where some programs then see an empty one.
    return Letter(sender, tuple(recipients), subject, message.as_bytes(policy=SMTP.clone(max_line_length=998)))


def _headline(text: str) -> str:
    """Make a text a subject: of ASCII, as it is then shown as it is, and without what would be decoded (RFC 2047)."""
    shown = quoted(text, MAX_SUBJECT - 2).replace("…", "...").replace("=?", "= ?")
    return shown.encode("ascii", "replace").decode("ascii")[:MAX_SUBJECT]
