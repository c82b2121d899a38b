// Passes what Webots streams on to the parts of the view, and has a scene shown when all of it is there.
import { httpForm } from "./simulation/session.js";

/** Hears one simulation from its beginning to its end. */
export class Hearing {
  #stage;
  #simulation;
  #events;
  #drawnThere;
  #model = "";
  #shown = false;

  /** What is done about each kind of message (simulation/stream.js). */
  #hearers = {
    state: (message) => this.#takeState(message),
    time: ({ time }) => this.#events.time(time),
    model: ({ x3d }) => this.#takeModel(x3d),
    complete: () => this.#showScene(),
    label: ({ label }) => this.#stage.scene.setLabel(label),
    image: ({ url, data }) => this.#stage.scene.addImage(url, data),
    multimedia: ({ path }) => this.#stage.pictures.showStream(`${httpForm(this.#simulation.streamUrl)}/${path}`),
    frame: ({ data }) => this.#stage.pictures.showFrame(data),
    mode: ({ mode }) => this.#events.mode(mode),
    world: ({ world, worlds }) => this.#events.worlds(world, worlds),
    reset: () => this.#events.reset(),
    stdout: ({ text }) => this.#print("stdout", text),
    stderr: ({ text }) => this.#print("stderr", text),
    loading: ({ status, percent }) => this.#showLoading(status, percent),
    controller: (message) => this.#events.controller(message),
    robot: (message) => this.#takeRobotMessage(message),
    node: ({ parent, x3d }) => this.#changeScene((scene) => scene.addNode(parent, x3d)),
    delete: ({ id }) => this.#changeScene((scene) => scene.deleteNode(id)),
    visibility: ({ id, visible }) => this.#changeScene((scene) => scene.setVisible(id, visible)),
  };

  /**
   * @param {import("./stage.js").Stage} stage gets what is heard.
   * @param {import("./simulation/simulation.js").Simulation} simulation is heard.
   * @param {boolean} drawnThere whether the simulator draws the scene, and sends pictures.
   * @param {object} events is told the rest: `time(milliseconds)`, `mode(mode)`, `worlds(world, worlds)`, `reset()`,
   *   `model(x3d)`, `ready(shown)` after each scene that is shown and `failed(error)` where one cannot be,
   *   `printed(stream, text)`, `controller(message)`, `robot(message)`; and asked `isCurrent()`, whether the simulation is still the one
   *   of the view.
   */
  constructor(stage, simulation, drawnThere, events) {
    this.#stage = stage;
    this.#drawnThere = drawnThere;
    this.#simulation = simulation;
    this.#events = events;
  }

  hear(message) {
    this.#hearers[message.kind]?.(message);
  }

  #takeState(message) {
    this.#events.time(message.time);
    this.#stage.scene.update(message);
  }

  async #changeScene(change) {
    try {
      await change(this.#stage.scene);
    } catch (error) {
      if (this.#events.isCurrent()) {
        console.warn(`webots: a change of the scene cannot be shown: ${error.message}`);
      }
    }
  }

  #takeRobotMessage(message) {
    this.#stage.robotWindows.take(message);
    this.#events.robot(message);
  }

  #takeModel(x3d) {
    this.#stage.robotWindows.closeAll();
    this.#stage.scene.clear();
    this.#model = x3d;
    this.#events.model(x3d);
    this.#expectAnother();
  }

  /** Another world, or the same one again: until its scene is complete there is nothing to control. */
  #expectAnother() {
    if (this.#shown) {
      this.#shown = false;
      this.#stage.toolbar.setReady(false);
      // Its bar begins anew.
      this.#stage.progress.hide();
      this.#simulation.expectScene();
    }
  }

  async #showScene() {
    try {
      const shown = this.#drawnThere
        ? { standIn: false }
        : await this.#stage.scene.show(this.#model, this.#simulation.streamUrl);
      if (shown && this.#events.isCurrent()) {
        this.#simulation.shown();
        this.#shown = true;
        this.#events.ready(shown);
      }
    } catch (error) {
      if (this.#events.isCurrent()) {
        this.#events.failed(error);
      }
    }
  }

  #showLoading(status, percent) {
    this.#expectAnother();
    this.#stage.progress.showPhase("loading", status, percent);
  }

  #print(stream, text) {
    this.#stage.console.add(stream, text);
    this.#events.printed(stream, text);
  }
}
