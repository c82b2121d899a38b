// What the monitor pages do with their data.
import assert from "node:assert/strict";
import { test } from "node:test";
import { bytes, duration, percent } from "../../webots_cloud/web/src/monitor/format.js";
import { Live } from "../../webots_cloud/web/src/monitor/live.js";
import { mergePatch } from "../../webots_cloud/web/src/monitor/merge.js";
import { Points } from "../../webots_cloud/web/src/monitor/points.js";
import { addToCurve, answeredShare, partsOfDay, pathsOf } from "../../webots_cloud/web/src/monitor/server_history.js";
import { direction, orderOf } from "../../webots_cloud/web/src/monitor/server_order.js";

const DAY = 86400;

test("a merge patch changes, adds and removes, and takes lists whole (RFC 7396)", () => {
  const target = { a: "b", c: { d: "e", f: "g" }, list: [1, 2], gone: 1 };
  mergePatch(target, { a: "z", c: { f: null, new: 0 }, list: [3], gone: null, more: { deep: { x: null, y: 1 } } });
  assert.deepEqual(target, { a: "z", c: { d: "e", new: 0 }, list: [3], more: { deep: { y: 1 } } });
});

test("numbers are short", () => {
  assert.deepEqual([0, 999, 1000, 9949, 25_276_502_016].map(bytes), ["0 B", "999 B", "1.0 kB", "9.9 kB", "25 GB"]);
  assert.deepEqual([0, 59.9, 60, 3661, 90_000].map(duration), ["0 s", "59 s", "1 min", "1 h 1 min", "1 d 1 h"]);
  assert.deepEqual([undefined, 0, 99.6].map(percent), ["–", "0 %", "100 %"]);
});

test("a curve goes on with the highest load of each step, and has gaps where none was told", () => {
  const curve = { step: 10, end: 100, loads: [5] };
  addToCurve(curve, 104, 7.4);
  addToCurve(curve, 109, 3);
  addToCurve(curve, 131, 9);
  assert.deepEqual(curve, { step: 10, end: 130, loads: [7, null, null, 9] });
  addToCurve(curve, 1e6, 1);
  assert.equal(curve.loads.length, 60);
  assert.deepEqual(curve.loads.slice(-2), [null, 1]);
});

test("a curve is drawn up to now, with a hole where there is nothing", () => {
  const curve = { step: 10, end: 1000, loads: [10, 20, null, 30] };
  assert.equal(pathsOf(curve, 1005).line, "M56 90L57 80M59 70");
  assert.equal(pathsOf(curve, 1025).line, "M54 90L55 80M57 70");
  assert.equal(pathsOf(curve, 1005).area, "M56 100L56 90L57 80L57 100L56 100ZM59 100L59 70L59 100L59 100Z");
  assert.deepEqual(pathsOf(undefined, 1005), { line: "", area: "" });
  assert.equal(pathsOf(curve, 1e6).line, "");
});

test("of a history the last day is shown, and how much of it a server answered", () => {
  const now = 10 * DAY;
  const parts = partsOfDay([[0, "unknown"], [1, "available"], [now - DAY / 2, "failed"], [now - DAY / 4, "full"]], now);
  assert.deepEqual(parts, [
    { state: "available", from: 0, to: 0.5 },
    { state: "failed", from: 0.5, to: 0.75 },
    { state: "full", from: 0.75, to: 1 },
  ]);
  assert.equal(answeredShare(parts), 75);
  assert.equal(answeredShare(partsOfDay([[now - 5, "unknown"]], now)), undefined);
});

const SERVERS = {
  "s10:1": { state: "available", load: 50, since: 3, history: [], version: "1.0.0" },
  "s2:1": { state: "failed", reason: "it hangs", since: 2, history: [] },
  "s1:1": { state: "full", load: 100, since: 1, history: [], instances: 4, simulator: "Webots R2023b" },
};
const NONE = { search: "", state: "", key: "given", isReversed: false };

function ordered(wishes) {
  return orderOf(SERVERS, { ...NONE, ...wishes }, 10).map((name) => name.split(":")[0]);
}

test("servers are in the order of the configuration, or in the one that is wished for", () => {
  assert.deepEqual(ordered({}), ["s10", "s2", "s1"]);
  assert.deepEqual(ordered({ key: "name" }), ["s1", "s2", "s10"]);
  assert.deepEqual(ordered({ key: "name", isReversed: true }), ["s10", "s2", "s1"]);
  assert.deepEqual(ordered({ key: "state" }), ["s2", "s1", "s10"]);
  assert.deepEqual(ordered({ key: "load" }), ["s1", "s10", "s2"]);
  assert.deepEqual(ordered({ key: "load", isReversed: true }), ["s10", "s1", "s2"]);
  assert.deepEqual(ordered({ key: "__proto__" }), ["s10", "s2", "s1"]);
});

