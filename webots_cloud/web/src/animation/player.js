// Plays a recording: which frame is seen when. No DOM.

export const SPEEDS = [0.25, 0.5, 1, 2, 4];

/** After a longer pause between two ticks (a tab in the background) it goes on from where it was. */
const LONGEST_TICK = 250; // milliseconds

/** Further ahead, a whole state is quicker than all the changes up to it. */
const NEAR = 100; // frames

/** A place in a recording, which moves while it plays. */
export class Player {
  speed = 1;
  loop;
  /** While it is held it plays on no further. */
  held = false;

  #recording;
  #show;
  #time = 0;
  #frame = -1;
  #playing = false;
  #last = null;

  /**
   * @param {import("./recording.js").Recording} recording
   * @param {(state: {time: number, poses: object[], labels: object[]}) => void} show called with what has changed.
   * @param {boolean} loop whether it begins again at its end.
   */
  constructor(recording, show, loop = true) {
    this.#recording = recording;
    this.#show = show;
    this.loop = loop;
    this.seek(0);
  }

  get playing() {
    return this.#playing;
  }

  /** Where it is, in milliseconds. */
  get time() {
    return this.#time;
  }

  /** Go on, from the start where it is at its end. */
  play() {
    if (!this.#playing && this.#time >= this.#recording.duration) {
      this.seek(0);
    }
    this.#playing = true;
    this.#last = null;
  }

  pause() {
    this.#playing = false;
  }

  /** @param {number} time in milliseconds. */
  seek(time) {
    this.#time = Math.min(this.#recording.duration, Math.max(0, time));
    this.#showFrame(this.#recording.frameAt(this.#time));
  }

  /** Pause, and go by some frames. */
  step(frames) {
    this.pause();
    const index = Math.min(this.#recording.length - 1, Math.max(0, this.#frame + frames));
    this.seek(this.#recording.timeOf(index));
  }

  /** @param {number} now in milliseconds of real time; called with each frame of the browser while it plays. */
  tick(now) {
    const passed = this.#last === null ? 0 : Math.min(LONGEST_TICK, Math.max(0, now - this.#last));
    this.#last = now;
    if (!this.#playing || this.held) {
      return;
    }
    const { duration } = this.#recording;
    const time = this.#time + passed * this.speed;
    if (time < duration) {
      this.seek(time);
    } else if (this.loop) {
      this.seek(time % duration);
    } else {
      this.seek(duration);
      this.pause();
    }
  }

  #showFrame(index) {
    const before = this.#frame;
    if (index === before) {
      return;
    }
    this.#frame = index;
    const forward = before >= 0 && index > before && index - before <= NEAR;
    const state = forward ? this.#recording.changes(before, index) : this.#recording.stateAt(index);
    this.#show({ time: this.#recording.timeOf(index), ...state });
  }
}
