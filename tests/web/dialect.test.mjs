// The adapter from Webots' X3D to standard X3D, with trees written as calls: node("Box", {size: "1 1 1"}).
import assert from "node:assert/strict";
import { test } from "node:test";
import { Dialect } from "../../webots_cloud/web/src/scene/dialect.js";

const node = (name, attributes = {}, ...children) => ({ name, attributes, children });
const label = (text) => ({ url: `data:image/png;label=${text}`, aspect: 2 });
const dialect = () => new Dialect(label);
const scene = (...nodes) => node("X3D", {}, node("Scene", {}, ...nodes));
const enu = (...nodes) => scene(node("WorldInfo", { coordinateSystem: "ENU", title: "T" }), ...nodes);
const shape = (geometry, id = "n9") => node("Shape", { id }, geometry);

test("ids become names of nodes", () => {
  const adapted = dialect();
  const { xml } = adapted.scene(scene(node("Robot", { id: "n7", translation: "1 2 3", controller: "go" })));
  assert.match(xml, /<Transform DEF="n7" translation="1 2 3"\/>/);
  assert.equal(adapted.resolve("n7"), "n7");
  assert.equal(adapted.resolve("n8"), null);
  assert.equal(adapted.parentOf("n7"), "world");
});

test("a repeated node is repeated, and its own id finds the one it repeats", () => {
  const adapted = dialect();
  const box = shape(node("Box", { id: "n2", size: "1 1 1" }), "n1");
  const { xml } = adapted.scene(scene(box, node("Solid", { id: "n3" }, node("Shape", { id: "n4", USE: "n1" }))));
  assert.match(xml, /<Transform DEF="n3"><Shape USE="n1"\/><\/Transform>/);
  assert.equal(adapted.resolve("n4"), "n1");
  assert.equal(adapted.parentOf("n4"), "n3");
});

test("a repeat of what is not there shows nothing", () => {
  const { xml } = dialect().scene(scene(node("Shape", { id: "n4", USE: "n1" })));
  assert.doesNotMatch(xml, /n1|n4/);
});

test("an appearance that was left out is written in full where it is used", () => {
  const material = node("Material", { id: "n3", diffuseColor: "1 0 0" });
  const both = node("Shape", { id: "n1" }, node("Appearance", { id: "n2" }, material),
    node("PBRAppearance", { id: "n4" }), node("Box", { id: "n5" }));
  const classic = node("Shape", { id: "n6" }, node("Appearance", { id: "n7" }, node("Material", { USE: "n3" })));
  const { xml } = dialect().scene(scene(both, classic));
  assert.match(xml, /<Shape DEF="n1"><Appearance DEF="n4"><PhysicalMaterial/);
  assert.match(xml, /<Shape DEF="n6"><Appearance DEF="n7"><Material diffuseColor="1 0 0"\/><\/Appearance>/);
});

test("an addition copies what it repeats from the scene before", () => {
  const adapted = dialect();
  adapted.scene(scene(shape(node("Box", { id: "n2", size: "1 1 1" }), "n1"), node("Solid", { id: "n5" })));
  const { xml } = adapted.addition(node("Transform", { id: "n10" }, node("Shape", { id: "n11", USE: "n1" })), "n5");
  assert.match(xml, /<Transform DEF="n10"><Shape><Box size="1 1 1"\/><\/Shape><\/Transform>/);
  assert.equal(adapted.parentOf("n10"), "n5");
});

test("a physically based appearance becomes a PhysicalMaterial, its colour an amount of light", () => {
  const appearance = node("PBRAppearance", { id: "n2", baseColor: "1 0.5 0", roughness: "0.4", metalness: "0" });
  const { xml } = dialect().scene(scene(node("Shape", { id: "n1" }, appearance, node("Sphere", { radius: "1" }))));
  assert.match(xml, /<Appearance DEF="n2"><PhysicalMaterial baseColor="1 0\.2140\d+ 0" metallic="0" roughness="0\.4"/);
});

const texture = (id, type, url, more = {}) => node("ImageTexture", { id, type, url, ...more });

test("textures go to the fields of their roles, and get their pictures later", () => {
  const appearance = node("PBRAppearance", { id: "n2", metalness: "0" },
    texture("n3", "baseColor", '"a.png"'), texture("n5", "normal", "c.png"), texture("n6", "emissiveColor", '"e.png"'));
  const adapted = dialect();
  const { xml } = adapted.scene(scene(node("Shape", { id: "n1" }, appearance)));
  assert.match(xml, /<ImageTexture DEF="n3" containerField="baseTexture"\/>/);
  assert.match(xml, /<ImageTexture DEF="n5" containerField="normalTexture"\/>/);
  assert.match(xml, /<ImageTexture DEF="n6" containerField="emissiveTexture"\/>/);
  assert.deepEqual(adapted.takeFiles().pictures, [
    { name: "n3", field: "url", urls: ["a.png"] },
    { name: "n5", field: "url", urls: ["c.png"] },
    { name: "n6", field: "url", urls: ["e.png"] },
  ]);
  assert.deepEqual(adapted.takeFiles().pictures, []);
});

