"""What is wrong in a configuration, as an operator reads it: one line for each mistake."""

from __future__ import annotations

from collections.abc import Sequence

import attrs


@attrs.frozen
class Mistake:
    """One thing wrong in a configuration.

    @ivar line: its line in the file, from 1; C{None} where the file does not mention it.
    @ivar section: the section's name; empty where none is concerned.
    @ivar option: the option's name; empty where none is concerned.
    @ivar what: what is wrong and what would be right.
    """

    file: str
    line: int | None
    section: str
    option: str
    what: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        names = " ".join(name for name in (f"[{self.section}]" if self.section else "", self.option) if name)
        return f"{place}: {names}: {self.what}" if names else f"{place}: {self.what}"


class ConfigError(Exception):
    """The configuration has mistakes; its text has a line for each of them.

    @ivar mistakes: all that were found.
    """

    def __init__(self, mistakes: Sequence[Mistake]) -> None:
        super().__init__("\n".join(str(mistake) for mistake in mistakes))
        self.mistakes = tuple(mistakes)
