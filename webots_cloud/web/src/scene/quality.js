// Keeps a scene moving on machines that draw slowly: drawn coarser while it moves, and finely when it stands still.
import { LEVELS, Pace } from "./pace.js";

const STILL = 400; // milliseconds without a frame
const OWN_FRAMES = 3; // at most, that X_ITE draws because the level was changed
const MOST_PIXELS = 2; // device pixels that are drawn for one of the page, across

/** Watches the frames of one X_ITE browser. */
export class Quality {
  #browser;
  #pace = new Pace();
  #shown = null;
  #still = null;
  #own = 0;
  #key = Symbol("frames");

  /** @param {object} browser of the canvas. */
  constructor(browser) {
    this.#browser = browser;
    this.#show(0);
    browser.endEvents().addFieldCallback(this.#key, () => this.#drawn());
  }

  dispose() {
    clearTimeout(this.#still);
    this.#browser.endEvents().removeFieldCallback(this.#key);
  }

  #drawn() {
    const level = this.#shown;
    const isOwn = this.#own > 0;
    const began = performance.now();
    this.#own = Math.max(0, this.#own - 1);
    clearTimeout(this.#still);
    this.#still = setTimeout(() => this.#settle(), STILL);
    requestAnimationFrame(() => {
      if (isOwn) {
        return;
      }
      if (level === this.#pace.level) {
        this.#pace.take(performance.now() - began);
      }
      this.#show(this.#pace.level);
    });
  }

  /** Nothing moves any more: the last frames, which nothing but this asks for, show it finely. */
  #settle() {
    if (this.#shown !== 0) {
      this.#own = OWN_FRAMES;
    }
    this.#show(0);
  }

  #show(level) {
    if (level === this.#shown) {
      return;
    }
    this.#shown = level;
    const { samples, scale } = LEVELS[level];
    this.#browser.setBrowserOption("Multisampling", samples);
    this.#browser.setBrowserOption("ContentScale", scale * Math.min(window.devicePixelRatio || 1, MOST_PIXELS));
  }
}
