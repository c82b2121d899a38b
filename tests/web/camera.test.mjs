// How the camera moves, and what gestures and keys mean.
import assert from "node:assert/strict";
import { beforeEach, mock, test } from "node:test";
import { Camera } from "../../webots_cloud/web/src/scene/camera.js";
import { Gestures, keyAction, wheelFactor } from "../../webots_cloud/web/src/scene/gestures.js";
import { quaternion, turn } from "../../webots_cloud/web/src/scene/rotation.js";
import { IDENTITY, inverse, place, product } from "../../webots_cloud/web/src/scene/vector.js";
import {
  ahead,
  faceBall,
  fromCamera,
  guessDistance,
  onView,
  orbit,
  pan,
  rayThrough,
  zoom,
} from "../../webots_cloud/web/src/scene/viewing.js";

const LENS = { fieldOfView: Math.PI / 4, width: 800, height: 600 };

/** At (0, 3, 5), looking down at the origin. */
const POSE = { position: [0, 3, 5], orientation: quaternion([1, 0, 0, -Math.atan2(3, 5)]) };

function assertClose(actual, expected, slack = 1e-9) {
  assert.equal(actual.length, expected.length);
  actual.forEach((part, index) => assert.ok(Math.abs(part - expected[index]) < slack, `${actual} is not ${expected}`));
}

function seen(pose, point) {
  return onView(LENS, fromCamera(pose, point));
}

test("a matrix is undone by its inverse, and one that flattens by none", () => {
  const matrix = [0, 2, 0, 0, -3, 0, 0, 0, 0, 0, 1, 0, 7, 8, 9, 1];
  assertClose(product(matrix, inverse(matrix)), IDENTITY);
  assertClose(place(inverse(matrix), place(matrix, [1, 2, 3])), [1, 2, 3]);
  assert.equal(inverse([0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1]), null);
});

test("what the camera looks at is in the middle of the view", () => {
  assertClose(seen(POSE, [0, 0, 0]), [400, 300]);
  assert.ok(seen(POSE, [1, 0, 0])[0] > 400);
  assert.ok(seen(POSE, [0, 1, 0])[1] < 300);
});

test("the ray through a place on the view meets what is seen there", () => {
  for (const point of [
    [0, 0, 0],
    [1, 0.5, -2],
    [-1.5, 1, 1],
  ]) {
    const { origin, direction } = rayThrough(POSE, LENS, ...seen(POSE, point));
    const distance = Math.hypot(...point.map((part, i) => part - origin[i]));
    assertClose(origin.map((part, i) => part + distance * direction[i]), point);
  }
});

test("going round a point keeps it where it is on the view, and the horizon level", () => {
  const pivot = [1, 0.5, -1];
  const before = seen(POSE, pivot);
  const after = orbit(POSE, pivot, 0.7, -0.2);
  assertClose(seen(after, pivot), before);
  assert.ok(Math.abs(turn(after.orientation, [1, 0, 0])[1]) < 1e-9);
  assert.notDeepEqual(after.position, POSE.position);
});

test("the camera never turns over, but may begin where it looks straight down", () => {
  const over = orbit(POSE, [0, 0, 0], 0, -10);
  assert.ok(turn(over.orientation, [0, 1, 0])[1] > 0);
  const down = { position: [0, 5, 0], orientation: quaternion([1, 0, 0, -Math.PI / 2]) };
  assertClose(orbit(down, [0, 0, 0], 0, -0.3).orientation, down.orientation);
  assert.ok(ahead(orbit(down, [0, 0, 0], 0, 0.3))[1] > -0.99);
});

test("a pan moves what is at its distance with the pointer", () => {
  const distance = Math.hypot(3, 5);
  assertClose(seen(pan(POSE, LENS, distance, 30, -20), [0, 0, 0]), [430, 280]);
});

test("a zoom brings its point nearer and keeps it where it is on the view, down to a least distance", () => {
  const point = [1, 0, 0];
  const nearer = zoom(POSE, point, 0.5);
  assertClose(seen(nearer, point), seen(POSE, point));
  assertClose([fromCamera(nearer, point)[2]], [fromCamera(POSE, point)[2] / 2]);
  assert.ok(fromCamera(zoom(POSE, point, 0), point)[2] < -0.01);
  assert.deepEqual(zoom(POSE, POSE.position, 0.5).position, POSE.position);
});

