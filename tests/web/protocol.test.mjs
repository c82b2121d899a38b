// Reading what the three servers say.
import assert from "node:assert/strict";
import { test } from "node:test";
import { isStreamUrl, readClientMessage } from "../../webots_cloud/web/src/simulation/client_socket.js";
import { ConsoleLines } from "../../webots_cloud/web/src/console/console.js";
import { endsIn } from "../../webots_cloud/web/src/progress/notice.js";
import { askForSimulationServer, readSessionAnswer, readSimulationUrl } from "../../webots_cloud/web/src/simulation/session.js";
import { readStreamMessage } from "../../webots_cloud/web/src/simulation/stream.js";
import { formatTime } from "../../webots_cloud/web/src/toolbar/toolbar.js";
import { initMessage } from "../../webots_cloud/web/src/visitor.js";

test("a URL names the session server, the project and the world", () => {
  const expected = { server: "ws://host:1999", project: "four wheels", world: "w.wbt" };
  assert.deepEqual(readSimulationUrl("ws://host:1999/four%20wheels/worlds/w.wbt"), expected);
  const behind = { server: "wss://host/1999", project: "p", world: "w.wbt" };
  assert.deepEqual(readSimulationUrl("wss://host/1999/p/worlds/w.wbt"), behind);
});

test("a URL without a world names a simulator that streams", () => {
  assert.deepEqual(readSimulationUrl("ws://host:1234"), { stream: "ws://host:1234" });
  assert.deepEqual(readSimulationUrl("wss://host/2001/"), { stream: "wss://host/2001" });
});

test("other URLs are refused", () => {
  for (const url of ["", "http://host/p/worlds/w.wbt", "host:1", "ws://", "javascript:alert(1)", "ws://h/?x"]) {
    assert.throws(() => readSimulationUrl(url), /is not the address of a simulation/);
  }
});

test("the session server's answer is a URL without a slash at its end", () => {
  assert.equal(readSessionAnswer("ws://host:2000\n", "ws://s"), "ws://host:2000");
  assert.equal(readSessionAnswer("wss://host/2000/", "ws://s"), "wss://host/2000");
});

test("an answer that begins with Error: is told to the visitor", () => {
  const answer = "Error: no simulation server available at the moment.";
  assert.throws(() => readSessionAnswer(answer, "ws://s"), { message: "No simulation server available at the moment." });
  assert.throws(() => readSessionAnswer("Error:", "ws://s"), { message: /^No simulation server is available/ });
});

test("an answer that is no URL is not used", () => {
  for (const answer of ["", "<html>", "http://host", "ws://a b", "ws://host?x"]) {
    assert.throws(() => readSessionAnswer(answer, "ws://s"), { message: /is not understood/ });
  }
});

test("the session server is asked over HTTP at its own path", async () => {
  const asked = [];
  const fetch = async (url) => {
    asked.push(url);
    return { ok: true, text: async () => "ws://host:2000" };
  };
  assert.equal(await askForSimulationServer("wss://s/1999", new AbortController().signal, fetch), "ws://host:2000");
  assert.deepEqual(asked, ["https://s/1999/session"]);
});

test("init has the host without www and nine strings, whatever the page set", () => {
  const who = { User1Id: 7, User1Name: "A \"b\"", User1Authentication: null, User2Id: "", CustomData: undefined };
  const page = { protocol: "https:", host: "www.example.org:8443" };
  const message = JSON.parse(initMessage(page, { project: "p", world: "w.wbt" }, who));
  assert.deepEqual(message.init, ["https://example.org:8443", "p", "w.wbt", "7", 'A "b"', "", "", "", ""]);
});

test("messages of the simulation server", () => {
  assert.deepEqual(readClientMessage("."), { kind: "alive", text: "" });
  assert.deepEqual(readClientMessage("webots:ws://host:2001"), { kind: "webots", text: "ws://host:2001" });
  assert.deepEqual(readClientMessage("error: no such\nproject"), { kind: "error", text: "no such\nproject" });
  assert.deepEqual(readClientMessage("queue:3"), { kind: "queue", text: "3" });
  assert.deepEqual(readClientMessage("reset controller: a/a.py"), { kind: "reset controller", text: "a/a.py" });
  assert.equal(readClientMessage("what").kind, "unknown");
});

test("only WebSocket addresses are used as the simulator's", () => {
  assert.ok(isStreamUrl("ws://host:2001"));
  assert.ok(isStreamUrl("wss://host/2001"));
  for (const url of ["http://host", "javascript:alert(1)", "ws://user@host", "ws://", "ws://a b"]) {
    assert.equal(isStreamUrl(url), false);
  }
});

