// Decides how finely a scene is drawn while it moves, from how long frames take. No DOM.

/** From the finest: how many samples a pixel has, and how many pixels are drawn for one, across. */
export const LEVELS = [
  { samples: 4, scale: 1 },
  { samples: 0, scale: 1 },
  { samples: 0, scale: 0.7 },
  { samples: 0, scale: 0.5 },
  { samples: 0, scale: 0.35 },
];

const WINDOW = 1000; // milliseconds that are looked at together
const FEWEST = 5; // frames in them
const LONGEST = 3000; // milliseconds of a frame; beyond, nobody was looking
const SLOW = 1000 / 28; // milliseconds; a picture that moves wants 30 frames a second
const QUICK = 1000 / 50;
const SOONEST = 5; // quick windows before something finer is tried
const LATEST = 300;

/** One drawing area's level: coarser where frames take too long; finer again, ever more rarely, where they do not. */
export class Pace {
  /** Index into `LEVELS`. */
  level;

  #time = 0;
  #frames = 0;
  #quick = 0;
  #needed = SOONEST;
  #tried = false;

  /** @param {number} level to begin with. */
  constructor(level = 0) {
    this.level = level;
  }

  /**
   * A frame was drawn.
   *
   * @param {number} took milliseconds until the next one could be.
   * @returns {boolean} whether the level has changed.
   */
  take(took) {
    if (took > LONGEST) {
      return false;
    }
    this.#time += took;
    this.#frames++;
    if (this.#time < WINDOW || this.#frames < FEWEST) {
      return false;
    }
    const mean = this.#time / this.#frames;
    this.#time = this.#frames = 0;
    return this.#judge(mean);
  }

  #judge(mean) {
    const before = this.level;
    if (mean > SLOW) {
      this.level = Math.min(before + 1, LEVELS.length - 1);
      this.#quick = 0;
      if (this.#tried) {
        this.#needed = Math.min(this.#needed * 2, LATEST);
      }
      this.#tried = false;
    } else if (mean < QUICK && before > 0 && ++this.#quick >= this.#needed) {
      this.level--;
      this.#quick = 0;
      this.#tried = true;
    }
    return this.level !== before;
  }
}
