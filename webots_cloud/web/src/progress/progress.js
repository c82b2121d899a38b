// What stands over the scene until it is there: one bar through all phases, or the sentence that says why it will not come.
import { make } from "../elements.js";
import { Course } from "./course.js";

const TITLES = {
  looking: "Looking for a simulation server…",
  waiting: "The server is full; waiting for a place…",
  fetching: "Fetching the project…",
  starting: "Starting the simulation…",
  loading: "Loading the scene…",
  textures: "Loading textures…",
};

const LONGEST_DETAIL = 500; // characters
const MILLISECONDS = 250;

/** Shows one of: a phase with what is known of it, a failure with a way to try again, or nothing. */
export class Progress {
  #course = null;
  #timer = null;
  #ahead = null;
  #said = "";
  #title = make("p", { class: "webots-progress-title" });
  #detail = make("p", { class: "webots-progress-detail" });
  #hint = make("p", { class: "webots-progress-hint" });
  #bar = make("progress", { max: 100, "aria-label": "Progress of starting the simulation" });
  #again = make("button", { type: "button", class: "webots-again" }, "Try again");
  #picture = make("img", { class: "webots-progress-picture", alt: "", hidden: true });

  /** @param {() => void} onagain the visitor wants to try again. */
  constructor(onagain) {
    this.#again.onclick = onagain;
    const words = make("div", { class: "webots-progress-words", role: "status", "aria-live": "polite" });
    words.append(this.#title, this.#detail, this.#hint);
    const box = make("div", { class: "webots-progress-box" }, words, this.#bar, this.#again);
    this.element = make("div", { class: "webots-progress", hidden: true }, this.#picture, box);
  }

  /** @param {string} url of a picture to show meanwhile; empty: none. */
  setPicture(url) {
    this.#picture.src = url || "data:,";
    this.#picture.hidden = !url;
  }

  /**
   * @param {string} name of the phase (course.js).
   * @param {string} detail what is known of it; of `waiting`, how many are ahead.
   * @param {number|null} percent of the phase that is done, where that is known.
   */
  showPhase(name, detail = "", percent = null) {
    if (!this.#course) {
      this.#course = new Course();
      this.#ahead = null;
      this.#timer = setInterval(() => this.#tick(), MILLISECONDS);
    }
    this.#course.enter(name);
    this.#course.advance(percent === null ? NaN : percent / 100);
    this.#said = (name === "waiting" ? this.#queue(detail) : detail).slice(0, LONGEST_DETAIL);
    this.#show(TITLES[name], false, name === "textures");
    this.#tick();
  }

  /** @param {import("../failure.js").Failure} failure */
  showFailure({ message, advice = "" }) {
    this.#stop();
    this.#show(message, true);
    this.#detail.textContent = advice;
  }

  /**
   * The simulation is over as the visitor wished.
   *
   * @param {string} sentence says so.
   */
  showEnd(sentence) {
    this.showFailure({ message: sentence });
    this.element.classList.remove("webots-failed");
  }

  /** Say more under a failure. */
  addHint(sentence) {
    this.#hint.textContent = sentence;
  }

  hide() {
    this.#stop();
    this.element.hidden = true;
  }

  #queue(ahead) {
    const count = Number(ahead);
    if (count >= 0) {
      this.#ahead = Math.max(this.#ahead ?? 0, count);
      this.#course.advance(1 - (count + 1) / (this.#ahead + 1));
    }
    return count === 0 ? "You are next." : `Visitors ahead: ${ahead}.`;
  }

  #tick() {
    this.#bar.value = this.#course.percent;
    const detail = [this.#said, this.#course.explanation].filter(Boolean).join(" ");
    if (detail !== this.#detail.textContent) {
      this.#detail.textContent = detail;
    }
  }

  #stop() {
    clearInterval(this.#timer);
    this.#course = null;
  }

  #show(title, failed, slim = false) {
    if (title !== this.#title.textContent) {
      this.#title.textContent = title;
    }
    this.#hint.textContent = "";
    this.#again.hidden = !failed;
    this.#bar.hidden = failed;
    this.element.classList.toggle("webots-failed", failed);
    this.element.classList.toggle("webots-slim", slim);
    this.element.hidden = false;
  }
}
