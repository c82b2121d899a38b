// The adapter from Webots' X3D to standard X3D, with trees written as calls: node("Box", {size: "1 1 1"}).
import assert from "node:assert/strict";
import { test } from "node:test";
import { Dialect } from "../../webots_cloud/web/src/scene/dialect.js";

const node = (name, attributes = {}, ...children) => ({ name, attributes, children });
const label = (text) => ({ url: `data:image/png;label=${text}`, aspect: 2 });
const dialect = (textureUrl = (url) => `http://host/${url}`) => new Dialect(textureUrl, label);
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

test("textures go to the fields of their roles, under the address they are served at", () => {
  const texture = (id, type, url) => node("ImageTexture", { id, type, url });
  const appearance = node("PBRAppearance", { id: "n2", metalness: "0" },
    texture("n3", "baseColor", '"a.png"'), texture("n4", "roughness", '"b.png"'), texture("n5", "normal", "c.png"));
  const adapted = dialect();
  const { xml } = adapted.scene(scene(node("Shape", { id: "n1" }, appearance)));
  assert.match(xml, /<ImageTexture DEF="n3" containerField="baseTexture" url="&#34;http:\/\/host\/a\.png&#34;"\/>/);
  assert.match(xml, /DEF="n4" containerField="metallicRoughnessTexture"/);
  assert.match(xml, /DEF="n5" containerField="normalTexture" url="&#34;http:\/\/host\/c\.png&#34;"/);
  assert.deepEqual(adapted.texturesOf("b.png"), ["n4"]);
});

test("a texture that may not be fetched has no address", () => {
  const appearance = node("Appearance", {}, node("ImageTexture", { id: "n3", url: '"file:///etc/passwd"' }));
  const { xml } = dialect(() => null).scene(scene(node("Shape", {}, appearance)));
  assert.match(xml, /<ImageTexture DEF="n3"\/>/);
});

test("in an ENU world the world is turned and cylinders stand upright", () => {
  const { xml, title } = dialect().scene(enu(shape(node("Cylinder", { height: "2", radius: "1" }))));
  assert.match(xml, /<Transform DEF="world" rotation="1 0 0 -1\.57/);
  assert.match(xml, /<Transform DEF="n9" rotation="1 0 0 1\.57\d+"><Shape><Cylinder height="2" radius="1"\/>/);
  assert.equal(title, "T");
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
  const spine = /spine="([^"]+)"/.exec(xml)[1].split(" ").map(Number);
  assert.equal(spine[1], -1.5);
  assert.equal(spine.at(-2), 1.5);
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
