// The change of axes of cameras.
import assert from "node:assert/strict";
import { test } from "node:test";
import { readNumbers, viewpointFromEnu } from "../../webots_cloud/web/src/scene/rotation.js";

/** Where a vector of the camera points in the world. */
function turn([x, y, z, angle], vector) {
  const axis = [x, y, z];
  const dot = axis.reduce((sum, part, index) => sum + part * vector[index], 0);
  const cross = [0, 1, 2].map((i) => axis[(i + 1) % 3] * vector[(i + 2) % 3] - axis[(i + 2) % 3] * vector[(i + 1) % 3]);
  return vector.map(
    (part, i) => part * Math.cos(angle) + cross[i] * Math.sin(angle) + axis[i] * dot * (1 - Math.cos(angle)),
  );
}

function assertClose(actual, expected) {
  actual.forEach((part, index) => assert.ok(Math.abs(part - expected[index]) < 1e-6, `${actual} is not ${expected}`));
}

test("an ENU camera that is not turned looks along x, with z up", () => {
  const { position, orientation } = viewpointFromEnu([1, 2, 3], [0, 0, 1, 0]);
  assert.deepEqual(position, [1, 3, -2]);
  assertClose(turn(orientation, [0, 0, -1]), [1, 0, 0]);
  assertClose(turn(orientation, [0, 1, 0]), [0, 1, 0]);
});

test("an ENU camera turned left by a quarter looks along y, which is -z of the page", () => {
  const { orientation } = viewpointFromEnu([0, 0, 0], [0, 0, 1, Math.PI / 2]);
  assertClose(turn(orientation, [0, 0, -1]), [0, 0, -1]);
  assertClose(turn(orientation, [0, 1, 0]), [0, 1, 0]);
});

test("numbers are read only where all are there and finite", () => {
  assert.deepEqual(readNumbers(" 1 2.5 -3e-1 ", 3), [1, 2.5, -0.3]);
  assert.equal(readNumbers("1 2", 3), null);
  assert.equal(readNumbers("1 2 NaN", 3), null);
  assert.equal(readNumbers("1 2 Infinity", 3), null);
  assert.equal(readNumbers(undefined, 1), null);
});
