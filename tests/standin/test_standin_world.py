import os
from collections.abc import Callable
from math import hypot, inf, nan, pi
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webots_cloud.standin.body import Body
from webots_cloud.standin.wbt import parse
from webots_cloud.standin.world import World

SHARED = Path(os.environ.get("WEBOTS_CLOUD_SHARED", Path(__file__).parents[3] / "shared"))
PROJECTS = Path(__file__).parents[2] / "webots_cloud" / "projects"


def world(text: str, version: str = "R2022b") -> World:
    return World(parse(f"#VRML_SIM {version} utf8\nWorldInfo {{ basicTimeStep 20 }}\n{text}"), print)


# Takes z to y and y to x: lays a cylinder on its side, whichever axis is up.
LYING = "1 1 1 -2.0943951"


def rover(place: str = "0 0 0.05", more: str = "", axis: str = "0 1 0", across: Callable[[float], str] = str) -> str:
    wheels = "".join(
        f"""HingeJoint {{ jointParameters HingeJointParameters {{ axis {axis} anchor {across(y)} }}
        device [ RotationalMotor {{ name "{name}" }} PositionSensor {{ name "{name} sensor" }} ]
        endPoint Solid {{ translation {across(y)} rotation {LYING}
        boundingObject Cylinder {{ radius 0.05 height 0.01 }} }} }}"""
        for name, y in (("left", 0.1), ("right", -0.1))
    )
    return f"""Robot {{ translation {place} boundingObject Box {{ size 0.2 0.2 0.06 }} children [ {wheels} {more} ]
        physics Physics {{ }} }}"""


def enu(y: float) -> str:
    return f"0 {y} 0"


def nue(x: float) -> str:
    return f"{x} 0 0"


ROVER = rover(across=enu)
WALL = "Solid { translation 1 0 0.1 boundingObject Box { size 0.02 4 0.2 } }"


def drive(w: World, left: float, right: float, seconds: float, body: Body | None = None) -> Body:
    body = body or w.bodies[0]
    for name, speed in (("left", left), ("right", right)):
        body.motors()[name].command(inf, speed)
    for _ in range(round(seconds / 0.02)):
        w.step()
    return body


def test_wheels_that_turn_forward_drive_the_robot_along_x() -> None:
    body = drive(world(ROVER), 4, 4, 2)
    assert (body.x, body.y, body.yaw) == pytest.approx((0.4, 0, 0), abs=1e-6)


def test_where_y_is_up_the_same_wheels_drive_it_along_z() -> None:
    w = world(rover("0 0.05 0", axis="1 0 0", across=nue), "R2021b")
    drive(w, 4, 4, 2)
    translation, _ = w.poses()[w.bodies[0].node.id]
    assert [float(v) for v in translation.split()] == pytest.approx([0, 0.05, 0.4], abs=1e-6)


def test_wheels_against_each_other_turn_it_on_the_spot() -> None:
    body = drive(world(ROVER), -2, 2, 1)
    assert (body.x, body.y, body.yaw) == pytest.approx((0, 0, 1.0), abs=1e-4)


def test_wheels_turn_visibly() -> None:
    w = world(ROVER)
    before = w.poses()
    drive(w, 4, 0, 0.2)
    changed = [number for number, pose in w.poses().items() if pose != before[number]]
    assert [body.end.id for body in w.bodies[0].joints[:1]] == changed[1:]
    assert changed[0] == w.bodies[0].node.id


def test_a_motor_is_never_faster_than_it_can_be() -> None:
    body = drive(world(ROVER), 1000, 1000, 1)
    assert body.x == pytest.approx(10 * 0.05)


def test_a_motor_goes_to_a_position_and_stays_there() -> None:
    w = world(ROVER)
    motor = w.bodies[0].motors()["left"]
    motor.command(pi / 2, 1.0)
    for _ in range(200):
        w.step()
    assert motor.position == pytest.approx(pi / 2)
    assert motor.speed == 0


def test_orders_that_are_not_numbers_change_nothing() -> None:
    w = world(ROVER)
    w.bodies[0].motors()["left"].command(nan, nan)
    w.step()
    assert w.bodies[0].x == 0


def test_a_motor_with_acceleration_and_stops_keeps_to_them() -> None:
    w = world(
        """Robot { children [ SliderJoint { jointParameters JointParameters { axis 0 0 1 } endPoint Solid { }
        device LinearMotor { name "lift" acceleration 1 maxPosition 0.3 minPosition 0 } } ] }"""
    )
    lift = w.bodies[0].motors()["lift"]
    lift.command(inf, 10)
    w.step()
    assert lift.speed == pytest.approx(0.02)
    for _ in range(200):
        w.step()
    assert lift.position == 0.3
    assert w.poses()[lift.end.id][0] == "0 0 0.3"


