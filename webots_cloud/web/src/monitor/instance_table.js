// The instances of a simulation server, as a table.
import { make } from "../elements.js";
import { bytes, duration, percent } from "./format.js";

/** The columns: heading, text, what is sorted by. Numbers stand on the right. */
const COLUMNS = [
  ["Instance", ({ number }) => number, ({ number }) => Number(number), true],
  ["Project", ({ project }) => project, ({ project }) => project],
  ["World", ({ world }) => world, ({ world }) => world],
  ["Website", ({ host }) => host, ({ host }) => host],
  ["Phase", ({ phase }) => phase, ({ phase }) => phase],
  ["Activity", ({ idle }) => (idle ? "idle" : "busy"), ({ idle }) => Number(idle)],
  ["Age", ({ began }, now) => duration(now - began), ({ began }) => -began, true],
  ["Processor", ({ cpu }) => percent(cpu), ({ cpu }) => cpu ?? -1, true],
  ["Memory", ({ memory }) => bytes(memory), ({ memory }) => memory ?? -1, true],
  ["Disk", ({ disk }) => bytes(disk), ({ disk }) => disk ?? -1, true],
  ["Processes", ({ processes }) => (processes === undefined ? "–" : String(processes)), ({ processes }) => processes ?? -1, true],
];

export class InstanceTable {
  #element;
  #body = make("tbody");
  #headings;
  #rows = new Map();
  #sort = { column: 0, descending: false };
  #shown = [{}, 0];

  /** @param {HTMLElement} element gets the table. */
  constructor(element) {
    this.#element = element;
    this.#headings = COLUMNS.map(([title, , , isNumber], column) =>
      make("th", { scope: "col", class: isNumber ? "right" : "" }, make("button", { type: "button", onclick: () => this.#sortBy(column) }, title)),
    );
    element.append(make("table", {}, make("thead", {}, make("tr", {}, ...this.#headings)), this.#body));
    this.#markHeadings();
  }

  /**
   * @param {object} instances by number.
   * @param {number} now seconds since the epoch.
   */
  show(instances, now) {
    this.#shown = [instances, now];
    const [, , key] = COLUMNS[this.#sort.column];
    const sign = this.#sort.descending ? -1 : 1;
    const sorted = Object.entries(instances).map(([number, instance]) => ({ number, ...instance }));
    sorted.sort((one, other) => {
      const [a, b] = [key(one), key(other)];
      return sign * (typeof a === "string" ? a.localeCompare(b, "en", { numeric: true }) : a - b);
    });
    for (const [number, row] of this.#rows) {
      if (!Object.hasOwn(instances, number)) {
        row.remove();
        this.#rows.delete(number);
      }
    }
    for (const [index, instance] of sorted.entries()) {
      const row = this.#fill(instance, now);
      if (this.#body.children[index] !== row) {
        this.#body.insertBefore(row, this.#body.children[index] ?? null);
      }
    }
    this.#element.hidden = sorted.length === 0;
  }

  #fill(instance, now) {
    let row = this.#rows.get(instance.number);
    if (row === undefined) {
      row = make("tr", {}, ...COLUMNS.map(([, , , isNumber]) => make("td", { class: isNumber ? "right" : "" })));
      this.#rows.set(instance.number, row);
    }
    row.dataset.activity = instance.idle ? "idle" : "busy";
    for (const [column, [, text]] of COLUMNS.entries()) {
      const shown = text(instance, now);
      if (row.children[column].textContent !== shown) {
        row.children[column].textContent = shown;
      }
    }
    return row;
  }

  #sortBy(column) {
    this.#sort = { column, descending: this.#sort.column === column && !this.#sort.descending };
    this.#markHeadings();
    this.show(...this.#shown);
  }

  #markHeadings() {
    for (const [column, heading] of this.#headings.entries()) {
      const order = this.#sort.descending ? "descending" : "ascending";
      heading.setAttribute("aria-sort", column === this.#sort.column ? order : "none");
    }
  }
}
