"""What simulator and controllers say to each other, as lines of JSON; the other side is ``robot/controller.py``.

What comes from a controller is a stranger's: every line is checked before anything is made of it.
"""

import json
import math

import attrs

from webots_cloud.standin.body import Body
from webots_cloud.standin.label import LONGEST_TEXT, Label
from webots_cloud.standin.world import World

MAX_LINE = 256 * 1024
_LONGEST_STEP = 3_600_000.0
_GREATEST_WHOLE = 2**31


class TalkError(ValueError):
    """A line from a controller that the ``controller`` module would not have sent."""


@attrs.frozen
class Request:
    """One call of ``step``.

    @ivar duration: simulated time to wait for, ms.
    @ivar orders: motor name to position and velocity, ``None`` for one that stays.
    @ivar sensors: names of the enabled sensors.
    @ivar leds: LED name to value.
    @ivar labels: put over the picture, by a supervisor.
    @ivar texts: for the robot's window.
    """

    duration: float
    orders: dict[str, tuple[float | None, float | None]]
    sensors: list[str]
    leds: dict[str, int] = attrs.field(factory=dict)
    labels: list[Label] = attrs.field(factory=list)
    texts: list[str] = attrs.field(factory=list)


def greeting(world: World, body: Body) -> bytes:
    """The first line to a controller: who it is and what it has."""
    devices: dict[str, dict[str, object]] = {}
    for name, joint in body.motors().items():
        devices[name] = {"type": "Motor", "maxVelocity": joint.fastest}
    for name in body.position_sensors():
        devices[name] = {"type": "PositionSensor"}
    for name in body.eyes:
        devices[name] = {"type": "DistanceSensor"}
    for name in body.leds:
        devices[name] = {"type": "LED"}
    facts = {
        "name": body.name,
        "time": world.time,
        "basicTimeStep": world.basic_step,
        "customData": body.custom_data,
        "devices": devices,
    }
    return json.dumps(facts).encode() + b"\n"


def parse(line: bytes) -> Request:
    """Read one line from a controller.

    @raise TalkError: where it is anything but a well formed call of ``step``.
    """
    try:
        message = json.loads(line)
        duration = _number(message["step"])
        orders = {str(name): _order(order) for name, order in message["motors"].items()}
        sensors = list(dict.fromkeys(str(name) for name in message["sensors"]))
        leds = {str(name): _whole(value) for name, value in message.get("leds", {}).items()}
        labels = [_label(**label) for label in message.get("labels", [])]
        texts = [str(text) for text in message.get("texts", [])]
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise TalkError("its messages make no sense") from error
    if not 0 <= duration <= _LONGEST_STEP:
        raise TalkError(f"step({duration:g}) is out of range: 0 to {_LONGEST_STEP:g} ms")
    return Request(duration, orders, sensors, leds, labels, texts)


def _order(order: dict[str, object]) -> tuple[float | None, float | None]:
    position = _number(order["position"], math.inf) if "position" in order else None
    velocity = _number(order["velocity"]) if "velocity" in order else None
    return (position, velocity)


def _number(value: object, default: float | None = None) -> float:
    if value is None and default is not None:
        return default
    if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value):
        raise TalkError("a number is wanted")
    return float(value)


def _whole(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or abs(value) > _GREATEST_WHOLE:
        raise TalkError("a whole number is wanted")
    return value


def _label(
    *,
    id: object,
    text: object,
    x: object,
    y: object,
    size: object,
    color: object,
    transparency: object,
    font: object,
) -> Label:
    share = min(max(_number(transparency), 0.0), 1.0)
    place = _number(x), _number(y), _number(size)
    return Label(_whole(id), str(text)[:LONGEST_TEXT], *place, _whole(color), share, str(font)[:LONGEST_TEXT])


def obey(world: World, body: Body, request: Request) -> None:
    """Hand a controller's orders to the motors and lamps of its robot; unknown names are ignored."""
    motors = body.motors()
    for name, (position, velocity) in request.orders.items():
        if name in motors:
            motors[name].command(position, velocity)
    for name, value in request.leds.items():
        if name in body.leds:
            body.leds[name].value = value
    for label in request.labels if body.is_supervisor else []:
        world.put_label(label)


def answer(world: World, body: Body, sensors: list[str]) -> bytes:
    """The line that ends a call of ``step``: time, what the enabled sensors show, messages from robot windows."""
    positions = body.position_sensors()
    values = {}
    for name in sensors:
        if name in positions:
            values[name] = positions[name].position
        elif name in body.eyes:
            values[name] = world.distance_value(body, name)
    line: dict[str, object] = {"time": world.time, "values": values}
    texts = body.take_letters()
    if texts:
        line["texts"] = texts
    return json.dumps(line).encode() + b"\n"
