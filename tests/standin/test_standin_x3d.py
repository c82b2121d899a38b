from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webots_cloud.standin.wbt import parse
from webots_cloud.standin.world import World


def world(text: str, version: str = "R2022b") -> tuple[World, list[str]]:
    told: list[str] = []
    return World(parse(f"#VRML_SIM {version} utf8\n{text}"), told.append), told


def scene(text: str, version: str = "R2022b") -> ElementTree.Element:
    root = ElementTree.fromstring(world(text, version)[0].x3d(lambda url: f"worlds/{url}"))  # noqa: S314 -- our own
    found = root.find("Scene")
    assert found is not None
    return found


def element(text: str) -> ElementTree.Element:
    [only] = scene(text)
    return only


def test_it_calls_itself_a_stand_in() -> None:
    root = ElementTree.fromstring(world("")[0].x3d(lambda url: None))  # noqa: S314 -- our own
    assert root.tag == "X3D"
    assert "stand-in (not Webots)" in root.attrib["generator"]
    assert root.find("head/meta[@name='generator']") is not None


def test_solids_and_robots_are_transforms_with_extra_attributes() -> None:
    robot = element(
        'Robot { translation 1 2 3 rotation 0 0 1 0.5 name "R" controller "c" window "w" children [ Solid { } ] }'
    )
    assert robot.tag == "Transform"
    assert robot.attrib == {
        "id": "n1",
        "solid": "true",
        "type": "robot",
        "name": "R",
        "controller": "c",
        "window": "w",
        "translation": "1 2 3",
        "rotation": "0 0 1 0.5",
    }
    assert robot[0].attrib == {"id": "n2", "solid": "true", "name": "solid"}


def test_joints_give_way_to_their_end_points_and_devices_are_places() -> None:
    robot = element(
        """Robot { children [
        HingeJoint { jointParameters HingeJointParameters { } device RotationalMotor { } endPoint Solid { name "w" } }
        DistanceSensor { name "d" children [ Shape { geometry Box { } } ] } ] }"""
    )
    assert [(child.tag, child.attrib["name"]) for child in robot] == [("Transform", "w"), ("Transform", "d")]
    assert robot[1][0][0].attrib["size"] == "0.1 0.1 0.1"


def test_a_use_has_its_own_id_beside_that_of_the_node() -> None:
    group = element("Group { children [ DEF S Shape { geometry Box { size 1 2 3 } } USE S ] }")
    first, second = group
    assert second.attrib == {"id": "n4", "USE": first.attrib["id"]}


def test_a_node_that_only_a_bounding_object_defines_is_written_where_it_is_used() -> None:
    solid = element(
        "Solid { boundingObject DEF S Shape { geometry Box { size 1 2 3 } } children [ USE S USE S ] }",
    )
    first, second = solid
    assert first[0].attrib["size"] == "1 2 3"
    assert second.attrib["USE"] == first.attrib["id"]


def test_pbr_values_that_a_client_would_guess_wrong_are_always_given() -> None:
    shape = element(
        """Shape { appearance PBRAppearance { baseColor 1 0.5 0 baseColorMap ImageTexture { url [ "a b.png" ] }
        roughnessMap ImageTexture { url "r.png" } } geometry Sphere { radius 2 } }"""
    )
    appearance, sphere = shape
    assert (appearance.attrib["baseColor"], appearance.attrib["roughness"], appearance.attrib["metalness"]) == (
        "1 0.5 0",
        "0",
        "1",
    )
    assert [(t.attrib["type"], t.attrib["url"]) for t in appearance] == [
        ("baseColor", '"worlds/a b.png"'),
        ("roughness", '"worlds/r.png"'),
    ]
    assert sphere.attrib["radius"] == "2"


def test_classic_appearances_lights_meshes_and_views_are_written() -> None:
    found = scene(
        """Viewpoint { position 1 2 3 follow "R" } Background { skyColor [ 0.1 0.2 0.3 ] }
        SpotLight { location 0 0 1 castShadows TRUE }
        Robot { name "R" children [ Shape { appearance Appearance { material Material { diffuseColor 1 0 0 }
          texture ImageTexture { url "t.png" repeatS FALSE } }
          geometry IndexedFaceSet { coord Coordinate { point [ 0 0 0, 1 0 0, 0 1 0 ] }
          texCoord TextureCoordinate { point [ 0 0, 1 0, 0 1 ] } coordIndex [ 0, 1, 2, -1 ] } } ] }
        Shape { geometry ElevationGrid { xDimension 2 yDimension 2 height [ 0 1 2 3 ] } }"""
    )
    view, background, light, robot, ground = found
    assert view.attrib["followedId"] == robot.attrib["id"]
    assert view.attrib["position"] == "1 2 3"
    assert background.attrib["skyColor"] == "0.1 0.2 0.3"
    assert light.attrib["castShadows"] == "true"
    appearance, faces = robot[0]
    assert [child.tag for child in appearance] == ["Material", "ImageTexture"]
    assert appearance[1].attrib["repeatS"] == "false"
    assert faces.attrib["coordIndex"] == "0 1 2 -1"
    assert [child.tag for child in faces] == ["Coordinate", "TextureCoordinate"]
    assert ground[0].attrib["height"] == "0 1 2 3"