test("roughness and metalness are put together into one texture", () => {
  const appearance = node("PBRAppearance", { id: "n2" },
    texture("n3", "roughness", '"r.png"', { repeatS: "false" }), texture("n4", "metalness", '"m.png"'));
  const adapted = dialect();
  const { xml } = adapted.scene(scene(node("Shape", { id: "n1" }, appearance)));
  const [, name] = /<ImageTexture DEF="(\w+)" containerField="metallicRoughnessTexture" repeatS="false"\/>/.exec(xml);
  assert.deepEqual(adapted.takeFiles().pictures, [
    { name, field: "url", maps: { roughness: ["r.png"], metalness: ["m.png"] } },
  ]);
});

test("the same picture is in the scene once", () => {
  const adapted = dialect();
  const shapes = ["n1", "n4"].map((id, index) =>
    node("Shape", { id }, node("Appearance", { id: `n${index + 20}` }, texture(`n${index + 30}`, undefined, '"a.png"'))));
  const { xml } = adapted.scene(scene(...shapes));
  assert.match(xml, /DEF="n30".*<ImageTexture USE="n30"\/>/);
  assert.equal(adapted.resolve("n31"), "n30");
  assert.equal(adapted.takeFiles().pictures.length, 1);
});

test("a colour of an appearance that is repeated belongs to that one alone", () => {
  const box = () => node("Box", { size: "1 1 1" });
  const first = node("Shape", { id: "n1" },
    node("PBRAppearance", { id: "n2", baseColor: "1 0 0" }, texture("n3", "baseColor", '"a.png"')), box());
  const second = node("Shape", { id: "n4" }, node("PBRAppearance", { USE: "n2", id: "n5" }), box());
  const adapted = dialect();
  const { xml } = adapted.scene(scene(first, second));
  assert.match(xml, /<Shape DEF="n4"><Appearance DEF="n5"><PhysicalMaterial baseColor="1 0 0"/);
  assert.match(xml, /<ImageTexture USE="n3" containerField="baseTexture"\/>/);
  assert.equal(adapted.resolve("n5"), "n5");
  assert.equal(adapted.takeFiles().pictures.length, 1);
});

