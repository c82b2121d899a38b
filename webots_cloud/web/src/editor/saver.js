// Saves files: in the simulation, and at the website host where the visitor has an account there.
import { isTooLong, setController } from "./controller_file.js";

/**
 * What became of saving a file; `sentence` is for the visitor, `resets` tells whether a reset of the simulation is what
 * they want next.
 *
 * @typedef {{saved: boolean, sentence: string, resets: boolean}} Outcome
 */

/** Saves files; of what is written while one is being saved, the newest version is saved right after. */
export class Saver {
  #ways;
  #running = new Map();
  #newer = new Map();

  /**
   * @param {{text: (doc: unknown) => string, isRunning: (file: object) => boolean, send: (text: string) => void,
   *   upload: () => (((form: object) => Promise<void>) | null)}} ways `isRunning` tells whether the simulation that a
   *   file belongs to can hear us; `upload` gives the way to the website host, which fails with a sentence, or null: the
   *   visitor has no account there.
   */
  constructor(ways) {
    this.#ways = ways;
  }

  /**
   * Save a file as it is now. The simulation is told before this returns, so that a reset sent after it runs the file.
   *
   * @param {import("./open_files.js").OpenFile} file
   * @returns {Promise<Outcome>} of the newest version.
   */
  save(file) {
    const { doc } = file;
    const content = this.#ways.text(doc);
    const running = this.#ways.isRunning(file);
    if (isTooLong(content)) {
      return failed(`${file.file} is not saved: it is longer than 1 MB. Make it shorter.`);
    }
    if (running) {
      this.#ways.send(setController(file.name, file.file, content));
    }
    const version = { file, doc, content, running };
    if (this.#running.has(file)) {
      this.#newer.set(file, version);
      return this.#running.get(file);
    }
    const saving = this.#keep(version).finally(() => this.#running.delete(file));
    this.#running.set(file, saving);
    return saving;
  }

  isSaving(file) {
    return this.#running.has(file);
  }

  async #keep(version) {
    let outcome;
    for (let next = version; next; next = this.#takeNewer(version.file)) {
      outcome = await this.#keepOnce(next);
    }
    return outcome;
  }

  #takeNewer(file) {
    const newer = this.#newer.get(file);
    this.#newer.delete(file);
    return newer;
  }

  async #keepOnce({ file, doc, content, running }) {
    const upload = this.#ways.upload();
    if (!running && !upload) {
      return failed(`${file.file} is not saved: its simulation has ended. Copy or download it, so that it is not lost.`);
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

async function failed(sentence, resets = false) {
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
