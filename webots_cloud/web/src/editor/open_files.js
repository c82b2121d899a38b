// Which files are open in the editor, in which order, and what of them is not saved yet; knows neither page nor network.

/** How many files are open at most. */
export const MAX_FILES = 200;

/**
 * One file. `doc` is its text as it is in the editor, `saved` as it was last saved; both are whatever `same` of
 * `OpenFiles` compares. `kept` tells whether what is saved outlives the simulation.
 *
 * @typedef {{project: string, name: string, file: string, doc: unknown, saved: unknown, kept: boolean}} OpenFile
 */

/** The files in the order of their tabs; one of them is active, unless there is none. */
export class OpenFiles {
  #files = [];
  #active = null;
  #same;

  /** @param {(one: unknown, other: unknown) => boolean} same whether two texts are the same. */
  constructor(same = Object.is) {
    this.#same = same;
  }

  /** @returns {OpenFile[]} */
  get all() {
    return [...this.#files];
  }

  /** @returns {OpenFile | null} */
  get active() {
    return this.#active;
  }

  find(project, name, file) {
    return this.#files.find((open) => open.project === project && open.name === name && open.file === file) ?? null;
  }

  /**
   * Open a file; the first one is active from then on.
   *
   * @returns {OpenFile | null} null where too many are open.
   */
  add(project, name, file, doc) {
    if (this.#files.length >= MAX_FILES) {
      return null;
    }
    const added = { project, name, file, doc, saved: doc, kept: true };
    // Files of one controller stand together.
    const last = this.#files.findLastIndex((open) => open.project === project && open.name === name);
    this.#files.splice(last < 0 ? this.#files.length : last + 1, 0, added);
    this.#active ??= added;
    return added;
  }

  activate(file) {
    this.#active = file;
  }

  /** Close a file; where it was active, its neighbour becomes so. */
  remove(file) {
    const at = this.#files.indexOf(file);
    this.#files.splice(at, 1);
    if (file === this.#active) {
      this.#active = this.#files[Math.min(at, this.#files.length - 1)] ?? null;
    }
  }

  /** Whether a file was changed since it was saved. */
  isChanged(file) {
    return !this.#same(file.doc, file.saved);
  }

  /** The files that were changed since they were saved. */
  get changed() {
    return this.#files.filter((file) => this.isChanged(file));
  }

  /** The files that would be lost with the simulation: changed ones, and those that nobody but the simulation has. */
  get unsaved() {
    return this.#files.filter((file) => this.isChanged(file) || !file.kept);
  }

  /** What stands on a file's tab: where several controllers are open, its controller's name comes before its own. */
  labelOf({ project, name, file }) {
    return this.#files.every((open) => open.name === name && open.project === project) ? file : `${name}/${file}`;
  }
}
