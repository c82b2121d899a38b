"""Explores an arena: drives on where there is room and turns away from what is near.

Its window (plugins/robot_windows/explorer) shows what the sensors see and sets the speed.

Things to try: a higher SPEED; a smaller NEAR (how close does it dare to go?); always turning to the same side;
printing what a sensor shows.
"""

import json

from controller import Supervisor

TIME_STEP = 32  # milliseconds between two looks at the sensors
SPEED = 10.0  # radians per second of the wheels
NEAR = 120.0  # millimetres: nearer than that is an obstacle
TELL = 3  # the window is told at every third look

robot = Supervisor()  # a robot that may also write over the picture

left_motor = robot.getDevice("left wheel motor")
right_motor = robot.getDevice("right wheel motor")
for motor in (left_motor, right_motor):
    motor.setPosition(float("inf"))  # turn for ever, do not stop at an angle
    motor.setVelocity(0.0)

sensors = far_left, left, right, far_right = [
    robot.getDevice(name) for name in ("far left", "left", "right", "far right")
]
for sensor in sensors:
    sensor.enable(TIME_STEP)
lamp = robot.getDevice("lamp")

speed = SPEED
turning = 0  # -1: to the left, 1: to the right, 0: straight on
obstacles = 0
looks = 0
while robot.step(TIME_STEP) != -1:
    message = robot.wwiReceiveText()
    while message:
        # The window says, for instance, "speed 12.5".
        order, _, value = message.partition(" ")
        if order == "speed":
            speed = float(value)
        message = robot.wwiReceiveText()
    if min(left.getValue(), right.getValue()) < NEAR:
        if turning == 0:
            room_left = left.getValue() + far_left.getValue()
            room_right = right.getValue() + far_right.getValue()
            turning = -1 if room_left > room_right else 1
            obstacles += 1
            print(f"{robot.getTime():.1f} s: obstacle, turning to the {'left' if turning < 0 else 'right'}")
            robot.setLabel(0, f"Obstacles: {obstacles}", 0.02, 0.88, 0.08, 0xFFFFFF, 0.0, "Arial")
        left_motor.setVelocity(turning * speed / 2)
        right_motor.setVelocity(-turning * speed / 2)
    else:
        turning = 0
        # Walls at its sides push it gently towards the free side.
        bend = (far_left.getValue() - far_right.getValue()) / 300.0
        left_motor.setVelocity(speed * (1 - 0.4 * bend))
        right_motor.setVelocity(speed * (1 + 0.4 * bend))
    lamp.set(0 if turning == 0 else 1)
    looks += 1
    if looks % TELL == 0:
        seen = {sensor.getName(): round(sensor.getValue()) for sensor in sensors}
        robot.wwiSendText(json.dumps({"seen": seen, "turning": turning, "speed": speed, "obstacles": obstacles}))
