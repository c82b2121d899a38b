// Recorded animations: their states, how they are played, and the files they come from.
import assert from "node:assert/strict";
import { test } from "node:test";
import { formatSeconds } from "../../webots_cloud/web/src/animation/animation_bar.js";
import { Player } from "../../webots_cloud/web/src/animation/player.js";
import { Recording } from "../../webots_cloud/web/src/animation/recording.js";
import { fetchScene, fetchText } from "../../webots_cloud/web/src/animation/scene_file.js";

/** A thing that moves in each frame, one that moves in the third only, and a label that comes and goes. */
const FRAMES = [
  { time: 0, poses: [{ id: 1, translation: "0 0 0" }] },
  { time: 100, poses: [{ id: 1, translation: "1 0 0" }], labels: [{ id: 5, text: "go", x: 0.1 }] },
  { time: 200, updates: [{ id: 1, translation: "2 0 0" }, { id: 2, rotation: "0 0 1 1" }] },
  { time: 300, poses: [{ id: 1, translation: "3 0 0" }], labels: [{ id: 5, text: "" }] },
];

function recording(frames = FRAMES, attributesOf = undefined) {
  return new Recording(JSON.stringify({ basicTimeStep: 100, ids: "1;2;", frames }), attributesOf);
}

function poseOf({ poses }, id) {
  return poses.find((pose) => pose.id === id);
}

test("the state at any frame is all that was changed up to it", () => {
  const recorded = recording();
  assert.equal(poseOf(recorded.stateAt(3), 1).translation, "3 0 0");
  assert.equal(poseOf(recorded.stateAt(3), 2).rotation, "0 0 1 1");
  assert.equal(recorded.stateAt(2).labels[0].text, "go");
  assert.equal(recorded.stateAt(3).labels[0].text, "");
});

test("before a thing was changed it is as the scene has it, or as it is where the scene says nothing", () => {
  const scene = { n2: { rotation: "1 0 0 0.5" } };
  assert.equal(poseOf(recording(FRAMES, (id) => scene[id] ?? {}).stateAt(1), 2).rotation, "1 0 0 0.5");
  assert.equal(poseOf(recording().stateAt(0), 2).rotation, "0 0 1 0");
  assert.deepEqual(recording().stateAt(0).labels, [{ id: 5, text: "" }]);
});

test("states are the same whether one goes through the frames or leaps, in a long recording too", () => {
  const frames = Array.from({ length: 1000 }, (_, index) => ({
    time: index * 32,
    poses: [{ id: index % 7, translation: `${index} 0 0` }, ...(index % 5 ? [] : [{ id: 8, rotation: `0 0 1 ${index}` }])],
  }));
  const recorded = recording(frames);
  const expected = new Map(recorded.stateAt(0).poses.map((pose) => [pose.id, pose]));
  const states = frames.map(({ poses }) => {
    poses.forEach((pose) => expected.set(pose.id, { ...expected.get(pose.id), ...pose }));
    return [...expected.values()];
  });
  const sorted = (poses) => poses.toSorted((a, b) => a.id - b.id);
  for (const index of [999, 0, 500, 31, 32, 33, 998, 1]) {
    assert.deepEqual(sorted(recorded.stateAt(index).poses), sorted(states[index]), `frame ${index}`);
  }
});

test("the changes between two frames are the newest of each field", () => {
  const { poses, labels } = recording().changes(0, 3);
  assert.deepEqual(poses, [
    { id: 1, translation: "3 0 0" },
    { id: 2, rotation: "0 0 1 1" },
  ]);
  assert.deepEqual(labels, [{ id: 5, text: "", x: 0.1 }]);
});

test("frames come when they say, or one time step after another where that is no use", () => {
  const late = recording([{ time: 1000 }, { time: 1100 }, { time: 1500 }]);
  assert.deepEqual([late.frameAt(0), late.frameAt(99), late.frameAt(100), late.frameAt(499), late.frameAt(500)], [0, 0, 1, 1, 2]);
  assert.equal(late.duration, 600);
  const odd = recording([{ time: 5 }, {}, { time: "x" }]);
  assert.deepEqual([odd.timeOf(1), odd.timeOf(2)], [100, 200]);
});

test("what is no recording is refused with a reason", () => {
  assert.throws(() => new Recording("<html>"), { message: "it is not JSON" });
  for (const text of ["null", "[]", "{}", '{"frames": 3}', '{"frames": []}']) {
    assert.throws(() => new Recording(text), { message: "it has no frames" }, text);
  }
});

test("what is no change is left out, and nothing that is odd breaks the rest", () => {
  const odd = [
    { poses: [null, 3, "x", { translation: "1 1 1" }, { id: {} }, { id: 1, translation: null, __proto__: 1 }] },
    null,
    { poses: "no", labels: { id: 1 } },
    { poses: [{ id: 1, translation: "4 0 0" }] },
  ];
  const recorded = new Recording(JSON.stringify({ basicTimeStep: -5, frames: odd }));
  assert.equal(recorded.basicTimeStep, 32);
  assert.equal(recorded.length, 4);
  assert.equal(poseOf(recorded.stateAt(3), 1).translation, "4 0 0");
});

/** A player, what it showed, and a clock. */
function playing(loop = false, frames = FRAMES) {
  const shown = [];
  const player = new Player(recording(frames), ({ time, poses }) => shown.push([time, poses.length]), loop);
  let now = 0;
  return { player, shown, pass: (milliseconds) => player.tick((now += milliseconds)) };
}

test("the first frame is shown at once, and nothing moves before it plays", () => {
  const { player, shown, pass } = playing();
  pass(0);
  pass(200);
  assert.deepEqual(shown, [[0, 2]]);
  assert.equal(player.time, 0);
});

