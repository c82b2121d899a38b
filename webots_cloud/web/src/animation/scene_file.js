// Fetches a scene that Webots exported, and the animation recorded with it: files of a website.
import { Failure } from "../failure.js";

const MOST_BYTES = 200_000_000;
const LONGEST_NAME = 200; // characters
const SILENCE = 30; // seconds without a byte
const CHECK = "Check the address, or try again later.";
const STOPPED = new Error("no byte came for too long");

/**
 * Fetch the file of a scene.
 *
 * @param {string} url relative to the page.
 * @param {AbortSignal} signal ends it.
 * @returns {Promise<{x3d: string, base: string}>} base is the URL of its folder, without a slash at its end.
 * @throws {Failure} where it cannot be had.
 */
export async function fetchScene(url, signal, edges = {}) {
  const x3d = await fetchText(url, "The scene", signal, edges);
  if (!/<(x3d|scene)[\s>]/i.test(x3d)) {
    throw new Failure(`The scene cannot be shown: ${cut(url)} is not an X3D file.`, "Export it from Webots again.");
  }
  return { x3d, base: new URL(".", absolute(url, edges)).href.replace(/\/+$/, "") };
}

/**
 * Fetch a text of bounded size.
 *
 * @param {string} url relative to the page.
 * @param {string} what it is, as the first words of a sentence.
 * @param {AbortSignal} signal ends it.
 * @param {object} edges `fetch`, `page` (its URL), `most` bytes and `silence` seconds, in place of the usual ones.
 * @returns {Promise<string>}
 * @throws {Failure} where it cannot be had.
 */
export async function fetchText(url, what, signal, edges = {}) {
  const name = cut(url);
  const { fetch = globalThis.fetch, most = MOST_BYTES, silence = SILENCE } = edges;
  const patience = new Patience(silence);
  try {
    const response = await fetch(absolute(url, edges), { signal: AbortSignal.any([signal, patience.signal]) });
    if (!response.ok) {
      throw new Failure(`${what} cannot be loaded: the website has no ${name} (status ${response.status}).`, CHECK);
    }
    return await readText(response, most, patience);
  } catch (error) {
    signal.throwIfAborted();
    const reason = reasonOf(error, name, most);
    throw error instanceof Failure ? error : new Failure(`${what} cannot be loaded: ${reason}.`, CHECK);
  } finally {
    patience.end();
  }
}

/** The patience that ended is the reason with which the request was aborted. */
function reasonOf(error, name, most) {
  if (error === STOPPED) {
    return `the website stopped sending ${name}`;
  }
  return error instanceof RangeError ? `${name} is larger than ${most / 1_000_000} MB` : `${name} cannot be reached`;
}

async function readText(response, most, patience) {
  const decoder = new TextDecoder();
  const reader = response.body.getReader();
  const parts = [];
  let size = 0;
  for (let { done, value } = await reader.read(); !done; { done, value } = await reader.read()) {
    patience.renew();
    size += value.length;
    if (size > most) {
      await reader.cancel();
      throw new RangeError("too large");
    }
    parts.push(decoder.decode(value, { stream: true }));
  }
  parts.push(decoder.decode());
  return parts.join("");
}

/** Ends what takes too long without a sign of life. */
class Patience {
  #seconds;
  #abort = new AbortController();
  #timer = null;

  constructor(seconds) {
    this.#seconds = seconds;
    this.renew();
  }

  get signal() {
    return this.#abort.signal;
  }

  renew() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#abort.abort(STOPPED), this.#seconds * 1000);
  }

  end() {
    clearTimeout(this.#timer);
  }
}

function absolute(url, { page = globalThis.document?.baseURI }) {
  if (!URL.canParse(url, page) || !/^https?:$/.test(new URL(url, page).protocol)) {
    throw new Failure(`“${cut(url)}” is not an address that can be fetched.`);
  }
  return new URL(url, page).href;
}

/** For sentences. */
function cut(url) {
  return url.length > LONGEST_NAME ? `${url.slice(0, LONGEST_NAME)}…` : url;
}