def test_a_texture_that_is_not_served_is_left_out() -> None:
    found, _ = world('Shape { appearance PBRAppearance { baseColorMap ImageTexture { url "http://x/y.png" } } }')
    assert "ImageTexture" not in found.x3d(lambda url: None)


def test_the_world_says_which_axis_is_up() -> None:
    info = 'WorldInfo { title "T <1>" basicTimeStep 16 }'
    assert element(info).attrib["title"] == "T <1>"
    assert element(info).attrib["coordinateSystem"] == "ENU"
    assert scene(info, "R2021b")[0].attrib["coordinateSystem"] == "NUE"
    assert scene('WorldInfo { coordinateSystem "ENU" }', "R2021a")[0].attrib["coordinateSystem"] == "ENU"


def test_ids_are_the_same_each_time_a_world_is_read() -> None:
    text = "Group { children [ Solid { children [ DEF A Shape { } ] } USE A ] } Robot { }"
    assert world(text)[0].x3d(lambda url: None) == world(text)[0].x3d(lambda url: None)


@given(st.text(), st.text())
def test_whatever_an_author_writes_is_escaped(name: str, controller: str) -> None:
    quoted = [text.replace("\\", "\\\\").replace('"', '\\"') for text in (name, controller)]
    robot = element(f'Robot {{ name "{quoted[0]}" controller "{quoted[1]}" }}')
    assert len(robot) == 0
    assert robot.attrib["type"] == "robot"
    if name.isprintable():
        assert robot.attrib["name"] == name


@pytest.mark.parametrize("version", ["R2022b", "R2021b"])
def test_known_protos_become_plain_solids(version: str) -> None:
    found, told = world(
        """TexturedBackground { } TexturedBackgroundLight { } Floor { size 2 1 } RectangleArena { floorSize 2 1 }
        CircleArena { radius 2 } WoodenBox { name "crate" size 1 1 1 }""",
        version,
    )
    assert told == []
    root = ElementTree.fromstring(found.x3d(lambda url: None))  # noqa: S314 -- our own
    top = list(root.iterfind("Scene/*"))
    assert [e.tag for e in top] == ["Background", "DirectionalLight", "DirectionalLight"] + ["Transform"] * 4
    assert top[-1].attrib["name"] == "crate"
    # Four walls, 48 parts of a ring, and the box; floors are in nobody's way.
    assert len(found.obstacles) == 4 + 48 + 1


def test_a_floor_has_its_size_and_two_colours_of_tiles() -> None:
    [floor] = scene("Floor { size 2 1 tileSize 0.5 0.5 }")
    assert len({e.attrib["baseColor"] for e in floor.iter("PBRAppearance")}) == 2
    points = [
        tuple(map(float, numbers))
        for e in floor.iter("Coordinate")
        for numbers in zip(*[iter(e.attrib["point"].split())] * 3, strict=True)
    ]
    assert (max(p[0] for p in points), max(p[1] for p in points)) == (1.0, 0.5)
    assert len(points) == 8 * 4


def test_an_arena_that_is_longer_than_wide_has_its_walls_there() -> None:
    for version, plan in (("R2022b", (1.0, 0.5)), ("R2021b", (0.5, 1.0))):
        found, _ = world("RectangleArena { floorSize 2 1 wallThickness 0.1 }", version)
        inner = [min(abs(c) for x in o.prism.corners for c in [x[axis]]) for o in found.obstacles for axis in (0, 1)]
        assert plan[0] == pytest.approx(min(v for v in inner[0:4:2] if v > 0.05))
        assert plan[1] == pytest.approx(min(v for v in inner[5:8:2] if v > 0.05))


def test_an_unknown_proto_is_a_labelled_box_and_told_once() -> None:
    found, told = world(
        """Robot { children [ Lamp { translation 1 2 3 name "l" } Lamp { } Shape { appearance Gold { } } ] }
        Lamp { }"""
    )
    assert [text.split(" is ")[0] for text in told] == ["PROTO Lamp", "PROTO Gold"]
    root = ElementTree.fromstring(found.x3d(lambda url: None))  # noqa: S314 -- our own
    lamp = root.find("Scene/Transform/Transform")
    assert lamp is not None
    assert (lamp.attrib["name"], lamp.attrib["translation"]) == ("l", "1 2 3")
    text = lamp.find(".//Text")
    assert text is not None
    assert text.attrib["string"] == '"Lamp"'
    assert root.find("Scene/Transform/Shape/PBRAppearance") is not None