test("it plays in real time, and each frame once", () => {
  const { player, shown, pass } = playing();
  player.play();
  [0, 50, 60, 50, 60].forEach(pass);
  assert.deepEqual(shown.map(([time]) => time), [0, 100, 200]);
  assert.equal(player.time, 220);
});

test("it stops after the last frame, and plays from the start when asked again", () => {
  const { player, shown, pass } = playing();
  player.play();
  [0, 200, 200, 200].forEach(pass);
  assert.equal(player.playing, false);
  assert.equal(player.time, 400);
  player.play();
  assert.equal(player.playing, true);
  assert.deepEqual(shown.at(-1), [0, 2]);
});

test("it begins again where it repeats", () => {
  const { player, shown, pass } = playing(true);
  player.play();
  [0, 200, 150, 70].forEach(pass);
  assert.equal(player.playing, true);
  assert.equal(player.time, 20);
  assert.deepEqual(shown.at(-1), [0, 2]);
});

test("it plays faster and slower", () => {
  const { player, pass } = playing(true);
  player.play();
  player.speed = 2;
  [0, 50].forEach(pass);
  assert.equal(player.time, 100);
  player.speed = 0.25;
  pass(100);
  assert.equal(player.time, 125);
});

test("after a tab was in the background it goes on from where it was", () => {
  const frames = [0, 5000].map((time) => ({ time, poses: [{ id: 1, translation: "0 0 0" }] }));
  const { player, pass } = playing(false, frames);
  player.play();
  [0, 60_000].forEach(pass);
  assert.equal(player.time, 1000);
});

test("going back shows the whole state, going ahead only the changes", () => {
  const { player, shown } = playing();
  player.seek(100);
  player.seek(320);
  player.seek(150);
  player.seek(1e9);
  player.seek(-5);
  assert.deepEqual(shown, [
    [0, 2],
    [100, 1],
    [300, 2],
    [100, 2],
    [300, 2],
    [0, 2],
  ]);
});

test("steps go from frame to frame, pause it, and end at the ends", () => {
  const { player, shown } = playing();
  player.play();
  player.step(1);
  player.step(1);
  player.step(-1);
  [-1, -1, 1, 1, 1, 1].forEach((step) => player.step(step));
  assert.equal(player.playing, false);
  assert.deepEqual(shown.map(([time]) => time), [0, 100, 200, 100, 0, 100, 200, 300]);
});

test("a player that is held plays on from there when it is let go", () => {
  const { player, pass } = playing();
  player.play();
  player.held = true;
  [0, 100].forEach(pass);
  assert.equal(player.time, 0);
  player.held = false;
  pass(100);
  assert.equal(player.time, 100);
});

test("times of the bar", () => {
  assert.equal(formatSeconds(0), "0:00.0");
  assert.equal(formatSeconds(62_340), "1:02.3");
  assert.equal(formatSeconds(59_960), "1:00.0");
});

const PAGE = "https://host/pages/index.html";
const never = new AbortController().signal;

function answering(body, status = 200) {
  const asked = [];
  const fetch = async (url) => {
    asked.push(url);
    return new Response(body, { status });
  };
  return { page: PAGE, fetch, asked };
}

test("a scene comes with the folder that its textures are in", async () => {
  const edges = answering("<?xml version='1.0'?><X3D><Scene/></X3D>");
  const { x3d, base } = await fetchScene("../scenes/a b.x3d?v=1", never, edges);
  assert.match(x3d, /<Scene/);
  assert.equal(base, "https://host/scenes");
  assert.deepEqual(edges.asked, ["https://host/scenes/a%20b.x3d?v=1"]);
});

test("a file that cannot be had is told in a sentence", async () => {
  const failing = (edges) => fetchText("a.json", "The animation", never, { page: PAGE, ...edges });
  await assert.rejects(failing(answering("", 404)), {
    message: "The animation cannot be loaded: the website has no a.json (status 404).",
  });
  await assert.rejects(failing({ fetch: async () => Promise.reject(new TypeError("network")) }), {
    message: "The animation cannot be loaded: a.json cannot be reached.",
  });
  await assert.rejects(failing({ ...answering("x".repeat(2_000_001)), most: 2_000_000 }), {
    message: "The animation cannot be loaded: a.json is larger than 2 MB.",
  });
  await assert.rejects(fetchScene("a.x3d", never, answering("hello")), {
    message: "The scene cannot be shown: a.x3d is not an X3D file.",
  });
  await assert.rejects(fetchText("javascript:alert(1)", "The scene", never, answering("")), {
    message: "“javascript:alert(1)” is not an address that can be fetched.",
  });
});

test("a website that stops sending is not waited for without end", async () => {
  const body = new ReadableStream({ start: (controller) => controller.enqueue(new TextEncoder().encode("<X3D")) });
  const fetch = async (_, { signal }) => {
    const reader = body.getReader();
    signal.addEventListener("abort", () => reader.cancel());
    const parts = new ReadableStream({
      async pull(controller) {
        const { done, value } = await reader.read();
        return done ? controller.error(signal.reason) : controller.enqueue(value);
      },
    });
    return new Response(parts);
  };
  await assert.rejects(fetchText("a.x3d", "The scene", never, { page: PAGE, fetch, silence: 0.01 }), {
    message: "The scene cannot be loaded: the website stopped sending a.x3d.",
  });
});

test("what the page gives up is no failure of the website", async () => {
  const abort = new AbortController();
  abort.abort();
  const fetch = async (_, { signal }) => Promise.reject(signal.reason);
  await assert.rejects(fetchText("a.x3d", "The scene", abort.signal, { page: PAGE, fetch }), { name: "AbortError" });
});
