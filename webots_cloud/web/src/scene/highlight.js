// The mark round the selected object: the edges of a box, drawn over the picture, and its name.
import { make } from "../elements.js";

const LONGEST_NAME = 60; // characters
const SVG = "http://www.w3.org/2000/svg";

/** Over one drawing area. */
export class Highlight {
  // Two lines, one light and one dark, are seen on whatever is behind them.
  #lines = ["webots-highlight-halo", "webots-highlight-line"].map((name) => {
    const line = document.createElementNS(SVG, "path");
    line.setAttribute("class", name);
    return line;
  });
  #drawing = document.createElementNS(SVG, "svg");
  #name = make("p", { class: "webots-highlight-name" });
  #spoken = make("p", { class: "webots-unseen", role: "status" });

  constructor() {
    this.#drawing.setAttribute("aria-hidden", "true");
    this.#drawing.append(...this.#lines);
    this.#name.setAttribute("aria-hidden", "true");
    this.element = make("div", { class: "webots-highlight" }, this.#drawing, this.#name, this.#spoken);
    this.hide();
  }

  /** Whether there is a mark. */
  get shown() {
    return !this.#name.hidden;
  }

  /** What the object is called; empty where none is selected. */
  name(name) {
    const text = name.length > LONGEST_NAME ? `${name.slice(0, LONGEST_NAME - 1)}…` : name;
    this.#name.textContent = text;
    this.#spoken.textContent = text ? `Selected: ${text}` : "Nothing selected";
  }

  /** @param {{path: string, top: number[]|null}} outline as `outline.js` makes it. */
  show({ path, top }) {
    this.#lines.forEach((line) => line.setAttribute("d", path));
    this.#name.hidden = top === null;
    if (top) {
      this.#name.style.left = `${top[0].toFixed(1)}px`;
      this.#name.style.top = `${Math.max(40, top[1]).toFixed(1)}px`;
    }
  }

  /** Take the mark away. */
  hide() {
    this.#lines.forEach((line) => line.setAttribute("d", ""));
    this.#name.hidden = true;
  }
}
