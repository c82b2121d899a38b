// Keeps a scene moving on machines that draw slowly: drawn coarser while it moves, and finely when it stands still.
import { LEVELS, Pace } from "./pace.js";

const STILL = 400; // milliseconds without a frame
const OWN = 5; // frames that settling may itself bring about; more are movement
const SOFTWARE = 3; // level that begins where there is no graphics card: the first frames are waited for
const MOST_PIXELS = 2; // device pixels that are drawn for one of the page, across

/** Watches the frames of one X_ITE browser. */
export class Quality {
  #browser;
  #pace;
  #shown = null;
  #still = null;
  #frames = 0;
  #key = Symbol("frames");

  /** @param {object} browser of the canvas. */
  constructor(browser) {
    this.#browser = browser;
    this.#pace = new Pace(drawsInSoftware(browser.getContext()) ? SOFTWARE : 0);
    this.#show(this.#pace.level);
    browser.endEvents().addFieldCallback(this.#key, () => this.#drawn());
  }

  dispose() {
    clearTimeout(this.#still);
    this.#browser.endEvents().removeFieldCallback(this.#key);
  }

  #drawn() {
    const level = this.#shown;
    const began = performance.now();
    const isMoving = ++this.#frames > OWN;
    clearTimeout(this.#still);
    this.#still = setTimeout(() => this.#settle(), STILL);
    requestAnimationFrame(() => {
      if (!isMoving) {
        return;
      }
      if (level === this.#pace.level) {
        this.#pace.take(performance.now() - began);
      }
      this.#show(this.#pace.level);
    });
  }

  /** Nothing moves any more: one last frame shows it finely. */
  #settle() {
    this.#frames = 0;
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

/** Whether the processor draws: browsers name the program that does. */
function drawsInSoftware(context) {
  const names = context.getExtension("WEBGL_debug_renderer_info");
  return Boolean(names) && /swiftshader|llvmpipe|software/i.test(context.getParameter(names.UNMASKED_RENDERER_WEBGL));
}
