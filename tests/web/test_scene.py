"""The 3D scene in a real browser: what X_ITE's nodes hold, and what is drawn."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import Page, expect

from tests.web.scene_page import scene_page

if TYPE_CHECKING:
    from playwright.sync_api import Browser

PATIENCE = 60.0

# `until` looks once in each frame, as the website's policy forbids `wait_for_function`.
SETUP = """async () => {
  const {Scene} = await import("/scene.mjs");
  window.scene = new Scene(document.getElementById("area"));
  window.base = `ws://${location.host}`;
  window.until = (ready, what = ready) => new Promise((resolve, reject) => {
    const last = performance.now() + 60000;
    const look = () => {
      const found = ready();
      found ? resolve(found) : performance.now() > last ? reject(new Error(`never: ${what}`)) : setTimeout(look, 20);
    };
    look();
  });
  window.frame = () => new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
  window.engine = () => document.querySelector("x3d-canvas").browser;
  window.place = (id) => [...scene.nodeOf(id).translation];
  window.pixels = async () => {
    const image = new Image();
    image.src = await scene.picture(200, 150);
    await image.decode();
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [200, 150];
    const pen = canvas.getContext("2d");
    pen.drawImage(image, 0, 0);
    return pen.getImageData(0, 0, 200, 150).data;
  };
  window.count = async (like) => {
    const data = await pixels();
    let found = 0;
    for (let at = 0; at < data.length; at += 4) {
      found += like(data[at], data[at + 1], data[at + 2]);
    }
    return found;
  };
  window.red = (r, g, b) => r > 90 && r > 2 * g && r > 2 * b;
  window.green = (r, g, b) => g > 90 && g > 2 * r && g > 2 * b;
  window.blue = (r, g, b) => b > 90 && b > 2 * r && b > 2 * g;
  // Frames are drawn while pictures are taken.
  window.untilSeen = async (like, least = 100) => {
    const last = performance.now() + 60000;
    for (let found = 0; ; found = await count(like)) {
      if (found >= least) {
        return found;
      }
      if (performance.now() > last) {
        throw new Error(`only ${found} pixels are ${like}`);
      }
    }
  };
}"""


def png(red: int, green: int, blue: int) -> bytes:
    """A picture of one colour, 4 by 4."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = (b"\0" + bytes((red, green, blue)) * 4) * 4
    header = struct.pack(">IIBBBBB", 4, 4, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


SQUARE_OBJ = "v -1 -1 0\nv 1 -1 0\nv 1 1 0\nv -1 1 0\nf 1 2 3 4\n"
SQUARE_STL = """solid square
facet normal 0 0 1
outer loop
vertex -1 -1 0
vertex 1 -1 0
vertex 1 1 0
endloop
endfacet
endsolid square
"""
SQUARE_DAE = """<?xml version="1.0"?><COLLADA xmlns="http://www.collada.org/2005/11/COLLADASchema" version="1.4.1">
<library_geometries><geometry id="square" name="square"><mesh>
<source id="p"><float_array count="12">-1 -1 0 1 -1 0 1 1 0 -1 1 0</float_array>
<technique_common><accessor count="4" stride="3"/></technique_common></source>
<vertices id="v"><input semantic="POSITION" source="#p"/></vertices>
<polylist count="1"><input semantic="VERTEX" source="#v" offset="0"/><vcount>4</vcount><p>0 1 2 3</p></polylist>
</mesh></geometry></library_geometries>
<library_visual_scenes><visual_scene><node><instance_geometry url="#square"/></node></visual_scene>
</library_visual_scenes></COLLADA>"""


@pytest.fixture(scope="module")
def url(static: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("scene")
    for name, color in {
        "green": (0, 255, 0),
        "blue": (0, 0, 255),
        "grey": (60, 60, 60),
        "light": (200, 200, 200),
    }.items():
        (folder / f"{name}.png").write_bytes(png(*color))
    for kind, text in {"obj": SQUARE_OBJ, "stl": SQUARE_STL, "dae": SQUARE_DAE}.items():
        (folder / f"square.{kind}").write_text(text)
    with scene_page(static, folder) as served:
        yield served


@pytest.fixture
def page(browser: Browser, url: str) -> Iterator[Page]:
    page = browser.new_page(viewport={"width": 400, "height": 300})
    page.set_default_timeout(PATIENCE * 1000)
    page.goto(url)
    page.evaluate(SETUP)
    yield page
    page.close()


WORLD = '<WorldInfo id="n1" title="T" info=\'"a" "b"\' window="w" coordinateSystem="{up}"/>'
FROM_ABOVE = {
    "ENU": '<Viewpoint position="0 0 6" orientation="0 1 0 1.5707963"/>',
    "NUE": '<Viewpoint position="0 6 0" orientation="1 0 0 -1.5707963"/>',
}


def world(body: str, up: str = "ENU", viewpoint: str | None = None, sky: str = "") -> str:
    """A world seen from six metres above, under a light that comes from there."""
    down = {"ENU": "0 0 -1", "NUE": "0 -1 0"}[up]
    return (
        f"<X3D><Scene>{WORLD.format(up=up)}{viewpoint or FROM_ABOVE[up]}{sky}"
        f'<DirectionalLight id="n2" direction="{down}" intensity="2"/>{body}</Scene></X3D>'
    )


CUBE = '<Box size="1 1 1"/>'
RED = '<PBRAppearance id="n50" baseColor="1 0 0" roughness="1" metalness="0"/>'


def shape(geometry: str, appearance: str = RED) -> str:
    return f'<Shape id="n51">{appearance}{geometry}</Shape>'


def show(page: Page, x3d: str) -> Any:
    return page.evaluate("(x3d) => scene.show(x3d, base)", x3d)


FACES = '<IndexedFaceSet id="n60" solid="false" coordIndex="0 1 2 3 -1"><Coordinate point="{points}"/></IndexedFaceSet>'
CORNERS = {"ENU": "-1 -1 0 1 -1 0 1 1 0 -1 1 0", "NUE": "-1 0 1 1 0 1 1 0 -1 -1 0 -1"}
GEOMETRIES = {
    "box": '<Box id="n60" size="2 2 2"/>',
    "sphere": '<Sphere id="n60" radius="1" subdivision="2"/>',
    "cylinder": '<Cylinder id="n60" radius="1" height="1" subdivision="24"/>',
    "open cylinder": '<Cylinder id="n60" radius="1" height="1" bottom="false" side="false"/>',
    "cone": '<Cone id="n60" bottomRadius="1" height="1"/>',
    "capsule": '<Capsule id="n60" radius="1" height="1"/>',
    "plane": '<Plane id="n60" size="2 2"/>',
    "lifted grid": '<ElevationGrid id="n60" xDimension="2" {along}Dimension="2" xSpacing="2" {along}Spacing="2" '
    'height="0 0.5 0 0.5"/>',
    "extrusion": '<Extrusion id="n60" crossSection="1 1 1 -1 -1 -1 -1 1 1 1" spine="0 -1 0 0 1 0"/>',
    "faces": FACES,
}


@pytest.mark.parametrize("up", ["ENU", "NUE"])
def test_every_geometry_is_drawn(page: Page, up: str) -> None:
    along = {"ENU": "y", "NUE": "z"}[up]
    for name, geometry in GEOMETRIES.items():
        show(page, world(shape(geometry.format(along=along, points=CORNERS[up])), up))
        assert page.evaluate("count(red)") > 300, name


def test_axes_follow_the_world(page: Page) -> None:
    tall = shape('<Cylinder id="n60" radius="0.3" height="4"/>')
    show(page, world(tall, "ENU"))
    standing = page.evaluate("count(red)")
    show(page, world(f'<Transform id="n3" rotation="1 0 0 1.5708">{tall}</Transform>', "ENU"))
    assert page.evaluate("count(red)") > 2 * standing


def texture(identifier: str, url: str, kind: str = "baseColor") -> str:
    return f'<ImageTexture id="{identifier}" type="{kind}" url=\'"{url}"\'/>'


def textured(*textures: str, color: str = "1 1 1", metalness: int = 0) -> str:
    inner = "".join(textures)
    return f'<PBRAppearance id="n50" baseColor="{color}" roughness="1" metalness="{metalness}">{inner}</PBRAppearance>'


def test_textures_come_over_http_and_progress_is_told(page: Page) -> None:
    page.evaluate("() => { window.told = []; scene.ontextures = (...numbers) => told.push(numbers.join('/')); }")
    show(page, world(shape('<Plane id="n60" size="3 3"/>', textured(texture("n70", "green.png")))))
    page.evaluate("untilSeen(green)")
    assert page.evaluate("told") == ["0/1", "1/1"]


def test_a_texture_that_is_not_there_leaves_the_colour_and_is_said_once(page: Page) -> None:
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    inner = textured(texture("n70", "absent.png"), color="1 0 0")
    again = textured(texture("n71", "absent.png", "emissiveColor"), color="1 0 0").replace("n50", "n52")
    page.evaluate(
        """() => {
          window.settled = new Promise((done) => scene.ontextures = (there, all) => there === all && all && done());
        }"""
    )
    show(page, world(shape('<Plane id="n60" size="3 3"/>', inner) + shape("<Box/>", again).replace("n51", "n53")))
    page.evaluate("settled")
    page.evaluate("untilSeen(red)")
    assert [text for text in said if "absent.png" in text and "webots" in text] == [
        "webots: the texture absent.png cannot be shown: status 404"
    ]


@pytest.mark.parametrize("late", [False, True])
def test_textures_that_come_by_themselves_may_come_before_or_after_the_scene(page: Page, late: bool) -> None:
    scene = world(shape('<Plane id="n60" size="3 3"/>', textured(texture("n70", "sent.png"))))
    send = """async () => {
      const answer = await fetch("/green.png");
      const bytes = String.fromCharCode(...new Uint8Array(await answer.arrayBuffer()));
      scene.addImage("sent.png", `data:image/png;base64,${btoa(bytes)}`);
    }"""
    if not late:
        page.evaluate(send)
    show(page, scene)
    if late:
        page.evaluate(send)
    page.evaluate("untilSeen(green)")


def test_roughness_and_metalness_are_put_together(page: Page) -> None:
    maps = [texture("n70", "grey.png", "roughness"), texture("n71", "light.png", "metalness")]
    show(page, world(shape('<Plane id="n60" size="3 3"/>', textured(*maps, metalness=1))))
    found = page.evaluate(
        """async () => {
          const url = await until(() => scene.nodeOf("n50").material.metallicRoughnessTexture.url[0]);
          const image = new Image();
          image.src = url;
          await image.decode();
          const canvas = document.createElement("canvas");
          const pen = canvas.getContext("2d");
          pen.drawImage(image, 0, 0);
          return [...pen.getImageData(1, 1, 1, 1).data];
        }"""
    )
    assert found == [0, 60, 200, 255]


SIDES = {"front": ("green.png", "-1 0 0"), "right": ("blue.png", "0 1 0")}
ENU_LOOKS = {"front": "0 0 1 3.1415927", "right": "0 0 1 1.5707963"}
NUE_LOOKS = {"front": "0 1 0 0", "right": "0 1 0 -1.5707963"}


@pytest.mark.parametrize(("up", "looks"), [("ENU", ENU_LOOKS), ("NUE", NUE_LOOKS)])
def test_the_sides_of_the_sky_are_where_webots_has_them(page: Page, up: str, looks: dict[str, str]) -> None:
    sky = '<Background skyColor="0 0 0" frontUrl=\'"green.png"\' rightUrl=\'"blue.png"\'/>'
    for side, color in {"front": "green", "right": "blue"}.items():
        seen = f'<Viewpoint position="0 0 0" orientation="{looks[side]}"/>'
        show(page, world("", up, seen, sky))
        page.evaluate(f"untilSeen({color}, 20000)")


def test_lights_that_ask_for_it_cast_shadows(page: Page) -> None:
    ground = '<Shape id="n51"><PBRAppearance baseColor="1 1 1" roughness="1" metalness="0"/><Plane size="6 6"/></Shape>'
    box = f'<Transform translation="0 0 1">{shape(CUBE).replace("n51", "n53")}</Transform>'
    light = '<DirectionalLight direction="0.7 0.7 -1" intensity="2" castShadows="true"/>'
    bright = world(ground + box + light).replace('<DirectionalLight id="n2" direction="0 0 -1" intensity="2"/>', "")
    show(page, bright.replace('castShadows="true"', ""))
    lit = page.evaluate("count((r, g, b) => r > 235 && Math.abs(r - b) < 20)")
    assert lit > 10_000
    show(page, bright)
    assert page.evaluate("count((r, g, b) => r > 235 && Math.abs(r - b) < 20)") < lit - 300


MOVING = f'<Transform id="n10" translation="0 0 0">{shape(CUBE)}</Transform>'


def test_states_reach_the_scene_once_in_a_frame_and_only_the_newest(page: Page) -> None:
    show(page, world(MOVING))
    found = page.evaluate(
        """async () => {
          let frames = 0;
          scene.onframe(() => frames++);
          for (let x = 1; x <= 100; x++) {
            scene.update({poses: [{id: 10, translation: `${x} 0 0`}]});
          }
          scene.update({poses: [{id: 10, rotation: "0 0 1 1.5"}]});
          const before = place("n10");
          await frame();
          return {before, after: place("n10"), turn: scene.nodeOf("n10").rotation.angle, frames};
        }"""
    )
    assert found == {"before": [0, 0, 0], "after": [100, 0, 0], "turn": 1.5, "frames": 1}


def test_numbers_that_are_none_move_nothing(page: Page) -> None:
    show(page, world(MOVING))
    found = page.evaluate(
        """async () => {
          const bad = ["NaN 0 0", "1 2", "x", "", null, "Infinity 0 0", {}, []];
          for (const translation of bad) {
            scene.update({poses: [{id: 10, translation, scale: translation, rotation: translation}, translation]});
            await frame();
          }
          return place("n10");
        }"""
    )
    assert found == [0, 0, 0]


def test_colours_change_by_the_ids_of_appearances_and_materials_also_where_they_are_repeated(page: Page) -> None:
    classic = '<Appearance id="n40"><Material id="n41" diffuseColor="0 0 0"/></Appearance>'
    body = (
        shape("<Box/>")
        + '<Shape id="n52"><PBRAppearance USE="n50" id="n42"/><Box/></Shape>'
        + f'<Shape id="n53">{classic}<Box/></Shape>'
        + '<Shape id="n54"><Appearance id="n43"><Material USE="n41" id="n44"/></Appearance><Box/></Shape>'
    )
    show(page, world(body))
    found = page.evaluate(
        """async () => {
          scene.update({poses: [{id: 50, baseColor: "0 1 0"}, {id: 42, emissiveColor: "0 0 1"},
            {id: 41, diffuseColor: "1 1 0"}, {id: 44, emissiveColor: "1 0 1"}]});
          await frame();
          const material = (id) => scene.nodeOf(id).material ?? scene.nodeOf(id);
          return [[...material("n50").baseColor], [...material("n42").baseColor], [...material("n42").emissiveColor],
            [...material("n41").diffuseColor], [...material("n44").diffuseColor], [...material("n44").emissiveColor]];
        }"""
    )
    assert found == [[0, 1, 0], [1, 0, 0], [0, 0, 1], [1, 1, 0], [0, 0, 0], [1, 0, 1]]


HIDE = """(hidden) => {
  Object.defineProperty(document, "hidden", {value: hidden, configurable: true});
  document.dispatchEvent(new Event("visibilitychange"));
}"""

SCROLL = """(hidden) => {
  document.body.style.height = "5000px";
  document.getElementById("area").style.height = "300px";
  window.scrollTo(0, hidden ? 3000 : 0);
  return new Promise((resolve) => {
    new IntersectionObserver((entries, observer) => {
      if (entries.at(-1).isIntersecting !== hidden) {
        observer.disconnect();
        setTimeout(resolve);
      }
    }).observe(document.getElementById("area"));
  });
}"""


@pytest.mark.parametrize("hide", [HIDE, SCROLL], ids=["another tab is in front", "it is scrolled away"])
def test_nothing_is_done_for_a_scene_that_nobody_sees(page: Page, hide: str) -> None:
    show(page, world(MOVING))
    page.evaluate(hide, True)
    found = page.evaluate(
        """async () => {
          let frames = 0;
          let last = performance.now();
          engine().endEvents().addFieldCallback("test", () => { frames++; last = performance.now(); });
          // What was still to be drawn is drawn, at last finely.
          await until(() => performance.now() - last > 1500);
          const before = frames;
          for (let x = 1; x <= 15; x++) {
            scene.update({poses: [{id: 10, translation: `${x} 0 0`}], labels: [{id: 1, text: String(x)}]});
            await frame();
          }
          const labels = document.querySelectorAll(".webots-label").length;
          return {drawn: frames - before, place: place("n10"), labels};
        }"""
    )
    assert found == {"drawn": 0, "place": [0, 0, 0], "labels": 0}
    page.evaluate(hide, False)
    page.evaluate("until(() => place('n10')[0] === 15)")
    expect(page.locator(".webots-label")).to_have_text("15")


def test_labels_are_text_over_the_scene(page: Page) -> None:
    show(page, world(MOVING))
    say = "(labels) => { scene.update({labels}); return frame(); }"
    label = {"id": 1, "text": "first", "font": "Arial", "rgba": "1,0,0,1", "size": 0.225, "x": 0.5, "y": 0.25}
    page.evaluate(say, [label, {**label, "text": "<b>second</b>\nline"}])
    shown = page.locator(".webots-label")
    expect(shown).to_have_text("<b>second</b>\nline", use_inner_text=True)
    expect(shown).to_have_css("color", "rgb(255, 0, 0)")
    expect(shown).to_have_css("font-size", "30px")
    box = shown.bounding_box()
    assert box
    assert (round(box["x"]), round(box["y"])) == (200, 75)
    hostile = "<img src=x onerror=alert(1)>\0\x1b[2J\u202e"
    page.evaluate(say, [{**label, "text": hostile + "z" * 3_000_000}])
    assert shown.text_content() == (hostile + "z" * 2000)[:2000]
    assert shown.locator("img").count() == 0
    page.evaluate(say, [{"id": 1, "text": ""}])
    expect(shown).to_have_count(0)
    page.evaluate(say, [{**label, "id": identifier} for identifier in range(1000)])
    expect(shown).to_have_count(100)
    page.evaluate("scene.clear()")
    expect(shown).to_have_count(0)


def test_what_is_in_a_scene_is_told_as_plain_data(page: Page) -> None:
    inner = f'<Transform id="n31" solid="true" name="wheel">{shape("<Box/>")}</Transform>'
    robot = f'<Robot id="n30" name="&lt;b&gt;r" controller="go" window="win">{inner}</Robot>'
    show(page, world(robot))
    found = page.evaluate(
        """() => ({robots: scene.robots, info: scene.worldInfo, up: scene.up,
          wheel: scene.objectOf("n51").name, id: scene.idOf(scene.nodeOf("n51")), none: scene.objectOf("n2")})"""
    )
    assert found == {
        "robots": [{"id": "n30", "name": "<b>r", "type": "robot", "controller": "go", "window": "win"}],
        "info": {"title": "T", "info": "a\nb", "window": "w"},
        "up": "ENU",
        "wheel": "wheel",
        "id": "n51",
        "none": None,
    }
    page.evaluate("scene.clear()")
    assert page.evaluate("[scene.robots, scene.worldInfo.title, scene.objectOf('n51')]") == [[], "", None]


def test_a_picture_is_taken_of_what_is_drawn(page: Page) -> None:
    assert page.evaluate("scene.picture(10, 10)") is None
    show(page, world(shape('<Box size="2 2 2"/>')))
    assert page.evaluate("scene.picture(64, 48)").startswith("data:image/jpeg;base64,")
    assert page.evaluate("count(red)") > 500


@pytest.mark.parametrize("kind", ["obj", "stl", "dae"])
def test_meshes_come_over_http(page: Page, kind: str) -> None:
    mesh = f'<Mesh id="n60" url=\'"square.{kind}"\'/>'
    show(page, world(shape(mesh)))
    page.evaluate("untilSeen(red)")


def test_a_mesh_that_cannot_be_shown_is_left_out_and_said_once(page: Page) -> None:
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    absent = ["absent.obj", "square.fbx", "square.obj", "absent.obj"]
    meshes = "".join(
        f'<Shape id="n{number}">{RED}<Mesh url=\'"{name}"\'/></Shape>' for number, name in enumerate(absent, 100)
    )
    show(page, world(meshes))
    page.evaluate("untilSeen(red)")
    page.evaluate("until(() => performance.getEntriesByType('resource').some(({name}) => name.endsWith('absent.obj')))")
    told = sorted(text for text in said if "mesh" in text and "webots" in text)
    assert told == [
        "webots: the mesh absent.obj cannot be shown: status 404",
        "webots: the mesh square.fbx cannot be shown: it is of a kind that is not known",
    ]


DEEP = '<Group id="n3">' * 400 + "</Group>" * 400
HOSTILE = {
    "entities": ('<!DOCTYPE x [<!ENTITY a "aaaa">]><X3D><Scene/></X3D>', "it declares entities of its own"),
    "nesting": (f"<X3D><Scene>{DEEP}</Scene></X3D>", "it is nested too deep"),
    "elements": (f"<X3D><Scene>{'<Group/>' * 300_001}</Scene></X3D>", "it is too large"),
    "no XML": ("<X3D><Scene>", "it is not well-formed XML"),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_scene_ends_in_a_sentence_and_the_next_one_is_shown(page: Page, kind: str) -> None:
    text, sentence = HOSTILE[kind]
    failure = page.evaluate("(x3d) => scene.show(x3d, base).catch(({message}) => message)", text)
    assert failure == f"The scene cannot be shown: {sentence}."
    show(page, world(shape('<Box size="2 2 2"/>')))
    assert page.evaluate("count(red)") > 500


def test_a_scene_may_name_its_type(page: Page) -> None:
    kind = '<!DOCTYPE X3D PUBLIC "ISO//Web3D//DTD X3D 3.0//EN" "http://www.web3d.org/specifications/x3d-3.0.dtd">'
    show(page, '<?xml version="1.0" encoding="UTF-8"?>' + kind + world(shape('<Box size="2 2 2"/>')))
    assert page.evaluate("count(red)") > 500


def test_a_scene_that_is_cleared_while_it_loads_is_not_shown(page: Page) -> None:
    result = page.evaluate(
        """async (x3d) => {
          const first = scene.show(x3d, base);
          scene.clear();
          const second = scene.show(x3d, base);
          const third = scene.show(x3d, base);
          return [await first, await second, (await third).up];
        }""",
        world(MOVING),
    )
    assert result == [None, None, "ENU"]


def test_what_is_added_gets_its_files_and_may_go_and_come_again(page: Page) -> None:
    show(page, world(""))
    plane = shape('<Plane size="3 3"/>', textured(texture("n70", "green.png")))
    solid = f'<Solid id="n80" name="s" translation="0 0 1">{plane}</Solid>'
    for _ in range(3):
        page.evaluate("(x3d) => scene.addNode('0', x3d)", solid)
        page.evaluate("untilSeen(green)")
        assert page.evaluate("scene.objectOf('n51').name") == "s"
        page.evaluate("scene.update({poses: [{id: 80, translation: '0 0 2'}]}); until(() => place('n80')[2] === 2)")
        page.evaluate("scene.deleteNode('80')")
        assert page.evaluate("[scene.nodeOf('n80'), scene.nodeOf('n51'), scene.objectOf('n51')]") == [None, None, None]
        assert page.evaluate("count(green)") == 0


def test_slow_drawing_makes_a_moving_scene_coarser_and_a_still_one_fine_again(page: Page) -> None:
    show(page, world(MOVING))
    page.evaluate(
        """async () => {
          const samples = () => engine().getBrowserOption("Multisampling");
          await until(() => samples() === 4);
          const stop = scene.onframe(() => {
            for (const end = performance.now() + 60; performance.now() < end; );
          });
          let x = 0;
          const timer = setInterval(() => scene.update({poses: [{id: 10, translation: `${x++ % 2} 0 0`}]}), 10);
          await until(() => samples() === 0);
          clearInterval(timer);
          stop();
          await until(() => samples() === 4);
        }"""
    )
