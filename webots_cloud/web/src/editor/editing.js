// The editor as the view has it: loaded when it is needed for the first time, beside the scene or over it.
import { make } from "../elements.js";
import { Separator } from "../separator/separator.js";
import { placeOf } from "./controller_file.js";
import { uploadFile } from "./upload.js";

/** Beside this script, put there by the build. */
const EDITOR_URL = new URL("editor.mjs", import.meta.url).href;

const READ_ONLY = {
  watching: "You are watching this simulation: its controllers can be read, not changed.",
  foreign: "These are another user's controllers: they can be read, not changed.",
  refused: "The simulation server does not let the controllers of this simulation be changed.",
};

/**
 * Why a visitor may not change controllers, as a sentence; empty: they may.
 *
 * @param {{watches: boolean, editable: boolean}} simulation `watches`: it only shows it, `editable`: it says that it can
 *   be changed, which those of Webots R2021 and before need not say.
 * @param {{User1Id: string, User1Authentication: string}} visitor
 */
export function whyReadOnly({ watches, editable }, visitor) {
  if (watches) {
    return READ_ONLY.watching;
  }
  if (isUser(visitor) && !visitor.User1Authentication) {
    return READ_ONLY.foreign;
  }
  return editable ? "" : READ_ONLY.refused;
}

/** Ids that stand for nobody: docs/protocol.md section 2. */
function isUser({ User1Id }) {
  return !["", "0"].includes(String(User1Id ?? ""));
}

/** Has the editor loaded, shown and told of what it must know. */
export class Editing {
  #options;
  #editor = null;
  #loading = null;
  #separator;
  #project = null;
  #readOnly = "";

  /** What the scene and the editor stand in, side by side. */
  desk;

  /**
   * @param {HTMLElement} area of the scene.
   * @param {{visitor: object, controllers: () => string[], send: (text: string) => void,
   *   resetFile: (name: string, file: string) => Promise<void>, reset: () => void, failed: (sentence: string) => void,
   *   closed: () => void}} options `controllers` gives the names of the controllers of the scene's robots; the next
   *   three are as in the editor's own; `failed`: the editor could not be loaded; `closed`: it was closed by the visitor.
   */
  constructor(area, options) {
    this.#options = options;
    this.#separator = new Separator({
      label: "Width of the editor",
      vertical: true,
      initial: 50,
      least: 25,
      most: 80,
      onmove: (percent) => this.desk?.style.setProperty("--webots-editor-share", `${percent}%`),
    });
    this.#separator.element.hidden = true;
    this.desk = make("div", { class: "webots-desk" }, area, this.#separator.element);
  }

  /** Whether something that was written would be lost with the page or with the simulation. */
  get unsaved() {
    return this.#editor?.unsaved ?? false;
  }

  /**
   * A simulation can be talked to.
   *
   * @param {string} project
   * @param {string} readOnly why nothing can be changed.
   */
  begin(project, readOnly) {
    if (this.#project !== null) {
      return;
    }
    this.#project = project;
    this.#readOnly = readOnly;
    if (this.#editor) {
      this.#editor.readOnly = readOnly;
      this.#editor.begin(project);
    }
  }

  /** The simulation is over. */
  end() {
    this.#project = null;
    this.#editor?.end();
    if (this.unsaved) {
      this.#unhide();
    } else {
      this.#hide();
    }
  }

  /** Lose what is not saved. */
  discard() {
    this.dispose();
    this.#separator.element.hidden = true;
  }

  /** Open the files of a controller. */
  async edit(name) {
    const editor = await this.#shown();
    editor?.open(name);
  }

  /** Open the file that a line of the console names, where it is one of a controller. */
  async follow({ file, line }) {
    const place = placeOf(file, this.#options.controllers());
    if (place) {
      const editor = await this.#shown();
      editor?.reveal(place.name, place.file, line);
    }
  }

  /** Webots has sent a file. */
  take(message) {
    this.#editor?.takeFile(message);
  }

  /** Save what was changed; settled with whether all of it is saved. */
  async saveAll() {
    return (await this.#editor?.saveAll()) ?? true;
  }

  dispose() {
    this.#editor?.dispose();
    this.#editor = null;
  }

  async #shown() {
    const editor = await this.#loaded();
    if (editor) {
      this.#unhide();
    }
    return editor;
  }

  async #loaded() {
    try {
      this.#loading ??= import(EDITOR_URL);
      const { Editor } = await this.#loading;
      this.#editor ??= this.#newEditor(Editor);
    } catch {
      this.#loading = null;
      this.#options.failed("The editor could not be loaded from this website. Check your connection and try again.");
    }
    return this.#editor;
  }

  #newEditor(Editor) {
    const { visitor, send, resetFile, reset, closed } = this.#options;
    const uploader = () => (isUser(visitor) && visitor.User1Authentication ? uploadFile : null);
    const onclose = () => {
      this.#hide();
      closed();
    };
    const editor = new Editor({ root: this.desk.getRootNode(), uploader, send, resetFile, reset, onclose });
    this.desk.append(editor.element);
    if (this.#project !== null) {
      editor.readOnly = this.#readOnly;
      editor.begin(this.#project);
    }
    return editor;
  }

  #unhide() {
    this.#editor.element.hidden = false;
    this.#separator.element.hidden = false;
  }

  #hide() {
    if (this.#editor) {
      this.#editor.element.hidden = true;
      this.#separator.element.hidden = true;
    }
  }
}
