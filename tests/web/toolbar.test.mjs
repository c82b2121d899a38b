// Which buttons the toolbar has room for, and which keys press them.
import assert from "node:assert/strict";
import { test } from "node:test";
import { BUTTONS, MORE, fit, pressedBy, tooltip } from "../../webots_cloud/web/src/toolbar/buttons.js";

const KEY = { key: "r", shiftKey: false, ctrlKey: false, metaKey: false, altKey: false };

test("where there is room for all buttons all of them stay", () => {
  const buttons = [1, 2, 3].map((rank) => ({ name: `b${rank}`, rank }));
  assert.deepEqual([...fit(buttons, 120, 40)], ["b1", "b2", "b3"]);
});

test("where there is not, those of the lowest rank make room for one that opens the rest", () => {
  const buttons = [3, 1, 2].map((rank) => ({ name: `b${rank}`, rank }));
  assert.deepEqual([...fit(buttons, 119, 40)], ["b3"]);
  assert.deepEqual([...fit(buttons, 39, 40)], []);
  assert.deepEqual([...fit(buttons, -50, 40)], []);
});

test("on a phone the most important ones stay", () => {
  const paused = BUTTONS.filter(({ name }) => name !== "pause");
  assert.deepEqual([...fit(paused, 252, 46)].sort(), ["quit", "reset", "run", "step"]);
});

test("each button has a key of its own, but for the two that take each other's place", () => {
  const shortcuts = [...BUTTONS, MORE].map(({ shortcut }) => shortcut);
  assert.deepEqual(
    shortcuts.filter((shortcut, index) => shortcuts.indexOf(shortcut) !== index),
    ["P"],
  );
});

test("a key presses its button, with Shift another one", () => {
  assert.deepEqual(pressedBy(KEY), ["reset"]);
  assert.deepEqual(pressedBy({ ...KEY, key: "R", shiftKey: true }), ["revert"]);
  assert.deepEqual(pressedBy({ ...KEY, key: "p" }), ["run", "pause"]);
  assert.deepEqual(pressedBy({ ...KEY, key: "R" }), ["reset"], "with the capitals locked");
});

test("the browser's keys, and those that are none of ours, press nothing", () => {
  for (const held of ["ctrlKey", "metaKey", "altKey"]) {
    assert.deepEqual(pressedBy({ ...KEY, [held]: true }), []);
  }
  for (const key of ["x", "Enter", "ArrowLeft", " ", "Shift"]) {
    assert.deepEqual(pressedBy({ ...KEY, key }), []);
  }
});

test("a tooltip says the name and the key", () => {
  assert.equal(tooltip(BUTTONS[0]), "Quit the simulation (Shift + Q)");
});
