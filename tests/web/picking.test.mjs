// Which object a ray means, the mark round it, and the keys of menus.
import assert from "node:assert/strict";
import { test } from "node:test";
import { MenuFocus } from "../../webots_cloud/web/src/menu/menu_focus.js";
import { ballAround, cornersOf, union } from "../../webots_cloud/web/src/scene/bounds.js";
import { outline } from "../../webots_cloud/web/src/scene/outline.js";
import { choose } from "../../webots_cloud/web/src/scene/picking.js";
import { meetBox, meetTriangles } from "../../webots_cloud/web/src/scene/raycast.js";
import { IDENTITY } from "../../webots_cloud/web/src/scene/vector.js";

const LENS = { fieldOfView: Math.PI / 2, width: 200, height: 100 };
const CAMERA = { position: [0, 0, 0], orientation: [0, 0, 0, 1] };
const CUBE = { min: [-1, -1, -1], max: [1, 1, 1] };

function at(x, y, z) {
  return [...IDENTITY.slice(0, 12), x, y, z, 1];
}

test("a ray meets a box before it, around it, and not one beside or behind it", () => {
  const ray = (origin, direction) => meetBox({ origin, direction }, CUBE.min, CUBE.max);
  assert.equal(ray([0, 0, 5], [0, 0, -1]), 4);
  assert.equal(ray([0, 0, 5], [0, 0, -2]), 2);
  assert.equal(ray([0, 0, 0], [1, 0, 0]), 0);
  assert.equal(ray([0, 3, 5], [0, 0, -1]), Infinity);
  assert.equal(ray([0, 0, 5], [0, 0, 1]), Infinity);
});

test("a ray meets the nearest triangle, from the side that is drawn", () => {
  const triangle = (z) => [-1, -1, z, 1, 1, -1, z, 1, 0, 1, z, 1];
  const both = [...triangle(-5), ...triangle(-3)];
  const ray = { origin: [0, 0, 0], direction: [0, 0, -1] };
  assert.equal(meetTriangles(ray, both, 0), 3);
  assert.equal(meetTriangles(ray, both, 1), 3);
  assert.equal(meetTriangles(ray, both, -1), Infinity);
  assert.equal(meetTriangles({ ...ray, origin: [0, 0, -4] }, both, 1), 1);
  assert.equal(meetTriangles({ ...ray, origin: [2, 0, 0] }, both, 0), Infinity);
  assert.equal(meetTriangles({ ...ray, direction: [0, 0, 1] }, both, 0), Infinity);
});

test("a hit means the innermost robot around it, or else the outermost object", () => {
  const objects = {
    n1: { id: "n1", type: "solid" },
    n2: { id: "n2", type: "robot" },
    n3: { id: "n3", type: "solid" },
    n4: { id: "n4", type: "robot" },
  };
  const chosen = (path) => choose(path, (id) => objects[id] ?? null)?.id;
  assert.equal(chosen(["world", "n1", "n2", "n3"]), "n2");
  assert.equal(chosen(["world", "n2", "n4", "n3"]), "n4");
  assert.equal(chosen(["world", "n3", "n1"]), "n3");
  assert.equal(chosen(["world", "n9"]), undefined);
});

test("bounds hold all boxes, each where its matrix puts it", () => {
  assert.equal(cornersOf(CUBE).length, 8);
  assert.deepEqual(union([]), null);
  const bounds = union([
    { ...CUBE, matrix: at(0, 0, 0) },
    { ...CUBE, matrix: at(5, 0, -2) },
  ]);
  assert.deepEqual(bounds, { min: [-1, -1, -3], max: [6, 1, 1] });
  const { center, radius } = ballAround(CUBE, at(1, 2, 3));
  assert.deepEqual(center, [1, 2, 3]);
  assert.equal(radius, Math.sqrt(3));
});

test("the mark has twelve edges, and its top is over the object", () => {
  const { path, top } = outline(CUBE, at(0, 0, -5), CAMERA, LENS);
  assert.equal(path.match(/M/g).length, 12);
  assert.deepEqual(top, [100, 50 - 50 / 4]);
});

test("only what is ahead is marked", () => {
  assert.deepEqual(outline(CUBE, at(0, 0, 5), CAMERA, LENS), { path: "", top: null });
  const around = outline(CUBE, at(0, 0, 0), CAMERA, LENS);
  assert.equal(around.path.match(/M/g).length, 8);
  assert.ok(!/NaN|Infinity/.test(around.path));
});

test("arrows go through a menu and round its ends", () => {
  const focus = new MenuFocus(["Follow", "Look at it", "Leave"]);
  assert.equal(focus.after(0, "ArrowDown"), 1);
  assert.equal(focus.after(2, "ArrowDown"), 0);
  assert.equal(focus.after(0, "ArrowUp"), 2);
  assert.equal(focus.after(-1, "ArrowDown"), 0);
  assert.equal(focus.after(-1, "ArrowUp"), 2);
  assert.equal(focus.after(1, "Home"), 0);
  assert.equal(focus.after(1, "End"), 2);
});

test("a letter goes to the next item that begins with it", () => {
  const focus = new MenuFocus(["Follow", "Look at it", "Leave"]);
  assert.equal(focus.after(0, "l"), 1);
  assert.equal(focus.after(1, "l"), 2);
  assert.equal(focus.after(2, "L"), 1);
  assert.equal(focus.after(1, "x"), 1);
  assert.equal(new MenuFocus().after(-1, "ArrowDown"), -1);
});
