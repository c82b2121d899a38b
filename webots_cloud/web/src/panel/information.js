// What the sheets of the buttons "Information" and "Help" say.
import { make } from "../elements.js";
import { BUTTONS } from "../toolbar/buttons.js";
import { formatTime } from "../toolbar/time.js";
import { nameOf } from "../visitor.js";

const LONGEST_TITLE = 300; // characters
const LONGEST_INFO = 20_000;

const MODES = { pause: "paused", run: "in real time", fast: "as fast as possible" };

/** How the 3D area is moved. */
const GESTURES = [
  ["Turn", "drag with one finger or the left mouse button; arrow keys"],
  ["Shift", "drag with two fingers or the right mouse button; Shift and arrow keys"],
  ["Nearer, farther", "pinch, or turn the wheel; + and −"],
  ["As at the start", "Home"],
  ["Select", "tap or click"],
  ["Menu of an object", "press long, or click with the right mouse button; menu key"],
];

/**
 * What is known of a simulation.
 *
 * @param {import("../visit.js").Visit|null} visit null: none is open.
 * @param {{title: string, info: string}} worldInfo what the world says of itself.
 * @returns {{title: string, nodes: Node[], refresh: () => void}}
 */
export function information(visit, worldInfo) {
  if (!visit) {
    return { title: "Information", nodes: [make("p", {}, "No simulation is open.")], refresh: () => {} };
  }
  const time = make("span");
  const facts = [
    ["World", visit.world],
    ["Run for", nameOf() || "nobody: the project as it was delivered"],
    ["Server", visit.place],
    ["You", visit.watching ? "watch only" : "control the simulation"],
    ["Simulated time", time],
  ].filter(([, value]) => value);
  const info = make("p", { class: "webots-world-info" }, worldInfo.info.slice(0, LONGEST_INFO));
  return {
    title: (worldInfo.title || visit.world || "Information").slice(0, LONGEST_TITLE),
    nodes: [...(info.textContent ? [info] : []), list(facts)],
    refresh() {
      time.textContent = `${formatTime(visit.time)}, ${MODES[visit.mode]}`;
    },
  };
}

/**
 * How everything is controlled.
 *
 * @param {string} documentation the page's documentation; empty: there is none.
 */
export function help(documentation) {
  const buttons = BUTTONS.filter(({ name }) => name !== "pause").map(({ name, label, shortcut }) => [
    name === "run" ? `${label}, pause` : label,
    shortcut.replace("+", " + "),
  ]);
  const link = make("a", { href: documentation, target: "_blank", rel: "noopener noreferrer" }, "Documentation");
  return {
    title: "Help",
    nodes: [
      ...(documentation ? [make("p", {}, link)] : []),
      make("h3", {}, "In the scene"),
      list(GESTURES),
      make("h3", {}, "Keys, while the focus is in the simulation"),
      list(buttons),
    ],
  };
}

/** A list of names, each with what belongs to it. */
function list(entries) {
  return make(
    "dl",
    {},
    ...entries.flatMap(([name, value]) => [make("dt", {}, name), make("dd", {}, value)]),
  );
}
