// What a simulation server has measured, as columns for charts.

/** Names in a point, and what they are the sum of instead of the mean. */
const SUMS = new Set(["starts", "failures"]);

/** Points of one kind, in the order of time; no more than `most`. */
export class Points {
  #names = [];
  #points = [];
  #most;

  /** @param {number} most how many are kept. */
  constructor(most) {
    this.#most = most;
  }

  /** Begin with other points, which have values of these names. */
  begin(names, points) {
    this.#names = names;
    this.#points = points.slice(-this.#most);
  }

  /** Add a point, unless it is there already. */
  add(point) {
    if (point && !(point[0] <= this.#points.at(-1)?.[0])) {
      this.#points.push(point);
      this.#points.splice(0, this.#points.length - this.#most);
    }
  }

  /** The last value of a name; undefined: there is none. */
  last(name) {
    return this.#points.at(-1)?.[this.#names.indexOf(name)];
  }

  /**
   * @param {string[]} names of values.
   * @returns {number[][]} the times, then the values of each name.
   */
  columns(names) {
    return ["time", ...names].map((name) => {
      const index = this.#names.indexOf(name);
      return this.#points.map((point) => point[index] ?? null);
    });
  }

  /**
   * The same, with one value for each step of time.
   *
   * @param {number} step in seconds.
   */
  stepped(names, step) {
    const steps = new Map();
    for (const [index, time] of this.columns([])[0].entries()) {
      const begin = Math.floor(time / step) * step;
      steps.set(begin, [...(steps.get(begin) ?? []), index]);
    }
    const columns = this.columns(names).slice(1);
    const together = columns.map((column, number) =>
      [...steps.values()].map((indices) => {
        const sum = indices.reduce((all, index) => all + (column[index] ?? 0), 0);
        return SUMS.has(names[number]) ? sum : sum / indices.length;
      }),
    );
    return [[...steps.keys()], ...together];
  }
}
