// The buttons of the toolbar: what each is called, which key presses it, and which stay where there is little room.

/**
 * @typedef {object} Button
 * @property {string} name told when it is pressed.
 * @property {string} label its name for people.
 * @property {string} shortcut a key as `aria-keyshortcuts` spells it, or empty.
 * @property {boolean} controls whether it changes the simulation: those who only watch cannot press it.
 * @property {number} rank those of the highest rank stay longest where the bar becomes narrow.
 * @property {string} path of its icon, in a 24 by 24 box.
 */

/** In the order of the bar; the time stands before `robots`. */
export const BUTTONS = [
  {
    name: "quit",
    label: "Quit the simulation",
    shortcut: "Shift+Q",
    rank: 9,
    path: "M6 4.6 12 10.6 18 4.6 19.4 6 13.4 12 19.4 18 18 19.4 12 13.4 6 19.4 4.6 18 10.6 12 4.6 6Z",
  },
  {
    name: "info",
    label: "Information",
    shortcut: "I",
    rank: 3,
    path: "M12 2.5a9.5 9.5 0 1 1 0 19 9.5 9.5 0 0 1 0-19Zm0 2a7.5 7.5 0 1 0 0 15 7.5 7.5 0 0 0 0-15ZM11 10.5h2V17h-2Zm0-3.6h2v2.1h-2Z",
  },
  {
    name: "worlds",
    label: "Choose a world",
    shortcut: "W",
    controls: true,
    rank: 4,
    path: "M3 6h6l2 2h10v11H3Zm2 2v9h14v-7h-8.8l-2-2Z",
  },
  {
    name: "revert",
    label: "Load the world again",
    shortcut: "Shift+R",
    controls: true,
    rank: 2,
    path: "M12 4a8 8 0 0 1 6.6 3.5V4.6h2V11h-6.4V9h3A6 6 0 1 0 17.9 13h2A8 8 0 1 1 12 4Z",
  },
  {
    name: "reset",
    label: "Reset the simulation",
    shortcut: "R",
    controls: true,
    rank: 8,
    path: "M5 5h2.2v14H5Zm14 0v14L8.6 12Z",
  },
  {
    name: "step",
    label: "Run one step",
    shortcut: "S",
    controls: true,
    rank: 7,
    path: "M5 5 15.4 12 5 19Zm11.8 0H19v14h-2.2Z",
  },
  {
    name: "run",
    label: "Run in real time",
    shortcut: "P",
    controls: true,
    rank: 10,
    path: "M7 4.5 19.5 12 7 19.5Z",
  },
  {
    name: "pause",
    label: "Pause",
    shortcut: "P",
    controls: true,
    rank: 10,
    path: "M6.5 5h4v14h-4Zm7 0h4v14h-4Z",
  },
  {
    name: "fast",
    label: "Run as fast as possible",
    shortcut: "F",
    controls: true,
    rank: 5,
    path: "M3.5 5 12 12 3.5 19Zm9 0L21 12l-8.5 7Z",
  },
  {
    name: "robots",
    label: "Robots",
    shortcut: "B",
    rank: 4,
    path: "M11 2.5h2v2.6h5.5v7.4h-13V5.1H11Zm-3.5 4.6v3.4h9V7.1Zm1.4.8h1.8v1.8H8.9Zm4.4 0h1.8v1.8h-1.8ZM5.5 14h13v7.5h-2.6V19H8.1v2.5H5.5Zm2 2v1h9v-1Z",
  },
  {
    name: "console",
    label: "Console",
    shortcut: "C",
    rank: 6,
    path: "M3 5h18v14H3Zm2 4v8h14V9Zm1.6 1.6L9.4 13l-2.8 2.4-.9-1L7.3 13l-1.6-1.4ZM10.5 14.6h5V16h-5Z",
  },
  {
    name: "help",
    label: "Help",
    shortcut: "H",
    rank: 1,
    path: "M12 2.5a9.5 9.5 0 1 1 0 19 9.5 9.5 0 0 1 0-19Zm0 2a7.5 7.5 0 1 0 0 15 7.5 7.5 0 0 0 0-15Zm0 2c2 0 3.6 1.3 3.6 3.1 0 1.3-.8 2-1.6 2.6-.8.6-1 .8-1 1.5v.3h-2v-.5c0-1.5.9-2.2 1.7-2.8.7-.5.9-.7.9-1.2 0-.6-.6-1.1-1.6-1.1-.9 0-1.6.6-1.7 1.5L8.4 9.6C8.6 7.8 10 6.5 12 6.5ZM11 15.3h2v2.1h-2Z",
  },
  {
    name: "fullscreen",
    label: "Full screen",
    shortcut: "Shift+F",
    rank: 3,
    path: "M4 4h6v2H6v4H4Zm10 0h6v6h-2V6h-4ZM4 14h2v4h4v2H4Zm14 0h2v6h-6v-2h4Z",
  },
].map((button) => ({ controls: false, ...button }));

/** Opens the menu with those that have no room. */
export const MORE = {
  name: "more",
  label: "More",
  shortcut: "M",
  controls: false,
  rank: Infinity,
  path: "M5 10.2a1.8 1.8 0 1 1 0 3.6 1.8 1.8 0 0 1 0-3.6Zm7 0a1.8 1.8 0 1 1 0 3.6 1.8 1.8 0 0 1 0-3.6Zm7 0a1.8 1.8 0 1 1 0 3.6 1.8 1.8 0 0 1 0-3.6Z",
};

/**
 * Which buttons a key presses.
 *
 * @param {{key: string, shiftKey: boolean, ctrlKey: boolean, metaKey: boolean, altKey: boolean}} event
 * @returns {string[]} their names; at most one of them is shown at a time.
 */
export function pressedBy({ key, shiftKey, ctrlKey, metaKey, altKey }) {
  if (ctrlKey || metaKey || altKey || key.length !== 1) {
    return [];
  }
  const shortcut = (shiftKey ? "Shift+" : "") + key.toUpperCase();
  return [...BUTTONS, MORE].filter((button) => button.shortcut === shortcut).map(({ name }) => name);
}

/**
 * Which buttons have room in a bar.
 *
 * @param {{name: string, rank: number}[]} buttons all that should be there.
 * @param {number} space pixels for buttons.
 * @param {number} width pixels that each of them takes, `more` too.
 * @returns {Set<string>} the names of those that stay; where some do not, `more` has room beside them.
 */
export function fit(buttons, space, width) {
  if (buttons.length * width <= space) {
    return new Set(buttons.map(({ name }) => name));
  }
  const count = Math.max(0, Math.floor(space / width) - 1);
  const ranked = [...buttons].sort((a, b) => b.rank - a.rank);
  return new Set(ranked.slice(0, count).map(({ name }) => name));
}

/** The name of a button with its key, for its tooltip. */
export function tooltip({ label, shortcut }) {
  return shortcut ? `${label} (${shortcut.replace("+", " + ")})` : label;
}
