"""What a controller prints, cut into messages of whole lines; bounded, whatever the controller prints."""

import codecs

LONGEST_LINE = 4096


class Lines:
    """Turns chunks of bytes into texts of one or more whole lines."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._rest = ""

    def feed(self, data: bytes) -> str | None:
        """Take a chunk.

        @return: the lines that are complete now, without the last line's end, or ``None`` where none is. A line
            that is too long is cut into several.
        """
        text = self._rest + self._decoder.decode(data)
        whole, newline, self._rest = text.rpartition("\n")
        if len(self._rest) >= LONGEST_LINE:
            whole, newline, self._rest = (text, "\n", "")
        if not newline:
            return None
        return "\n".join(piece for line in whole.split("\n") for piece in _pieces(line))

    def end(self) -> str | None:
        """The unfinished last line, if any."""
        rest, self._rest = self._rest + self._decoder.decode(b"", final=True), ""
        return rest or None


def _pieces(line: str) -> list[str]:
    return [line[i : i + LONGEST_LINE] for i in range(0, len(line), LONGEST_LINE)] or [""]
