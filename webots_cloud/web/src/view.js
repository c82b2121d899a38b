// webots.View: a simulation inside an element of a web page. Its public face; each part is a file of its own.
import { Showing } from "./animation/showing.js";
import { Availability } from "./availability/watch.js";
import { Controls } from "./controls.js";
import { hasFiles } from "./editor/controller_file.js";
import { whyReadOnly } from "./editor/editing.js";
import { Failure } from "./failure.js";
import { settings } from "./page_settings.js";
import { ask } from "./question/question.js";
import { hasWindow } from "./robot_window/messages.js";
import { canDraw } from "./scene/scene.js";
import { failures } from "./simulation/failures.js";
import { readSimulationUrl } from "./simulation/session.js";
import { Stage } from "./stage.js";
import { Visit } from "./visit.js";
import { visitor } from "./visitor.js";

const MODES = new Set(["x3d", "w3d", "mjpeg"]);

const HINTS = {
  available: "A simulation server is available now: try again.",
  busy: "All simulation servers are busy at the moment. This page tells you when one is free.",
  unreachable: "",
};

/** A simulation that visitors see and control; any number of them may be opened one after another. */
export class View {
  /** The scene is shown and can be controlled. */
  onready = null;
  /** The simulation is over, for whatever reason. */
  onclose = null;
  /** It failed: called with the sentence that the visitor sees, before `onclose`. */
  onerror = null;
  /** The visitor pressed quit: called after `onclose`. Without it the browser goes back in its history. */
  onquit = null;
  /** The view has another size. */
  onresize = null;
  /** A controller printed: called with the text. */
  onstdout = null;
  onstderr = null;
  /** Webots sent a controller's file: called with `{name, file, content}` (docs/protocol.md section 4). */
  oncontroller = null;
  /** A robot said something to its window: called with the robot's name and the message. */
  onrobotmessage = null;
  /** Whether visitors only watch what somebody else controls. */
  broadcast = false;
  /** Longest time without progress of a phase in seconds: `looking`, `starting`, `loading`. */
  silence = {};
  /** URL of a picture to show while the simulation starts; empty: none. */
  thumbnail = "";

  #element;
  #buttons = {};
  #stage;
  #controls;
  #opened = [];
  #visit = null;
  #availability = null;
  #showing = null;
  #recorded = null;
  #timeout = -1;
  #allowBroadcast = false;
  #documentation = "";
  #resizes = new ResizeObserver(() => this.#tell("onresize"));
  #onUnload = (event) => this.unsaved && event.preventDefault();

