// Has the simulation server put controllers' files back as they were delivered (docs/protocol.md section 2).
import { Failure } from "../failure.js";

const PATIENCE = 20; // seconds

/** Asks for one file after the other, and tells its answers from what else the simulation server says. */
export class ControllerResets {
  #ask;
  #waiting = [];
  #timer = null;

  /** @param {(message: object) => void} ask tells the simulation server something. */
  constructor(ask) {
    this.#ask = ask;
  }

  /**
   * Have a file put back.
   *
   * @returns {Promise<void>} settled when it is.
   * @throws {Failure} where it is not.
   */
  reset(name, file) {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ path: `${name}/${file}`, resolve, reject });
      if (this.#waiting.length === 1) {
        this.#askForNext();
      }
    });
  }

  /**
   * Take what the simulation server says.
   *
   * @param {{kind: string, text: string}} message
   * @returns {boolean} whether it was about a file that is put back: such an error ends nothing.
   */
  hear({ kind, text }) {
    const [asked] = this.#waiting;
    if (kind === "reset controller" && text === asked?.path) {
      this.#settle((reset) => reset.resolve());
    } else if (kind === "error" && asked && text.includes(asked.path)) {
      this.#settle((reset) => reset.reject(new Failure(text.slice(0, 500))));
    } else {
      return kind === "reset controller";
    }
    return true;
  }

  /** There is no simulation server any more. */
  end() {
    clearTimeout(this.#timer);
    this.#waiting.splice(0).forEach(({ reject }) => reject(new Failure("The simulation has ended.")));
  }

  #settle(how) {
    how(this.#waiting.shift());
    this.#askForNext();
  }

  #askForNext() {
    clearTimeout(this.#timer);
    const [next] = this.#waiting;
    if (next) {
      const late = (reset) => reset.reject(new Failure("The simulation server does not answer."));
      this.#timer = setTimeout(() => this.#settle(late), PATIENCE * 1000);
      this.#ask({ "reset controller": next.path });
    }
  }
}