test("a ball that the camera faces fills the better part of the view", () => {
  const pose = faceBall(POSE, LENS, [4, 5, 6], 2);
  assertClose(seen(pose, [4, 5, 6]), [400, 300]);
  const [, top] = onView(LENS, [0, 2, fromCamera(pose, [4, 5, 6])[2]]);
  assert.ok(top > 60 && top < 150, `its top is at ${top}`);
});

test("where nothing is known to be there, the camera is taken to look at the ground", () => {
  assertClose([guessDistance(POSE)], [Math.hypot(3, 5)]);
  const level = { position: [0, 0, 8], orientation: quaternion([0, 1, 0, 0]) };
  assert.equal(guessDistance(level), 8);
  const hardly = { position: [0, 1e-16, 8], orientation: quaternion([1, 0, 0, -1e-16]) };
  assert.equal(guessDistance(hardly), 8);
});

/** A camera in a scene with one object, which is where the test says. */
function filming({ followed = null } = {}) {
  let moved;
  const object = { place: [0, 0, 0], node: null };
  const scene = {
    onframe: (listener) => (moved = listener),
    settle: () => moved(),
    pathOf: (id) => (id === "n7" ? [object.node] : null),
  };
  const vector = (numbers) => ({ getValue: () => numbers });
  object.node = {
    getValue: () => ({
      _translation: vector(object),
      _rotation: vector(null),
      _scale: vector(null),
      _scaleOrientation: vector(null),
      _center: vector(null),
      getMatrix: () => ({ copy: () => Object.assign([...IDENTITY], { set: matrixSetter }) }),
    }),
  };
  const camera = new Camera(scene, { clientWidth: 800, clientHeight: 600 });
  const viewpoint = {
    position: { x: 0, y: 3, z: 5 },
    orientation: { x: 1, y: 0, z: 0, angle: -Math.atan2(3, 5) },
    fieldOfView: Math.PI / 4,
  };
  const X3D = { SFVec3f: Array, SFRotation: Array };
  camera.show(viewpoint, followed, X3D);
  return {
    camera,
    viewpoint,
    /** Where the object is once the next frame is drawn. */
    plan: (...to) => (object.place = to),
    move(...to) {
      object.place = to;
      moved();
    },
  };
}

function matrixSetter({ place: [x, y, z] }) {
  [this[12], this[13], this[14]] = [x, y, z];
}

test("the camera goes along with what it follows, and stays when it follows nothing", () => {
  const { camera, viewpoint, move } = filming();
  move(1, 0, 0);
  assert.deepEqual(camera.pose.position, [0, 3, 5]);
  camera.follow("n7");
  move(2, 0, 0);
  move(4, 0, -1);
  assert.deepEqual(camera.pose.position, [3, 3, 4]);
  assert.deepEqual(viewpoint.position, [3, 3, 4]);
  camera.follow(null);
  move(9, 9, 9);
  assert.deepEqual(camera.pose.position, [3, 3, 4]);
  assert.equal(camera.followed, null);
});

test("a visitor goes round what the camera follows, and it goes along from there", () => {
  const { camera, move } = filming({ followed: "n7" });
  assert.equal(camera.followed, "n7");
  camera.grab([3, 3, 3]);
  camera.orbit(100, 20);
  assertClose([Math.hypot(...camera.pose.position)], [Math.hypot(3, 5)]);
  const before = camera.pose.position;
  move(1, 0, 0);
  assertClose(camera.pose.position, [before[0] + 1, before[1], before[2]]);
});

test("a reset brings back the first view, and what jumps back with it does not take the camera along", () => {
  const { camera, move, plan } = filming({ followed: "n7" });
  move(5, 0, 0);
  camera.orbit(50, 50);
  camera.follow(null);
  plan(0, 0, 0);
  camera.reset();
  assert.equal(camera.followed, "n7");
  assert.deepEqual(camera.pose.position, [0, 3, 5]);
  move(1, 0, 0);
  assert.deepEqual(camera.pose.position, [1, 3, 5]);
});

test("without a scene there is nothing to move", () => {
  const { camera } = filming();
  camera.clear();
  camera.orbit(1, 1);
  camera.pan(1, 1);
  camera.zoom(0.5);
  camera.reset();
  assert.equal(camera.pose, null);
  assert.equal(camera.rayThrough(1, 1), null);
});

let done;

function gestures() {
  const note = (name) => (...numbers) => done.push([name, ...numbers.map((number) => Math.round(number * 100) / 100)]);
  return new Gestures({
    grab: note("grab"),
    orbit: note("orbit"),
    pan: note("pan"),
    pinch: note("pinch"),
    tap: note("tap"),
    menu: note("menu"),
  });
}

