// A bar between two parts of the view that the visitor moves, by pointer or by keyboard.
import { make } from "../elements.js";

const STEP = 4; // percent

/** Tells how much of the whole one part is to have; the page part itself is sized by a custom property. */
export class Separator {
  #size;
  #initial;
  #least;
  #most;
  #vertical;
  #onmove;

  /**
   * @param {{label: string, vertical: boolean, initial: number, least: number, most: number,
   *   onmove: (percent: number) => void}} options `vertical`: the bar stands between left and right, and the right part
   *   is sized; otherwise the lower one. Sizes are in percent of the element that the bar is in.
   */
  constructor({ label, vertical, initial, least, most, onmove }) {
    Object.assign(this, { element: make("div", { class: "webots-separator", role: "separator", tabIndex: 0 }) });
    [this.#vertical, this.#initial, this.#least, this.#most, this.#onmove] = [vertical, initial, least, most, onmove];
    const attributes = {
      "aria-label": label,
      "aria-orientation": vertical ? "vertical" : "horizontal",
      "aria-valuemin": least,
      "aria-valuemax": most,
    };
    for (const [name, value] of Object.entries(attributes)) {
      this.element.setAttribute(name, value);
    }
    this.element.addEventListener("keydown", (event) => this.#press(event));
    this.element.addEventListener("pointerdown", (event) => this.#drag(event));
    this.element.addEventListener("dblclick", () => this.#move(initial));
    this.#move(initial);
  }

  #press(event) {
    const [more, less] = this.#vertical ? ["ArrowLeft", "ArrowRight"] : ["ArrowUp", "ArrowDown"];
    const sizes = new Map([
      [more, this.#size + STEP],
      [less, this.#size - STEP],
      ["Home", this.#least],
      ["End", this.#most],
      ["Enter", this.#initial],
    ]);
    if (sizes.has(event.key)) {
      event.preventDefault();
      event.stopPropagation();
      this.#move(sizes.get(event.key));
    }
  }

  #drag(event) {
    event.preventDefault();
    this.element.setPointerCapture(event.pointerId);
    this.element.focus();
    const whole = this.element.parentNode.getBoundingClientRect?.() ?? this.element.parentNode.host.getBoundingClientRect();
    const follow = ({ clientX, clientY }) => {
      const part = this.#vertical
        ? (whole.right - clientX) / whole.width
        : (whole.bottom - clientY) / whole.height;
      this.#move(part * 100);
    };
    const stop = () => {
      this.element.removeEventListener("pointermove", follow);
      this.element.removeEventListener("lostpointercapture", stop);
    };
    this.element.addEventListener("pointermove", follow);
    this.element.addEventListener("lostpointercapture", stop);
  }

  #move(percent) {
    this.#size = Math.round(Math.min(this.#most, Math.max(this.#least, percent)));
    this.element.setAttribute("aria-valuenow", this.#size);
    this.#onmove(this.#size);
  }
}
