"""Drives the tutorial's robot about: straight on until a sensor sees something near, then away from it."""

from controller import Robot

TIME_STEP = 64
SPEED = 3.0
NEAR = 950.0

robot = Robot()
sensors = [robot.getDevice(name) for name in ("ds_right", "ds_left")]
for sensor in sensors:
    sensor.enable(TIME_STEP)
wheels = [robot.getDevice(f"wheel{number}") for number in (1, 2, 3, 4)]
for wheel in wheels:
    wheel.setPosition(float("inf"))
    wheel.setVelocity(0.0)

turning = 0
while robot.step(TIME_STEP) != -1:
    left = right = SPEED
    if turning > 0:
        turning -= 1
        left, right = SPEED, -SPEED
    elif any(sensor.getValue() < NEAR for sensor in sensors):
        turning = 12
        print("Obstacle: turning")
    for wheel, speed in zip(wheels, (left, right, left, right), strict=True):
        wheel.setVelocity(speed)
