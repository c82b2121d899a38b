"""A line of text that a supervisor puts over the picture of the scene."""

import attrs

MOST_LABELS = 100
LONGEST_TEXT = 1000


@attrs.frozen
class Label:
    """One label; an empty text takes it away.

    @ivar id: by which it is replaced.
    @ivar x: place of its left side, as a fraction of the picture's width.
    @ivar y: place of its top, as a fraction of the picture's height.
    @ivar size: of its letters, as a fraction of the picture's height.
    @ivar color: 0xRRGGBB.
    @ivar transparency: 0 to 1.
    """

    id: int
    text: str = ""
    x: float = 0.0
    y: float = 0.0
    size: float = 0.1
    color: int = 0
    transparency: float = 0.0
    font: str = "Arial"

    def told(self) -> dict[str, object]:
        """As viewers are told."""
        red, green, blue = (self.color >> shift & 255 for shift in (16, 8, 0))
        return {
            "id": self.id,
            "text": self.text,
            "font": self.font,
            "rgba": f"{red},{green},{blue},{1 - self.transparency:g}",
            "size": self.size,
            "x": self.x,
            "y": self.y,
        }
