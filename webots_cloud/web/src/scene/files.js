// Fetches what a scene names and what is served beside it: textures and meshes.

const AT_ONCE = 6;
const PATIENCE = 30_000; // milliseconds
const LARGEST = 64_000_000; // bytes

/** The address of a file of a scene, or null where it may not be fetched. */
export function addressOf(url, base) {
  if (/^data:image\//i.test(url) || /^https?:\/\//i.test(url)) {
    return url;
  }
  return /^[a-z][a-z0-9+.-]*:/i.test(url) || !base ? null : `${base}/${encodeURI(url.replace(/^\/+/, ""))}`;
}

/** Fetches a few files at a time; each is given up when it takes too long, is too large, or is not wanted any more. */
export class Files {
  #running = 0;
  #waiting = [];
  #abort = new AbortController();

  /**
   * Fetch a file.
   *
   * @param {string} address of it.
   * @returns {Promise<Blob>} what it holds.
   * @throws {Error} why not.
   */
  async fetch(address) {
    const { signal } = this.#abort;
    if (this.#running >= AT_ONCE) {
      await new Promise((resolve) => this.#waiting.push(resolve));
    }
    this.#running++;
    try {
      return await read(address, AbortSignal.any([signal, AbortSignal.timeout(PATIENCE)]));
    } finally {
      this.#running--;
      this.#waiting.shift()?.();
    }
  }

  /** Nothing that was asked for is wanted any more. */
  abort() {
    this.#abort.abort();
    this.#abort = new AbortController();
  }
}

async function read(address, signal) {
  const response = await fetch(address, { signal });
  if (!response.ok) {
    throw new Error(`status ${response.status}`);
  }
  const parts = [];
  let size = 0;
  for (const reader = response.body.getReader(); ; ) {
    const { done, value } = await reader.read();
    if (done) {
      return new Blob(parts, { type: response.headers.get("Content-Type") ?? "" });
    }
    parts.push(value);
    size += value.length;
    if (size > LARGEST) {
      await reader.cancel();
      throw new Error("it is too large");
    }
  }
}
