"""What a distance sensor sees: rays against prisms and the floor, and the table that makes a value of a distance."""

import itertools
import math

from webots_cloud.standin.geometry import Vector
from webots_cloud.standin.solids import Prism


def hit(start: Vector, direction: Vector, solid: Prism) -> float:
    """Distance from ``start`` along the unit vector ``direction`` to a prism; infinite where the ray misses it.

    All in coordinates of the plan. A ray that starts inside sees the prism at distance 0.
    """
    near, far = 0.0, math.inf
    planes = [(0.0, 0.0, 1.0, solid.high), (0.0, 0.0, -1.0, -solid.low)]
    for i, (x, y) in enumerate(solid.corners):
        before = solid.corners[i - 1]
        nx, ny = y - before[1], before[0] - x
        planes.append((nx, ny, 0.0, nx * x + ny * y))
    for nx, ny, nz, limit in planes:
        speed = nx * direction[0] + ny * direction[1] + nz * direction[2]
        room = limit - (nx * start[0] + ny * start[1] + nz * start[2])
        if abs(speed) < 1e-12:
            if room < 0:
                return math.inf
        elif speed > 0:
            far = min(far, room / speed)
        else:
            near = max(near, room / speed)
    return near if near <= far else math.inf


def floor_hit(start: Vector, direction: Vector, height: float) -> float:
    """Distance to the floor at ``height``; infinite where the ray does not come down to it."""
    if direction[2] > -1e-12 or start[2] < height:
        return math.inf
    return (height - start[2]) / direction[2]


class LookupTable:
    """Distance to value, linear between the rows (Webots' ``DistanceSensor.lookupTable``; its noise is left out).

    @param values: distance, value, noise of each row, distances in metres and rising.
    """

    def __init__(self, values: list[float]) -> None:
        rows = list(zip(values[0::3], values[1::3], strict=False)) if len(values) >= 6 and len(values) % 3 == 0 else []
        self._rows = sorted(rows) or [(0.0, 0.0), (0.1, 1000.0)]

    @property
    def reach(self) -> float:
        """The distance in metres beyond which nothing is seen."""
        return self._rows[-1][0]

    def value(self, distance: float) -> float:
        """The sensor's value where the nearest thing is ``distance`` metres away."""
        rows = self._rows
        if distance <= rows[0][0]:
            return rows[0][1]
        for (d0, v0), (d1, v1) in itertools.pairwise(rows):
            if distance <= d1:
                return v0 + (v1 - v0) * (distance - d0) / (d1 - d0) if d1 > d0 else v1
        return rows[-1][1]
