"""Changes of JSON documents as merge patches (RFC 7396); no I/O."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Document = dict[str, Any]
"""A JSON object. What is not known is not in it: in a merge patch C{null} stands for what is there no more."""


def known(**members: Any) -> Document:
    """Make a document of what is known: members that are C{None} are left out."""
    return {name: value for name, value in members.items() if value is not None}


def merge_patch(before: Mapping[str, Any], after: Mapping[str, Any]) -> Document:
    """Give what makes one document the other one; empty: they are the same."""
    patch: Document = {name: None for name in before if name not in after}
    for name, value in after.items():
        old = before.get(name)
        if isinstance(value, dict) and isinstance(old, dict):
            changed = merge_patch(old, value)
            if changed:
                patch[name] = changed
        elif value != old:
            patch[name] = value
    return patch
