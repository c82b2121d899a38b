// One simulation from the wish for it to its end: finds a server, keeps its two sockets, and gives every phase a limit.
import { openClientSocket, isStreamUrl } from "./client_socket.js";
import { Failure } from "../failure.js";
import { askForSimulationServer, placeOf } from "./session.js";
import { openStream } from "./stream.js";

/**
 * Longest time without progress of each phase, in seconds. A simulation server's own limits, by default 60 s to fetch a
 * project and 60 s to start, come first: its sentence says more than ours. Waiting for a place has no limit.
 */
export const SILENCE = { looking: 15, starting: 140, loading: 60 };

const SILENT = {
  looking: "The session server does not answer.",
  starting: "The simulation server did not start the simulation in time.",
  loading: "The simulator did not send the scene in time.",
};

/** What Webots streams that brings the scene nearer; a sign of life alone must not prolong the waiting. */
const PROGRESS = new Set(["world", "loading", "model", "image", "complete"]);

/**
 * Drives one simulation. The listener hears `phase(name, detail)` with the names `looking`, `waiting`, `starting`,
 * `loading`, `message(message)` for what Webots streams, `client(message)` for what else the simulation server says, and
 * `ended(sentence)` once: by then everything is closed.
 *
 * @param {{server: string, project: string, world: string} | {stream: string}} target what to run or to watch.
 * @param {string} mode what to ask Webots for.
 * @param {() => string} init makes the first message to the simulation server.
 * @param {object} listener hears of it.
 * @param {object} edges `connect(url)`, `fetch`, `silence` (seconds for each phase); for tests and for slow machines.
 */
export class Simulation {
  #target;
  #mode;
  #init;
  #listener;
  #edges;
  #phase = null;
  #timer = null;
  #asking = new AbortController();
  #client = null;
  #stream = null;
  #allowBroadcast = false;
  #isClientOpen = false;
  #over = false;

  constructor(target, mode, init, listener, edges = {}) {
    this.#target = target;
    this.#mode = mode;
    this.#init = init;
    this.#listener = listener;
    this.#edges = { connect: (url) => new WebSocket(url), fetch: globalThis.fetch?.bind(globalThis), ...edges };
    this.#edges.silence = { ...SILENCE, ...edges.silence };
  }

  /** The URL under which Webots serves the textures of the scene, or null before there is one. */
  streamUrl = null;

  /** The URL under which robot windows are, and which leads to nothing else; null where there is none. */
  windowsUrl = null;

  /** Begin; whatever goes wrong comes as `ended`. */
  async start() {
    if (this.#target.stream) {
      this.#watch(this.#target.stream);
      return;
    }
    try {
      this.#enter("looking");
      const server = await askForSimulationServer(this.#target.server, this.#asking.signal, this.#edges.fetch);
      this.#startOn(server);
    } catch (error) {
      this.#end(error instanceof Failure ? error.message : `The simulation could not be started: ${error.message}`);
    }
  }

  /** Tell Webots something. */
  send(text) {
    this.#stream?.send(text);
  }

  /** Let others watch, or not; at first they may not. */
  allowBroadcast(allowed) {
    if (allowed !== this.#allowBroadcast) {
      this.#allowBroadcast = allowed;
      this.#sendAllowBroadcast();
    }
  }

  /** The scene is shown: from now on silence is no failure. */
  shown() {
    clearTimeout(this.#timer);
    this.#phase = "running";
  }

  /** The scene is gone and another one is expected. */
  expectScene() {
    this.#enter("loading");
  }

  /** End it without a word to the listener. */
  close() {
    this.#over = true;
    clearTimeout(this.#timer);
    this.#asking.abort();
    this.#stream?.close();
    this.#client?.close();
  }

  #startOn(server) {
    if (this.#over) {
      return;
    }
    this.#enter("starting");
    const listener = {
      opened: () => {
        this.#isClientOpen = true;
        if (this.#allowBroadcast) {
          this.#sendAllowBroadcast();
        }
      },
      message: (message) => this.#hearClient(message),
      closed: (opened) => this.#end(this.#whyClientClosed(opened, server)),
    };
    this.#client = openClientSocket(server, this.#init(), listener, this.#edges.connect);
  }

  #sendAllowBroadcast() {
    if (this.#isClientOpen && !this.#over) {
      this.#client.send(JSON.stringify({ allowBroadcast: this.#allowBroadcast }));
    }
  }

  #hearClient(message) {
    if (message.kind === "error") {
      this.#end(`The simulation server reports: ${message.text.slice(0, 1000)}`);
    } else if (message.kind === "webots") {
      this.#streamFrom(message.text);
    } else if (message.kind === "windows") {
      this.windowsUrl = isStreamUrl(message.text) ? message.text : null;
    } else if (message.kind === "loading") {
      this.#enter(this.#phase === "waiting" ? "starting" : this.#phase, message.text);
    } else if (message.kind === "queue") {
      this.#enter("waiting", `Visitors ahead: ${message.text}.`);
    } else {
      this.#listener.client?.(message);
    }
  }

  #streamFrom(url) {
    if (!isStreamUrl(url)) {
      this.#end("The simulation server gave an address of the simulator that is not understood.");
    } else if (!this.#stream) {
      this.#watch(url);
    }
  }

  #watch(url) {
    this.streamUrl = url;
    this.#enter("loading");
    const listener = {
      message: (message) => {
        if (PROGRESS.has(message.kind)) {
          this.#heard();
        }
        this.#listener.message(message);
      },
      closed: (opened) =>
        this.#end(
          opened
            ? "The connection to the simulator was lost."
            : `The simulator at ${placeOf(url)} cannot be reached.`,
        ),
    };
    this.#stream = openStream(url, this.#mode, listener, this.#edges.connect);
  }

  #whyClientClosed(opened, server) {
    if (!opened) {
      return `The simulation server ${placeOf(server)} cannot be reached.`;
    }
    return this.#stream
      ? "The connection to the simulation server was lost."
      : "The simulation server closed the connection before the simulation started.";
  }

  #enter(phase, detail = "") {
    this.#phase = phase;
    this.#heard();
    if (phase !== "running") {
      this.#listener.phase(phase, detail);
    }
  }

  #heard() {
    clearTimeout(this.#timer);
    const limit = this.#edges.silence[this.#phase];
    if (limit !== undefined && !this.#over) {
      this.#timer = setTimeout(() => this.#end(SILENT[this.#phase]), limit * 1000);
    }
  }

  #end(sentence) {
    if (!this.#over) {
      this.close();
      this.#listener.ended(sentence);
    }
  }
}