@pytest.mark.parametrize("speed", [10.0, -10.0])
@pytest.mark.parametrize("angle", [0.0, 0.4, 1.2])
def test_a_wall_stops_it(angle: float, speed: float) -> None:
    long = WALL.replace("0.02 4", "0.02 400")
    w = world(ROVER + long + long.replace("translation 1", "translation -1"))
    body = w.bodies[0]
    body.yaw = angle
    drive(w, speed, speed, 20)
    outline = body.outline()
    assert outline is not None
    assert max(abs(x) for x, _ in outline.corners) < 0.991


def test_a_wall_thinner_than_a_step_is_not_jumped_over() -> None:
    w = world(rover(across=enu).replace("RotationalMotor {", "RotationalMotor { maxVelocity 1000") + WALL)
    body = drive(w, 1000, 1000, 5)
    assert 0.85 < body.x < 0.9


def test_it_slides_along_a_wall() -> None:
    w = world(ROVER + WALL)
    w.bodies[0].yaw = 0.6
    assert drive(w, 10, 10, 6).y > 1.0


def test_cylinders_and_other_robots_stop_it_too() -> None:
    pillar = "Solid { translation 0 1 0 boundingObject Cylinder { radius 0.1 height 1 } }"
    other = rover("1 0 0.05", across=enu)
    w = world(ROVER + pillar + other)
    assert drive(w, 10, 10, 10).x == pytest.approx(0.8, abs=0.01)
    w.bodies[0].reset()
    w.bodies[0].yaw = pi / 2
    assert drive(w, 10, 10, 10).y == pytest.approx(0.8, abs=0.01)


def test_what_is_above_or_below_it_does_not_stop_it() -> None:
    bridge = "Solid { translation 1 0 0.6 boundingObject Box { size 0.1 4 0.2 } }"
    stage = "Solid { translation 0 0 -0.05 boundingObject Box { size 9 9 0.1 } }"
    assert drive(world(ROVER + bridge + stage), 10, 10, 4).x == pytest.approx(2.0, abs=0.01)


def test_a_floor_that_it_stands_a_little_in_does_not_throw_it_out() -> None:
    stage = "Solid { translation 0 0 -0.04 boundingObject Box { size 9 9 0.1 } }"
    assert drive(world(ROVER + stage), 10, 10, 2).x == pytest.approx(1.0, abs=0.01)


def test_a_robot_in_the_air_comes_down_on_what_is_below() -> None:
    box = "Solid { translation 0 0 0.1 boundingObject Box { size 1 1 0.2 } }"
    for more, expected in (("", 0.05), (box, 0.25)):
        w = world(rover("0 0 0.8", across=enu) + more)
        for _ in range(100):
            w.step()
        assert w.bodies[0].height == pytest.approx(expected, abs=0.001)


def test_reset_puts_everything_back() -> None:
    w = world(ROVER + WALL)
    start = w.poses()
    drive(w, 4, -1, 1)
    assert w.poses() != start
    w.reset()
    assert (w.poses(), w.time) == (start, 0)
    w.step()
    assert w.poses() == start


EYE = 'DistanceSensor { translation 0.1 0 0 name "eye" lookupTable [ 0 0 0, 2 2000 0 ] %s }'


def test_a_sensor_sees_the_wall_in_millimetres() -> None:
    w = world(rover(across=enu, more=EYE % "") + WALL)
    assert w.distance_value(w.bodies[0], "eye") == pytest.approx(890)
    w.bodies[0].yaw = pi
    assert w.distance_value(w.bodies[0], "eye") == 2000


def test_a_sensor_in_a_frame_turns_with_it() -> None:
    w = world(rover(across=enu, more=f"Pose {{ rotation 0 0 1 1.5707963 children [ {EYE % ''} ] }}") + WALL)
    w.bodies[0].yaw = -pi / 2
    assert w.distance_value(w.bodies[0], "eye") == pytest.approx(890)


def test_a_sensor_sees_other_robots_and_the_floor_but_not_its_own() -> None:
    w = world(rover(across=enu, more=EYE % "") + rover("1 0 0.05", across=enu))
    assert w.distance_value(w.bodies[0], "eye") == pytest.approx(800, abs=5)
    down = world(rover(across=enu, more=EYE % "rotation 0 1 0 1.5707963"))
    assert down.distance_value(down.bodies[0], "eye") == pytest.approx(50)


