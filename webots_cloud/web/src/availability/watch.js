// Watches whether a session server has a simulation server to give: its WebSocket at `/` (docs/protocol.md section 1).

const FIRST_DELAY = 1; // seconds
const LONGEST_DELAY = 30;

/**
 * Tells of each change of availability, and connects again by itself until it is closed.
 *
 * @param {string} server URL of the session server, `ws://HOST:PORT`.
 * @param {(state: "available"|"busy"|"unreachable") => void} onchange called at each change, never twice for the same.
 */
export class Availability {
  #server;
  #onchange;
  #edges;
  #state = null;
  #delay = FIRST_DELAY;
  #socket = null;
  #timer = null;

  constructor(server, onchange, edges = {}) {
    this.#server = server;
    this.#onchange = onchange;
    this.#edges = {
      connect: (url) => new WebSocket(url),
      later: (action, seconds) => setTimeout(action, seconds * 1000),
      random: Math.random,
      ...edges,
    };
    this.#connect();
  }

  /** Stop watching; nothing is told any more. */
  close() {
    this.#onchange = () => {};
    this.#edges.later = () => null;
    clearTimeout(this.#timer);
    this.#socket?.close();
  }

  #connect() {
    const socket = this.#edges.connect(`${this.#server}/`);
    this.#socket = socket;
    socket.onmessage = ({ data }) => {
      if (data === "1" || data === "0") {
        this.#delay = FIRST_DELAY;
        this.#tell(data === "1" ? "available" : "busy");
      }
    };
    socket.onclose = () => {
      this.#tell("unreachable");
      // Spread over time, so that a restarted server does not meet all its watchers at once.
      const seconds = this.#delay * (0.5 + this.#edges.random());
      this.#delay = Math.min(LONGEST_DELAY, this.#delay * 2);
      this.#timer = this.#edges.later(() => this.#connect(), seconds);
    };
  }

  #tell(state) {
    if (state !== this.#state) {
      this.#state = state;
      this.#onchange(state);
    }
  }
}
