// A sheet over the scene that a button opens; the simulation goes on behind it.
import { icon, make } from "../elements.js";

const CROSS = "M6 4.6 12 10.6 18 4.6 19.4 6 13.4 12 19.4 18 18 19.4 12 13.4 6 19.4 4.6 18 10.6 12 4.6 6Z";
const REFRESH_MILLISECONDS = 500;

/** Shows one content at a time. */
export class Panel {
  #title = make("h2", { class: "webots-panel-title" });
  #content = make("div", { class: "webots-panel-content", tabIndex: 0 });
  #shown = null;
  #timer = null;

  element = make("section", { class: "webots-panel", role: "dialog", tabIndex: -1, hidden: true });

  constructor() {
    const close = make("button", { type: "button", class: "webots-close", "aria-label": "Close" }, icon(CROSS));
    close.onclick = () => this.close();
    this.element.append(make("header", {}, this.#title, close), this.#content);
    this.element.addEventListener("keydown", (event) => {
      if (event.key === "Escape") {
        event.stopPropagation();
        this.close();
      }
    });
  }

  /** Whether a content is shown. */
  isOpen(name) {
    return this.#shown?.name === name;
  }

  /**
   * @param {object} content
   * @param {string} content.name tells it from others.
   * @param {string} content.title
   * @param {Node[]} content.nodes
   * @param {() => void} content.refresh called now and then while it is shown.
   * @param {(open: boolean) => void} content.onchange it was opened, or closed.
   * @param {HTMLElement} returnFocus has the focus after it.
   */
  open(content, returnFocus) {
    this.close();
    this.#shown = { ...content, returnFocus };
    this.#title.textContent = content.title;
    this.element.setAttribute("aria-label", content.title);
    this.#content.replaceChildren(...content.nodes);
    this.element.hidden = false;
    this.element.focus({ preventScroll: true });
    if (content.refresh) {
      content.refresh();
      this.#timer = setInterval(content.refresh, REFRESH_MILLISECONDS);
    }
    content.onchange(true);
  }

  close() {
    if (!this.#shown) {
      return;
    }
    const { onchange, returnFocus } = this.#shown;
    const hadFocus = this.element.contains(this.element.getRootNode().activeElement);
    this.#shown = null;
    clearInterval(this.#timer);
    this.element.hidden = true;
    this.#content.replaceChildren();
    onchange(false);
    if (hadFocus) {
      returnFocus.focus();
    }
  }
}
