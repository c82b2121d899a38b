"""One dancer of a ring of eight: all run this file, and each knows its number from its customData.

Things to try: another order of the moves at the end; a faster TEMPO; a move of your own.
"""

from math import pi

from controller import Robot

DANCERS = 8
RING = 0.6  # metres from the middle of the stage
WHEEL = 0.025  # radius of a wheel, metres
GAUGE = 0.12  # distance between the wheels, metres
TEMPO = 1.0  # 1.5 is half as fast again

robot = Robot()
step = int(robot.getBasicTimeStep())
number = int(robot.getCustomData())
wheels = [robot.getDevice("left wheel motor"), robot.getDevice("right wheel motor")]
for wheel in wheels:
    wheel.setPosition(float("inf"))
    wheel.setVelocity(0.0)


def move(seconds: float, speed: float = 0.0, turn: float = 0.0) -> None:
    """Drive at a speed (m/s) and turn to the left (radians/s) for some seconds."""
    wheels[0].setVelocity((speed - turn * GAUGE / 2) / WHEEL * TEMPO)
    wheels[1].setVelocity((speed + turn * GAUGE / 2) / WHEEL * TEMPO)
    for _ in range(round(seconds / TEMPO * 1000 / step)):
        if robot.step(step) == -1:
            raise SystemExit


def ride(part: float) -> None:
    """Ride along a part of the ring."""
    seconds = 10.0 * part
    move(seconds, 2 * pi * part * RING / seconds, 2 * pi * part / seconds)


def wave() -> None:
    """Spin once, one dancer after the other."""
    move(0.4 * number)
    move(1.6, turn=2 * pi / 1.6)
    move(0.4 * (DANCERS - number))


def meet() -> None:
    """Turn to the middle, go there and come back; the even ones first, then the odd ones."""
    wait = 3.2 * (number % 2)
    move(wait)
    move(0.8, turn=pi / 2 / 0.8)
    move(0.8, speed=0.4)
    move(0.8, speed=-0.4)
    move(0.8, turn=-pi / 2 / 0.8)
    move(3.2 - wait)


if number == 0:
    print("Shall we dance?")
while True:
    ride(0.5)
    wave()
    meet()
