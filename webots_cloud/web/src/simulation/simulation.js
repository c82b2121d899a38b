// One simulation from the wish for it to its end: finds a server, keeps its two sockets, and gives every phase a limit.
import { openClientSocket, isStreamUrl } from "./client_socket.js";
import { ControllerResets } from "./controller_resets.js";
import { Failure } from "../failure.js";
import { SILENT, failures } from "./failures.js";
import { askForSimulationServer, placeOf } from "./session.js";
import { openStream } from "./stream.js";

/**
 * Longest time without progress of each phase, in seconds. A simulation server's own limits, by default 60 s to fetch a
 * project and 60 s to start, come first: its sentence says more than ours. Waiting for a place has no limit.
 */
export const SILENCE = { looking: 15, starting: 140, loading: 60 };

/** Phases that share the limit of another one. */
const LIMIT_OF = { fetching: "starting" };

/** What Webots streams that brings the scene nearer; a sign of life alone must not prolong the waiting. */
const PROGRESS = new Set(["world", "loading", "model", "image", "complete", "multimedia", "frame"]);

/**
 * Drives one simulation. The listener hears `phase(name, detail)` with the names `looking`, `waiting`, `fetching`,
 * `starting`, `loading`, `message(message)` for what Webots streams, `client(message)` for what else the simulation
 * server says, and `ended(failure)` once: by then everything is closed.
 *
 * @param {object} target what to run or to watch (session.js).
 * @param {string} greeting the first message to Webots: what is wanted of it.
 * @param {() => string} init makes the first message to the simulation server.
 * @param {object} listener hears of it.
 * @param {object} edges `connect(url)`, `fetch`, `isHidden()` (whether nobody sees the page), `silence` (seconds for each
 *   phase); for tests and for slow machines.
 */
export class Simulation {
  #target;
  #greeting;
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

  constructor(target, greeting, init, listener, edges = {}) {
    this.#target = target;
    this.#greeting = greeting;
    this.#init = init;
    this.#listener = listener;
    this.#edges = {
      connect: (url) => new WebSocket(url),
      fetch: globalThis.fetch?.bind(globalThis),
      isHidden: () => globalThis.document?.hidden === true,
      ...edges,
    };
    this.#edges.silence = { ...SILENCE, ...edges.silence };
  }

  /** Puts files of controllers back. */
  resets = new ControllerResets((message) => this.ask(message));

  /** The URL under which Webots serves the textures of the scene, or null before there is one. */
  streamUrl = null;

  /** The URL under which robot windows are, and which leads to nothing else; null where there is none. */
  windowsUrl = null;

  /** Begin; whatever goes wrong comes as `ended`. */
  async start() {
    try {
      if (this.#target.stream) {
        this.#watch(this.#target.stream);
        return;
      }
      this.#enter("looking");
      this.#startOn(await askForSimulationServer(this.#target, this.#asking.signal, this.#edges.fetch));
    } catch (error) {
      this.#end(error instanceof Failure ? error : failures.unexpected(error.message));
    }
  }

  /** Tell Webots something. */
  send(text) {
    this.#stream?.send(text);
  }

  /** Ask the simulation server for something. */
  ask(message) {
    if (this.#isClientOpen && !this.#over) {
      this.#client.send(JSON.stringify(message));
    }
  }

  /** Let others watch, or not; at first they may not. */
  allowBroadcast(allowed) {
    if (allowed !== this.#allowBroadcast) {
      this.#allowBroadcast = allowed;
      this.ask({ allowBroadcast: allowed });
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
    this.resets.end();
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
          this.ask({ allowBroadcast: true });
        }
      },
      message: (message) => this.#hearClient(message),
      closed: (opened) => this.#end(this.#whyClientClosed(opened, server)),
    };
    this.#client = openClientSocket(server, this.#init(), listener, this.#edges.connect);
  }

  #hearClient(message) {
    if (this.resets.hear(message)) {
      return;
    }
    if (message.kind === "error") {
      this.#end(failures.reported(message.text));
    } else if (message.kind === "webots") {
      this.#streamFrom(message.text);
    } else if (message.kind === "windows") {
      this.windowsUrl = isStreamUrl(message.text) ? message.text : null;
    } else if (message.kind === "loading") {
      this.#hearLoading(message.text);
    } else if (message.kind === "queue") {
      this.#enter("waiting", message.text);
    } else {
      this.#listener.client?.(message);
    }
  }

  /** Progress before there is a scene; once there is a stream, Webots says more. */
  #hearLoading(text) {
    if (!this.#stream) {
      this.#enter(/fetch|download|clon|unpack/i.test(text) ? "fetching" : "starting", text);
    }
  }

  #streamFrom(url) {
    if (!isStreamUrl(url)) {
      this.#end(failures.oddStream());
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
        this.#end(opened ? failures.simulatorLost() : failures.simulatorUnreachable(placeOf(url))),
    };
    this.#stream = openStream(url, this.#greeting, listener, this.#edges.connect);
  }

  #whyClientClosed(opened, server) {
    if (!opened) {
      return failures.simulationUnreachable(placeOf(server));
    }
    return this.#stream ? failures.serverLost() : failures.closedEarly();
  }

  #enter(phase, detail = "") {
    this.#phase = phase;
    this.#heard();
    this.#listener.phase(phase, detail);
  }

  #heard() {
    clearTimeout(this.#timer);
    const limit = LIMIT_OF[this.#phase] ?? this.#phase;
    const seconds = this.#edges.silence[limit];
    if (seconds !== undefined && !this.#over) {
      this.#timer = setTimeout(() => this.#expire(limit), seconds * 1000);
    }
  }

  /** A page that nobody sees gets no frames, and so cannot show a scene that has come. */
  #expire(limit) {
    if (limit === "loading" && this.#edges.isHidden()) {
      this.#heard();
    } else {
      this.#end(SILENT[limit]());
    }
  }

  #end(failure) {
    if (!this.#over) {
      this.close();
      this.#listener.ended(failure);
    }
  }
}
