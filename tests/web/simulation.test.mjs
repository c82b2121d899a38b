// One simulation's course, and the watch on availability, with sockets and timers that the test holds.
import assert from "node:assert/strict";
import { beforeEach, mock, test } from "node:test";
import { Availability } from "../../webots_cloud/web/src/availability/watch.js";
import { SILENCE, Simulation } from "../../webots_cloud/web/src/simulation/simulation.js";

const TARGET = { server: "ws://session", project: "p", world: "w.wbt" };

let sockets;
let heard;

/** A socket that does what the test says. */
class Socket {
  sent = [];
  closed = false;

  constructor(url) {
    this.url = url;
    sockets.push(this);
  }

  send(text) {
    this.sent.push(text);
  }

  close() {
    this.closed = true;
  }

  open() {
    this.onopen?.({});
  }

  say(data) {
    this.onmessage?.({ data });
  }

  end() {
    this.onclose?.({});
  }
}

const listener = {
  phase: (name, detail) => heard.push(detail ? `${name}: ${detail}` : name),
  message: (message) => heard.push(message.kind),
  client: ({ kind, text }) => kind !== "alive" && heard.push(`${kind}: ${text}`),
  ended: (failure) => heard.push(`ended: ${failure.message}`),
};

/** A simulation whose session server gave `answer`, as far as its sockets. */
async function started(answer = "ws://simulation", more = {}) {
  const edges = {
    connect: (url) => new Socket(url),
    fetch: async () => ({ ok: true, text: async () => answer }),
    ...more,
  };
  const simulation = new Simulation(TARGET, "x3d", () => "INIT", listener, edges);
  await simulation.start();
  return simulation;
}

beforeEach(() => {
  sockets = [];
  heard = [];
  mock.timers.reset();
  mock.timers.enable({ apis: ["setTimeout"] });
});

test("from the session server over the simulation server to the stream", async () => {
  const simulation = await started();
  assert.equal(sockets[0].url, "ws://simulation/client");
  sockets[0].open();
  assert.deepEqual(sockets[0].sent, ["INIT"]);
  sockets[0].say("loading: unpacking");
  sockets[0].say("webots:wss://host/2001");
  assert.equal(sockets[1].url, "wss://host/2001/");
  assert.equal(simulation.streamUrl, "wss://host/2001");
  sockets[1].open();
  sockets[1].say("scene load completed");
  assert.deepEqual(sockets[1].sent, ["x3d"]);
  assert.deepEqual(heard, ["looking", "starting", "fetching: unpacking", "loading", "complete"]);
});

test("silence ends a phase: progress prolongs it, a sign of life does not", async () => {
  await started();
  sockets[0].open();
  mock.timers.tick((SILENCE.starting - 1) * 1_000);
  sockets[0].say("loading: unpacking");
  mock.timers.tick((SILENCE.starting - 1) * 1_000);
  sockets[0].say(".");
  assert.equal(heard.at(-1), "fetching: unpacking");
  mock.timers.tick(1_000);
  assert.equal(heard.at(-1), "ended: The simulation server did not start the simulation in time.");
  assert.ok(sockets[0].closed);
});

test("waiting for a place has no limit, and starting after it has one again", async () => {
  await started();
  sockets[0].open();
  sockets[0].say("queue:2");
  mock.timers.tick(10_000_000);
  assert.equal(heard.at(-1), "waiting: 2");
  sockets[0].say("loading: unpacking");
  assert.equal(heard.at(-1), "fetching: unpacking");
  mock.timers.tick(SILENCE.starting * 1_000);
  assert.equal(heard.at(-1), "ended: The simulation server did not start the simulation in time.");
});

test("others may watch where the page says so, from the start or later, and no longer when it says so", async () => {
  const simulation = await started();
  simulation.allowBroadcast(true);
  sockets[0].open();
  simulation.allowBroadcast(true);
  simulation.allowBroadcast(false);
  simulation.close();
  simulation.allowBroadcast(true);
  assert.deepEqual(sockets[0].sent, ["INIT", '{"allowBroadcast":true}', '{"allowBroadcast":false}']);
});

test("more time is asked for on the socket that is open, and on none that is not", async () => {
  const simulation = await started();
  simulation.ask({ extend: true });
  sockets[0].open();
  simulation.ask({ extend: true });
  assert.deepEqual(sockets[0].sent, ["INIT", '{"extend":true}']);
});

test("each failure says what to do about it, but for what the server says in its own words", async () => {
  const { failures, SILENT } = await import("../../webots_cloud/web/src/simulation/failures.js");
  for (const [name, make] of Object.entries({ ...failures, ...SILENT })) {
    const { message, advice } = make("something");
    assert.match(message, name === "noServer" || name === "reported" ? /something$/ : /^[A-Z“].*[.:].*$/, name);
    assert.equal(advice === "", name === "reported", name);
  }
});

