// Sentences over the scene that the visitor should read, some with a button that does something about it.
import { icon, make } from "../elements.js";

const SHOWN_SECONDS = 20;
const CROSS = "M6 4.6 12 10.6 18 4.6 19.4 6 13.4 12 19.4 18 18 19.4 12 13.4 6 19.4 4.6 18 10.6 12 4.6 6Z";

/** Each sentence has a key; a new one takes the place of the one with the same key. */
export class Notices {
  #shown = new Map();

  element = make("div", { class: "webots-notices" });

  /**
   * @param {string} key of what it is about.
   * @param {object} notice
   * @param {string} notice.sentence
   * @param {string} notice.countdown follows the sentence, and is not read aloud at each change.
   * @param {{label: string, run: () => void, disabled?: boolean}} notice.action a button beside it; with one it stays.
   */
  show(key, { sentence, countdown = "", action = null }) {
    const notice = this.#shown.get(key) ?? this.#add(key);
    set(notice.words, sentence);
    set(notice.countdown, countdown);
    set(notice.button, action?.label ?? "");
    notice.button.hidden = !action;
    notice.button.disabled = Boolean(action?.disabled);
    notice.button.onclick = action?.run ?? null;
    clearTimeout(notice.timer);
    if (!action && !countdown) {
      notice.timer = setTimeout(() => this.hide(key), SHOWN_SECONDS * 1000);
    }
  }

  hide(key) {
    const notice = this.#shown.get(key);
    if (notice) {
      clearTimeout(notice.timer);
      notice.element.remove();
      this.#shown.delete(key);
    }
  }

  clear() {
    for (const key of [...this.#shown.keys()]) {
      this.hide(key);
    }
  }

  #add(key) {
    const notice = {
      words: make("span"),
      countdown: make("span", { class: "webots-countdown", role: "timer" }),
      button: make("button", { type: "button", class: "webots-notice-action" }),
      timer: null,
    };
    const close = make("button", { type: "button", class: "webots-close", "aria-label": "Close this notice" }, icon(CROSS));
    close.onclick = () => this.hide(key);
    const text = make("p", { role: "status" });
    notice.element = make("div", { class: "webots-notice" }, text, notice.button, close);
    this.element.append(notice.element);
    // What is put into a status that is on the page already is read aloud.
    text.append(notice.words, " ", notice.countdown);
    this.#shown.set(key, notice);
    return notice;
  }
}

function set(element, text) {
  if (element.textContent !== text) {
    element.textContent = text;
  }
}
