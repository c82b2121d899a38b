"""Text that must never be seen: keys, passwords and what a user authenticates with."""

from __future__ import annotations

import hmac

import attrs


@attrs.frozen(repr=False)
class Secret:
    """A text whose every printed form is ``<secret>``; only L{reveal} gives the text itself.

    @ivar _text: the secret text.
    """

    _text: str

    def reveal(self) -> str:
        """Give the text itself, to be sent to the one party that is meant to have it."""
        return self._text

    def matches(self, other: Secret) -> bool:
        """Tell whether both hold the same text, in a time that does not depend on where they differ."""
        return hmac.compare_digest(
            self._text.encode("utf-8", "surrogatepass"), other._text.encode("utf-8", "surrogatepass")
        )

    def blotted_out_of(self, text: str) -> str:
        """Give a text that somebody sent who has been told the secret, without it."""
        return text.replace(self._text, repr(self)) if self else text

    def __bool__(self) -> bool:
        return bool(self._text)

    def __repr__(self) -> str:
        return "<secret>"

    def __format__(self, format_spec: str) -> str:
        return "<secret>"
