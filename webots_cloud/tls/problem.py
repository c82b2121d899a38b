"""What goes wrong between this server and a certificate authority, in its own words (RFC 8555 section 6.7)."""

from __future__ import annotations

import email.utils
import json
import re
from typing import Any

from twisted.web.http_headers import Headers

from webots_cloud.errors import quoted

MAX_SENTENCE = 400
"""How many characters of what an authority says are shown."""

LONGEST_WAIT = 7 * 86400.0
"""How long, in seconds, an authority may have this server wait."""

_PREFIX = "urn:ietf:params:acme:error:"


class AcmeError(Exception):
    """A step on the way to a certificate failed; the text names the host name, the step and what the authority said.

    @ivar step: what was being done.
    @ivar said: what happened, as a sentence without an end.
    @ivar kind: the authority's name for the problem, such as C{rateLimited}; empty if it gave none.
    @ivar retry_after: the seconds that the authority asks to wait; C{None} if it does not.
    @ivar everywhere: whether certificates for other names would fail in the same way.
    @ivar name: the host name that the certificate was for; empty if the step is not about one.
    """

    def __init__(
        self,
        step: str,
        said: str,
        *,
        kind: str = "",
        retry_after: float | None = None,
        everywhere: bool = False,
        name: str = "",
    ) -> None:
        super().__init__(f"{name}: {step}: {said}" if name else f"{step}: {said}")
        self.step = step
        self.said = said
        self.kind = kind
        self.retry_after = retry_after
        self.everywhere = everywhere
        self.name = name

    def about(self, name: str) -> AcmeError:
        """Give the same failure, with the host name that the certificate was for."""
        return AcmeError(
            self.step,
            self.said,
            kind=self.kind,
            retry_after=self.retry_after,
            everywhere=self.everywhere,
            name=name,
        )


def problem_kind(document: Any) -> str:
    """Give the authority's name for a problem, without the prefix that all of them have."""
    kind = document.get("type") if isinstance(document, dict) else None
    return kind.removeprefix(_PREFIX) if isinstance(kind, str) else ""


def problem_sentence(document: Any) -> str:
    """Put what a problem document says into one line.

    @return: empty, if it says nothing.
    """
    if not isinstance(document, dict):
        return ""
    said = [str(document["detail"])] if document.get("detail") else []
    subproblems = document.get("subproblems")
    for part in subproblems if isinstance(subproblems, list) else []:
        if isinstance(part, dict):
            identifier = part.get("identifier")
            about = f"{identifier.get('value')}: " if isinstance(identifier, dict) else ""
            said.append(f"{about}{part.get('detail', '')}")
    kind = problem_kind(document)
    sentence = quoted("; ".join(said).rstrip("."), MAX_SENTENCE)
    return f"{sentence} ({quoted(kind)})" if sentence and kind else sentence or quoted(kind)


def parse_problem(body: bytes) -> Any:
    """Read a problem document.

    @return: C{None} if it is none.
    """
    try:
        return json.loads(body)
    except ValueError:
        return None


def parse_retry_after(headers: Headers, now: float) -> float | None:
    """Read how long an answer asks to wait (RFC 9110 section 10.2.3).

    @param now: seconds since 1970.
    @return: seconds; C{None} if it does not ask for that.
    """
    value = (headers.getRawHeaders("retry-after") or [""])[0].strip()
    if re.fullmatch("[0-9]{1,9}", value):
        return min(float(value), LONGEST_WAIT)
    try:
        until = email.utils.parsedate_to_datetime(value)
    except ValueError:
        return None
    return min(max(0.0, until.timestamp() - now), LONGEST_WAIT)
