"""Looks whether mail to the administrator can be sent."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from webots_cloud.command.looking.finding import Finding, fine, note, wrong
from webots_cloud.config import SessionConfig
from webots_cloud.session.mail import try_mail
from webots_cloud.session.outbox import NotSent

_SECONDS = 30.0


async def mail(reactor: Any, config: SessionConfig, send: bool) -> AsyncIterator[Finding]:
    """Connect to the mail server, and log in.

    @param send: whether to send the administrator a message as well.
    """
    if not config.administrator:
        yield note("mail", "nobody gets any; give administrator, mailServer and mailSender for mail of trouble")
        return
    if list(config.contradictions()):
        yield wrong("mail", "it was not tried, as options do not go together; see above")
        return
    try:
        await try_mail(reactor, config, _SECONDS, send=send)
    except NotSent as error:
        yield wrong("mail", str(error))
    else:
        who = ", ".join(config.administrator)
        yield fine("mail", f"a message was sent to {who}" if send else f"{config.mailServer} takes mail to {who}")
