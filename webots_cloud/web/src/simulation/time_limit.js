// The simulated time after which a simulation pauses by itself, as the page has set it. All times are in milliseconds.

/** Knows when it is reached; Webots is told with each order to run, and pauses by itself. */
export class TimeLimit {
  #limit = -1;
  #deadline = null;
  #now = 0;

  /** @param {number} seconds from now on; negative or no number: never. */
  set(seconds) {
    this.#limit = seconds >= 0 ? Math.round(seconds * 1000) : -1;
    this.extend();
  }

  /** @param {number} time that it is; an earlier one than before means that the simulation was reset. */
  advance(time) {
    if (Number.isFinite(time)) {
      const wasReset = time < this.#now;
      this.#now = time;
      if (wasReset) {
        this.extend();
      }
    }
  }

  /** Go on for as long as it was set to. */
  extend() {
    this.#deadline = this.#limit < 0 ? null : this.#now + this.#limit;
  }

  /** The simulation begins afresh. */
  restart() {
    this.#now = 0;
    this.extend();
  }

  /** What Webots is to be told: the time until it pauses, or -1. */
  get forWebots() {
    return this.left ?? -1;
  }

  /** The time left, or null where there is no limit. */
  get left() {
    return this.#deadline === null ? null : Math.max(0, this.#deadline - this.#now);
  }

  get isReached() {
    return this.left === 0;
  }

  /** What it was set to, in seconds; negative: never. */
  get seconds() {
    return this.#limit < 0 ? -1 : this.#limit / 1000;
  }
}