test("a state has its time and what changed, under either name", () => {
  const pose = { id: 70, translation: "1 2 3" };
  for (const name of ["poses", "updates"]) {
    const text = `application/json:${JSON.stringify({ time: 64, [name]: [pose] })}`;
    assert.deepEqual(readStreamMessage(text), { kind: "state", time: 64, poses: [pose], labels: [] });
  }
});

test("a state that is no JSON, or of another shape, changes nothing", () => {
  assert.deepEqual(readStreamMessage("application/json:{"), { kind: "unknown" });
  assert.deepEqual(readStreamMessage("application/json:null").poses, []);
  assert.deepEqual(readStreamMessage('application/json:{"poses": {"a": 1}}').poses, []);
});

test("modes, in all their spellings", () => {
  for (const text of ["pause", "pause: 32", "paused by client", "step"]) {
    assert.equal(readStreamMessage(text).mode, "pause", text);
  }
  for (const text of ["real-time", "run", "fast"]) {
    assert.equal(readStreamMessage(text).mode, "run", text);
  }
});

test("the other messages of the stream", () => {
  assert.deepEqual(readStreamMessage("time: 128"), { kind: "time", time: 128 });
  assert.deepEqual(readStreamMessage("model:<X3D/>\n"), { kind: "model", x3d: "<X3D/>" });
  assert.deepEqual(readStreamMessage("world:a.wbt:a.wbt;b.wbt").worlds, ["a.wbt", "b.wbt"]);
  assert.deepEqual(readStreamMessage("image[a/b.png]:data:image/png;base64,AA"), {
    kind: "image",
    url: "a/b.png",
    data: "data:image/png;base64,AA",
  });
  assert.equal(readStreamMessage("image[a]:javascript:alert(1)").kind, "unknown");
  assert.deepEqual(readStreamMessage("loading:Parsing: nodes:42"), {
    kind: "loading",
    status: "Parsing: nodes",
    percent: 42,
  });
  assert.deepEqual(readStreamMessage("node:12:<Shape/>"), { kind: "node", parent: "12", x3d: "<Shape/>" });
  assert.deepEqual(readStreamMessage("delete:12"), { kind: "delete", id: "12" });
  assert.deepEqual(readStreamMessage("visibility:12:0"), { kind: "visibility", id: "12", visible: false });
  assert.deepEqual(readStreamMessage("set controller:go/go.py:2\na\nb"), {
    kind: "controller",
    name: "go",
    file: "go.py",
    content: "a\nb",
  });
  assert.deepEqual(readStreamMessage("stdout:time: 3\n"), { kind: "stdout", text: "time: 3\n" });
  assert.equal(readStreamMessage("scene load completed").kind, "complete");
  assert.equal(readStreamMessage("reset finished").kind, "reset");
  assert.equal(readStreamMessage("label...").kind, "unknown");
});

test("the console keeps the newest lines, each cut", () => {
  const lines = new ConsoleLines();
  lines.add("stdout", Array.from({ length: 7000 }, (_, index) => `line ${index}`).join("\n") + "\n");
  lines.add("stderr", "x".repeat(20_000));
  const kept = lines.take();
  assert.equal(kept.length, 5000);
  assert.deepEqual(kept.at(-2), { stream: "stdout", text: "line 6999" });
  assert.equal(kept.at(-1).text.length, 10_000);
  assert.deepEqual(lines.take(), []);
});

test("simulated time in hours, minutes, seconds and milliseconds", () => {
  assert.equal(formatTime(0), "0:00:00.000");
  assert.equal(formatTime(3_723_004.9), "1:02:03.004");
});

test("the visitor is warned of an end that is near, and of no other", () => {
  assert.equal(endsIn(300), "This simulation ends in 5 minutes.");
  assert.equal(endsIn(90), "This simulation ends in 1 minute.");
  assert.equal(endsIn(59), "This simulation ends in 59 seconds.");
  assert.equal(endsIn(1), "This simulation ends in 1 second.");
  for (const seconds of [301, 7200, -1, Number("soon")]) {
    assert.equal(endsIn(seconds), "");
  }
});

test("labels come with a state or by themselves", () => {
  const label = { id: 0, text: "a", rgba: "1,1,1,1", size: 0.1, x: 0, y: 0 };
  const state = `application/json:${JSON.stringify({ time: 8, labels: [label] })}`;
  assert.deepEqual(readStreamMessage(state), { kind: "state", time: 8, poses: [], labels: [label] });
  assert.deepEqual(readStreamMessage("label:0;Arial;rgba(0,0,0,1);0.1;0.2;0.3;some;text"), {
    kind: "label",
    label: { id: "0", font: "Arial", color: "rgba(0,0,0,1)", size: "0.1", x: "0.2", y: "0.3", text: "some;text" },
  });
  assert.equal(readStreamMessage("label:0;Arial").kind, "unknown");
});
