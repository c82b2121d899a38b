"""The ``controller`` module of the stand-in: what a robot's Python controller imports.

Names and behaviour follow Webots' own module for as much of it as there is here. It talks with the simulator in lines
of JSON over two pipes: each ``step`` sends what the controller wants and waits for what its sensors show.
"""

import json
import math
import os
import sys
from typing import Any

_FROM_SIMULATOR = 3
_TO_SIMULATOR = 4
_MOST_SPOKEN = 32 * 1024


class Device:
    """Something on the robot that has a name."""

    def __init__(self, name: str, facts: dict[str, Any]) -> None:
        self._name = name
        self._facts = facts

    def getName(self) -> str:
        """Its name in the world file."""
        return self._name


class Motor(Device):
    """A RotationalMotor or LinearMotor; radians or metres, per second."""

    def __init__(self, name: str, facts: dict[str, Any]) -> None:
        super().__init__(name, facts)
        self._position: float | None = None
        self._velocity = float(facts["maxVelocity"])
        self._orders: dict[str, float | None] = {}

    def setPosition(self, position: float) -> None:
        """Move to a position; ``float('inf')`` to turn for ever at the velocity set."""
        self._position = float(position)
        self._orders["position"] = _finite(self._position)

    def setVelocity(self, velocity: float) -> None:
        """Set the velocity, at most the motor's greatest."""
        fastest = self.getMaxVelocity()
        if abs(velocity) > fastest:
            print(f"Warning: velocity {velocity} of {self._name} is held to {fastest}.", file=sys.stderr)
        self._velocity = max(-fastest, min(fastest, float(velocity)))
        self._orders["velocity"] = self._velocity

    def getVelocity(self) -> float:
        """The velocity that was set."""
        return self._velocity

    def getMaxVelocity(self) -> float:
        """The greatest velocity."""
        return float(self._facts["maxVelocity"])

    def getTargetPosition(self) -> float:
        """The position that was set."""
        return math.nan if self._position is None else self._position


class Sensor(Device):
    """Something that shows one number once it is enabled."""

    def __init__(self, name: str, facts: dict[str, Any]) -> None:
        super().__init__(name, facts)
        self._period = 0
        self._value = math.nan

    def enable(self, period: int) -> None:
        """Measure from the next step on; ``period`` in ms."""
        self._period = int(period)

    def disable(self) -> None:
        """Measure no longer."""
        self._period = 0
        self._value = math.nan

    def getSamplingPeriod(self) -> int:
        """The period it was enabled with, ms; 0 while it is not."""
        return self._period

    def getValue(self) -> float:
        """What it showed at the last step; not a number before that."""
        return self._value


class DistanceSensor(Sensor):
    """A DistanceSensor; its value comes from its lookup table."""


class LED(Device):
    """An LED: off, or in one of its colours."""

    def __init__(self, name: str, facts: dict[str, Any]) -> None:
        super().__init__(name, facts)
        self._value = 0
        self._order: int | None = None

    def set(self, value: int) -> None:
        """Show the colour of that number, from 1; 0 turns it off."""
        self._value = self._order = int(value)

    def get(self) -> int:
        """The value that was set."""
        return self._value


class PositionSensor(Sensor):
    """A PositionSensor: how far a joint has turned, radians, or slid, metres."""


_TYPES: dict[str, type[Device]] = {
    "Motor": Motor,
    "DistanceSensor": DistanceSensor,
    "PositionSensor": PositionSensor,
    "LED": LED,
}


