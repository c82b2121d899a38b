// A chart of some curves over time, drawn by uPlot, with the values of now, or of where the pointer is, below its title.
import uPlot from "uplot";
import { make } from "../elements.js";
import { bytes, percent, rate } from "./format.js";

const FORMATS = {
  percent,
  rate,
  count: (value) => (value === undefined ? "–" : String(Math.round(value))),
};

/** Marks of an axis in bytes a second: short. */
const shortBytes = (value) => bytes(value).replace(" ", "\u2009");

export class Chart {
  /** The element of the page. */
  element;
  #about;
  #box = make("div", { class: "canvas" });
  #values = [];
  #plot = null;
  #columns = [];
  #range = [0, 1];

  /**
   * @param {{title: string, curves: {name: string, title: string}[], unit: "percent"|"rate"|"count", bars?: boolean,
   *   filled?: boolean}} about what it shows; `name` is that of the values in a point.
   */
  constructor(about) {
    this.#about = about;
    const legend = about.curves.map(({ title }, index) => {
      const value = make("span", { class: "value" }, "–");
      this.#values.push(value);
      return make("li", {}, make("span", { class: `mark mark${index + 1}`, "aria-hidden": "true" }), `${title} `, value);
    });
    this.element = make(
      "figure",
      { class: "chart" },
      make("figcaption", {}, make("h3", {}, about.title), make("ul", { class: "legend", role: "list" }, ...legend)),
      this.#box,
    );
    this.#box.setAttribute("role", "img");
    this.#box.setAttribute("aria-label", `Curves of ${about.curves.map(({ title }) => title).join(" and ")} over time`);
    new ResizeObserver(() => this.#draw()).observe(this.#box);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.redraw());
  }

  /** What it shows. */
  get names() {
    return this.#about.curves.map(({ name }) => name);
  }

  /**
   * @param {number[][]} columns times and values.
   * @param {[number, number]} range of time, in seconds since the epoch.
   */
  show(columns, range) {
    this.#columns = columns;
    this.#range = range;
    this.#draw();
    if (this.#plot && this.#plot.cursor.idx == null) {
      this.#say(columns[0].length - 1);
    }
  }

  /** Draw it from the beginning, as colours are others. */
  redraw() {
    this.#plot?.destroy();
    this.#plot = null;
    this.#draw();
  }

  #draw() {
    const size = { width: this.#box.clientWidth, height: this.#box.clientHeight };
    if (size.width === 0 || this.#columns.length === 0) {
      return;
    }
    if (this.#plot === null) {
      this.#plot = new uPlot({ ...this.#options(), ...size }, this.#columns, this.#box);
    } else if (this.#plot.width !== size.width || this.#plot.height !== size.height) {
      this.redraw();
    } else {
      this.#plot.setData(this.#columns);
    }
  }

  #options() {
    const style = getComputedStyle(this.element);
    const color = (name) => style.getPropertyValue(name).trim();
    const rem = Number.parseFloat(getComputedStyle(document.documentElement).fontSize);
    const { unit, curves, bars, filled } = this.#about;
    const axis = {
      stroke: color("--faint"),
      font: `${Math.round(0.75 * rem)}px system-ui, sans-serif`,
      grid: { stroke: color("--line"), width: 1 },
      ticks: { stroke: color("--line"), width: 1, size: 0.3 * rem },
      gap: 0.25 * rem,
    };
    const marks = { percent: (value) => `${value}`, rate: shortBytes, count: (value) => (Number.isInteger(value) ? `${value}` : "") };
    return {
      padding: [0.5 * rem, 0.6 * rem, 0, 0],
      legend: { show: false },
      cursor: { drag: { x: false, y: false }, points: { size: 0.5 * rem } },
      scales: {
        x: { time: true, range: () => this.#range },
        y: { range: (plot, low, high) => (unit === "percent" ? [0, 100] : [0, Math.max(unit === "count" ? 4 : 1000, (high ?? 0) * 1.1)]) },
      },
      axes: [
        { ...axis, size: 1.7 * rem, space: 4 * rem, values: "{HH}:{mm}" },
        { ...axis, size: 3.2 * rem, space: 1.8 * rem, values: (plot, splits) => splits.map(marks[unit]) },
      ],
      series: [
        {},
        ...curves.map(({ title }, index) => ({
          label: title,
          stroke: color(`--curve${index + 1}`),
          width: Math.max(1.5, 0.11 * rem),
          points: { show: false },
          ...(filled || bars ? { fill: color(`--fill${index + 1}`) } : {}),
          ...(bars ? { paths: uPlot.paths.bars({ size: [0.8, 3 * rem], align: 1 }) } : {}),
        })),
      ],
      hooks: { setCursor: [(plot) => this.#say(plot.cursor.idx ?? this.#columns[0].length - 1)] },
    };
  }

  #say(index) {
    for (const [number, element] of this.#values.entries()) {
      const text = FORMATS[this.#about.unit](this.#columns[number + 1]?.[index] ?? undefined);
      if (element.textContent !== text) {
        element.textContent = text;
      }
    }
  }
}
