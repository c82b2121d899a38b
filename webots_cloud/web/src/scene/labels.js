// Text that lies over the scene: the labels of Webots' supervisors. What it says is text and never markup.
import { make } from "../elements.js";
import { readLabel } from "./label_text.js";

const MOST = 100;

/** The labels of one drawing area. */
export class Labels {
  element = make("div", { class: "webots-labels" });

  #shown = new Map();
  #fresh = new Map();

  /** A label that is new, or that has changed; the newest is shown with the next `apply`. */
  take(label) {
    const read = readLabel(label);
    if (read && (this.#fresh.size < MOST || this.#fresh.has(read.id))) {
      this.#fresh.set(read.id, read);
    }
  }

  get waiting() {
    return this.#fresh.size > 0;
  }

  /** Show what is new. */
  apply() {
    for (const label of this.#fresh.values()) {
      this.#apply(label);
    }
    this.#fresh.clear();
  }

  clear() {
    this.#fresh.clear();
    this.#shown.clear();
    this.element.replaceChildren();
  }

  #apply({ id, text, color, font, size, x, y }) {
    const shown = this.#shown.get(id);
    if (!text) {
      shown?.remove();
      this.#shown.delete(id);
      return;
    }
    if (!shown && this.#shown.size >= MOST) {
      return;
    }
    const line = shown ?? make("div", { class: "webots-label" });
    line.textContent = text;
    line.style.color = color;
    line.style.fontFamily = `"${font}", sans-serif`;
    line.style.fontSize = `${size * 100}cqh`;
    line.style.left = `${x * 100}%`;
    line.style.top = `${y * 100}%`;
    if (!shown) {
      this.#shown.set(id, line);
      this.element.append(line);
    }
  }
}
