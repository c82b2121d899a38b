// The buttons above the text of the editor.
import { icon, make } from "../elements.js";

const PATHS = {
  save: "M4 4h13l3 3v13H4Zm2 2v12h12V8l-2-2v4H8V6Zm4 0v2h4V6Zm2 6a2.5 2.5 0 1 0 .01 0Z",
  undo: "M9.5 5 4 10l5.5 5v-3.6h4a3.3 3.3 0 0 1 0 6.6H10v2h3.500a5.300 5.300 0 0 0 0-10.600h-4Z",
  find: "M10 4a6 6 0 1 0 3.500 10.900l4.800 4.800 1.400-1.400-4.800-4.800A6 6 0 0 0 10 4Zm0 2a4 4 0 1 1 0 8 4 4 0 0 1 0-8Z",
  putBack: "M12 4a8 8 0 0 0-6.900 4H3.200l3.300 4.500L9.800 8H7.500a6 6 0 1 1-1.200 6.300l-1.900.7A8 8 0 1 0 12 4Zm-1 4v5l4 2.300 1-1.700-3-1.700V8Z",
  copy: "M8 3h12v14H8Zm2 2v10h8V5ZM4 7h2v12h10v2H4Z",
  download: "M11 4h2v8.200l3-3 1.400 1.400L12 16l-5.400-5.400L8 9.200l3 3ZM5 18h14v2H5Z",
  close: "M6 4.600 12 10.600 18 4.600 19.400 6 13.400 12 19.400 18 18 19.400 12 13.400 6 19.400 4.600 18 10.600 12 4.600 6Z",
};

const LABELS = {
  save: "Save (Ctrl+S)",
  undo: "Undo (Ctrl+Z)",
  find: "Find (Ctrl+F)",
  putBack: "Put this file back as it was delivered",
  copy: "Copy this file's text",
  download: "Download this file",
  close: "Close the editor",
};

/** Tells which one was pressed, by its name. */
export class Actions {
  #buttons = {};

  element;
  /** Closes the editor; stands elsewhere. */
  close;

  /** @param {(pressed: string) => void} onpress */
  constructor(onpress) {
    for (const [name, label] of Object.entries(LABELS)) {
      const properties = { type: "button", title: label, "aria-label": label.replace(/ \(.*/, "") };
      this.#buttons[name] = make("button", { ...properties, onclick: () => onpress(name) }, icon(PATHS[name]));
    }
    this.#buttons.save.setAttribute("aria-keyshortcuts", "Control+S");
    const { close, ...others } = this.#buttons;
    this.close = close;
    this.element = make("div", { class: "webots-editor-actions" }, ...Object.values(others));
  }

  /** @param {{[name: string]: boolean}} usable which buttons can be pressed; the others stay as they are. */
  setUsable(usable) {
    for (const [name, can] of Object.entries(usable)) {
      this.#buttons[name].disabled = !can;
    }
  }
}
