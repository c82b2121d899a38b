"""Explores an arena: drives on where there is room and turns away from what is near.

Things to try: a higher SPEED; a smaller NEAR (how close does it dare to go?); always turning to the same side;
printing what a sensor shows.
"""

from controller import Robot

TIME_STEP = 32  # milliseconds between two looks at the sensors
SPEED = 10.0  # radians per second of the wheels
NEAR = 120.0  # millimetres: nearer than that is an obstacle

robot = Robot()

left_motor = robot.getDevice("left wheel motor")
right_motor = robot.getDevice("right wheel motor")
for motor in (left_motor, right_motor):
    motor.setPosition(float("inf"))  # turn for ever, do not stop at an angle
    motor.setVelocity(0.0)

far_left, left, right, far_right = (robot.getDevice(name) for name in ("far left", "left", "right", "far right"))
for sensor in (far_left, left, right, far_right):
    sensor.enable(TIME_STEP)

turning = 0  # -1: to the left, 1: to the right, 0: straight on
while robot.step(TIME_STEP) != -1:
    if min(left.getValue(), right.getValue()) < NEAR:
        if turning == 0:
            room_left = left.getValue() + far_left.getValue()
            room_right = right.getValue() + far_right.getValue()
            turning = -1 if room_left > room_right else 1
            print(f"{robot.getTime():.1f} s: obstacle, turning to the {'left' if turning < 0 else 'right'}")
        left_motor.setVelocity(turning * SPEED / 2)
        right_motor.setVelocity(-turning * SPEED / 2)
    else:
        turning = 0
        # Walls at its sides push it gently towards the free side.
        bend = (far_left.getValue() - far_right.getValue()) / 300.0
        left_motor.setVelocity(SPEED * (1 - 0.4 * bend))
        right_motor.setVelocity(SPEED * (1 + 0.4 * bend))