test("the largest load comes first, unless it is wished for the other way round", () => {
  assert.deepEqual([direction("load", false), direction("load", true)], ["descending", "ascending"]);
  assert.deepEqual([direction("name", false), direction("name", true)], ["ascending", "descending"]);
});

test("servers are found by all that is said of them", () => {
  assert.deepEqual(ordered({ search: "s1" }), ["s10", "s1"]);
  assert.deepEqual(ordered({ search: "HANGS not" }), ["s2"]);
  assert.deepEqual(ordered({ search: "r2023B" }), ["s1"]);
  assert.deepEqual(ordered({ search: "1.0.0 s2" }), []);
  assert.deepEqual(ordered({ state: "full" }), ["s1"]);
});

test("points are kept in the order of time, each once, and no more than so many", () => {
  const points = new Points(3);
  points.begin(["time", "cpu", "starts"], [[1, 10, 1], [2, 20, 0]]);
  points.add([2, 99, 9]);
  points.add([3, 30, 2]);
  points.add([4, 40, 0]);
  points.add(undefined);
  assert.deepEqual(points.columns(["cpu"]), [[2, 3, 4], [20, 30, 40]]);
  assert.equal(points.last("cpu"), 40);
  assert.deepEqual(points.stepped(["cpu", "starts"], 2), [[2, 4], [25, 40], [2, 0]]);
});

/** A page's connections, as a test says. */
function stage() {
  const told = [];
  const stage = { told, sockets: [], timers: [], asked: [], answer: () => Promise.reject(new Error("no network")) };
  const edges = {
    page: "https://s.org/1999/monitor?x=y#view=table",
    connect: (url) => {
      const socket = { url };
      stage.sockets.push(socket);
      return socket;
    },
    ask: (url) => {
      stage.asked.push(url);
      return stage.answer();
    },
    later: (action, seconds) => stage.timers.push({ action, seconds }),
    random: () => 0.5,
  };
  stage.live = new Live(
    (data, patch) => told.push(structuredClone({ data, patch })),
    (state, words) => told.push([state, words].join(" ").trim()),
    edges,
  );
  return stage;
}

const settled = () => new Promise(setImmediate);

test("data come whole, then change", () => {
  const { sockets, told } = stage();
  assert.equal(sockets[0].url, "wss://s.org/1999/monitor/live");
  sockets[0].onmessage({ data: '{"patch":{"a":1}}' });
  sockets[0].onmessage({ data: '{"whole":{"a":2,"b":{"c":3}}}' });
  sockets[0].onmessage({ data: '{"patch":{"b":{"c":null}}}' });
  assert.deepEqual(told, [
    "live",
    { data: { a: 2, b: { c: 3 } }, patch: null },
    { data: { a: 2, b: {} }, patch: { b: { c: null } } },
  ]);
});

test("a connection that is lost is said to be, and made again, ever less often", async () => {
  const { sockets, timers, told } = stage();
  sockets[0].onmessage({ data: '{"whole":{}}' });
  sockets[0].onclose();
  assert.equal(told.at(-1), "lost");
  for (const seconds of [1, 2, 4, 8, 16, 30, 30]) {
    const { action, seconds: waited } = timers.pop();
    assert.equal(waited, seconds);
    action();
    sockets.at(-1).onclose();
    await settled();
  }
  timers.pop().action();
  sockets.at(-1).onmessage({ data: '{"whole":{}}' });
  assert.equal(told.at(-2), "live");
  sockets.at(-1).onclose();
  assert.equal(timers.pop().seconds, 1);
});

test("where no WebSocket can be opened, all is asked for now and then", async () => {
  const it = stage();
  it.answer = () => Promise.resolve({ ok: true, json: () => Promise.resolve({ a: 1 }) });
  it.sockets[0].onclose();
  await settled();
  assert.deepEqual(it.asked, ["https://s.org/1999/monitor.json"]);
  assert.deepEqual(it.told, ["asking", { data: { a: 1 }, patch: null }]);
  assert.equal(it.timers.pop().seconds, 10);
});

test("why nobody is let in is said", async () => {
  const it = stage();
  it.answer = () => Promise.resolve({ ok: false, status: 403, text: () => Promise.resolve("Not from your network.") });
  it.sockets[0].onclose();
  await settled();
  assert.deepEqual(it.told, ["lost Not from your network."]);
});