def test_several_rays_give_the_mean_or_for_sonar_the_nearest() -> None:
    rays = "numberOfRays 3 aperture 1.0472"
    mean = world(rover(across=enu, more=EYE % rays) + WALL)
    expected = (890 + 2 * 890 / 0.8660254) / 3
    assert mean.distance_value(mean.bodies[0], "eye") == pytest.approx(expected, rel=1e-4)
    sonar = world(rover(across=enu, more=EYE % (rays + ' type "sonar"')) + WALL)
    assert sonar.distance_value(sonar.bodies[0], "eye") == pytest.approx(890)


def test_a_robot_inside_frames_drives_as_one_outside() -> None:
    w = world(f"Pose {{ translation 5 0 0 children [ {ROVER} ] }}")
    drive(w, 4, 4, 1)
    assert w.poses()[w.bodies[0].node.id][0] == "0.2 0 0.05"


def avoid(w: World, body: Body, left: tuple[str, ...], right: tuple[str, ...]) -> Callable[[], None]:
    """The logic of the tests' controller, without its process."""
    turning = 0

    def decide() -> None:
        nonlocal turning
        speeds = (3.0, 3.0)
        if turning > 0:
            turning -= 1
            speeds = (3.0, -3.0)
        elif min(w.distance_value(body, name) for name in ("ds_left", "ds_right")) < 950:
            turning = 12
        for names, speed in zip((left, right), speeds, strict=True):
            for name in names:
                body.motors()[name].command(inf, speed)

    return decide


def test_the_tutorial_robot_drives_about_for_ten_minutes_without_passing_a_wall() -> None:
    path = SHARED / "projects" / "four_wheels" / "worlds" / "4_wheels_robot.wbt"
    if not path.is_file():
        pytest.skip(f"the shared worlds are not here: {path} is missing (set WEBOTS_CLOUD_SHARED)")
    w = World(parse(path.read_text()), print)
    [body] = w.bodies
    decide = avoid(w, body, ("wheel1", "wheel3"), ("wheel2", "wheel4"))
    way, places = 0.0, set()
    for step in range(10 * 60 * 1000 // 16):
        if step % 4 == 0:
            decide()
        before = (body.x, body.y)
        w.step()
        way += hypot(body.x - before[0], body.y - before[1])
        places.add((round(body.x / 0.2), round(body.y / 0.2)))
        outline = body.outline()
        assert outline is not None
        # The walls' inner sides are at 0.49 m.
        assert max(abs(c) for corner in outline.corners for c in corner) < 0.4905
    assert way > 20
    assert len(places) >= 8


@pytest.mark.parametrize("name", ["obstacle_course", "robot_dance"])
def test_demo_worlds_load_without_a_complaint_and_nobody_stands_in_anything(name: str) -> None:
    told: list[str] = []
    w = World(parse((PROJECTS / name / "worlds" / f"{name}.wbt").read_text()), told.append)
    start = [place for body in w.bodies for place in (body.x, body.y)]
    for _ in range(50):
        w.step()
    assert told == []
    assert [place for body in w.bodies for place in (body.x, body.y)] == pytest.approx(start)
    assert all(body.can_drive for body in w.bodies)


numbers = st.one_of(st.floats(-5, 5), st.floats(allow_nan=False, allow_infinity=False))


@given(st.lists(numbers, min_size=16, max_size=16), numbers, numbers)
def test_worlds_with_absurd_numbers_raise_nothing(v: list[float], left: float, right: float) -> None:
    n = [repr(x) for x in v]
    w = world(
        f"""Robot {{ translation {" ".join(n[0:3])} rotation {" ".join(n[3:7])} physics Physics {{ }}
        boundingObject Box {{ size {" ".join(n[7:10])} }} children [
        DistanceSensor {{ name "eye" numberOfRays 3 aperture {n[10]} lookupTable [ {" ".join(n[10:16])} ] }}
        HingeJoint {{ jointParameters HingeJointParameters {{ axis 0 1 0 anchor {" ".join(n[7:10])} position {n[3]} }}
          device RotationalMotor {{ name "m" maxVelocity {n[11]} acceleration {n[12]} }}
          endPoint Solid {{ boundingObject Cylinder {{ radius {n[13]} }} }} }} ] }}
        Pose {{ scale {" ".join(n[2:5])} children [ Solid {{ boundingObject Sphere {{ radius {n[15]} }} }} ] }}"""
    )
    body = w.bodies[0]
    for speed in (left, right):
        body.motors()["m"].command(speed, speed)
        body.motors()["m"].command(inf, None)
        w.step()
        w.distance_value(body, "eye")
    assert w.poses()
