// Reading what the three servers say.
import assert from "node:assert/strict";
import { test } from "node:test";
import { isStreamUrl, readClientMessage } from "../../webots_cloud/web/src/simulation/client_socket.js";
import {
  askForSimulationServer,
  readSessionAnswer,
  readSessionServer,
  readSimulationUrl,
} from "../../webots_cloud/web/src/simulation/session.js";
import { generationOf, greeting, robotMessage } from "../../webots_cloud/web/src/simulation/orders.js";
import { readStreamMessage } from "../../webots_cloud/web/src/simulation/stream.js";
import { formatLeft, formatTime } from "../../webots_cloud/web/src/toolbar/time.js";
import { initMessage, nameOf, startMessage } from "../../webots_cloud/web/src/visitor.js";

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
  const bad = [undefined, "", "http://host/p/worlds/w.wbt", "host:1", "ws://", "javascript:alert(1)", "ws://h/?x"];
  for (const url of [...bad, "javascript:a.x3d", "https://h/session?url=https://evil.example/", "x".repeat(10_000)]) {
    assert.throws(() => readSimulationUrl(url), { message: /is not the address of a simulation/, advice: /ws:\/\// });
  }
});

test("a URL of a world on GitHub is asked for as it is, whatever answers there", () => {
  const github = "https://github.com/user/repo/blob/main/worlds/w.wbt";
  assert.deepEqual(readSimulationUrl(`https://h/1999/session?url=${github}`), {
    server: "wss://h/1999",
    session: `https://h/1999/session?url=${github}`,
    github,
  });
  const other = readSimulationUrl(`https://h/ajax/session.php?a=b&url=${encodeURIComponent(github)}`);
  assert.equal(other.server, null);
  assert.equal(other.github, github);
});

test("a scene is a file of a website", () => {
  for (const url of ["file.x3d", "a/b.x3d", "/a.X3D?v=1", "https://host/a.x3d"]) {
    assert.deepEqual(readSimulationUrl(url), { file: url });
  }
});

test("a page may name the session server by the address of a simulation there", () => {
  for (const url of ["ws://h:1999", "ws://h:1999/", "http://h:1999", "ws://h:1999/p/worlds/w.wbt"]) {
    assert.equal(readSessionServer(url), "ws://h:1999");
  }
  assert.throws(() => readSessionServer("file.x3d"), /is not the address/);
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
  assert.equal(await askForSimulationServer({ server: "wss://s/1999" }, new AbortController().signal, fetch), "ws://host:2000");
  const github = { server: null, session: "https://web/session.php?url=x" };
  await askForSimulationServer(github, new AbortController().signal, fetch);
  assert.deepEqual(asked, ["https://s/1999/session", "https://web/session.php?url=x"]);
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
  assert.equal(readStreamMessage("real-time").mode, "run");
  for (const text of ["run", "fast"]) {
    assert.equal(readStreamMessage(text).mode, "fast", text);
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

test("simulated time in hours, minutes, seconds and milliseconds", () => {
  assert.equal(formatTime(0), "0:00:00.000");
  assert.equal(formatTime(3_723_004.9), "1:02:03.004");
});

test("time left in seconds that have begun", () => {
  assert.equal(formatLeft(0), "0:00");
  assert.equal(formatLeft(60_001), "1:01");
  assert.equal(formatLeft(3_600_000), "1:00:00");
});

test("the first message says what is wanted, and whether the visitor only watches", () => {
  assert.equal(greeting("x3d", false), "x3d");
  assert.equal(greeting("w3d", true), "w3d;broadcast");
  assert.equal(greeting("mjpeg", false, "800x600"), "mjpeg: 800x600");
});

test("a scene says from which generation of Webots it comes", () => {
  const scene = (version) => `<?xml version="1.0"?><X3D><head><meta name="version" content="${version}"/></head></X3D>`;
  assert.equal(generationOf(scene("R2021b")), "A");
  assert.equal(generationOf(scene("R2022b")), "B");
  assert.equal(generationOf(scene("R2025a")), "B");
  assert.equal(generationOf("<X3D/>"), "A");
});

test("a message to a robot has the form of its generation", () => {
  assert.equal(robotMessage("A", "e-puck", "go: on"), "robot:e-puck:go: on");
  assert.equal(robotMessage("B", 'my "bot"', "go"), 'robot:{"name":"my \\"bot\\"","message":"go"}');
});

test("a world on GitHub is asked for by its URL", () => {
  const github = "https://github.com/user/repo/blob/main/worlds/w.wbt";
  assert.deepEqual(JSON.parse(startMessage({ github }, "x3d")), { start: { url: github, mode: "x3d" } });
});

test("a simulation runs in the name of its users, or in nobody's", () => {
  assert.equal(nameOf({ User1Id: "", User1Name: "" }), "");
  assert.equal(nameOf({ User1Id: "0" }), "");
  assert.equal(nameOf({ User1Id: 7, User1Name: "Ann", User2Id: 8, User2Name: "" }), "Ann and 8");
  assert.equal(nameOf({ User1Name: "x".repeat(1000) }).length, 200);
});

test("a page may name any number of worlds, and not all of them are listed", () => {
  const { worlds } = readStreamMessage(`world:a.wbt:${"b.wbt;".repeat(100_000)}`);
  assert.equal(worlds.length, 500);
});

test("pictures are on the server that streams, and nowhere else", () => {
  assert.deepEqual(readStreamMessage("multimedia: /mjpeg 800 600"), { kind: "multimedia", path: "mjpeg" });
  assert.equal(readStreamMessage("multimedia: a/b.jpg?x=1").path, "a/b.jpg?x=1");
  for (const path of ["", "http://evil.example/", "//evil.example", "../up", "a/../b", "javascript:alert(1)", "a\\b"]) {
    assert.equal(readStreamMessage(`multimedia: ${path}`).kind, "unknown", path);
  }
});
