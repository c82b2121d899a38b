// A menu that opens at a place: of an object in the scene, or under a button.
import { make } from "../elements.js";
import { MenuFocus } from "./menu_focus.js";

const LONGEST_LABEL = 80; // characters
const MARGIN = 6; // pixels to the edges of what holds the menu

/**
 * @typedef {object} MenuItem
 * @property {string} label
 * @property {() => void} action called once the menu is closed.
 * @property {boolean} [checked] where the item stands for something that is on or off.
 * @property {boolean} [disabled]
 */

/** Put `element` where the menu may appear; that element's box holds it. */
export class Menu {
  element = make("div", { class: "webots-menu", role: "menu", tabIndex: -1, hidden: true });

  #buttons = [];
  #returnFocus = null;
  #focus = new MenuFocus();
  #dismiss = (event) => event.composedPath().includes(this.element) || this.#close(false);

  constructor() {
    this.element.onkeydown = (event) => this.#type(event);
    this.element.oncontextmenu = (event) => event.preventDefault();
  }

  /**
   * Show items, in place of those before.
   *
   * @param {MenuItem[]} items
   * @param {{x: number, y: number}} place its top left corner in the window, in pixels, where there is room.
   * @param {HTMLElement|null} returnFocus gets the focus when the menu closes.
   * @param {string} title of what the menu belongs to; shown over the items.
   */
  open(items, { x, y }, returnFocus = null, title = "") {
    this.close();
    this.#returnFocus = returnFocus;
    this.#buttons = items.map((item) => this.#button(item));
    this.#focus = new MenuFocus(items.map(({ label }) => label));
    const heading = make("p", { class: "webots-menu-title", "aria-hidden": "true" }, cut(title));
    this.element.replaceChildren(...(title ? [heading] : []), ...this.#buttons);
    this.element.setAttribute("aria-label", cut(title) || "Menu");
    this.element.hidden = false;
    this.#put(x, y);
    (this.#buttons[0] ?? this.element).focus();
    window.addEventListener("pointerdown", this.#dismiss, true);
    window.addEventListener("blur", this.#dismiss);
    window.addEventListener("resize", this.#dismiss);
  }

  /** Whether it is open. */
  get isOpen() {
    return !this.element.hidden;
  }

  /** Take it away, and give the focus back. */
  close() {
    this.#close(true);
  }

  #close(giveBack) {
    if (!this.isOpen) {
      return;
    }
    window.removeEventListener("pointerdown", this.#dismiss, true);
    window.removeEventListener("blur", this.#dismiss);
    window.removeEventListener("resize", this.#dismiss);
    this.element.hidden = true;
    this.element.replaceChildren();
    if (giveBack) {
      this.#returnFocus?.focus({ preventScroll: true });
    }
    this.#returnFocus = null;
  }

  #button({ label, action, checked, disabled = false }) {
    const button = make(
      "button",
      {
        type: "button",
        role: checked === undefined ? "menuitem" : "menuitemcheckbox",
        tabIndex: -1,
        "aria-disabled": String(disabled),
        onclick: () => disabled || this.#choose(action),
      },
      cut(label),
    );
    if (checked !== undefined) {
      button.setAttribute("aria-checked", String(checked));
    }
    return button;
  }

  #choose(action) {
    this.close();
    action();
  }

  #type(event) {
    const here = this.#buttons.indexOf(this.element.getRootNode().activeElement);
    if (event.key === "Escape" || event.key === "Tab") {
      this.close();
    } else if (event.key === "Enter" || event.key === " ") {
      event.stopPropagation();
      return;
    } else {
      this.#buttons[this.#focus.after(here, event.key)]?.focus();
    }
    event.preventDefault();
    event.stopPropagation();
  }

  /** Where there is no room below or to the right it goes above or to the left. */
  #put(x, y) {
    const holder = this.element.offsetParent.getBoundingClientRect();
    const { offsetWidth: width, offsetHeight: height } = this.element;
    const fit = (wanted, size, room) =>
      Math.max(MARGIN, Math.min(wanted + size > room - MARGIN ? wanted - size : wanted, room - size - MARGIN));
    this.element.style.left = `${fit(x - holder.left, width, holder.width)}px`;
    this.element.style.top = `${fit(y - holder.top, height, holder.height)}px`;
  }
}

function cut(text) {
  return text.length > LONGEST_LABEL ? `${text.slice(0, LONGEST_LABEL - 1)}…` : text;
}
