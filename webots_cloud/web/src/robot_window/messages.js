// What robots and their windows say to each other, and where the page of a window is. No DOM and no I/O.

export const LONGEST_MESSAGE = 60_000; // characters; a simulation server takes no more of a window
const LONGEST_TITLE = 100;
const LONGEST_NAME = 100;

/** How much a window may say, so that none keeps the page or the simulation busy. */
const MESSAGES = { perSecond: 100, atOnce: 200 };
const CHARACTERS = { perSecond: 200_000, atOnce: 400_000 };

/** Names in a field `window` that stand for no page of the project. */
const NO_PAGE = new Set(["", "<none>", "<generic>", "generic", "none"]);

/** Whether a robot or world whose field `window` says this has a page to show. */
export function hasWindow(window) {
  return typeof window === "string" && !NO_PAGE.has(window) && /^(?!\.)[^/\\%?#\p{C}]{1,100}$/u.test(window);
}

/**
 * The address of a robot's window.
 *
 * @param {string} base the HTTP address that Webots serves its files below.
 * @param {{name: string, window: string}} robot a name that is empty stands for the world.
 * @returns {string|null} null where it has none.
 */
export function windowUrl(base, { name, window }) {
  if (!/^https?:\/\//.test(base) || !hasWindow(window)) {
    return null;
  }
  const page = encodeURIComponent(window);
  return `${base.replace(/\/+$/, "")}/robot_windows/${page}/${page}.html?name=${encodeURIComponent(name)}`;
}

/**
 * What the page of a window wants: everything in it may be a stranger's.
 *
 * @param {unknown} data of its message.
 * @param {string} own the name of the window's robot; empty for the world's window, which may speak to every robot.
 * @returns {{kind: "send", robot: string, text: string} | {kind: "title", title: string} | null} null for nothing.
 */
export function readFromWindow(data, own) {
  if (typeof data !== "object" || data === null) {
    return null;
  }
  const { webots, message, robot, title } = data;
  if (webots === "title" && typeof title === "string") {
    return { kind: "title", title: plainTitle(title) };
  }
  const receiver = robot || own;
  if (webots !== "send" || typeof message !== "string" || typeof receiver !== "string") {
    return null;
  }
  const isOwn = own === "" || receiver === own;
  const isShort = message.length <= LONGEST_MESSAGE && receiver.length <= LONGEST_NAME;
  return isOwn && isShort && receiver ? { kind: "send", robot: receiver, text: message } : null;
}

/** A title as it is shown: one short line. */
export function plainTitle(title) {
  return [...title.slice(0, 4 * LONGEST_TITLE).replace(/[\p{C}\s]+/gu, " ").trim()].slice(0, LONGEST_TITLE).join("");
}

/** Counts what one window says, and tells whether that is still little enough. */
export class Allowance {
  #messages;
  #characters;

  /** @param {() => number} now gives a time in seconds. */
  constructor(now = () => performance.now() / 1000) {
    this.#messages = new Bucket(MESSAGES, now);
    this.#characters = new Bucket(CHARACTERS, now);
  }

  /** @returns {boolean} whether a message of so many characters may be passed on. */
  take(length) {
    return this.#messages.take(1) && this.#characters.take(length);
  }
}

class Bucket {
  #limits;
  #now;
  #left;
  #since;

  constructor(limits, now) {
    this.#limits = limits;
    this.#now = now;
    this.#left = limits.atOnce;
    this.#since = now();
  }

  take(count) {
    const now = this.#now();
    const { perSecond, atOnce } = this.#limits;
    this.#left = Math.min(atOnce, this.#left + (now - this.#since) * perSecond);
    this.#since = now;
    if (this.#left < count) {
      return false;
    }
    this.#left -= count;
    return true;
  }
}
