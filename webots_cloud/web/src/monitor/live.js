// Keeps the page's data up to date: over a WebSocket; where none can be opened, by asking for all of it now and then.
import { mergePatch } from "./merge.js";

const FIRST_DELAY = 1; // seconds
const LONGEST_DELAY = 30;
const ASK_SECONDS = 10;
const WORDS = { 401: "This page needs its password: load it again.", 403: "", 429: "", 503: "" };

/**
 * Data of the server that the page came from.
 *
 * `ondata(data, patch)` is called with all there is, and with what has changed of it; null: anything may have.
 * `onconnection(state, words)` is called with `live`, `asking` (without a WebSocket) or `lost`, and why.
 */
export class Live {
  #edges;
  #ondata;
  #onconnection;
  #data = null;
  #delay = FIRST_DELAY;

  constructor(ondata, onconnection, edges = {}) {
    this.#ondata = ondata;
    this.#onconnection = onconnection;
    this.#edges = {
      page: globalThis.location?.href,
      connect: (url) => new WebSocket(url),
      ask: (url) => fetch(url, { cache: "no-store" }),
      later: (action, seconds) => setTimeout(action, seconds * 1000),
      random: Math.random,
      ...edges,
    };
    this.#connect();
  }

  #url(path) {
    const url = new URL(path, this.#edges.page);
    url.hash = "";
    url.search = "";
    return url;
  }

  #connect() {
    const url = this.#url("monitor/live");
    url.protocol = url.protocol.replace("http", "ws");
    const socket = this.#edges.connect(url.href);
    let isOpen = false;
    socket.onmessage = ({ data }) => {
      if (!isOpen) {
        isOpen = true;
        this.#delay = FIRST_DELAY;
        this.#onconnection("live", "");
      }
      this.#take(JSON.parse(data));
    };
    socket.onclose = () => {
      if (isOpen) {
        this.#onconnection("lost", "");
        this.#again();
      } else {
        this.#ask();
      }
    };
  }

  #take({ whole, patch }) {
    if (whole) {
      this.#data = whole;
      this.#ondata(whole, null);
    } else if (this.#data) {
      mergePatch(this.#data, patch);
      this.#ondata(this.#data, patch);
    }
  }

  /** Something on the way may let no WebSocket pass, or the server lets nobody in: the answer to a question tells. */
  async #ask() {
    try {
      const answer = await this.#edges.ask(this.#url("monitor.json").href);
      if (answer.ok) {
        this.#onconnection("asking", "");
        this.#take({ whole: await answer.json() });
        this.#edges.later(() => this.#connect(), ASK_SECONDS);
        return;
      }
      this.#onconnection("lost", WORDS[answer.status] || (await answer.text()).slice(0, 200));
    } catch {
      this.#onconnection("lost", "");
    }
    this.#again();
  }

  #again() {
    // Spread over time, so that a restarted server does not meet all who look at it at once.
    const seconds = this.#delay * (0.5 + this.#edges.random());
    this.#delay = Math.min(LONGEST_DELAY, this.#delay * 2);
    this.#edges.later(() => this.#connect(), seconds);
  }
}
