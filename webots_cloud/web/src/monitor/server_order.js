// Which simulation servers are shown, and in which order.
import { answeredShare, partsOfDay } from "./server_history.js";
import { STATES } from "./server_view.js";

const TROUBLE = Object.keys(STATES);

/** What servers are sorted by; the smallest comes first. What is not known comes last. */
const KEYS = {
  state: (name, server) => TROUBLE.indexOf(server.state) * 1e12 - (server.state === "failed" ? server.since : (server.load ?? 0)),
  name: (name) => name,
  load: (name, server) => negative(server.load),
  instances: (name, server) => negative(server.instances),
  waiting: (name, server) => negative(server.waiting),
  since: (name, server) => -server.since,
  up: (name, server, now) => answeredShare(partsOfDay(server.history, now)),
  version: (name, server) => server.version,
};

/** Of these the largest comes first. */
const LARGEST_FIRST = new Set(["load", "instances", "waiting"]);

const collator = new Intl.Collator("en", { numeric: true });

function negative(number) {
  return number === undefined ? undefined : -number;
}

function compare(one, other) {
  if (one === other) {
    return 0;
  }
  if (one === undefined || other === undefined) {
    return one === undefined ? 1 : -1;
  }
  return typeof one === "string" ? collator.compare(one, other) : one - other;
}

/**
 * @param {string} key what is sorted by.
 * @param {boolean} isReversed whether the other way round than at first.
 * @returns {"ascending"|"descending"} in which direction values go.
 */
export function direction(key, isReversed) {
  return LARGEST_FIRST.has(key) === isReversed ? "ascending" : "descending";
}

/**
 * @param {object} servers what is known, by name, in the order of the configuration.
 * @param {{search: string, state: string, key: string, isReversed: boolean}} wishes of the visitor; `key` is `given` or
 *   what they are sorted by.
 * @param {number} now seconds since the epoch.
 * @returns {string[]} the names of those that are shown.
 */
export function orderOf(servers, { search, state, key, isReversed }, now) {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  const shown = Object.entries(servers)
    .filter(([, server]) => !state || server.state === state)
    .filter(([name, server]) => {
      if (words.length === 0) {
        return true;
      }
      const text = [name, STATES[server.state], server.reason, server.version, server.simulator].join(" ").toLowerCase();
      return words.every((word) => text.includes(word));
    });
  if (!Object.hasOwn(KEYS, key)) {
    return shown.map(([name]) => name);
  }
  const keyOf = KEYS[key];
  // Equal ones keep the order of the configuration.
  const keyed = shown.map(([name, server]) => [name, keyOf(name, server, now)]);
  keyed.sort(([, one], [, other]) => (isReversed && one !== undefined && other !== undefined ? compare(other, one) : compare(one, other)));
  return keyed.map(([name]) => name);
}
