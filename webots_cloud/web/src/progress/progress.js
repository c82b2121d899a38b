// What stands over the scene until it is there: the phase, or the sentence that says why it will not come.
import { make } from "../elements.js";

const PHASES = {
  looking: "Looking for a simulation server…",
  waiting: "The server is full; waiting for a place…",
  starting: "Starting the simulation…",
  loading: "Loading the scene…",
};

/** Shows one of: a phase with what is known of it, a failure with a way to try again, or nothing. */
export class Progress {
  #spinner = make("div", { class: "webots-spinner" });
  #title = make("p", { class: "webots-progress-title" });
  #detail = make("p", { class: "webots-progress-detail" });
  #bar = make("progress", { max: 100, "aria-label": "Loaded" });
  #again = make("button", { type: "button", class: "webots-again" }, "Try again");

  /** @param {() => void} onagain the visitor wants to try again. */
  constructor(onagain) {
    this.#again.onclick = onagain;
    const box = make("div", { class: "webots-progress-box" });
    box.append(this.#spinner, this.#title, this.#detail, this.#bar, this.#again);
    this.element = make("div", { class: "webots-progress", role: "status", "aria-live": "polite", hidden: true }, box);
  }

  showPhase(name, detail, percent = null) {
    this.#show(PHASES[name], detail, false);
    this.#bar.hidden = percent === null;
    this.#bar.value = percent ?? 0;
  }

  showFailure(sentence) {
    this.#show(sentence, "", true);
    this.#bar.hidden = true;
  }

  /** Say more under a failure. */
  addHint(sentence) {
    this.#detail.textContent = sentence;
  }

  hide() {
    this.element.hidden = true;
  }

  #show(title, detail, failed) {
    this.#title.textContent = title;
    this.#detail.textContent = detail.slice(0, 500);
    this.#spinner.hidden = failed;
    this.#again.hidden = !failed;
    this.element.classList.toggle("webots-failed", failed);
    this.element.hidden = false;
  }
}
