// webots.View: a simulation inside an element of a web page. Puts the parts together; each part is a file of its own.
import { Availability } from "./availability/watch.js";
import { ConsolePanel } from "./console/console.js";
import { make } from "./elements.js";
import { Failure } from "./failure.js";
import { Notice, endsIn } from "./progress/notice.js";
import { Progress } from "./progress/progress.js";
import { Scene, canDraw } from "./scene/scene.js";
import { readSimulationUrl } from "./simulation/session.js";
import { Simulation } from "./simulation/simulation.js";
import { Toolbar } from "./toolbar/toolbar.js";
import style from "./view.css";
import { initMessage } from "./visitor.js";

const sheet = new CSSStyleSheet();
sheet.replaceSync(style);

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

  #area = make("div", { class: "webots-area" });
  #badge = make(
    "p",
    { class: "webots-badge", title: "This is not Webots: a small simulator stands in for it.", hidden: true },
    "stand-in simulator",
  );
  #scene = new Scene(this.#area);
  #console = new ConsolePanel();
  #notice = new Notice();
  #toolbar = new Toolbar((pressed) => this.#press(pressed));
  #progress = new Progress(() => this.open(...this.#opened));
  #root = make("div", { class: "webots-view" });
  #opened = [];
  #simulation = null;
  #availability = null;
  #model = "";
  #shown = false;
  #timeout = -1;
  #allowBroadcast = false;

  /**
   * @param {HTMLElement} element gets the view inside; its size is the view's.
   * @param {boolean} mobile larger buttons; by default where a finger points.
   */
  constructor(element, mobile = matchMedia("(pointer: coarse)").matches) {
    this.#root.classList.toggle("webots-mobile", mobile);
    this.#area.append(this.#badge, this.#notice.element, this.#progress.element);
    // Neither the page's style sheets nor its scripts meet what is inside by accident.
    const shadow = this.#root.attachShadow({ mode: "open" });
    shadow.adoptedStyleSheets = [sheet];
    shadow.append(this.#area, this.#console.element, this.#toolbar.element);
    element.append(this.#root);
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
    this.#console.clear();
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
    this.#progress.hide();
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

  /** Take the view off the page and free all it holds. */
  dispose() {
    this.close();
    this.#scene.dispose();
    this.#root.remove();
  }

  #start(target, mode) {
    const simulation = new Simulation(
      target,
      mode,
      () => initMessage(window.location, target),
      {
        phase: (name, detail) => this.#progress.showPhase(name, detail),
        message: (message) => this.#hear(message, simulation),
        client: (message) => this.#hearServer(message),
        ended: (sentence) => this.#fail(sentence, target.server),
      },
      { silence: this.silence },
    );
    this.#simulation = simulation;
    simulation.allowBroadcast(this.#allowBroadcast);
    simulation.start();
  }

  #hear(message, simulation) {
    const { kind } = message;
    if (kind === "state" || kind === "time") {
      this.#toolbar.setTime(message.time);
      this.#scene.update(message);
    } else if (kind === "model") {
      this.#takeModel(message.x3d);
    } else if (kind === "complete") {
      this.#showScene(simulation);
    } else if (kind === "image") {
      this.#scene.addImage(message.url, message.data);
    } else if (kind === "label") {
      this.#scene.setLabel(message.label);
    } else if (kind === "mode") {
      this.#toolbar.setMode(message.mode);
    } else if (kind === "stdout" || kind === "stderr") {
      this.#print(kind, message.text);
    } else if (kind === "loading" && !this.#shown) {
      this.#progress.showPhase("loading", message.status, message.percent);
    } else if (kind === "controller") {
      this.oncontroller?.(message);
    } else {
      this.#changeScene(message, simulation);
    }
  }

  #hearServer({ kind, text }) {
    const sentence = kind === "shutdownTimeout" ? endsIn(Number(text)) : "";
    if (sentence) {
      this.#notice.show(sentence);
    }
  }

  async #changeScene(message, simulation) {
    try {
      if (message.kind === "node") {
        await this.#scene.addNode(message.parent, message.x3d);
      } else if (message.kind === "delete") {
        this.#scene.deleteNode(message.id);
      } else if (message.kind === "visibility") {
        this.#scene.setVisible(message.id, message.visible);
      }
    } catch (error) {
      if (simulation === this.#simulation) {
        console.warn(`webots: a change of the scene cannot be shown: ${error.message}`);
      }
    }
  }

  #takeModel(x3d) {
    this.#scene.clear();
    this.#model = x3d;
    if (this.#shown) {
      // Another world, or the same one again: until its scene is complete there is nothing to control.
      this.#shown = false;
      this.#toolbar.setReady(false);
      this.#simulation.expectScene();
    }
  }

  async #showScene(simulation) {
    try {
      const shown = await this.#scene.show(this.#model, simulation.streamUrl);
      if (shown && simulation === this.#simulation) {
        simulation.shown();
        this.#shown = true;
        this.#progress.hide();
        this.#toolbar.setReady(true);
        this.#badge.hidden = !shown.standIn;
        this.onready?.();
      }
    } catch (error) {
      if (simulation === this.#simulation) {
        simulation.close();
        this.#fail(error.message);
      }
    }
  }

  #print(stream, text) {
    this.#console.add(stream, text);
    (stream === "stdout" ? this.onstdout : this.onstderr)?.(text);
  }

  #press(pressed) {
    if (pressed === "quit") {
      this.close();
      this.onquit?.();
    } else if (pressed === "console") {
      this.#console.element.hidden = !this.#console.element.hidden;
      this.#toolbar.setConsole(!this.#console.element.hidden);
    } else {
      this.#simulation?.send(pressed === "run" ? `real-time:${this.#timeout}` : pressed);
    }
  }

  #fail(sentence, server = null) {
    this.#progress.showFailure(sentence);
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
    this.#availability = new Availability(server, (state) => this.#progress.addHint(hints[state]));
  }

  #finish() {
    const wasOpen = this.#simulation !== null;
    this.#simulation = null;
    this.#shown = false;
    this.#badge.hidden = true;
    this.#notice.hide();
    this.#model = "";
    this.#scene.forget();
    this.#toolbar.setReady(false);
    if (wasOpen) {
      this.onclose?.();
    }
  }
}
