// A sentence over the scene that the visitor should read and need not answer.
import { make } from "../elements.js";

const SHOWN_SECONDS = 20;
const LONGEST_WARNING = 300; // seconds

/**
 * What to tell the visitor of the end of the simulation; nothing where it is far off.
 *
 * @param {number} seconds until then.
 */
export function endsIn(seconds) {
  if (!(seconds >= 0 && seconds <= LONGEST_WARNING)) {
    return "";
  }
  const [count, unit] = seconds >= 60 ? [Math.floor(seconds / 60), "minute"] : [Math.floor(seconds), "second"];
  return `This simulation ends in ${count} ${unit}${count === 1 ? "" : "s"}.`;
}

/** Shows one sentence for a while. */
export class Notice {
  #timer = null;

  constructor() {
    this.element = make("p", { class: "webots-notice", role: "status", "aria-live": "polite", hidden: true });
  }

  show(sentence) {
    this.hide();
    this.element.textContent = sentence;
    this.element.hidden = false;
    this.#timer = setTimeout(() => this.hide(), SHOWN_SECONDS * 1000);
  }

  hide() {
    clearTimeout(this.#timer);
    this.element.hidden = true;
  }
}