test("the sky has its pictures, and in an ENU world its front is along -x", () => {
  const sky = node("Background", { skyColor: "0 0 1", frontUrl: '"f.jpg"', topUrl: '"t.jpg"' });
  const adapted = dialect();
  const { xml } = adapted.scene(enu(sky));
  assert.match(xml, /<Transform rotation="0 1 0 1\.57\d+"><Background DEF="background" skyColor="0 0 1 0 0 1/);
  assert.deepEqual(adapted.takeFiles().pictures, [
    { name: "background", field: "frontUrl", urls: ["f.jpg"] },
    { name: "background", field: "topUrl", urls: ["t.jpg"] },
  ]);
  assert.match(dialect().scene(scene(sky)).xml, /<Transform rotation="0 1 0 0"><Background/);
});

test("a mesh is a set of triangles that has none yet, also where it is repeated", () => {
  const mesh = node("Mesh", { id: "n3", url: '"meshes/a.dae"', ccw: "false", name: "wheel", materialIndex: "2" });
  const adapted = dialect();
  const { xml } = adapted.scene(scene(shape(mesh, "n1"), shape(node("Mesh", { USE: "n3" }), "n2")));
  assert.match(xml, /<TriangleSet DEF="n3" solid="false" ccw="false"><Coordinate\/>.*<TriangleSet USE="n3"\/>/);
  assert.deepEqual(adapted.takeFiles().meshes, [
    { name: "n3", urls: ["meshes/a.dae"], part: "wheel", material: 2 },
  ]);
});

test("where one shape says that it casts shadows, the others cast none", () => {
  const light = node("PointLight", { castShadows: "true" });
  const silent = node("Shape", { id: "n1" });
  const casting = node("Shape", { id: "n2", castShadows: "true" });
  const { xml } = dialect().scene(scene(light, silent, casting));
  assert.match(xml, /<PointLight global="true" shadows="true"/);
  assert.match(xml, /<Shape DEF="n1" castShadow="false"\/><Shape DEF="n2"\/>/);
  assert.match(dialect().scene(scene(light, silent)).xml, /<Shape DEF="n1"\/>/);
});

test("only a few lights cast shadows", () => {
  const lights = Array(9).fill(node("PointLight", { castShadows: "true" }));
  assert.equal(dialect().scene(scene(...lights)).xml.match(/shadows="true"/g).length, 4);
});

test("a shape may be out of the pointer's reach", () => {
  const { xml } = dialect().scene(scene(node("Shape", { id: "n1", isPickable: "false" })));
  assert.match(xml, /<Shape DEF="n1" pointerEvents="false"\/>/);
});

test("of a propeller only what it looks like at rest is shown", () => {
  const propeller = node("Group", { id: "n1", isPropeller: "true" },
    node("Transform", { id: "n2" }), node("Transform", { id: "n3" }));
  const { xml } = dialect().scene(scene(propeller));
  assert.match(xml, /<Transform DEF="n2"\/><Transform visible="false"><Transform DEF="n3"\/><\/Transform>/);
});

test("what Webots collides with is not shown and no wonder", () => {
  const adapted = dialect();
  const { xml } = adapted.scene(scene(node("Solid", { id: "n1" }, node("Switch", {}, shape(node("Box"))))));
  assert.doesNotMatch(xml, /Box/);
  assert.deepEqual(adapted.takeUnknown(), []);
});

test("a place that is not made of numbers is none", () => {
  const { xml } = dialect().scene(scene(node("Transform", { id: "n1", translation: "NaN 1 2", rotation: "0 1 0 inf" })));
  assert.match(xml, /<Transform DEF="n1"\/>/);
});

test("robots, solids and devices are known by their names, from whatever is in them", () => {
  const wheel = node("Transform", { id: "n8", solid: "true", name: "wheel" }, shape(node("Box", { id: "n10" }), "n9"));
  const led = node("LED", { id: "n11", name: "led" });
  const robot = node("Robot", { id: "n7", name: "r1", controller: "go", window: "win" }, node("Group", {}, wheel), led);
  const old = node("Transform", { id: "n20", type: "robot", name: "r2", controller: "stop" });
  const adapted = dialect();
  adapted.scene(scene(robot, old, node("Transform", { id: "n30", name: "just a place" })));
  const first = { id: "n7", name: "r1", type: "robot", controller: "go", window: "win" };
  const second = { id: "n20", name: "r2", type: "robot", controller: "stop", window: "" };
  assert.deepEqual(adapted.robots, [first, second]);
  assert.equal(adapted.objectOf("n10").name, "wheel");
  assert.equal(adapted.objectOf("n8").type, "solid");
  assert.equal(adapted.objectOf("n11").type, "led");
  assert.deepEqual(adapted.objectOf("n7"), first);
  assert.equal(adapted.objectOf("n30"), null);
  assert.deepEqual(adapted.forget("n7"), ["n7", "n8", "n9", "n10", "n11"]);
  assert.deepEqual(adapted.robots, [second]);
  assert.equal(adapted.resolve("n9"), null);
});

test("titles and names are cut, and the description has a line for each of its strings", () => {
  const long = "x".repeat(100_000);
  const adapted = dialect();
  const info = node("WorldInfo", { title: long, info: '"one" "two"', window: "w" });
  const { worldInfo } = adapted.scene(scene(info, node("Robot", { id: "n1", name: long, controller: long })));
  assert.equal(worldInfo.title.length, 200);
  assert.equal(worldInfo.info, "one\ntwo");
  assert.equal(worldInfo.window, "w");
  assert.equal(adapted.robots[0].name.length, 200);
  assert.equal(adapted.robots[0].controller.length, 200);
});

test("in an ENU world the world is turned and cylinders stand upright", () => {
  const { xml, worldInfo, up } = dialect().scene(enu(shape(node("Cylinder", { height: "2", radius: "1" }))));
  assert.match(xml, /<Transform DEF="world" rotation="1 0 0 -1\.57/);
  assert.match(xml, /<Transform DEF="n9" rotation="1 0 0 1\.57\d+"><Shape><Cylinder height="2" radius="1"\/>/);
  assert.equal(worldInfo.title, "T");
  assert.equal(up, "ENU");
});

test("in an NUE world nothing is turned", () => {
  const { xml } = dialect().scene(scene(shape(node("Cylinder", { height: "2", radius: "1" }))));
  assert.match(xml, /<Transform DEF="world" rotation="0 1 0 0"><Shape DEF="n9"><Cylinder/);
});

test("a repeated upright shape is repeated with its turn", () => {
  const cylinder = shape(node("Cylinder", { id: "n8", height: "2", radius: "1" }));
  const { xml } = dialect().scene(enu(cylinder, node("Shape", { USE: "n9" })));
  assert.match(xml, /<Transform USE="n9"\/>/);
});

test("a shape that repeats only the geometry of a cylinder stands upright too", () => {
  const cylinder = shape(node("Cylinder", { id: "n8", height: "2", radius: "1" }));
  const { xml } = dialect().scene(enu(cylinder, shape(node("Cylinder", { USE: "n8" }), "n10")));
  assert.match(xml, /<Transform DEF="n10" rotation="1 0 0 1\.57\d+"><Shape><Cylinder USE="n8"\/>/);
});

test("a plane faces up in both worlds", () => {
  const plane = shape(node("Plane", { size: "2 4" }));
  assert.match(dialect().scene(enu(plane)).xml, /<Coordinate point="-1 -2 0 1 -2 0 1 2 0 -1 2 0"\/>/);
  assert.match(dialect().scene(scene(plane)).xml, /<Coordinate point="-1 0 2 1 0 2 1 0 -2 -1 0 -2"\/>/);
});

test("a capsule ends in half spheres", () => {
  const { xml } = dialect().scene(scene(shape(node("Capsule", { height: "2", radius: "0.5" }))));
  const heights = /<Coordinate point="([^"]+)"/.exec(xml)[1].split(" ").map(Number).filter((_, at) => at % 3 === 1);
  assert.equal(Math.min(...heights), -1.5);
  assert.equal(Math.max(...heights), 1.5);
  const faces = (text) => text.match(/-1/g).length;
  const open = dialect().scene(scene(shape(node("Capsule", { height: "2", radius: "0.5", top: "false" })))).xml;
  assert.ok(faces(/coordIndex="([^"]+)"/.exec(open)[1]) < faces(/coordIndex="([^"]+)"/.exec(xml)[1]) * 0.7);
});

