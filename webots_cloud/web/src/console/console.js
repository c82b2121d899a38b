// What controllers print: the newest lines, as text.
import { make } from "../elements.js";

const MOST_LINES = 5000;
const LONGEST_LINE = 10_000; // characters

/** The newest lines of two streams, cut to what can be shown. */
export class ConsoleLines {
  #lines = [];

  /** @returns {{stream: string, text: string}[]} what a message adds; no more than is kept. */
  static split(stream, text) {
    const lines = text.replace(/\r?\n$/, "").split(/\r?\n/);
    return lines.slice(-MOST_LINES).map((line) => ({ stream, text: line.slice(0, LONGEST_LINE) }));
  }

  add(stream, text) {
    this.#lines.push(...ConsoleLines.split(stream, text));
    this.#lines.splice(0, this.#lines.length - MOST_LINES);
  }

  /** Give away what was added since the last time. */
  take() {
    return this.#lines.splice(0);
  }
}

/** The panel; shows at most once a frame what came, however much it is. */
export class ConsolePanel {
  #waiting = new ConsoleLines();
  #frame = null;
  #list = make("div", { class: "webots-console-lines", role: "log", "aria-label": "Console", tabIndex: 0 });

  element = make("section", { class: "webots-console", hidden: true }, this.#list);

  /** @param {"stdout"|"stderr"} stream */
  add(stream, text) {
    this.#waiting.add(stream, text);
    this.#frame ??= requestAnimationFrame(() => this.#show());
  }

  clear() {
    this.#waiting.take();
    this.#list.replaceChildren();
  }

  #show() {
    this.#frame = null;
    const list = this.#list;
    const atEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 20;
    list.append(...this.#waiting.take().map(({ stream, text }) => make("div", { class: `webots-${stream}` }, text)));
    while (list.childElementCount > MOST_LINES) {
      list.firstElementChild.remove();
    }
    if (atEnd) {
      list.scrollTop = list.scrollHeight;
    }
  }
}
