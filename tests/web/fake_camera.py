"""Streams for the tests of the camera, of what is selected, and of menus."""

from __future__ import annotations

from tests.web.fake_servers import STREAMS, FakeStream

HOSTILE_NAME = "&lt;img src=x onerror=alert(1)&gt;\x9b\u202e" + "x" * 3_000_000

# Webots looks along x in ENU worlds: from here the red robot is on the right, the green one on the left.
ROBOTS = """<X3D><Scene>
<WorldInfo id="n1" title="Robots" basicTimeStep="32" coordinateSystem="%(up)s"/>
<Viewpoint id="n2" orientation="%(orientation)s" position="%(position)s" fieldOfView="0.785398"%(followed)s/>
<Background id="n3" skyColor="0.7 0.8 0.9"/>
<DirectionalLight id="n4" direction="0.5 -0.4 -1" intensity="2" ambientIntensity="1"/>
<Robot id="n10" name="%(name)s" translation="%(red)s">
<Shape id="n11"><PBRAppearance id="n12" baseColor="1 0 0" roughness="1" metalness="0"/><Box id="n13" size="1 1 1"/>
</Shape></Robot>
<Solid id="n20" name="table" translation="%(green)s"><Shape id="n21">
<PBRAppearance id="n22" baseColor="0 0.6 0" roughness="1" metalness="0"/><Box id="n23" size="1 1 1"/></Shape>
<Transform id="n30" name="rider" type="robot" translation="%(blue)s"><Shape id="n31">
<PBRAppearance id="n32" baseColor="0 0 1" roughness="1" metalness="0"/><Sphere id="n33" radius="0.3"/></Shape>
</Transform></Solid></Scene></X3D>"""

ENU = {
    "up": "ENU",
    "orientation": "0 1 0 0",
    "position": "-8 0 0",
    "red": "0 -1.5 0",
    "green": "0 1.5 0",
    "blue": "0 0 0.8",
    "name": "rover",
    "followed": "",
}

NUE = {
    **ENU,
    "up": "NUE",
    "orientation": "0 1 0 0",
    "position": "0 0 8",
    "red": "1.5 0 0",
    "green": "-1.5 0 0",
    "blue": "0 0.8 0",
}


class FakeRobots(FakeStream):
    """Two robots and a table; each step takes the red robot on."""

    scene = ENU

    def open_scene(self) -> None:
        self.steps = 0
        self.say("pause")
        self.say(f"model:{ROBOTS % self.scene}")
        self.move(0, self.scene["red"])
        self.say("scene load completed")

    def onMessage(self, payload: bytes, is_binary: bool) -> None:
        if payload == b"step":
            self.steps += 1
            self.move(32 * self.steps, f"0 {-1.5 + self.steps} 0")
        elif payload == b"reset":
            self.move(0, self.scene["red"])
            self.say("reset finished")
        elif payload.startswith(b"real-time"):
            self.say("delete:10")
        else:
            super().onMessage(payload, is_binary)


class FakeFollowed(FakeRobots):
    """The same; its camera follows the red robot from the start."""

    scene = ENU | {"followed": ' followedId="10"'}


class FakeNue(FakeRobots):
    """The same in a world whose y axis is up."""

    scene = NUE


class FakeHostile(FakeRobots):
    """The red robot has a name that is none."""

    scene = ENU | {"name": HOSTILE_NAME}


class FakeCrowd(FakeStream):
    """Many solids of two shapes, which all have the same geometries."""

    def open_scene(self) -> None:
        view = '<Viewpoint id="n2" orientation="0 1 0 0.7" position="-14 11 14" fieldOfView="0.785398"/>'
        solids = "".join(solid(index) for index in range(24 * 24))
        self.say(f'model:<X3D><Scene><WorldInfo id="n1" coordinateSystem="ENU"/>{view}{solids}</Scene></X3D>')
        self.say("scene load completed")


def solid(index: int) -> str:
    """One of the crowd."""
    first = 100 + 10 * index
    again = ' USE="n103"' if index else ""
    top = ' USE="n105"' if index else ""
    return (
        f'<Solid id="n{first}" name="solid {index}" translation="{index // 24} {index % 24} 0.3">'
        f'<Shape id="n{first + 1}"><PBRAppearance id="n{first + 2}" baseColor="1 0 0"/>'
        f'<Sphere id="n{first + 3}" radius="0.5"{again}/></Shape>'
        f'<Shape id="n{first + 4}"><Box id="n{first + 5}" size="0.2 0.2 0.8"{top}/></Shape></Solid>'
    )


def register() -> None:
    """Let the projects stream."""
    STREAMS.update(
        {
            b"robots": FakeRobots,
            b"followed": FakeFollowed,
            b"nue": FakeNue,
            b"hostile": FakeHostile,
            b"crowd": FakeCrowd,
        }
    )
