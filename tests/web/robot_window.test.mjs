// Robot windows, as far as they need no page: addresses, messages, limits, and where they are in the area.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { fitted, moved, placed, resized } from "../../webots_cloud/web/src/robot_window/box.js";
import {
  Allowance,
  LONGEST_MESSAGE,
  hasWindow,
  plainTitle,
  readFromWindow,
  windowUrl,
} from "../../webots_cloud/web/src/robot_window/messages.js";
import { readClientMessage } from "../../webots_cloud/web/src/simulation/client_socket.js";
import { readStreamMessage } from "../../webots_cloud/web/src/simulation/stream.js";

test("a window is below the address that Webots serves files from, and is told its robot's name", () => {
  const robot = { name: "my robot & co", window: "my window" };
  assert.equal(
    windowUrl("http://host:2000/webots/abc/", robot),
    "http://host:2000/webots/abc/robot_windows/my%20window/my%20window.html?name=my%20robot%20%26%20co",
  );
});

test("fields that name no page of the project give no window", () => {
  for (const window of ["", "<none>", "<generic>", "generic", "..", ".hidden", "a/b", "a\\b", "a%2fb", "a?b", "a#b", "a\nb"]) {
    assert.equal(hasWindow(window), false, window);
    assert.equal(windowUrl("http://host", { name: "r", window }), null, window);
  }
  assert.equal(hasWindow(undefined), false);
  assert.equal(hasWindow("x".repeat(101)), false);
  assert.equal(windowUrl("javascript:alert(1)//", { name: "r", window: "w" }), null);
});

test("a window speaks to its own robot only; the world's window to each", () => {
  const said = (data, own) => readFromWindow({ webots: "send", ...data }, own);
  assert.deepEqual(said({ message: "go" }, "a"), { kind: "send", robot: "a", text: "go" });
  assert.deepEqual(said({ message: "", robot: "a" }, "a"), { kind: "send", robot: "a", text: "" });
  assert.equal(said({ message: "go", robot: "b" }, "a"), null);
  assert.deepEqual(said({ message: "go", robot: "b" }, ""), { kind: "send", robot: "b", text: "go" });
  assert.equal(said({ message: "go" }, ""), null);
});

test("what a window should not say is not heard", () => {
  const huge = "x".repeat(LONGEST_MESSAGE + 1);
  const wrong = [null, 1, "robot:a:b", [], {}, { webots: "send" }, { webots: "send", message: 1 }, { webots: "open" }];
  wrong.push({ webots: "send", message: huge }, { webots: "send", message: "a", robot: {} }, { webots: "title", title: 1 });
  for (const data of wrong) {
    assert.equal(readFromWindow(data, "a"), null);
  }
  assert.equal(readFromWindow({ webots: "send", message: "a", robot: huge }, ""), null);
});

test("titles are one short line", () => {
  const { title } = readFromWindow({ webots: "title", title: " <b>a</b>\u0000\n\u202eb " + "x".repeat(10_000_000) }, "a");
  assert.ok(title.startsWith("<b>a</b> b xxx"));
  assert.equal([...title].length, 100);
  assert.equal(plainTitle("\n\t"), "");
});

test("a window that says too much is heard only so often, and again later", () => {
  let now = 0;
  const allowance = new Allowance(() => now);
  const heard = (count, length) => Array.from({ length: count }, () => allowance.take(length)).filter(Boolean).length;
  assert.equal(heard(10_000, 10), 200);
  now = 1;
  assert.equal(heard(10_000, 10), 100);
  now = 100;
  assert.equal(heard(100, 60_000), 6);
  now = 101;
  assert.equal(heard(100, 60_000), 4);
});

test("windows stay inside of the area, whatever is done to them", () => {
  const area = { width: 800, height: 500 };
  const inside = ({ x, y, width, height }, { width: w, height: h } = area) =>
    x >= 0 && y >= 0 && x + width <= w && y + height <= h;
  let box = placed(area, 0);
  assert.deepEqual(box, { x: 430, y: 10, width: 360, height: 340 });
  assert.ok(placed(area, 1).x < box.x && placed(area, 1).y > box.y);
  for (let before = 0; before < 50; before++) {
    assert.ok(inside(placed(area, before)));
  }
  for (const [dx, dy] of [[-10_000, 0], [10_000, 10_000], [0, -10_000]]) {
    box = moved(box, dx, dy, area);
    assert.ok(inside(box));
    assert.deepEqual([box.width, box.height], [360, 340]);
  }
  assert.deepEqual(moved(box, -5, 7, area), { ...box, x: box.x - 5, y: box.y + 7 });
  const small = resized(box, -10_000, -10_000, area);
  assert.deepEqual(small, { ...box, width: 180, height: 120 });
  assert.ok(inside(resized(small, 10_000, 10_000, area)));
  const phone = { width: 150, height: 90 };
  assert.ok(inside(fitted(box, phone), phone));
});

test("messages of robots to windows, in both forms", () => {
  const heard = { kind: "robot", robot: "my robot", message: 'say "a:b"\n' };
  assert.deepEqual(readStreamMessage('robot:{"message":"say \\"a:b\\"\\n","name":"my robot"}'), heard);
  assert.deepEqual(readStreamMessage('robot:{"name":"my robot","message":"say \\"a:b\\"\\n"}'), heard);
  assert.deepEqual(readStreamMessage('robot:my robot:say "a:b"\n'), heard);
  assert.deepEqual(readStreamMessage('robot:{"message":"say "a:b"\n","name":"my robot"}'), heard);
  for (const text of ["robot:", "robot:a", "robot::a", "robot:{", "robot:{}", 'robot:{"name":1,"message":2}']) {
    assert.equal(readStreamMessage(text).kind, "unknown", text);
  }
});

test("the simulation server says where windows are", () => {
  assert.deepEqual(readClientMessage("windows:ws://host/webots/a"), { kind: "windows", text: "ws://host/webots/a" });
});

test("the demo project has the file that pages of windows use as it is", async () => {
  const read = (path) => readFile(new URL(`../../webots_cloud/${path}`, import.meta.url), "utf8");
  assert.equal(
    await read("projects/obstacle_course/plugins/robot_windows/explorer/robot_window.js"),
    await read("web/src/robot_window/robot_window.js"),
  );
});
