// The line under the text of the editor: what became of the last thing the visitor did, and what to do next.
import { make } from "../elements.js";

/** Shows one sentence until the next one. */
export class Status {
  #text = make("span", { role: "status" });
  #button = make("button", { type: "button", hidden: true });

  element = make("p", { class: "webots-editor-status" }, this.#text, this.#button);

  /**
   * @param {string} sentence
   * @param {{bad?: boolean, label?: string, action?: () => void}} more `label` and `action` of a button beside it.
   */
  show(sentence, { bad = false, label = "", action = null } = {}) {
    this.#text.textContent = sentence;
    this.element.classList.toggle("webots-bad", bad);
    this.#button.hidden = !action;
    this.#button.textContent = label;
    this.#button.onclick = action;
  }
}
