// A scene from a file, shown from `open` to its end; with the animation that was recorded in it, if there is one.
import { Animation } from "./animation.js";
import { fetchScene } from "./scene_file.js";

/** Takes the place of a simulation; nothing runs anywhere. It ends by `close`, or with `events.ended(failure)`. */
export class Showing {
  #stage;
  #url;
  #recorded;
  #events;
  #abort = new AbortController();
  #shown = false;

  /** What is said of it as of a simulation (visit.js): it is nowhere, and there is nothing to control. */
  watching = true;
  place = "";
  worlds = [];
  mode = "pause";
  time = 0;

  /** What plays, or null. @type {Animation|null} */
  animation = null;

  /**
   * @param {import("../stage.js").Stage} stage shows it.
   * @param {string} url of the scene's file.
   * @param {{url: string, gui?: string, loop?: boolean}|null} recorded as given to `setAnimation`.
   * @param {{ready: (shown: object) => void, ended: (failure: Error) => void}} events `ready` once the scene is shown
   *   and its animation can play.
   */
  constructor(stage, url, recorded, events) {
    this.#stage = stage;
    this.#url = url;
    this.world = url.replace(/^.*\//, "");
    this.#recorded = recorded;
    this.#events = events;
  }

  async start() {
    const { progress, scene } = this.#stage;
    try {
      progress.showPhase("loading", "");
      const { x3d, base } = await fetchScene(this.#url, this.#abort.signal);
      scene.clear();
      const shown = await scene.show(x3d, base);
      if (shown && !this.#isOver) {
        this.#shown = true;
        await this.#play();
      }
      if (shown && !this.#isOver) {
        progress.hide();
        this.#events.ready(shown);
      }
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Play another animation, or none, in the same scene. */
  async setAnimation(recorded) {
    this.#recorded = recorded;
    if (this.#shown) {
      try {
        await this.#play();
      } catch (error) {
        this.#fail(error);
      }
    }
  }

  close() {
    this.#abort.abort();
    this.animation?.dispose();
    this.animation = null;
  }

  get #isOver() {
    return this.#abort.signal.aborted;
  }

  async #play() {
    this.animation?.rewind();
    this.animation?.dispose();
    const { scene, toolbar } = this.#stage;
    const animation =
      this.#recorded &&
      new Animation(scene, this.#recorded, (time) => {
        this.time = time;
        toolbar.setTime(time);
      });
    this.animation = animation;
    try {
      await animation?.start((bar) => toolbar.element.before(bar));
    } catch (error) {
      // Where another one has taken its place, or the scene is closed, it was given up on purpose.
      if (animation === this.animation) {
        throw error;
      }
    }
  }

  #fail(error) {
    if (!this.#isOver) {
      this.close();
      this.#events.ended(error);
    }
  }
}
