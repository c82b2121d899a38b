// The readers of mesh files.
import assert from "node:assert/strict";
import { test } from "node:test";
import { readCollada } from "../../webots_cloud/web/src/scene/mesh/collada.js";
import { readObj } from "../../webots_cloud/web/src/scene/mesh/obj.js";
import { readStl } from "../../webots_cloud/web/src/scene/mesh/stl.js";

const TRIANGLE = [0, 0, 0, 1, 0, 0, 0, 1, 0];

test("an OBJ's polygons become triangles, with normals and places in the texture where all corners have them", () => {
  const text = "v 0 0 0\nv 1 0 0\nv 1 1 0\nv 0 1 0\nvt 0 0\nvt 1 1\nvn 0 0 1\nf 1/1/1 2/2/1 3/1/1 -1/2/-1\n";
  const { points, normals, texture } = readObj(text);
  assert.deepEqual([...points], [0, 0, 0, 1, 0, 0, 1, 1, 0, 0, 0, 0, 1, 1, 0, 0, 1, 0]);
  assert.deepEqual([...normals], Array(6).fill([0, 0, 1]).flat());
  assert.equal(texture.length, 12);
  const bare = readObj("v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3");
  assert.deepEqual([...bare.points], TRIANGLE);
  assert.deepEqual([bare.normals, bare.texture], [null, null]);
});

test("an OBJ whose corners are nowhere is refused", () => {
  assert.throws(() => readObj("v 0 0 0\nf 1 2 3"), /not where the file says/);
  assert.throws(() => readObj("v a b c\nv 1 0 0\nv 0 1 0\nf 1 2 3"), /not where the file says/);
});

function binaryStl(header) {
  const bytes = new ArrayBuffer(84 + 50);
  new Uint8Array(bytes).set(new TextEncoder().encode(header));
  const view = new DataView(bytes);
  view.setUint32(80, 1, true);
  TRIANGLE.forEach((number, index) => view.setFloat32(84 + 12 + index * 4, number, true));
  return bytes;
}

test("an STL is read in both of its forms", () => {
  const text = "solid x\nfacet normal 0 0 1\nouter loop\nvertex 0 0 0\nvertex 1 0 0\nvertex 0 1 0\nendloop\nendfacet\n";
  assert.deepEqual([...readStl(new TextEncoder().encode(text).buffer).points], TRIANGLE);
  assert.deepEqual([...readStl(binaryStl("some program")).points], TRIANGLE);
  assert.deepEqual([...readStl(binaryStl("solid but binary")).points], TRIANGLE);
  assert.equal(readStl(new ArrayBuffer(3)).points.length, 0);
});

const node = (name, attributes = {}, ...children) => {
  const text = typeof children[0] === "string" ? children[0] : "";
  return { name, attributes, children: text ? [] : children, text };
};

function geometry(id, name, material) {
  const source = node("source", { id: `${id}-p` }, node("float_array", {}, TRIANGLE.join(" ")),
    node("technique_common", {}, node("accessor", { stride: "3" })));
  const vertices = node("vertices", { id: `${id}-v` }, node("input", { semantic: "POSITION", source: `#${id}-p` }));
  const triangles = node("triangles", { material },
    node("input", { semantic: "VERTEX", source: `#${id}-v`, offset: "0" }), node("p", {}, "0 1 2"));
  return node("geometry", { id, name }, node("mesh", {}, source, vertices, triangles));
}

const collada = (...nodes) => node("COLLADA", {},
  node("asset", {}, node("unit", { meter: "0.5" })),
  node("library_materials", {}, node("material", { id: "m-b" }), node("material", { id: "m-a" })),
  node("library_geometries", {}, geometry("g1", "one", "s1"), geometry("g2", "two", "m-a")),
  node("library_visual_scenes", {}, node("visual_scene", {}, ...nodes)));

const bound = node("bind_material", {}, node("technique_common", {},
  node("instance_material", { symbol: "s1", target: "#m-b" })));
const placed = node("node", {}, node("translate", {}, "2 0 0"), node("rotate", {}, "0 0 1 90"),
  node("instance_geometry", { url: "#g1" }, bound), node("instance_geometry", { url: "#g2" }));

test("a Collada's geometries are where its scene puts them, in metres", () => {
  const { points } = readCollada(collada(placed), { part: "one", material: -1 });
  const rounded = [...points].map((number) => Math.round(number * 1e6) / 1e6 + 0);
  assert.deepEqual(rounded, [1, 0, 0, 1, 0.5, 0, 0.5, 0, 0]);
});

test("of a Collada a part or a material may be shown alone", () => {
  const count = (part, material) => readCollada(collada(placed), { part, material }).points.length / 9;
  assert.equal(count("", -1), 2);
  assert.equal(count("g2", -1), 1);
  assert.equal(count("none", -1), 0);
  assert.equal(count("", 1), 1);
  assert.equal(count("one", 1), 1);
  assert.equal(count("one", 0), 0);
  assert.equal(count("", 9), 0);
});

test("a Collada that holds itself is refused", () => {
  const endless = node("node", { id: "a" }, node("instance_node", { url: "#a" }));
  assert.throws(() => readCollada(collada(endless), { part: "", material: -1 }), /nested too deep/);
});
