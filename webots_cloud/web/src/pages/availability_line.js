// One line that says whether a simulation can be started now.
import { Availability } from "../availability/watch.js";

const SENTENCES = {
  available: "A simulation can be started now.",
  busy: "All simulation servers are busy or away at the moment.",
  unreachable: "The session server cannot be reached; trying again…",
};

/**
 * @param {HTMLElement} element is kept up to date.
 * @param {string} sessionServer its URL.
 */
export function showAvailability(element, sessionServer) {
  new Availability(sessionServer, (state) => {
    element.dataset.state = state;
    element.textContent = SENTENCES[state];
  });
}
