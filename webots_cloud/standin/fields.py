"""Typed reading of a node's fields: the value in the file, or the default where it is absent or of another type."""

from webots_cloud.standin.geometry import IDENTITY, ORIGIN, Pose, Vector, about
from webots_cloud.standin.wbt import Node, Use, Value

_GREATEST = 1e9


def numbers(node: Node, name: str) -> list[float]:
    """All numbers of a field, none where it is absent; held to what can be reckoned with without an overflow."""
    return [max(-_GREATEST, min(_GREATEST, v)) for v in node.fields.get(name, []) if isinstance(v, float)]


def number(node: Node, name: str, default: float) -> float:
    """One number."""
    values = numbers(node, name)
    return values[0] if values else default


def size(node: Node, name: str, default: float) -> float:
    """One length that makes sense only above zero."""
    value = number(node, name, default)
    return value if value > 0 else default


def pair(node: Node, name: str, default: tuple[float, float]) -> tuple[float, float]:
    """Two numbers."""
    values = numbers(node, name)
    return (values[0], values[1]) if len(values) == 2 else default


def vector(node: Node, name: str, default: Vector) -> Vector:
    """Three numbers."""
    values = numbers(node, name)
    return (values[0], values[1], values[2]) if len(values) == 3 else default


def boolean(node: Node, name: str, default: bool) -> bool:
    """``TRUE`` or ``FALSE``."""
    values = node.fields.get(name, [])
    return values[0] if values and isinstance(values[0], bool) else default


def strings(node: Node, name: str) -> list[str]:
    """All strings of a field; none where it is absent."""
    return [v for v in node.fields.get(name, []) if isinstance(v, str)]


def string(node: Node, name: str, default: str) -> str:
    """One string."""
    values = strings(node, name)
    return values[0] if values else default


def target(value: Value) -> Node | None:
    """The node that stands here, itself or by ``USE``; ``None`` for a number, a string or a boolean."""
    if isinstance(value, Use):
        return value.node
    return value if isinstance(value, Node) else None


def nodes(node: Node, name: str) -> list[Node]:
    """All nodes of a field, uses replaced by what they name."""
    return [found for found in map(target, node.fields.get(name, [])) if found is not None]


def child(node: Node, name: str) -> Node | None:
    """The one node of a field."""
    found = nodes(node, name)
    return found[0] if found else None


def pose(node: Node) -> Pose:
    """``translation`` and ``rotation``."""
    turn = numbers(node, "rotation")
    rotation = about((turn[0], turn[1], turn[2]), turn[3]) if len(turn) == 4 else IDENTITY
    return Pose(vector(node, "translation", ORIGIN), rotation)
