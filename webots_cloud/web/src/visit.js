// One simulation from `open` to its end: its sockets, what is heard on them, and its limits in time.
import { Hearing } from "./hearing.js";
import { endingNotice, timeLimitNotice } from "./progress/limits.js";
import { Ending } from "./simulation/ending.js";
import { generationOf, greeting, robotMessage } from "./simulation/orders.js";
import { httpForm, placeOf } from "./simulation/session.js";
import { Simulation } from "./simulation/simulation.js";
import { TimeLimit } from "./simulation/time_limit.js";
import { initMessage, startMessage } from "./visitor.js";

/** The orders by which a simulation runs, by mode; each takes the time until it pauses by itself. */
const RUN_ORDERS = { run: "real-time", fast: "fast" };

/** A visit ends once: by `close`, or with `events.ended(failure)`. */
export class Visit {
  #stage;
  #target;
  #settings;
  #events;
  #simulation;
  #limit = new TimeLimit();
  #limitTold = false;
  #ending = new Ending(
    (ahead) => this.#showEnding(ahead),
    () => this.#simulation.ask({ extend: true }),
  );
  #ready = false;
  #ide = false;
  #textures = { loaded: 0, total: 0, awaited: true };

  /** The world's file, and those beside it. */
  world = "";
  worlds = [];
  /** `A` or `B` (docs/protocol.md). */
  generation = "A";
  /** `pause`, `run` or `fast`. */
  mode = "pause";
  /** Simulated milliseconds. */
  time = 0;

  /**
   * @param {import("./stage.js").Stage} stage shows it.
   * @param {object} target what `readSimulationUrl` gave.
   * @param {{mode: string, broadcast: boolean, allowBroadcast: boolean, timeout: number, silence: object}} settings
   *   what the page wants.
   * @param {{ready: () => void, ended: (failure: Error) => void, printed: (stream: string, text: string) => void,
   *   controller: (message: object) => void, robot: (message: object) => void, isCurrent: () => boolean}} events
   */
  constructor(stage, target, settings, events) {
    this.#stage = stage;
    this.#target = target;
    this.#settings = settings;
    this.#events = events;
    this.#limit.set(settings.timeout);
    this.generation = target.github ? "B" : "A";
    this.#simulation = new Simulation(
      target,
      greeting(settings.mode, settings.broadcast, stage.pictures.size),
      () => (target.github ? startMessage(target, settings.mode) : initMessage(window.location, target)),
      {
        phase: (name, detail) => stage.progress.showPhase(name, detail),
        message: (message) => hearing.hear(message),
        client: (message) => this.#hearServer(message),
        ended: (failure) => events.ended(failure),
      },
      { silence: settings.silence },
    );
    const hearing = new Hearing(stage, this.#simulation, settings.mode === "mjpeg", {
      time: (milliseconds) => this.#takeTime(milliseconds),
      mode: (mode) => this.#takeMode(mode),
      worlds: (world, worlds) => this.#takeWorlds(world, worlds),
      reset: () => {
        this.#limit.restart();
        this.#forgetLimit();
        stage.scene.camera.reset();
      },
      model: (x3d) => this.#takeModel(x3d),
      ready: (shown) => this.#takeScene(shown),
      failed: (error) => {
        this.#simulation.close();
        events.ended(error);
      },
      printed: events.printed,
      controller: events.controller,
      robot: events.robot,
      isCurrent: events.isCurrent,
    });
    this.#simulation.allowBroadcast(settings.allowBroadcast);
  }

  start() {
    if (this.#settings.mode === "mjpeg") {
      this.#stage.pictures.open(this.watching ? null : (order) => this.send(order));
    }
    this.#stage.scene.ontextures = (loaded, total) => this.#takeTextures(loaded, total);
    this.#simulation.start();
  }

  close() {
    this.#ready = false;
    this.#ending.close();
    this.#simulation.close();
    this.#stage.scene.ontextures = null;
  }

  /** Whether the visitor only watches. */
  get watching() {
    return this.#settings.broadcast;
  }

  /** On which machine the simulation runs, for people; the rest of the stream's address may be a secret. */
  get place() {
    return placeOf(this.#simulation.streamUrl ?? this.#target.server ?? "").replace(/\/.*$/, "");
  }

  /** Under which URL Webots serves files, in the WebSocket form; null before it runs. */
  get streamUrl() {
    return this.#simulation.streamUrl;
  }

  /** Puts files of controllers back (simulation/controller_resets.js). */
  get resets() {
    return this.#simulation.resets;
  }

  /** What the editor must know: in generation B the simulation server says whether controllers may be changed. */
  get editing() {
    return { watches: this.watching, editable: !this.#target.github || this.#ide };
  }

  /** Tell Webots something; of those who only watch, it hears nothing. */
  send(text) {
    if (!this.watching) {
      this.#simulation.send(text);
    }
  }

  /** Ask the simulation server for something (docs/protocol.md section 2). */
  ask(message) {
    this.#simulation.ask(message);
  }

  /** @param {"run"|"fast"} mode in which to go on, for as long as the page has set. */
  run(mode) {
    if (this.#limit.isReached) {
      this.#limit.extend();
    }
    this.#forgetLimit();
    this.send(`${RUN_ORDERS[mode]}:${this.#limit.forWebots}`);
  }

  /**
   * Show a robot's window.
   *
   * @param {{name: string, window: string}} robot a name that is empty stands for the world.
   * @returns {boolean} whether it has one.
   */
  openRobotWindow(robot) {
    // Where there is a way for windows alone, what a window learns leads nowhere else.
    const base = httpForm(this.#simulation.windowsUrl ?? this.#simulation.streamUrl);
    return this.#ready && !this.watching && this.#stage.robotWindows.open(robot, base);
  }

  sendRobotMessage(message, robot) {
    this.send(robotMessage(this.generation, robot, message));
  }

  allowBroadcast(allowed) {
    this.#simulation.allowBroadcast(allowed);
  }

  /** @param {number} seconds of simulated time from now on. */
  setTimeout(seconds) {
    this.#limit.set(seconds);
    this.#forgetLimit();
    this.send(`timeout:${this.#limit.forWebots}`);
  }

  #takeTime(milliseconds) {
    if (!Number.isFinite(milliseconds)) {
      return;
    }
    this.time = milliseconds;
    this.#limit.advance(milliseconds);
    this.#stage.toolbar.setTime(milliseconds);
    this.#showTimeLeft();
    if (this.#limit.isReached && !this.#limitTold && !this.watching) {
      this.#tellLimit();
    }
  }

  /** Webots pauses by itself; one that does not is told to. */
  #tellLimit() {
    this.#limitTold = true;
    const mode = this.mode === "pause" ? "run" : this.mode;
    this.send("pause");
    this.#stage.notices.show("limit", timeLimitNotice(this.#limit.seconds, () => this.run(mode)));
  }

  /** What was said of the limit is no longer so. */
  #forgetLimit() {
    this.#limitTold = false;
    this.#stage.notices.hide("limit");
    this.#showTimeLeft();
  }

  #showTimeLeft() {
    this.#stage.toolbar.setTimeLeft(this.#ready && !this.watching ? this.#limit.left : null);
  }

  #takeMode(mode) {
    this.mode = mode;
    this.#stage.toolbar.setMode(mode);
  }

  #takeWorlds(world, worlds) {
    this.world = world;
    this.worlds = worlds;
    this.#stage.toolbar.setThere({ worlds: worlds.length > 1 });
  }

  #takeModel(x3d) {
    this.#ready = false;
    this.#limit.restart();
    this.#forgetLimit();
    this.#textures = { loaded: 0, total: 0, awaited: true };
    this.generation = this.#target.github ? "B" : generationOf(x3d);
  }

  #takeScene(shown) {
    this.#ready = true;
    this.#showTextures();
    this.#stage.setReady(true, this.watching, shown.standIn);
    this.#showTimeLeft();
    // A world's own window, which worlds before R2022 may have, comes up by itself.
    this.openRobotWindow({ name: "", window: this.#stage.scene.worldInfo.window });
    this.#events.ready();
  }

  #takeTextures(loaded, total) {
    this.#textures = { loaded, total, awaited: this.#textures.awaited };
    if (this.#ready) {
      this.#showTextures();
    }
  }

  /** The scene is there already; what it looks like may still come. Nothing is said of what is added later. */
  #showTextures() {
    const { loaded, total, awaited } = this.#textures;
    if (awaited && loaded < total) {
      this.#stage.progress.showPhase("textures", `${loaded} of ${total}`, (100 * loaded) / total);
    } else if (awaited) {
      this.#textures.awaited = false;
      this.#stage.progress.hide();
    }
  }

  #hearServer({ kind, text }) {
    if (kind === "shutdownTimeout") {
      this.#ending.tell(Number(text));
    } else if (kind === "ide") {
      this.#ide = text === "enable";
    }
  }

  #showEnding(ahead) {
    const notice = endingNotice(ahead, () => this.#ending.extend());
    if (notice) {
      this.#stage.notices.show("ending", notice);
    } else {
      this.#stage.notices.hide("ending");
    }
  }
}
