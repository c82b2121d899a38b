"""What is said of all clients of a load test."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

from webots_cloud.command.loading.client import Outcome
from webots_cloud.command.table import table

_QUANTILES = {"median": 0.5, "p90": 0.9, "p99": 0.99, "longest": 1.0}
_STEPS = {
    "answered": "the session server has named a server",
    "started": "Webots has loaded the world",
    "shown": "the scene is there",
}


def figures(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """Give the figures, as JSON has them."""
    failures = Counter(outcome.failure for outcome in outcomes if outcome.failure)
    return {
        "clients": len(outcomes),
        "failed": failures.total(),
        "seconds": {step: _quantiles([getattr(outcome, step) for outcome in outcomes]) for step in _STEPS},
        "failures": dict(failures.most_common()),
    }


def text(found: dict[str, Any]) -> str:
    """Give the figures as tables."""
    rows = [
        (meaning, step["clients"], *(_shown(step[name]) for name in _QUANTILES))
        for meaning, step in ((meaning, found["seconds"][step]) for step, meaning in _STEPS.items())
    ]
    shown = table(("seconds until", "clients", *_QUANTILES), rows)
    shown += f"\nClients: {found['clients']}; of these failed: {found['failed']}.\n"
    if found["failures"]:
        shown += "\n" + table(("failed", "why"), [(count, why) for why, count in found["failures"].items()])
    return shown


def _quantiles(values: Sequence[float | None]) -> dict[str, Any]:
    known = sorted(value for value in values if value is not None)
    return {
        "clients": len(known),
        **{name: round(_quantile(known, share), 3) if known else None for name, share in _QUANTILES.items()},
    }


def _quantile(ordered: Sequence[float], share: float) -> float:
    """Give the smallest value that so many are not above."""
    return ordered[max(math.ceil(share * len(ordered)), 1) - 1]


def _shown(seconds: float | None) -> str | None:
    return None if seconds is None else f"{seconds:.2f}"
