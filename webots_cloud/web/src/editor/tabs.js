// One tab for each open file.
import { make } from "../elements.js";

/** The row of tabs; what it shows is told anew whenever something changes. */
export class Tabs {
  #onchoose;
  #onclose;
  #buttons = [];

  element = make("div", { class: "webots-tabs", role: "tablist", "aria-label": "Files" });

  /**
   * @param {(index: number) => void} onchoose the visitor wants to see a file.
   * @param {(index: number) => void} onclose the visitor wants to close one.
   */
  constructor(onchoose, onclose) {
    this.#onchoose = onchoose;
    this.#onclose = onclose;
    this.element.addEventListener("keydown", (event) => this.#press(event));
  }

  /**
   * @param {{label: string, title: string, changed: boolean}[]} files
   * @param {number} active which of them is shown.
   */
  show(files, active) {
    while (this.#buttons.length > files.length) {
      this.#buttons.pop().parentNode.remove();
    }
    while (this.#buttons.length < files.length) {
      this.element.append(this.#newTab(this.#buttons.length));
    }
    files.forEach((file, index) => this.#update(this.#buttons[index], file, index === active));
  }

  /** Bring a tab into view. */
  reveal(index) {
    this.#buttons[index]?.scrollIntoView({ block: "nearest", inline: "nearest" });
  }

  #newTab(index) {
    const button = make(
      "button",
      { type: "button", role: "tab", "aria-controls": "webots-editor-panel", onclick: () => this.#onchoose(index) },
      make("span", { class: "webots-tab-name" }),
      make("span", { class: "webots-tab-mark" }),
    );
    // By keyboard it is the key Delete on the tab itself.
    const close = make("button", { type: "button", class: "webots-tab-close", tabIndex: -1, "aria-hidden": "true" }, "×");
    close.onclick = () => this.#onclose(index);
    const tab = make("div", { class: "webots-tab", role: "presentation" }, button, close);
    tab.onauxclick = ({ button: pressed }) => pressed === 1 && this.#onclose(index);
    this.#buttons.push(button);
    return tab;
  }

  #update(button, { label, title, changed }, active) {
    const [name, mark] = button.children;
    name.textContent = label;
    mark.textContent = changed ? "●" : "";
    mark.ariaLabel = changed ? "not saved" : null;
    mark.role = changed ? "img" : null;
    button.title = `${title}${changed ? " (not saved)" : ""} – Delete closes it`;
    button.ariaSelected = String(active);
    button.tabIndex = active ? 0 : -1;
    button.parentNode.classList.toggle("webots-tab-active", active);
  }

  #press(event) {
    const at = this.#buttons.indexOf(event.target);
    const last = this.#buttons.length - 1;
    const goals = { ArrowRight: at === last ? 0 : at + 1, ArrowLeft: at === 0 ? last : at - 1, Home: 0, End: last };
    if (at >= 0 && event.key in goals) {
      event.preventDefault();
      event.stopPropagation();
      this.#onchoose(goals[event.key]);
      this.#buttons[goals[event.key]].focus();
    } else if (at >= 0 && event.key === "Delete") {
      event.stopPropagation();
      this.#onclose(at);
    }
  }
}
