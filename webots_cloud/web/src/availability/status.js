// webots.Availability: a dot and a sentence in an element of a page, which say whether a simulation can be started now.
import { make } from "../elements.js";
import { Failure } from "../failure.js";
import { readSessionServer } from "../simulation/session.js";
import style from "./status.css";
import { Availability } from "./watch.js";

const SENTENCES = {
  waiting: "Asking the session server…",
  available: "A simulation can be started now.",
  busy: "All simulation servers are busy or away at the moment.",
  unreachable: "The session server cannot be reached; trying again…",
};

const sheet = new CSSStyleSheet();
sheet.replaceSync(style);

/** Live until it is closed; connects again by itself. */
export class AvailabilityStatus {
  #host = make("span", { class: "webots-availability" });
  #words = make("span", { role: "status" });
  #status = make("span", {}, make("span", { class: "webots-dot", "aria-hidden": "true" }), this.#words);
  #watch = null;

  /** `waiting`, `available`, `busy` or `unreachable`; `invalid` where the address is none. */
  state = "waiting";
  /** The state has changed: called with it. */
  onchange = null;

  /**
   * @param {HTMLElement} element gets it inside.
   * @param {string} url of the session server: `ws://HOST:PORT`, or that of a simulation there.
   */
  constructor(element, url) {
    const shadow = this.#host.attachShadow({ mode: "open" });
    shadow.adoptedStyleSheets = [sheet];
    shadow.append(this.#status);
    element.append(this.#host);
    try {
      const server = readSessionServer(url);
      this.#show("waiting", SENTENCES.waiting);
      this.#watch = new Availability(server, (state) => this.#show(state, SENTENCES[state]));
    } catch (error) {
      if (!(error instanceof Failure)) {
        throw error;
      }
      this.#show("invalid", error.message);
    }
  }

  /** Stop watching and take it off the page. */
  close() {
    this.#watch?.close();
    this.#host.remove();
  }

  #show(state, sentence) {
    this.state = state;
    this.#status.className = `webots-status webots-${state}`;
    this.#words.textContent = sentence;
    this.onchange?.(state);
  }
}