  /**
   * @param {HTMLElement} element gets the view inside; its size is the view's.
   * @param {boolean} mobile larger buttons; by default where a finger points.
   */
  constructor(element, mobile = matchMedia("(pointer: coarse)").matches) {
    this.#element = element;
    this.#stage = new Stage(Boolean(mobile), {
      press: (pressed) => this.#controls.press(pressed),
      again: () => this.open(...this.#opened),
      toRobot: (message, robot) => this.sendRobotMessage(message, robot),
      editing: {
        visitor,
        send: (text) => this.#visit?.send(text),
        resetFile: (name, file) => this.#visit.resets.reset(name, file),
        reset: () => this.#controls.press("reset"),
      },
    });
    const view = this;
    this.#controls = new Controls(this.#stage, {
      get visit() {
        return view.#visit ?? view.#showing;
      },
      get documentation() {
        return view.#documentation;
      },
      quit: () => this.#quit(),
    });
    this.#stage.sceneMenu.more = (object) => this.#actionsOf(object);
    element.append(this.#stage.element);
    this.#resizes.observe(this.#stage.element);
    addEventListener("beforeunload", this.#onUnload);
  }

  /**
   * Start a simulation and show it, in place of the one before.
   *
   * @param {string} url `ws://HOST:PORT/PROJECT/worlds/WORLD.wbt` of a session server, `ws://HOST:PORT` of a Webots that
   *   streams, `https://HOST/session?url=https://github.com/...` of a session server of generation B, or `FILE.x3d`.
   * @param {string} mode how the scene is sent: `x3d`, where nothing is given, `w3d`, or `mjpeg`, as pictures.
   */
  open(url, mode) {
    this.close();
    this.#opened = [url, mode];
    this.#stage.console.clear();
    this.#stage.progress.setPicture(this.thumbnail);
    this.#showButtons();
    try {
      if (!MODES.has(mode || "x3d")) {
        throw failures.unknownMode(mode);
      }
      const target = readSimulationUrl(url);
      if (mode !== "mjpeg" && !canDraw()) {
        throw failures.noWebGl();
      }
      if (target.file) {
        this.#show(target.file);
      } else {
        this.#start(target, mode || "x3d");
      }
    } catch (error) {
      this.#fail(error);
    }
  }

  /** End the simulation; nothing happens where there is none. */
  close() {
    this.#availability?.close();
    this.#availability = null;
    this.#stage.progress.hide();
    if (this.#visit || this.#showing) {
      this.#finish();
    }
  }

  /**
   * The animation that plays in the scene that a later, or the last, `open("FILE.x3d")` shows.
   *
   * @param {string} url of the recorded `.json`; empty: none.
   * @param {string} gui `play` where it plays from the start, or `pause`.
   * @param {boolean} loop whether it begins again at its end.
   */
  setAnimation(url, gui = "play", loop = true) {
    this.#recorded = url ? { url, gui, loop } : null;
    this.#showing?.setAnimation(this.#recorded);
  }

  /** What plays, with its `getStatus()`: `play` or `pause`; or null. */
  get animation() {
    return this.#showing?.animation ?? null;
  }

  /** @param {number} seconds of simulated time after which it pauses by itself; negative: never. */
  setTimeout(seconds) {
    this.#timeout = Number(seconds) >= 0 ? Number(seconds) : -1;
    this.#visit?.setTimeout(this.#timeout);
  }

  /** Simulated seconds after which it pauses by itself; negative: never. */
  get timeout() {
    return this.#timeout;
  }

  /** Simulated time in milliseconds. */
  get time() {
    return (this.#visit ?? this.#showing)?.time ?? 0;
  }

  /** @param {string} url where the help leads to: http: or https:, or relative to the page; empty: nowhere. */
  setWebotsDocUrl(url) {
    const link = url && URL.canParse(url, location.href) ? new URL(url, location.href) : null;
    this.#documentation = ["http:", "https:"].includes(link?.protocol) ? link.href : "";
  }

  /** Whether others may watch the simulation. */
  get allowBroadcast() {
    return this.#allowBroadcast;
  }

  set allowBroadcast(allowed) {
    this.#allowBroadcast = Boolean(allowed);
    this.#visit?.allowBroadcast(this.#allowBroadcast);
  }

  /**
   * Which buttons there are in this view, by name (toolbar/buttons.js) to whether it is there; for those that are not
   * named, what the page has set for all views holds.
   */
  get buttons() {
    return { ...this.#buttons };
  }

  set buttons(wanted) {
    this.#buttons = { ...wanted };
    this.#showButtons();
  }

  /** Whether there is a toolbar; without it, its keys do nothing. */
  get toolbar() {
    return !this.#stage.toolbar.element.hidden;
  }

  set toolbar(shown) {
    this.#stage.toolbar.element.hidden = !shown;
  }

  /** Tell Webots something (docs/protocol.md section 4). @param {string} message */
  sendMessage(message) {
    this.#visit?.send(String(message));
  }

  /**
   * Tell a robot's controller something.
   *
   * @param {string} message
   * @param {string} robot its name.
   */
  sendRobotMessage(message, robot) {
    this.#visit?.sendRobotMessage(message, robot);
  }

  /**
   * Show a robot's window: the page of the project that its field `window` names.
   *
   * @param {string} name of the robot.
   * @returns {boolean} whether it has one.
   */
  openRobotWindow(name) {
    const robot = this.#stage.scene.robots.find((each) => each.name === name);
    return Boolean(robot && this.#visit?.openRobotWindow(robot));
  }

  /**
   * Give the page's element a size; where style sheets do, this is not needed.
   *
   * @param {number} width in pixels.
   * @param {number} height in pixels.
   */
  resize(width, height) {
    if (width > 0 && height > 0) {
      this.#element.style.width = `${width}px`;
      this.#element.style.height = `${height}px`;
    }
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
    removeEventListener("beforeunload", this.#onUnload);
    this.#resizes.disconnect();
    this.#stage.dispose();
  }

  #start(target, mode) {
    if (mode !== "mjpeg") {
      this.#stage.scene.prepare();
    }
    this.#stage.setControls(true);
    const visit = new Visit(
      this.#stage,
      target,
      {
        mode,
        broadcast: Boolean(this.broadcast),
        allowBroadcast: this.#allowBroadcast,
        timeout: this.#timeout,
        silence: this.silence,
      },
      {
        ready: () => {
          this.#stage.editing.begin(target.project ?? "", whyReadOnly(visit.editing, visitor));
          this.#tell("onready");
        },
        ended: (failure) => this.#fail(failure, target.server),
        printed: (stream, text) => this.#tell(`on${stream}`, text),
        controller: (message) => {
          this.#stage.editing.take(message);
          this.#tell("oncontroller", message);
        },
        robot: ({ robot, message }) => this.#tell("onrobotmessage", robot, message),
        isCurrent: () => visit === this.#visit,
      },
    );
    this.#visit = visit;
    visit.start();
  }

  #show(file) {
    this.#stage.setControls(false);
    const showing = new Showing(this.#stage, file, this.#recorded, {
      ready: (shown) => {
        this.#stage.setReady(true, true, shown.standIn);
        this.#tell("onready");
      },
      ended: (failure) => this.#fail(failure),
    });
    this.#showing = showing;
    showing.start();
  }

  /** What can be done with an object of the scene, beside looking at it. */
  #actionsOf(object) {
    if (object?.type !== "robot" || !this.#visit) {
      return [];
    }
    return [
      ...(hasWindow(object.window) && !this.#visit.watching
        ? [{ label: "Robot window", action: () => this.#visit?.openRobotWindow(object) }]
        : []),
      ...(hasFiles(object.controller ?? "")
        ? [{ label: "Edit controller", action: () => this.editController(object.controller) }]
        : []),
    ];
  }

  #showButtons() {
    const { showQuit: quit, showRevert: revert, showRun: fast } = settings;
    this.#stage.toolbar.setWanted({ quit, revert, fast, ...this.#buttons });
  }

  async #quit() {
    if (!(await this.#mayQuit())) {
      return;
    }
    this.#stage.editing.discard();
    this.close();
    this.#stage.progress.showEnd("The simulation has ended.");
    if (this.onquit) {
      this.#tell("onquit");
    } else if (history.length > 1) {
      history.back();
    }
  }

  async #mayQuit() {
    return (
      !this.unsaved ||
      ask(this.#stage.editing.desk, "What you have changed in the editor is not saved, and will be lost.", [
        { label: "Quit", value: true, danger: true },
        { label: "Cancel", value: false },
      ])
    );
  }

  #fail(error, server = null) {
    const failure = error instanceof Failure ? error : failures.unexpected(error.message);
    this.#stage.progress.showFailure(failure);
    this.#tell("onerror", failure.message);
    this.#finish();
    if (server) {
      this.#availability = new Availability(server, (state) => this.#stage.progress.addHint(HINTS[state]));
    }
  }

  #finish() {
    const wasOpen = this.#visit !== null || this.#showing !== null;
    this.#visit?.close();
    this.#showing?.close();
    this.#visit = this.#showing = null;
    this.#stage.editing.end();
    this.#stage.clear();
    if (wasOpen) {
      this.#tell("onclose");
    }
  }

  /** What the page does about an event is its own affair: an error there is shown by the browser and ends nothing here. */
  #tell(event, ...details) {
    try {
      this[event]?.(...details);
    } catch (error) {
      reportError(error);
    }
  }
}