class Robot:
    """The robot that this controller belongs to; make one of it."""

    def __init__(self) -> None:
        if "WEBOTS_STANDIN" not in os.environ:
            raise RuntimeError("A controller runs only as part of a simulation: start it from a world.")
        self._in = os.fdopen(_FROM_SIMULATOR, encoding="utf-8", closefd=False)
        self._out = os.fdopen(_TO_SIMULATOR, "w", encoding="utf-8", closefd=False)
        line = self._in.readline()
        if not line:
            sys.exit(0)
        self._facts = json.loads(line)
        self._time = float(self._facts["time"])
        self._custom_data = str(self._facts["customData"])
        self._labels: list[dict[str, Any]] = []
        self._spoken: list[str] = []
        self._heard: list[str] = []
        self._devices = {name: _TYPES[facts["type"]](name, facts) for name, facts in self._facts["devices"].items()}

    def step(self, duration: float | None = None) -> int:
        """Let the simulation go on for ``duration`` ms (default: the world's basic time step).

        @return: 0, or -1 when the simulation is over and the controller should end.
        """
        request = {
            "step": self.getBasicTimeStep() if duration is None else float(duration),
            "motors": self._orders(),
            "sensors": [d.getName() for d in self._devices.values() if isinstance(d, Sensor) and d.getSamplingPeriod()],
            **self._said(),
        }
        try:
            self._out.write(json.dumps(request) + "\n")
            self._out.flush()
            line = self._in.readline()
        except BrokenPipeError:
            return -1
        if not line:
            return -1
        answer = json.loads(line)
        self._time = float(answer["time"])
        for name, value in answer["values"].items():
            self._devices[name]._value = value  # type: ignore[attr-defined]  # only sensors are asked for
        self._heard += answer.get("texts", [])
        return 0

    def wwiReceiveText(self) -> str | None:
        """The next message from the robot's window; ``None`` where there is no more."""
        return self._heard.pop(0) if self._heard else None

    def wwiSendText(self, text: str) -> None:
        """Send a message to the robot's window, with the next step."""
        if len(text) + sum(map(len, self._spoken)) > _MOST_SPOKEN:
            print("Warning: too much is sent to the robot's window in one step: a message is dropped.", file=sys.stderr)
        else:
            self._spoken.append(text)

    def getLED(self, name: str) -> Any:
        """As ``getDevice``; for controllers from before R2020b."""
        return self.getDevice(name)

    def getDevice(self, name: str) -> Any:
        """The motor or sensor of that name; ``None``, with a warning, where there is none."""
        device = self._devices.get(name)
        if device is None:
            print(f'Warning: "{name}" device not found.', file=sys.stderr)
        return device

    def getMotor(self, name: str) -> Any:
        """As ``getDevice``; for controllers from before R2020b."""
        return self.getDevice(name)

    def getDistanceSensor(self, name: str) -> Any:
        """As ``getDevice``; for controllers from before R2020b."""
        return self.getDevice(name)

    def getPositionSensor(self, name: str) -> Any:
        """As ``getDevice``; for controllers from before R2020b."""
        return self.getDevice(name)

    def getNumberOfDevices(self) -> int:
        """How many devices there are."""
        return len(self._devices)

    def getDeviceByIndex(self, index: int) -> Any:
        """The device at a place in the list, from 0."""
        return list(self._devices.values())[index]

    def getBasicTimeStep(self) -> float:
        """The world's basic time step, ms."""
        return float(self._facts["basicTimeStep"])

    def getTime(self) -> float:
        """Simulated time, seconds."""
        return self._time / 1000

    def getName(self) -> str:
        """The robot's name in the world file."""
        return str(self._facts["name"])

    def getCustomData(self) -> str:
        """The robot's ``customData`` in the world file."""
        return self._custom_data

    def _said(self) -> dict[str, Any]:
        """What was asked of the lamps, and said, since the last step, if anything was."""
        leds = {}
        for name, device in self._devices.items():
            if isinstance(device, LED) and device._order is not None:
                leds[name], device._order = device._order, None
        said = {"leds": leds, "labels": self._labels, "texts": self._spoken}
        self._labels, self._spoken = [], []
        return {name: value for name, value in said.items() if value}

    def _orders(self) -> dict[str, dict[str, float | None]]:
        """What was asked of the motors since the last step."""
        orders = {}
        for name, device in self._devices.items():
            if isinstance(device, Motor) and device._orders:
                orders[name] = device._orders
                device._orders = {}
        return orders


class Supervisor(Robot):
    """A robot that may write over the picture; what else Webots' supervisors can do is not in the stand-in."""

    def setLabel(
        self,
        id: int,
        label: str,
        x: float,
        y: float,
        size: float,
        color: int,
        transparency: float = 0.0,
        font: str = "Arial",
    ) -> None:
        """Put a line of text over the picture, or replace it; an empty one takes it away.

        @param x: place of its left side, as a fraction of the picture's width.
        @param y: place of its top, as a fraction of the picture's height.
        @param size: of its letters, as a fraction of the picture's height.
        @param color: 0xRRGGBB.
        """
        place = {"x": float(x), "y": float(y), "size": float(size)}
        look = {"color": int(color), "transparency": float(transparency), "font": font}
        self._labels = [other for other in self._labels if other["id"] != id]
        self._labels.append({"id": int(id), "text": label, **place, **look})


def _finite(value: float) -> float | None:
    """Infinity has no form in JSON: ``None`` stands for it."""
    return value if math.isfinite(value) else None
