// What of a state reaches the scene, and how finely a moving scene is drawn, without a browser.
import assert from "node:assert/strict";
import { test } from "node:test";
import { readLabel, readLabelMessage } from "../../webots_cloud/web/src/scene/label_text.js";
import { LEVELS, Pace } from "../../webots_cloud/web/src/scene/pace.js";
import { readInto } from "../../webots_cloud/web/src/scene/rotation.js";
import { State } from "../../webots_cloud/web/src/scene/state.js";

function recorder(ids) {
  const calls = [];
  const setter = (id, field) => (value) => calls.push([id, field, value]);
  const set = (id) => ({ translation: setter(id, "translation"), baseColor: setter(id, "baseColor") });
  const state = new State((id) => (ids.includes(id) ? { set: set(id), done: () => calls.push([id, "done"]) } : null));
  return { calls, state };
}

test("nothing is set before it is applied, and then only the newest of each field", () => {
  const { calls, state } = recorder([1, 2]);
  state.take([{ id: 1, translation: "1 0 0", baseColor: "1 0 0" }, { id: 2, translation: "5 0 0" }]);
  state.take([{ id: 1, translation: "2 0 0" }]);
  state.take([{ id: 1, translation: "3 0 0" }]);
  assert.deepEqual(calls, []);
  assert.equal(state.waiting, true);
  state.apply();
  assert.deepEqual(calls, [
    [1, "translation", "3 0 0"], [1, "baseColor", "1 0 0"], [1, "done"], [2, "translation", "5 0 0"], [2, "done"],
  ]);
  assert.equal(state.waiting, false);
  state.apply();
  assert.equal(calls.length, 5);
});

test("what no node has, and what no state may change, is left alone", () => {
  const { calls, state } = recorder([1]);
  state.take([{ id: 9, translation: "1 0 0" }, null, { id: {} }, { translation: "1 0 0" }, 7, { id: 1, __proto__: "x" }]);
  state.take([{ id: 1, children: "none" }]);
  state.apply();
  assert.deepEqual(calls, [[1, "done"]]);
});

test("a node that is gone is looked up again", () => {
  const ids = [1];
  const { calls, state } = recorder(ids);
  state.take([{ id: 1, translation: "1 0 0" }]);
  state.apply();
  ids.pop();
  state.forget("1");
  state.take([{ id: 1, translation: "2 0 0" }]);
  state.apply();
  assert.deepEqual(calls, [[1, "translation", "1 0 0"], [1, "done"]]);
});

test("numbers are read whatever is between them, and only where all are there", () => {
  const numbers = [7, 7, 7];
  assert.equal(readInto(numbers, "1 -2.5 3e2"), true);
  assert.deepEqual(numbers, [1, -2.5, 300]);
  assert.equal(readInto(numbers, " 4,5\t6 "), true);
  assert.deepEqual(numbers, [4, 5, 6]);
  for (const bad of ["1 2", "1 NaN 3", "1 Infinity 3", "", "a b c", null, undefined, { a: 1 }, "1  2"]) {
    assert.equal(readInto(numbers, bad), false);
  }
  assert.deepEqual(numbers, [4, 5, 6]);
  assert.equal(readInto(numbers, [1, 2, 3]), true);
  assert.deepEqual(numbers, [1, 2, 3]);
});

test("labels are read from states and from messages of their own", () => {
  const said = readLabel({ id: 3, text: "<b>hi</b>", font: 'Arial";}', rgba: "1,0,0.5,0.5", size: 0.45, x: 0.25, y: "2" });
  assert.deepEqual(said, {
    id: "3", text: "<b>hi</b>", font: "Arial", color: "rgba(255, 0, 128, 0.5)", size: 0.2, x: 0.25, y: 2,
  });
  const message = readLabelMessage("0;Lucida Console;rgba(255,0,0,1);0.1;0.5;0.5;a;b");
  assert.equal(readLabel(message).text, "a;b");
  assert.equal(readLabel(message).color, "rgba(255, 0, 0, 1)");
  assert.equal(readLabelMessage("0;Arial"), null);
});

test("a label that makes no sense is none, or is tamed", () => {
  for (const none of [null, 7, "x", {}, { id: {} }]) {
    assert.equal(readLabel(none), null);
  }
  const odd = readLabel({ id: "a".repeat(1000), text: "x".repeat(1e6), size: 1e9, x: NaN, y: -9, rgba: "url(x)" });
  assert.equal(odd.id.length, 100);
  assert.equal(odd.text.length, 2000);
  assert.deepEqual([odd.size < 1, odd.x, odd.y, odd.color], [true, 0, -1, "#ffffff"]);
});

function draw(pace, took, seconds) {
  for (let time = 0; time < seconds * 1000; time += took) {
    pace.take(took);
  }
}

test("slow frames make a scene coarser, step by step, and quick ones finer again", () => {
  const pace = new Pace();
  draw(pace, 30, 3);
  assert.equal(pace.level, 0);
  draw(pace, 100, 1.2);
  assert.equal(pace.level, 1);
  draw(pace, 100, 20);
  assert.equal(pace.level, LEVELS.length - 1);
  draw(pace, 30, 60);
  assert.equal(pace.level, LEVELS.length - 1);
  draw(pace, 16, 1000);
  assert.equal(pace.level, 0);
});

test("a scene that is too slow when finer is made finer ever more rarely", () => {
  const pace = new Pace();
  let changes = 0;
  for (let time = 0; time < 600_000; ) {
    const took = pace.level < 1 ? 100 : 16;
    changes += pace.take(took);
    time += took;
  }
  assert.ok(changes < 20, `${changes} changes in ten minutes`);
});

test("a pause is no slow frame", () => {
  const pace = new Pace();
  for (let frame = 0; frame < 100; frame++) {
    pace.take(5000);
  }
  assert.equal(pace.level, 0);
});
