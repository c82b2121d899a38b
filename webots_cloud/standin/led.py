"""A lamp of a robot: which colour of its list it shows, and on which materials."""

from collections.abc import Iterator

from webots_cloud.standin import fields
from webots_cloud.standin.wbt import Node

_MOST_MATERIALS = 100
_DARK = (0.0, 0.0, 0.0)
_BELOW = ("children", "appearance", "material")


class Led:
    """An LED.

    @ivar name: its name in the world file.
    @ivar value: 0 while it is off, else the number of its colour, from 1; of a gradual one, the brightness.
    """

    def __init__(self, node: Node) -> None:
        self.name = fields.string(node, "name", "led")
        self.value = 0
        self._gradual = fields.boolean(node, "gradual", False)
        numbers = fields.numbers(node, "color") or [1.0, 0.0, 0.0]
        self._colors = [tuple(numbers[at : at + 3]) for at in range(0, len(numbers) - 2, 3)]
        self._materials = list(dict.fromkeys(_materials(node)))[:_MOST_MATERIALS]

    def colors(self) -> list[tuple[Node, tuple[float, ...]]]:
        """The materials that shine, each with the colour of its light now."""
        color = self._color()
        return [(material, color) for material in self._materials]

    def _color(self) -> tuple[float, ...]:
        if not self._colors or self.value <= 0:
            return _DARK
        if not self._gradual:
            return self._colors[min(self.value, len(self._colors)) - 1]
        if len(self._colors) == 1:
            return tuple(part * min(self.value, 255) / 255 for part in self._colors[0])
        # Without a single colour of its own it takes the value as one: 0xRRGGBB.
        return tuple((self.value >> shift & 255) / 255 for shift in (16, 8, 0))


def _materials(node: Node) -> Iterator[Node]:
    for name in _BELOW:
        for below in fields.nodes(node, name):
            if below.kind in ("Material", "PBRAppearance"):
                yield below
            else:
                yield from _materials(below)
