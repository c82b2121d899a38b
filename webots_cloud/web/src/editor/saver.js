// Saves files: in the simulation, and at the website host where the visitor has an account there.
import { MAX_LENGTH, setController } from "./controller_file.js";

/**
 * What became of saving a file; `sentence` is for the visitor, `resets` tells whether a reset of the simulation is what
 * they want next.
 *
 * @typedef {{saved: boolean, sentence: string, resets: boolean}} Outcome
 */

/** Saves one file after the other version of it: what is typed while a file is being saved is saved right after. */
export class Saver {
  #ways;
  #running = new Map();
  #again = new Set();

  /**
   * @param {{text: (doc: unknown) => string, isRunning: (file: object) => boolean, send: (text: string) => void,
   *   upload: (() => ((form: object) => Promise<void>) | null)}} ways `isRunning` tells whether the simulation that a file
   *   belongs to can hear us, `upload` gives the way to the website host, which fails with a sentence; null: the
   *   visitor has no account there.
   */
  constructor(ways) {
    this.#ways = ways;
  }

  /**
   * Save a file.
   *
   * @param {import("./open_files.js").OpenFile} file
   * @returns {Promise<Outcome>} of the last version.
   */
  save(file) {
    if (this.#running.has(file)) {
      this.#again.add(file);
      return this.#running.get(file);
    }
    const running = this.#saveAll(file).finally(() => this.#running.delete(file));
    this.#running.set(file, running);
    return running;
  }

  isSaving(file) {
    return this.#running.has(file);
  }

  async #saveAll(file) {
    let outcome;
    do {
      this.#again.delete(file);
      outcome = await this.#saveOnce(file);
    } while (this.#again.has(file) && outcome.saved);
    this.#again.delete(file);
    return outcome;
  }

  async #saveOnce(file) {
    const { doc } = file;
    const content = this.#ways.text(doc);
    const upload = this.#ways.upload();
    const running = this.#ways.isRunning(file);
    if (content.length > MAX_LENGTH) {
      return failed(`${file.file} is not saved: it is longer than 1 MB. Make it shorter.`);
    }
    if (!running && !upload) {
      return failed(`${file.file} is not saved: its simulation has ended. Copy or download it, so that it is not lost.`);
    }
    if (running) {
      this.#ways.send(setController(file.name, file.file, content));
    }
    try {
      await upload?.({ dirname: `${file.project}/controllers/${file.name}`, filename: file.file, content });
    } catch (error) {
      return failed(`${file.file} is not saved. ${error.message}${running ? RUNS_ANYWAY : ""}`, running);
    }
    Object.assign(file, { saved: doc, kept: Boolean(upload) });
    return { saved: true, sentence: praise(file.file, running, upload), resets: running };
  }
}

const RUNS_ANYWAY = " The running simulation has your changes until it ends.";

function failed(sentence, resets = false) {
  return { saved: false, sentence, resets };
}

function praise(file, running, upload) {
  if (!running) {
    return `${file} is saved. It runs when the simulation is started again.`;
  }
  return upload
    ? `${file} is saved. Reset the simulation to run it.`
    : `${file} is saved until the simulation ends: nobody is logged in. Reset the simulation to run it.`;
}
