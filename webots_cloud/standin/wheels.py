"""Plane kinematics: how a body moves on the floor when its wheels turn, for any number of wheels."""

import attrs


@attrs.frozen
class Wheel:
    """One wheel, in the body's frame on the plan.

    @ivar x: place of the wheel's centre.
    @ivar y: the same.
    @ivar roll_x: unit direction in which the wheel rolls when it turns forward.
    @ivar roll_y: the same.
    @ivar radius: in metres.
    """

    x: float
    y: float
    roll_x: float
    roll_y: float
    radius: float


def twist(turning: list[tuple[Wheel, float | None]]) -> tuple[float, float, float]:
    """Velocity of a body's origin (two components, m/s) and its yaw rate (rad/s), in the body's frame.

    Each wheel wants its place on the floor to move by radius times speed along its rolling direction and not at all
    across it. Where the wheels cannot all have their way (skid steering) the sum of the squared slips is least.

    @param turning: wheels with their speed in rad/s; ``None`` for a wheel without a motor, which rolls along freely.
    """
    matrix = [[1e-9, 0.0, 0.0], [0.0, 1e-9, 0.0], [0.0, 0.0, 1e-9]]
    right = [0.0, 0.0, 0.0]
    for wheel, speed in turning:
        rows = [(-wheel.roll_y, wheel.roll_x, 0.0)]
        if speed is not None:
            rows.append((wheel.roll_x, wheel.roll_y, wheel.radius * speed))
        for dx, dy, wanted in rows:
            row = (dx, dy, dy * wheel.x - dx * wheel.y)
            for i in range(3):
                right[i] += row[i] * wanted
                for j in range(3):
                    matrix[i][j] += row[i] * row[j]
    return _solve(matrix, right)


def _solve(matrix: list[list[float]], right: list[float]) -> tuple[float, float, float]:
    """Solve three equations by elimination; zero where wheels of absurd sizes leave no solution."""
    rows = [[*row, value] for row, value in zip(matrix, right, strict=True)]
    for i in range(3):
        pivot = max(range(i, 3), key=lambda k: abs(rows[k][i]))
        rows[i], rows[pivot] = rows[pivot], rows[i]
        if rows[i][i] == 0:
            return (0.0, 0.0, 0.0)
        for k in range(3):
            if k != i:
                factor = rows[k][i] / rows[i][i]
                rows[k] = [a - factor * b for a, b in zip(rows[k], rows[i], strict=True)]
    return (rows[0][3] / rows[0][0], rows[1][3] / rows[1][1], rows[2][3] / rows[2][2])
