// How far a simulation is on its way to the screen, as one number that never goes back.

/** In order: where each phase ends in percent, and how many seconds it usually takes; a queue takes what it takes. */
const PHASES = {
  looking: { end: 8, usual: 2 },
  waiting: { end: 25, usual: 60, patient: true },
  fetching: { end: 40, usual: 4 },
  starting: { end: 65, usual: 6 },
  loading: { end: 85, usual: 4 },
  textures: { end: 99, usual: 4 },
};

/** Where time alone cannot bring the bar: only the phase's end does. */
const MOST_BY_TIME = 0.9;

/** One way from the first phase to the last; phases may be left out, or come again. */
export class Course {
  #seconds;
  #phase = PHASES.looking;
  #from = 0;
  #since;
  #done = 0;
  #highest = 0;

  /** @param {() => number} seconds a clock. */
  constructor(seconds = () => performance.now() / 1000) {
    this.#seconds = seconds;
    this.#since = seconds();
  }

  /**
   * @param {string} name of the phase: `looking`, `waiting`, `fetching`, `starting`, `loading` or `textures`; being told
   *   of the present one again changes nothing.
   */
  enter(name) {
    if (PHASES[name] !== this.#phase) {
      this.#from = this.percent;
      this.#phase = PHASES[name];
      this.#since = this.#seconds();
      this.#done = 0;
    }
  }

  /** @param {number} fraction of the phase that is known to be done, 0 to 1. */
  advance(fraction) {
    if (fraction >= 0) {
      this.#done = Math.max(this.#done, Math.min(1, fraction));
    }
  }

  /** From 0 to 100, never less than before. */
  get percent() {
    const byTime = MOST_BY_TIME * (1 - Math.exp(-this.#elapsed / this.#phase.usual));
    const room = Math.max(0, this.#phase.end - this.#from);
    this.#highest = Math.max(this.#highest, this.#from + room * Math.max(this.#done, byTime));
    return this.#highest;
  }

  /** Why the bar hardly moves, where the phase takes much longer than usual. */
  get explanation() {
    const seconds = Math.floor(this.#elapsed);
    return !this.#phase.patient && seconds > 3 * this.#phase.usual ? `This takes longer than usual: ${seconds} s so far.` : "";
  }

  get #elapsed() {
    return this.#seconds() - this.#since;
  }
}
