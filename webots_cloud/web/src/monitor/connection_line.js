// The line that says whether what is seen is how it is now.

const WORDS = {
  live: "Live",
  asking: "Updated every 10 seconds",
  lost: "Not connected; what is shown may be old",
};

/**
 * @param {HTMLElement} element gets the line.
 * @param {string} state `live`, `asking` or `lost`.
 * @param {string} words what the server says of it.
 */
export function showConnection(element, state, words) {
  element.dataset.state = state;
  element.textContent = words ? `${WORDS[state]}: ${words}` : WORDS[state];
  document.body.dataset.connection = state;
}
