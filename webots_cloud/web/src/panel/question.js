// Asks the visitor something that must be answered before anything is done.
import { make } from "../elements.js";

/** One question at a time; nothing else can be done meanwhile. */
export class Question {
  #sentence = make("p");
  #buttons = make("div", { class: "webots-question-buttons" });
  #answer = null;

  element = make("dialog", { class: "webots-question", role: "alertdialog", "aria-label": "Question" });

  constructor() {
    this.element.append(this.#sentence, this.#buttons);
    this.element.addEventListener("close", () => this.#finish(false));
  }

  /**
   * @param {string} sentence
   * @param {string} yes what is done if the visitor wishes so.
   * @param {string} no what is done otherwise; it has the focus first.
   * @returns {Promise<boolean>} whether it is to be done; false, too, where the visitor presses Escape.
   */
  ask(sentence, yes, no = "Cancel") {
    this.close();
    this.#sentence.textContent = sentence;
    this.#buttons.replaceChildren(
      make("button", { type: "button", class: "webots-action", onclick: () => this.#finish(true) }, yes),
      make("button", { type: "button", autofocus: true, onclick: () => this.#finish(false) }, no),
    );
    this.element.showModal();
    return new Promise((resolve) => {
      this.#answer = resolve;
    });
  }

  /** As if the visitor had pressed Escape. */
  close() {
    this.#finish(false);
  }

  #finish(answer) {
    const resolve = this.#answer;
    this.#answer = null;
    if (this.element.open) {
      this.element.close();
    }
    resolve?.(answer);
  }
}
