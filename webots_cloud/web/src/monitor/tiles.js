// Figures that are read from far away: a large number, what it is, and a bit more.
import { make } from "../elements.js";

export class Tiles {
  #element;
  #tiles = new Map();

  /** @param {HTMLElement} element gets the tiles, in the order in which they are first shown. */
  constructor(element) {
    this.#element = element;
  }

  /**
   * @param {string} title what the number is.
   * @param {string} number the number.
   * @param {{more?: string, tone?: string, share?: number}} about more words, `good`, `wait` or `bad`, and how much of all
   *   it is in percent.
   */
  show(title, number, { more = "", tone = "", share } = {}) {
    let tile = this.#tiles.get(title);
    if (tile === undefined) {
      const parts = ["number", "more", "bar"].map((name) => make("span", { class: name }));
      const meter = make("span", { class: "meter", "aria-hidden": "true" }, parts[2]);
      const element = make("div", { class: "tile" }, make("dt", {}, title), make("dd", {}, parts[0], parts[1], meter));
      tile = { element, meter, parts };
      this.#tiles.set(title, tile);
      this.#element.append(element);
    }
    tile.element.dataset.tone = tone;
    for (const [part, text] of [
      [tile.parts[0], number],
      [tile.parts[1], more],
    ]) {
      if (part.textContent !== text) {
        part.textContent = text;
      }
    }
    tile.meter.hidden = share === undefined;
    tile.parts[2].style.width = `${Math.min(100, share ?? 0)}%`;
    tile.parts[2].dataset.high = String(share >= 80);
  }
}
