// What the visitor is told of the two limits of a simulation: the page's, in simulated time, and the server's.
import { formatLeft } from "../toolbar/time.js";

const FAILED = {
  "": "",
  refused: "It cannot go on for longer.",
  unanswered: "This server does not give more time.",
};

/**
 * The simulated time is over.
 *
 * @param {number} seconds that it was set to.
 * @param {() => void} run goes on.
 * @returns {object} a notice.
 */
export function timeLimitNotice(seconds, run) {
  return {
    sentence: `The simulation has run for its time of ${seconds} s and is paused.`,
    action: { label: `Go on for another ${seconds} s`, run },
  };
}

/**
 * The server ends the simulation soon.
 *
 * @param {import("../simulation/ending.js").Ahead} ahead
 * @param {() => void} run asks for more time.
 * @returns {object|null} a notice, or null where there is nothing to tell.
 */
export function endingNotice({ left, asking, failed, extended }, run) {
  if (left === null) {
    return extended ? { sentence: "The server has given the simulation more time." } : null;
  }
  return {
    sentence: failed ? `${FAILED[failed]} This simulation ends in` : "This simulation ends in",
    countdown: formatLeft(left * 1000),
    action: failed ? null : { label: asking ? "Asking…" : "Ask for more time", run, disabled: asking },
  };
}
