// webots.View: a simulation inside an element of a web page. Its public face; each part is a file of its own.
import { Availability } from "./availability/watch.js";
import { Failure } from "./failure.js";
import { Hearing } from "./hearing.js";
import { whyReadOnly } from "./editor/editing.js";
import { endsIn } from "./progress/notice.js";
import { canDraw } from "./scene/scene.js";
import { readSimulationUrl } from "./simulation/session.js";
import { Simulation } from "./simulation/simulation.js";
import { Stage } from "./stage.js";
import { initMessage, visitor } from "./visitor.js";

/** A simulation that visitors see and control; any number of them may be opened one after another. */
export class View {
  /** The scene is shown and can be controlled. */
  onready = null;
  /** The simulation is over, for whatever reason. */
  onclose = null;
  /** It failed: called with the sentence that the visitor sees, before `onclose`. */
  onerror = null;
  /** The visitor pressed quit: called after `onclose`. */
  onquit = null;
  /** A controller printed: called with the text. */
  onstdout = null;
  onstderr = null;
  /** Webots sent a controller's file: called with `{name, file, content}` (docs/protocol.md section 4). */
  oncontroller = null;
  /** Longest time without progress of a phase in seconds: `looking`, `starting`, `loading`. */
  silence = {};

  #stage;
  #opened = [];
  #simulation = null;
  #availability = null;
  #timeout = -1;
  #allowBroadcast = false;

  /**
   * @param {HTMLElement} element gets the view inside; its size is the view's.
   * @param {boolean} mobile larger buttons; by default where a finger points.
   */
  constructor(element, mobile = matchMedia("(pointer: coarse)").matches) {
    this.#stage = new Stage(mobile, {
      press: (pressed) => this.#press(pressed),
      again: () => this.open(...this.#opened),
      editing: {
        visitor,
        send: (text) => this.#simulation?.send(text),
        resetFile: (name, file) => this.#simulation.resets.reset(name, file),
        reset: () => this.#reset(),
      },
    });
    element.append(this.#stage.element);
  }

  /**
   * Start a simulation and show it, in place of the one before.
   *
   * @param {string} url `ws://HOST:PORT/PROJECT/worlds/WORLD.wbt` of a session server, or `ws://HOST:PORT` of a Webots
   *   that streams.
   * @param {string} mode how the scene is sent: `x3d`.
   */
  open(url, mode = "x3d") {
    this.close();
    this.#opened = [url, mode];
    this.#stage.console.clear();
    try {
      if (mode !== "x3d") {
        throw new Failure(`The mode “${mode}” is not supported: the mode is x3d.`);
      }
      if (!canDraw()) {
        throw new Failure("This browser cannot show the simulation in 3D: it has no WebGL 2, or it is switched off.");
      }
      this.#start(readSimulationUrl(url), mode);
    } catch (error) {
      this.#fail(error.message);
    }
  }

  /** End the simulation; nothing happens where there is none. */
  close() {
    this.#availability?.close();
    this.#availability = null;
    this.#stage.progress.hide();
    if (this.#simulation) {
      this.#simulation.close();
      this.#finish();
    }
  }

  /** @param {number} seconds of simulated time after which it pauses by itself; negative: never. */
  setTimeout(seconds) {
    this.#timeout = seconds < 0 ? -1 : Math.round(seconds * 1000);
    this.#simulation?.send(`timeout:${this.#timeout}`);
  }

  /** Whether others may watch the simulation. */
  get allowBroadcast() {
    return this.#allowBroadcast;
  }

  set allowBroadcast(allowed) {
    this.#allowBroadcast = Boolean(allowed);
    this.#simulation?.allowBroadcast(this.#allowBroadcast);
  }

  /**
   * Open the files of a robot's controller.
   *
   * @param {string} name of the controller.
   */
  editController(name) {
    this.#stage.editing.edit(name);
  }

  /** Whether the visitor has written something that would be lost with the simulation. */
  get unsaved() {
    return this.#stage.editing.unsaved;
  }

  /** Take the view off the page and free all it holds. */
  dispose() {
    this.close();
    this.#stage.dispose();
  }

  #start(target, mode) {
    const simulation = new Simulation(
      target,
      mode,
      () => initMessage(window.location, target),
      {
        phase: (name, detail) => this.#stage.progress.showPhase(name, detail),
        message: (message) => hearing.hear(message),
        client: (message) => this.#hearServer(message),
        ended: (sentence) => this.#fail(sentence, target.server),
      },
      { silence: this.silence },
    );
    const hearing = new Hearing(this.#stage, simulation, {
      ready: () => {
        this.#stage.editing.begin(target.project ?? "", whyReadOnly({ watches: false, editable: true }, visitor));
        this.onready?.();
      },
      failed: (error) => {
        simulation.close();
        this.#fail(error.message);
      },
      printed: (stream, text) => (stream === "stdout" ? this.onstdout : this.onstderr)?.(text),
      controller: (message) => {
        this.#stage.editing.take(message);
        this.oncontroller?.(message);
      },
      isCurrent: () => simulation === this.#simulation,
    });
    this.#simulation = simulation;
    simulation.allowBroadcast(this.#allowBroadcast);
    simulation.start();
  }

  #hearServer({ kind, text }) {
    const sentence = kind === "shutdownTimeout" ? endsIn(Number(text)) : "";
    if (sentence) {
      this.#stage.notice.show(sentence);
    }
  }

  #press(pressed) {
    if (pressed === "quit") {
      this.close();
      this.onquit?.();
    } else if (pressed === "console") {
      this.#stage.toggleConsole();
    } else if (pressed === "reset") {
      this.#reset();
    } else {
      this.#simulation?.send(pressed === "run" ? `real-time:${this.#timeout}` : pressed);
    }
  }

  /** Reset the simulation, which then runs what was written. */
  #reset() {
    this.#stage.editing.saveAll();
    this.#simulation?.send("reset");
  }

  #fail(sentence, server = null) {
    this.#stage.progress.showFailure(sentence);
    this.onerror?.(sentence);
    this.#finish();
    if (server) {
      this.#watchFor(server);
    }
  }

  /** Under a failure, say when the session server has a simulation server to give. */
  #watchFor(server) {
    const hints = {
      available: "A simulation server is available now.",
      busy: "All simulation servers are busy at the moment.",
      unreachable: "",
    };
    this.#availability = new Availability(server, (state) => this.#stage.progress.addHint(hints[state]));
  }

  #finish() {
    const wasOpen = this.#simulation !== null;
    this.#simulation = null;
    this.#stage.editing.end();
    this.#stage.clear();
    if (wasOpen) {
      this.onclose?.();
    }
  }
}
