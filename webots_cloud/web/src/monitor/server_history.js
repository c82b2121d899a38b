// What was of a simulation server, as lines and strips.

const DAY = 86400;
const STEPS = 60;

/**
 * Go on with a curve of loads, each step of which has its highest (webots_cloud/session/history.py).
 *
 * @param {{step: number, end: number, loads: (number|null)[]}} curve changed in place.
 * @param {number} time when the load was told, in seconds since the epoch.
 * @param {number} load in percent.
 */
export function addToCurve(curve, time, load) {
  const step = Math.floor(time / curve.step) * curve.step;
  for (let missing = Math.min((step - curve.end) / curve.step, STEPS); missing > 0; missing -= 1) {
    curve.loads.push(null);
  }
  curve.loads.splice(0, curve.loads.length - STEPS);
  curve.end = Math.max(curve.end, step);
  curve.loads[curve.loads.length - 1] = Math.max(curve.loads.at(-1) ?? 0, Math.round(load));
}

/**
 * Draw a curve in a box of 60 by 100; where there is no load, there is no line.
 *
 * @returns {{line: string, area: string}} paths.
 */
export function pathsOf(curve, now) {
  let line = "";
  let area = "";
  let from = null;
  const last = curve ? STEPS - 1 - Math.floor((now - curve.end) / curve.step) : 0;
  const loads = curve?.loads ?? [];
  for (const [index, load] of [...loads, null].entries()) {
    const x = last - (loads.length - 1 - index);
    if (load === null) {
      area += from === null ? "" : `L${x - 1} 100L${from} 100Z`;
      from = null;
    } else if (x >= 0) {
      line += `${from === null ? "M" : "L"}${x} ${100 - load}`;
      area += `${from === null ? `M${x} 100L` : "L"}${x} ${100 - load}`;
      from ??= x;
    }
  }
  return { line, area };
}

/**
 * Cut a history of states to the last day.
 *
 * @param {[number, string][]} history when each state began.
 * @returns {{state: string, from: number, to: number}[]} in parts of the day, from 0 to 1.
 */
export function partsOfDay(history, now) {
  return history
    .map(([began, state], index) => ({
      state,
      from: Math.max(0, 1 - (now - began) / DAY),
      to: Math.min(1, 1 - (now - (history[index + 1]?.[0] ?? now)) / DAY),
    }))
    .filter(({ from, to }) => to > from);
}

/** @returns {number|undefined} the share of the known time in which a server answered, in percent. */
export function answeredShare(parts) {
  const of = (states) => parts.filter(({ state }) => states(state)).reduce((sum, { from, to }) => sum + to - from, 0);
  const all = of((state) => state !== "unknown");
  return all === 0 ? undefined : (100 * of((state) => state === "available" || state === "full")) / all;
}