test("how long the simulation may run is told to the page", async () => {
  await started();
  sockets[0].say("webots:ws://host:2001");
  sockets[0].say("shutdownTimeout: 7200");
  assert.equal(heard.at(-1), "shutdownTimeout: 7200");
});

test("once the scene is shown, silence is no failure", async () => {
  const simulation = await started();
  sockets[0].say("webots:ws://host:2001");
  simulation.shown();
  sockets[0].say(".");
  mock.timers.tick(10_000_000);
  assert.equal(heard.at(-1), "loading");
});

test("a simulator that streams states but no scene is not waited for without end", async () => {
  await started();
  sockets[0].say("webots:ws://host:2001");
  sockets[1].open();
  for (let second = 0; second < SILENCE.loading; second++) {
    sockets[0].say(".");
    sockets[1].say("time: 32");
    mock.timers.tick(1_000);
  }
  assert.equal(heard.at(-1), "ended: The simulator did not send the scene in time.");
});

test("a page that nobody sees has as long as it likes to show its scene, and then the usual time", async () => {
  let hidden = true;
  await started("ws://simulation", { isHidden: () => hidden });
  sockets[0].say("webots:ws://host:2001");
  mock.timers.tick(SILENCE.loading * 10_000);
  assert.equal(heard.at(-1), "loading");
  hidden = false;
  mock.timers.tick(SILENCE.loading * 1_000);
  assert.equal(heard.at(-1), "ended: The simulator did not send the scene in time.");
});

test("another scene has its own time limit", async () => {
  const simulation = await started();
  sockets[0].say("webots:ws://host:2001");
  simulation.shown();
  simulation.expectScene();
  mock.timers.tick(SILENCE.loading * 1_000);
  assert.equal(heard.at(-1), "ended: The simulator did not send the scene in time.");
});

test("both sockets are closed where either is lost, and it is told once", async () => {
  await started();
  sockets[0].say("webots:ws://host:2001");
  sockets[1].open();
  sockets[0].end();
  sockets[1].end();
  assert.equal(heard.filter((line) => line.startsWith("ended")).length, 1);
  assert.ok(sockets.every(({ closed }) => closed));
});

test("an address that is no WebSocket is not connected to", async () => {
  await started();
  sockets[0].say("webots:javascript:alert(1)");
  assert.equal(sockets.length, 1);
  assert.match(heard.at(-1), /^ended: .*not understood/);
});

test("a second address of the simulator is ignored", async () => {
  await started();
  sockets[0].say("webots:ws://host:2001");
  sockets[0].say("webots:ws://host:2002");
  assert.equal(sockets.length, 2);
});

test("a simulation closed while the session server is asked opens no socket and says nothing", async () => {
  let answer;
  const edges = {
    connect: (url) => new Socket(url),
    fetch: () => new Promise((resolve) => (answer = resolve)),
  };
  const simulation = new Simulation(TARGET, "x3d", () => "INIT", listener, edges);
  const ended = simulation.start();
  simulation.close();
  answer({ ok: true, text: async () => "ws://simulation" });
  await ended;
  assert.deepEqual(sockets, []);
  assert.deepEqual(heard, ["looking"]);
});

test("availability is told at each change and never twice the same", () => {
  new Availability("ws://s", (state) => heard.push(state), { connect: (url) => new Socket(url) });
  assert.equal(sockets[0].url, "ws://s/");
  for (const value of ["1", "1", "0", "hello", "1"]) {
    sockets[0].say(value);
  }
  assert.deepEqual(heard, ["available", "busy", "available"]);
});

test("availability connects again, later each time, and at once again after an answer", () => {
  const delays = [];
  new Availability("ws://s", (state) => heard.push(state), {
    connect: (url) => new Socket(url),
    later: (action, seconds) => {
      delays.push(seconds);
      action();
    },
    random: () => 0.5,
  });
  for (let time = 0; time < 7; time++) {
    sockets.at(-1).end();
  }
  sockets.at(-1).say("1");
  sockets.at(-1).end();
  assert.deepEqual(delays, [1, 2, 4, 8, 16, 30, 30, 1]);
  assert.deepEqual(heard, ["unreachable", "available", "unreachable"]);
});

test("closed availability is silent and does not connect again", () => {
  const availability = new Availability("ws://s", (state) => heard.push(state), { connect: (url) => new Socket(url) });
  availability.close();
  sockets[0].say("1");
  sockets[0].end();
  mock.timers.tick(100_000);
  assert.deepEqual(heard, []);
  assert.equal(sockets.length, 1);
});
