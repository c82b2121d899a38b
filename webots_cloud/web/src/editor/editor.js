// The editor of controllers: one tab for each file. A chunk of its own, loaded when a visitor edits something.
import { copyText } from "../clipboard.js";
import { make } from "../elements.js";
import { ask } from "../question/question.js";
import { Actions } from "./actions.js";
import { CodeArea } from "./code_area.js";
import { isPlainName, isTooLong } from "./controller_file.js";
import { MAX_FILES, OpenFiles } from "./open_files.js";
import { Saver } from "./saver.js";
import { Status } from "./status.js";
import { Tabs } from "./tabs.js";
import style from "./editor.css";

const sheet = new CSSStyleSheet();
sheet.replaceSync(style);

/** How long Webots may take to send a file, in seconds. */
const PATIENCE = 20;

/** Files of controllers as the visitor has them; a simulation may come and go meanwhile. */
export class Editor {
  #options;
  #files = new OpenFiles((one, other) => one.doc.eq(other.doc));
  #saver;
  #project = "";
  #connected = false;
  #readOnly = "";
  #wanted = null;
  #late = null;
  #awaited = new Map();
  #shown = null;
  #panel = make("div", { class: "webots-code", id: "webots-editor-panel", role: "tabpanel", "aria-label": "Text" });
  #empty = make("p", { class: "webots-editor-empty" });
  #hint = make("p", { class: "webots-editor-hint", id: "webots-editor-hint" }, "Tab indents. Escape, then Tab leaves the text.");
  #why = make("p", { class: "webots-editor-why", hidden: true });
  #status = new Status();
  #actions = new Actions((pressed) => this.#press(pressed));
  #tabs = new Tabs(
    (index) => this.#show(this.#files.all[index]),
    (index) => this.#close(this.#files.all[index]),
  );
  #code;

  /**
   * @param {{root: ShadowRoot, send: (text: string) => void, uploader: () => Function | null,
   *   resetFile: (name: string, file: string) => Promise<void>, reset: () => void, onclose: () => void}} options `send`
   *   tells Webots something; `uploader` gives the function that saves a file at the website host (upload.js), null
   *   where the visitor has no account there; `resetFile` has the simulation server put a file back, and fails with a
   *   sentence; `reset` resets the simulation.
   */
  constructor(options) {
    this.#options = options;
    options.root.adoptedStyleSheets.push(sheet);
    this.#saver = new Saver({
      text: CodeArea.contentOf,
      isRunning: (file) => this.#connected && file.project === this.#project,
      send: options.send,
      upload: options.uploader,
    });
    this.element = make(
      "section",
      { class: "webots-editor", "aria-label": "Editor" },
      make("div", { class: "webots-editor-head" }, this.#tabs.element, this.#actions.close),
      this.#actions.element,
      this.#why,
      this.#panel,
      this.#empty,
      this.#status.element,
      this.#hint,
    );
    this.#code = new CodeArea(options.root, this.#panel, (state) => this.#typed(state));
    this.element.addEventListener("keydown", (event) => this.#key(event));
    this.#render();
  }

  /** Whether something would be lost with the page or with the simulation. */
  get unsaved() {
    return this.#files.unsaved.length > 0;
  }

  /** @param {string} reason a sentence that says why nothing can be changed; empty: it can. */
  set readOnly(reason) {
    this.#readOnly = reason;
    this.#why.textContent = reason;
    this.#why.hidden = reason === "";
    this.#code.setReadOnly(reason !== "");
    this.#render();
  }

  /** A simulation of a project listens; what is open and not saved stays, all else may have become another. */
  begin(project) {
    this.#project = project;
    this.#connected = true;
    const names = new Set(this.#files.all.filter((file) => file.project === project).map(({ name }) => name));
    for (const file of this.#files.all.filter((file) => !this.#files.unsaved.includes(file))) {
      this.#files.remove(file);
    }
    this.#showActive();
    this.#status.show("");
    names.forEach((name) => this.#request(name));
  }

  /** The simulation listens no more; nothing of what was written is lost. */
  end() {
    this.#connected = false;
    this.#awaited.forEach(({ fail }) => fail(new Error("The simulation has ended.")));
    if (this.unsaved) {
      this.#status.show(
        "The simulation has ended. What you have written is still here: save, copy or download it. " +
          "Close the editor to start again.",
        { bad: true },
      );
    }
    this.#render();
  }

  /** Show the files of a controller. */
  open(name) {
    const files = this.#files.all.filter((file) => file.project === this.#project && file.name === name);
    if (files.length === 0) {
      this.#wanted = { name };
      this.#request(name);
    } else if (!files.includes(this.#files.active)) {
      this.#show(files[0]);
    }
    this.#code.focus();
  }

  /** Show a line of a file, as soon as the file is there. */
  reveal(name, file, line) {
    const found = this.#files.find(this.#project, name, file);
    if (found) {
      this.#show(found);
      this.#code.goTo(line);
    } else {
      this.#wanted = { name, file, line };
      this.#request(name);
    }
  }

  /** Take a file that Webots has sent. */
  takeFile({ name, file, content }) {
    if (!isPlainName(name) || !isPlainName(file)) {
      return;
    }
    if (isTooLong(content)) {
      this.#status.show(`${file} is longer than 1 MB and cannot be shown.`, { bad: true });
      return;
    }
    clearTimeout(this.#late);
    const known = this.#files.find(this.#project, name, file);
    if (known) {
      this.#takeAgain(known, content);
    } else {
      this.#takeNew(name, file, content);
    }
    this.#render();
  }

  /**
   * Save all that was changed; the simulation is told before this returns.
   *
   * @returns {Promise<boolean>} whether all of it is saved.
   */
  async saveAll() {
    const changed = this.#readOnly ? [] : this.#files.changed;
    if (changed.length === 0) {
      return true;
    }
    const outcomes = await Promise.all(changed.map((file) => this.#saver.save(file)));
    const refused = outcomes.find(({ saved }) => !saved);
    this.#status.show(refused?.sentence ?? "Saved.", { bad: Boolean(refused) });
    this.#render();
    return !refused;
  }

  focus() {
    this.#code.focus();
  }

  /** Take it off the page; what is not saved is lost. */
  dispose() {
    this.#awaited.forEach(({ fail }) => fail(new Error("The editor is closed.")));
    clearTimeout(this.#late);
    this.#code.dispose();
    this.element.remove();
    const { root } = this.#options;
    root.adoptedStyleSheets = root.adoptedStyleSheets.filter((one) => one !== sheet);
  }

  #request(name) {
    if (!this.#connected) {
      this.#status.show("There is no simulation that could send its files.", { bad: true });
      return;
    }
    this.#options.send(`get controller:${name}`);
    this.#empty.textContent = "Waiting for the files…";
    clearTimeout(this.#late);
    this.#late = setTimeout(() => {
      this.#empty.textContent = `The simulator has sent no files of the controller ${name}.`;
      this.#status.show(this.#files.active ? this.#empty.textContent : "", { bad: true });
    }, PATIENCE * 1000);
  }

  #takeNew(name, file, content) {
    const state = this.#code.textOf(content, file, `${name}/${file}`);
    const added = this.#files.add(this.#project, name, file, state);
    if (!added) {
      this.#status.show(`More than ${MAX_FILES} files cannot be opened at once.`, { bad: true });
      return;
    }
    const wanted = this.#wanted;
    if (wanted?.name === name && (wanted.file ?? file) === file) {
      this.#wanted = null;
      this.#show(added);
      this.#code.goTo(wanted.line ?? 1);
    } else if (this.#files.active === added) {
      this.#show(added);
    }
  }

  #takeAgain(known, content) {
    const awaited = this.#awaited.get(known);
    const state = CodeArea.contentOf(known.doc) === content ? known.doc : CodeArea.replaced(known.doc, content);
    if (awaited || !this.#files.isChanged(known)) {
      known.doc = state;
      this.#reshow(known);
    }
    known.saved = state;
    awaited?.arrived();
  }

  #typed(state) {
    const file = this.#shown;
    if (file) {
      const wasChanged = this.#files.isChanged(file);
      file.doc = state;
      if (this.#files.isChanged(file) !== wasChanged) {
        this.#render();
      }
    }
  }

  #show(file) {
    if (this.#shown && this.#files.all.includes(this.#shown)) {
      this.#shown.scroll = this.#code.snapshot();
    }
    this.#files.activate(file);
    this.#showActive();
  }

  #showActive() {
    const file = this.#files.active;
    if (file && file !== this.#shown) {
      this.#shown = file;
      this.#code.show(file.doc, file.scroll);
    }
    this.#shown = file;
    this.#render();
    this.#tabs.reveal(this.#files.all.indexOf(file));
  }

  #reshow(file) {
    if (file === this.#shown) {
      this.#code.show(file.doc, this.#code.snapshot());
    }
  }

  #render() {
    const { all, active } = this.#files;
    const files = all.map((file) => ({
      label: this.#files.labelOf(file),
      title: `${file.project}/controllers/${file.name}/${file.file}`,
      changed: this.#files.isChanged(file),
    }));
    this.#tabs.show(files, all.indexOf(active));
    this.#panel.hidden = !active;
    this.#empty.hidden = Boolean(active);
    const writable = Boolean(active) && this.#readOnly === "";
    const running = this.#connected && active?.project === this.#project;
    this.#actions.setUsable({
      save: writable && this.#files.isChanged(active) && !this.#saver.isSaving(active),
      undo: writable,
      putBack: writable && running,
      find: Boolean(active),
      copy: Boolean(active),
      download: Boolean(active),
    });
  }

  #key(event) {
    if ((event.ctrlKey || event.metaKey) && !event.altKey && event.key.toLowerCase() === "s") {
      event.preventDefault();
      event.stopPropagation();
      this.#press("save");
    }
  }

  #press(pressed) {
    if (pressed === "close") {
      this.#options.onclose();
      return;
    }
    const file = this.#files.active;
    const actions = {
      save: () => this.#readOnly === "" && this.#save(file),
      undo: () => this.#code.undo(),
      find: () => this.#code.find(),
      putBack: () => this.#putBack(file),
      copy: () => this.#copy(file),
      download: () => download(file.file, CodeArea.contentOf(file.doc)),
    };
    if (file) {
      actions[pressed]();
    }
  }

  async #save(file) {
    const saving = this.#saver.save(file);
    this.#status.show(`Saving ${file.file}…`);
    this.#render();
    const outcome = await saving;
    const reset = outcome.resets ? { label: "Reset", action: () => this.#reset() } : {};
    this.#status.show(outcome.sentence, { bad: !outcome.saved, ...reset });
    this.#render();
    return outcome;
  }

  #reset() {
    this.#status.show("");
    this.#options.reset();
    this.#code.focus();
  }

  async #copy(file) {
    const copied = await copyText(CodeArea.contentOf(file.doc), this.element);
    const sentence = copied ? `The text of ${file.file} is copied.` : "The browser does not let it be copied: download it.";
    this.#status.show(sentence, { bad: !copied });
  }

  async #close(file) {
    if (this.#files.isChanged(file)) {
      const answer = await ask(this.element, `${file.file} has changes that are not saved.`, [
        { label: "Save and close", value: "save" },
        { label: "Close without saving", value: "lose", danger: true },
        { label: "Keep it open", value: "keep" },
      ]);
      if (answer === "keep" || (answer === "save" && !(await this.#save(file)).saved)) {
        return;
      }
    }
    this.#files.remove(file);
    this.#showActive();
    if (this.#files.active) {
      this.#code.focus();
    } else {
      this.#options.onclose();
    }
  }

  async #putBack(file) {
    const answer = await ask(this.element, `Put ${file.file} back as it was delivered, in place of what you have written?`, [
      { label: "Put it back", value: true, danger: true },
      { label: "Cancel", value: false },
    ]);
    if (!answer) {
      return;
    }
    this.#status.show(`Putting ${file.file} back…`);
    try {
      await this.#options.resetFile(file.name, file.file);
      await this.#arrival(file, () => this.#options.send(`sync controller:${file.name}/${file.file}`));
      await this.#keepOriginal(file);
    } catch (error) {
      this.#status.show(`${file.file} is not put back. ${error.message}`, { bad: true });
    }
    this.#render();
  }

  /** The visitor's own version at the website host is to be the original, too. */
  async #keepOriginal(file) {
    const content = CodeArea.contentOf(file.doc);
    const form = { dirname: `${file.project}/controllers/${file.name}`, filename: file.file, content };
    const reset = { label: "Reset", action: () => this.#reset() };
    try {
      await this.#options.uploader()?.(form);
      file.kept = true;
      this.#status.show(`${file.file} is as it was delivered. Reset the simulation to run it.`, reset);
    } catch (error) {
      file.kept = false;
      const where = `${file.file} is as it was delivered, but only until the simulation ends.`;
      this.#status.show(`${where} ${error.message}`, { bad: true, ...reset });
    }
  }

  /** Ask for a file, and wait until Webots has sent it. */
  #arrival(file, askForIt) {
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => settle(reject)(new Error("The simulator does not send it.")), PATIENCE * 1000);
      const settle = (how) => (value) => {
        clearTimeout(late);
        this.#awaited.delete(file);
        how(value);
      };
      this.#awaited.set(file, { arrived: settle(resolve), fail: settle(reject) });
      askForIt();
    });
  }
}

function download(name, content) {
  const url = URL.createObjectURL(new Blob([content], { type: "text/plain" }));
  make("a", { href: url, download: name }).click();
  // Browsers read it a little later.
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
