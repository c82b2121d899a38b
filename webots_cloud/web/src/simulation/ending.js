// The end that the simulation server has set: counts down to it, and asks for more time (docs/protocol.md section 2).

/** How long before the end the visitor sees it coming, in seconds. */
export const WARNING = 300;

/** How long a server may take to answer that it gives more time, in seconds. */
export const ANSWER = 5;

/**
 * @typedef {object} Ahead what to show.
 * @property {number|null} left seconds until the end; null: nothing is to be shown.
 * @property {boolean} asking whether more time was asked for, and no answer has come yet.
 * @property {""|"refused"|"unanswered"} failed why there is no more time.
 * @property {boolean} extended whether more time was given just now.
 */

/** Tells each second what to show, from five minutes before the end. */
export class Ending {
  #onchange;
  #ask;
  #now;
  #end = null;
  #timer = null;
  #answerTimer = null;
  #asking = false;
  #failed = "";

  /**
   * @param {(ahead: Ahead) => void} onchange
   * @param {() => void} ask asks the server for more time.
   * @param {() => number} now a clock in seconds.
   */
  constructor(onchange, ask, now = () => performance.now() / 1000) {
    this.#onchange = onchange;
    this.#ask = ask;
    this.#now = now;
  }

  /** @param {number} seconds that the server has said are left; it also says so where it gives no more. */
  tell(seconds) {
    if (!(seconds >= 0)) {
      return;
    }
    // What the server says is whole seconds, and was a moment on its way.
    const more = this.#end !== null && this.#now() + seconds > this.#end + 5;
    const wasAsking = this.#asking;
    this.#answered(wasAsking && !more ? "refused" : "");
    this.#end = this.#now() + seconds;
    this.#tick(wasAsking && more);
  }

  /** The visitor wants more time. */
  extend() {
    this.#asking = true;
    this.#failed = "";
    this.#answerTimer = setTimeout(() => {
      this.#answered("unanswered");
      this.#tick();
    }, ANSWER * 1000);
    this.#ask();
    this.#tick();
  }

  /** Say nothing any more. */
  close() {
    clearTimeout(this.#timer);
    clearTimeout(this.#answerTimer);
  }

  #answered(failed) {
    clearTimeout(this.#answerTimer);
    this.#asking = false;
    this.#failed = failed;
  }

  #tick(extended = false) {
    clearTimeout(this.#timer);
    const left = Math.max(0, this.#end - this.#now());
    const near = left <= WARNING + 0.5;
    this.#onchange({ left: near ? left : null, asking: this.#asking, failed: this.#failed, extended });
    if (left > 0) {
      this.#timer = setTimeout(() => this.#tick(), near ? 1000 : (left - WARNING) * 1000);
    }
  }
}