function press(id, x, y, more = {}) {
  return { id, x, y, touch: false, second: false, menu: false, ...more };
}

beforeEach(() => {
  done = [];
  mock.timers.reset();
  mock.timers.enable({ apis: ["setTimeout"] });
});

test("a click is a tap, and a drag of the first button goes round from where it began", () => {
  const hand = gestures();
  hand.down(press(1, 10, 10));
  hand.move(1, 12, 11);
  hand.up(1);
  hand.down(press(1, 10, 10));
  hand.move(1, 20, 10);
  hand.move(1, 20, 15);
  hand.up(1);
  assert.deepEqual(done, [
    ["tap", 10, 10],
    ["grab", 10, 10],
    ["orbit", 10, 0],
    ["orbit", 0, 5],
  ]);
});

test("the second button pans, and asks for the menu where it does not move", () => {
  const hand = gestures();
  hand.down(press(1, 10, 10, { second: true, menu: true }));
  hand.up(1);
  hand.down(press(1, 10, 10, { second: true, menu: true }));
  hand.move(1, 30, 10);
  hand.up(1);
  assert.deepEqual(done, [
    ["menu", 10, 10],
    ["grab", 10, 10],
    ["pan", 20, 0],
  ]);
});

test("a finger that rests asks for the menu, once, and does not tap when it goes", () => {
  const hand = gestures();
  hand.down(press(1, 10, 10, { touch: true }));
  mock.timers.tick(499);
  assert.deepEqual(done, []);
  mock.timers.tick(1);
  hand.move(1, 60, 60);
  hand.up(1);
  assert.deepEqual(done, [["menu", 10, 10]]);
});

test("a finger that moves, and a mouse button that is held, ask for no menu", () => {
  const hand = gestures();
  hand.down(press(1, 10, 10, { touch: true }));
  hand.move(1, 40, 10);
  mock.timers.tick(1_000);
  hand.up(1);
  hand.down(press(2, 10, 10));
  mock.timers.tick(1_000);
  hand.up(2);
  assert.deepEqual(done.map(([name]) => name), ["grab", "orbit", "tap"]);
});

test("two fingers pan and pinch; the one that stays goes round from where it is", () => {
  const hand = gestures();
  hand.down(press(1, 100, 100, { touch: true }));
  hand.down(press(2, 200, 100, { touch: true }));
  hand.move(2, 300, 100);
  hand.up(2);
  hand.move(1, 100, 120);
  hand.up(1);
  assert.deepEqual(done, [
    ["grab", 150, 100],
    ["pan", 50, 0],
    ["pinch", 2],
    ["grab", 100, 100],
    ["orbit", 0, 20],
  ]);
});

test("a pointer that is taken away does nothing more", () => {
  const hand = gestures();
  hand.down(press(1, 10, 10));
  hand.cancel(1);
  hand.move(1, 90, 90);
  hand.up(1);
  assert.deepEqual(done, []);
});

test("the wheel zooms by what it turns, in whatever unit, and never by a leap", () => {
  const turned = (deltaY, deltaMode = 0, ctrlKey = false) => wheelFactor({ deltaY, deltaMode, ctrlKey });
  assert.ok(turned(-100) < 1 && turned(100) > 1);
  assert.equal(turned(3, 1), turned(99));
  assert.ok(turned(10, 0, true) > turned(10));
  assert.equal(turned(1e9), Math.E);
});

test("keys go round, pan, zoom, reset, and ask for the menu; others, and those with Ctrl, do nothing", () => {
  const key = (name, modifiers = {}) =>
    keyAction({ key: name, shiftKey: false, ctrlKey: false, altKey: false, metaKey: false, ...modifiers });
  assert.equal(key("ArrowLeft")[0], "orbit");
  assert.equal(key("ArrowLeft", { shiftKey: true })[0], "pan");
  assert.ok(key("+")[1] < 1 && key("-")[1] > 1);
  assert.deepEqual(key("Home"), ["reset"]);
  assert.deepEqual(key("ContextMenu"), ["menu"]);
  assert.deepEqual(key("F10", { shiftKey: true }), ["menu"]);
  assert.equal(key("F10"), null);
  assert.equal(key("ArrowLeft", { ctrlKey: true }), null);
  assert.equal(key("toString"), null);
});
