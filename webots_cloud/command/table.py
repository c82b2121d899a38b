"""Tables for terminals, and times as people say them."""

from __future__ import annotations

from collections.abc import Sequence

from webots_cloud.errors import quoted

_GAP = "  "
_WIDEST = 300
_UNITS = (("d", 86400), ("h", 3600), ("min", 60), ("s", 1))


def table(titles: Sequence[str], rows: Sequence[Sequence[object]], indent: str = "") -> str:
    """Lay out a table: a line for the titles and one for each row, numbers to the right.

    @param rows: as many cells as titles each; C{None} is a cell of which nothing is known.
    """
    cells = [[_shown(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(titles, *cells, strict=True)]
    right = [any(isinstance(row[index], int | float) for row in rows) for index in range(len(titles))]
    lines = [
        _GAP.join(
            cell.rjust(width) if to_right else cell.ljust(width)
            for cell, width, to_right in zip(line, widths, right, strict=True)
        )
        for line in ([title.upper() for title in titles], *cells)
    ]
    return "".join(f"{indent}{line.rstrip()}\n" for line in lines)


def age(seconds: float) -> str:
    """Say how long something has been, in its two largest units: C{2 h 5 min}."""
    left = int(seconds)
    said: list[str] = []
    for unit, length in _UNITS:
        if left >= length and len(said) < 2:
            said.append(f"{left // length} {unit}")
            left %= length
        elif said:
            break
    return " ".join(said) or "0 s"


def megabytes(size: int | None) -> str | None:
    """Say how large something is."""
    return None if size is None else f"{size / 10**6:.1f} MB"


def _shown(cell: object) -> str:
    if cell is None:
        return "-"
    # Names come from projects, and reasons from other servers.
    return f"{cell:.1f}" if isinstance(cell, float) else quoted(cell, _WIDEST)
