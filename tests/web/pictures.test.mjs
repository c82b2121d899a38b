// The mouse on pictures that the simulator draws.
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { PointerOrders, mouseOrder } from "../../webots_cloud/web/src/video/pointer_orders.js";

const EVENT = { button: 0, buttons: 0, offsetX: 10.4, offsetY: 20.6, preventDefault() {}, target: {} };

let sent;
let frames;
let orders;

beforeEach(() => {
  sent = [];
  frames = [];
  orders = new PointerOrders(
    (order) => sent.push(order),
    (action) => frames.push(action),
  );
});

function hear(type, more = {}) {
  orders.hear({ ...EVENT, type, ...more });
}

test("an order says what, with which buttons, where and with which keys", () => {
  assert.equal(mouseOrder({ ...EVENT, type: "pointerdown", button: 2, buttons: 2 }), "mouse -1 2 2 10 21 0 0");
  const held = { shiftKey: true, ctrlKey: true, altKey: true };
  assert.equal(mouseOrder({ ...EVENT, ...held, type: "pointermove", button: -1, buttons: 1 }), "mouse 0 0 1 10 21 7 0");
  assert.equal(mouseOrder({ ...EVENT, type: "wheel", deltaY: -120 }), "mouse 2 0 0 10 21 0 -1");
});

test("moves are told only while a button is pressed, and at most one a frame", () => {
  hear("pointermove");
  hear("pointerdown", { buttons: 1 });
  hear("pointermove", { buttons: 1, offsetX: 11 });
  hear("pointermove", { buttons: 1, offsetX: 12 });
  assert.deepEqual(sent, ["mouse -1 0 1 10 21 0 0"]);
  frames.forEach((frame) => frame());
  assert.deepEqual(sent.slice(1), ["mouse 0 0 1 12 21 0 0"]);
  hear("pointermove", { buttons: 1, offsetX: 13 });
  hear("pointerup");
  hear("pointermove");
  assert.deepEqual(sent.slice(2), ["mouse 0 0 1 13 21 0 0", "mouse 1 0 0 10 21 0 0"]);
});

test("nothing is told any more once it is closed", () => {
  hear("pointerdown");
  hear("pointermove");
  orders.close();
  frames.forEach((frame) => frame());
  assert.equal(sent.length, 1);
});