test("a height field with absurd dimensions is left out", () => {
  const field = node("ElevationGrid", { xDimension: "1e5", zDimension: "1e5", height: "0" });
  assert.doesNotMatch(dialect().scene(scene(shape(field))).xml, /IndexedFaceSet/);
});

test("text in the scene becomes a picture that faces the viewer", () => {
  const { xml } = dialect().scene(scene(shape(node("Text", { string: '"a \\"b\\"" "c"', size: "0.5" }))));
  assert.match(xml, /<Billboard DEF="n9"/);
  assert.match(xml, /label=a (&#34;|")b/);
});

test("scripts, inlined scenes and whatever else is not known are left out and named", () => {
  const adapted = dialect();
  const { xml } = adapted.scene(scene(
    node("Script", { url: "javascript:alert(1)" }), node("Inline", { url: '"http://evil/"' }),
    node("Transform", { id: "n1" }, node("Anchor", { url: '"javascript:alert(1)"' })),
  ));
  assert.doesNotMatch(xml, /alert|evil|Script|Inline|Anchor/);
  assert.deepEqual(adapted.takeUnknown(), ["Script", "Inline", "Anchor"]);
});

test("attributes cannot break out of their quotes", () => {
  const { xml } = dialect().scene(scene(node("Transform", { id: "n1", translation: '1 2 3"><Script/>' })));
  assert.doesNotMatch(xml, /<Script/);
  const odd = dialect().scene(scene(node("Transform", { id: 'n1"><Script/>', translation: "1 2 3" })));
  assert.doesNotMatch(odd.xml, /<Script/);
});

test("a scene that repeats itself without end is refused", () => {
  const endless = node("Group", { id: "n1" }, node("Group", { USE: "n1" }));
  assert.throws(() => dialect().scene(scene(endless)), /too large/);
});

test("a scene that multiplies by repeats in copies is refused", () => {
  const adapted = dialect();
  const layers = [node("Group", { id: "n0" })];
  for (let layer = 1; layer < 60; layer++) {
    const use = () => node("Group", { USE: `n${layer - 1}` });
    layers.push(node("Group", { id: `n${layer}` }, use(), use()));
  }
  adapted.scene(scene(...layers));
  assert.throws(() => adapted.addition(node("Group", { USE: "n59" }), "n0"), /too large/);
});

test("the stand-in is known by its generator, Webots by its absence", () => {
  const marked = node("X3D", {}, node("head", {}, node("meta", { name: "generator", content: "Stand-in" })));
  assert.equal(dialect().scene(marked).standIn, true);
  assert.equal(dialect().scene(node("X3D", { generator: "a stand-in" }, node("Scene"))).standIn, true);
  assert.equal(dialect().scene(scene()).standIn, false);
});

test("the headlight is on where the world has no light", () => {
  const light = node("Transform", {}, node("PointLight", { intensity: "2" }));
  assert.match(dialect().scene(scene()).xml, /headlight="true"/);
  assert.match(dialect().scene(scene(light)).xml, /headlight="false"/);
});
