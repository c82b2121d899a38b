// A recorded animation in a scene: fetches it, plays it, and has its bar.
import { Failure } from "../failure.js";
import { AnimationBar } from "./animation_bar.js";
import { Player } from "./player.js";
import { Recording } from "./recording.js";
import { fetchText } from "./scene_file.js";

/** Of one scene; `start` is called once that is shown. */
export class Animation {
  #scene;
  #options;
  #ontime;
  #player = null;
  #bar = null;
  #frame = null;
  #abort = new AbortController();

  /**
   * @param {import("../scene/scene.js").Scene} scene is changed by `update`.
   * @param {{url: string, gui?: string, loop?: boolean}} options as given to `setAnimation`: the file; whether it plays
   *   from the start (`play`) or not (`pause`); whether it begins again at its end.
   * @param {(milliseconds: number) => void} ontime hears of the simulated time that is shown.
   */
  constructor(scene, { url, gui = "play", loop = true }, ontime = () => {}) {
    this.#scene = scene;
    this.#options = { url, playing: gui !== "pause", loop };
    this.#ontime = ontime;
  }

  /**
   * Fetch the file and show its first frame.
   *
   * @param {(bar: HTMLElement) => void} put puts the bar where it belongs.
   * @throws {Failure} where it cannot be played.
   */
  async start(put) {
    const text = await fetchText(this.#options.url, "The animation", this.#abort.signal);
    const recording = this.#read(text);
    this.#player = new Player(recording, (state) => this.#show(state), this.#options.loop);
    this.#bar = new AnimationBar(recording, this.#player, () => this.#follow());
    put(this.#bar.element);
    if (this.#options.playing) {
      this.#player.play();
    }
    this.#follow();
  }

  /** `play` or `pause`; what to give to `setAnimation` to go on in the same way. */
  getStatus() {
    return (this.#player?.playing ?? this.#options.playing) ? "play" : "pause";
  }

  /** Go back to the first frame. */
  rewind() {
    this.#player?.seek(0);
  }

  /** Stop, and take the bar away; where it is still being fetched that ends, with an `AbortError`. */
  dispose() {
    this.#abort.abort();
    cancelAnimationFrame(this.#frame);
    this.#frame = null;
    this.#bar?.element.remove();
  }

  #read(text) {
    try {
      return new Recording(text, (id) => this.#scene.attributesOf(id));
    } catch (error) {
      throw new Failure(`The animation cannot be played: ${error.message}.`);
    }
  }

  #show(state) {
    this.#scene.update(state);
    this.#ontime(state.time);
  }

  /** One tick for each frame of the browser, as long as it plays. */
  #follow() {
    this.#bar.refresh();
    if (this.#player.playing && !this.#abort.signal.aborted) {
      this.#frame ??= requestAnimationFrame((now) => {
        this.#frame = null;
        this.#player.tick(now);
        this.#follow();
      });
    }
  }
}
