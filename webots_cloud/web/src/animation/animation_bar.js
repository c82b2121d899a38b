// The bar under a scene that plays a recorded animation.
import { icon, make } from "../elements.js";
import { SPEEDS } from "./player.js";

const PATHS = {
  play: "M7 4.5 19.5 12 7 19.5Z",
  pause: "M6.5 5h4v14h-4Zm7 0h4v14h-4Z",
  back: "M19 5v14L8.6 12ZM5 5h2.2v14H5Z",
  forward: "M5 5 15.4 12 5 19Zm11.8 0H19v14h-2.2Z",
  loop: "M7 7h8V4l5 4.5-5 4.5v-3H9v3.5H7Zm10 10H9v3l-5-4.5L9 11v3h6v-3.5h2Z",
};

/** Shows where a player is, and tells it what the visitor wants. */
export class AnimationBar {
  #recording;
  #player;
  #onchange;
  #play = button(PATHS.play, "Play");
  #pause = button(PATHS.pause, "Pause");
  #loop = button(PATHS.loop, "Repeat");
  #slider = make("input", { type: "range", min: 0, class: "webots-animation-slider" });
  #time = make("span", { class: "webots-animation-time" });
  #speed = make(
    "select",
    { class: "webots-animation-speed", "aria-label": "Speed", title: "Speed" },
    ...SPEEDS.map((speed) => make("option", { value: String(speed) }, `${speed}×`)),
  );

  /**
   * @param {import("./recording.js").Recording} recording
   * @param {import("./player.js").Player} player
   * @param {() => void} onchange called when the visitor has changed what the player does.
   */
  constructor(recording, player, onchange) {
    this.#recording = recording;
    this.#player = player;
    this.#onchange = onchange;
    this.#slider.max = recording.duration;
    this.#slider.step = recording.basicTimeStep;
    this.#slider.setAttribute("aria-label", "Time");
    this.#speed.value = String(player.speed);
    const back = button(PATHS.back, "One frame back");
    const forward = button(PATHS.forward, "One frame forward");
    this.element = make(
      "div",
      { class: "webots-animation", role: "group", "aria-label": "Recorded animation" },
      make("div", { class: "webots-animation-line" }, back, this.#play, this.#pause, forward, this.#speed, this.#loop),
      make("div", { class: "webots-animation-line" }, this.#slider, this.#time),
    );
    this.#listen(back, forward);
    this.refresh();
  }

  /** Show how the player is now. */
  refresh() {
    const { playing, time, loop } = this.#player;
    const focused = [this.#play, this.#pause].includes(this.element.getRootNode().activeElement);
    this.#play.hidden = playing;
    this.#pause.hidden = !playing;
    if (focused) {
      (playing ? this.#pause : this.#play).focus();
    }
    this.#loop.setAttribute("aria-pressed", String(loop));
    this.#slider.value = time;
    const [now, end] = [time, this.#recording.duration].map(formatSeconds);
    this.#time.textContent = `${now} / ${end}`;
    this.#slider.setAttribute("aria-valuetext", `${now} of ${end}`);
  }

  #listen(back, forward) {
    const player = this.#player;
    const change = (action) => () => {
      action();
      this.#onchange();
    };
    this.#play.onclick = change(() => player.play());
    this.#pause.onclick = change(() => player.pause());
    back.onclick = change(() => player.step(-1));
    forward.onclick = change(() => player.step(1));
    this.#loop.onclick = change(() => (player.loop = !player.loop));
    this.#speed.onchange = change(() => (player.speed = Number(this.#speed.value)));
    this.#slider.oninput = change(() => player.seek(Number(this.#slider.value)));
    // A slider that moves on under the finger cannot be put anywhere.
    this.#slider.onpointerdown = () => (player.held = true);
    this.#slider.onpointerup = this.#slider.onpointercancel = () => (player.held = false);
  }
}

/** `1:02.3`: minutes, seconds and tenths. */
export function formatSeconds(milliseconds) {
  const tenths = Math.round(milliseconds / 100);
  return `${Math.floor(tenths / 600)}:${String(Math.floor(tenths / 10) % 60).padStart(2, "0")}.${tenths % 10}`;
}

function button(path, label) {
  return make("button", { type: "button", title: label, "aria-label": label }, icon(path));
}
