// The simulation servers as cards or as a table. Of a long table only the rows that are seen are in the page.
import { make } from "../elements.js";
import { ServerView } from "./server_view.js";

const SPARE_ROWS = 8;

/** The columns of the table; those with a key sort by it. */
const COLUMNS = [
  ["name", "Server", "name"],
  ["condition", "State", "state"],
  ["load", "Load", "load"],
  ["past", "Last 10 minutes", null],
  ["instances", "Instances", "instances"],
  ["waiting", "Queue", "waiting"],
  ["program", "Version", "version"],
  ["day", "Last 24 hours", "up"],
];

export class ServerList {
  #element;
  #onsort;
  #views = new Map();
  #names = [];
  #servers = {};
  #isTable = null;
  #headings = new Map();
  #rows = null;
  #now = () => 0;

  /**
   * @param {HTMLElement} element gets the list.
   * @param {() => number} now gives the time by the server's clock.
   * @param {(key: string) => void} onsort called where a heading is clicked.
   */
  constructor(element, now, onsort) {
    this.#element = element;
    this.#now = now;
    this.#onsort = onsort;
    for (const event of ["scroll", "resize"]) {
      addEventListener(event, () => this.#isTable && requestAnimationFrame(() => this.#fillWindow()), { passive: true });
    }
  }

  /**
   * @param {string[]} names of the servers, in the order in which they are shown.
   * @param {object} servers what is known, by name.
   * @param {boolean} isTable whether as a table.
   * @param {{key: string, order: string}} sort how they were sorted: `ascending` or `descending`.
   */
  show(names, servers, isTable, sort) {
    if (isTable !== this.#isTable) {
      this.#begin(isTable);
    }
    this.#names = names;
    this.#servers = servers;
    for (const [key, heading] of this.#headings) {
      heading.setAttribute("aria-sort", key === sort.key ? sort.order : "none");
    }
    this.#fill();
  }

  /** Show again those that are seen of some servers; without names, of all. */
  refresh(names = this.#names) {
    for (const name of names) {
      this.#views.get(name)?.show(name, this.#servers[name], this.#now());
    }
  }

  #begin(isTable) {
    this.#isTable = isTable;
    this.#views.clear();
    this.#headings.clear();
    if (!isTable) {
      this.#rows = make("ul", { class: "cards", role: "list" });
      this.#element.replaceChildren(this.#rows);
      return;
    }
    this.#rows = make("div", { class: "rows", role: "rowgroup" });
    const head = make("div", { class: "server head", role: "row" }, ...COLUMNS.map((column) => this.#heading(...column)));
    const table = make("div", { class: "table", role: "table", "aria-label": "Simulation servers" });
    table.append(make("div", { role: "rowgroup" }, head), this.#rows);
    this.#element.replaceChildren(table);
  }

  #heading(name, title, key) {
    const heading = make("div", { class: name, role: "columnheader" });
    if (key === null) {
      heading.textContent = title;
      return heading;
    }
    heading.append(make("button", { type: "button", onclick: () => this.#onsort(key) }, title));
    this.#headings.set(key, heading);
    return heading;
  }

  #fill() {
    if (this.#isTable) {
      this.#element.firstChild.setAttribute("aria-rowcount", String(this.#names.length + 1));
      this.#fillWindow();
      return;
    }
    this.#keep(this.#names);
    for (const [index, name] of this.#names.entries()) {
      const { element } = this.#view(name);
      if (this.#rows.children[index] !== element) {
        this.#rows.insertBefore(element, this.#rows.children[index] ?? null);
      }
    }
  }

  /** Put those rows into the page that are seen, and some more, each where it belongs. */
  #fillWindow() {
    const height = this.#rowHeight();
    this.#rows.style.height = `${height * this.#names.length}px`;
    const top = -this.#rows.getBoundingClientRect().top;
    const first = Math.max(0, Math.floor(top / height) - SPARE_ROWS);
    const seen = this.#names.slice(first, Math.max(first, Math.ceil((top + innerHeight) / height)) + SPARE_ROWS);
    this.#keep(seen);
    for (const [index, name] of seen.entries()) {
      const { element } = this.#view(name);
      element.style.top = `${(first + index) * height}px`;
      element.setAttribute("aria-rowindex", String(first + index + 2));
      if (this.#rows.children[index] !== element) {
        this.#rows.insertBefore(element, this.#rows.children[index] ?? null);
      }
    }
    if (seen.length > 0 && this.#rowHeight() !== height) {
      this.#fillWindow();
    }
  }

  /** All rows are equally high, as the style sheet says. */
  #rowHeight() {
    return this.#rows.firstElementChild?.offsetHeight || 64;
  }

  #keep(names) {
    const kept = new Set(names);
    for (const [name, { element }] of this.#views) {
      // A row that has the focus stays, or whoever uses the keyboard would be lost.
      if (!kept.has(name) && !(this.#isTable && element.contains(document.activeElement))) {
        element.remove();
        this.#views.delete(name);
      }
    }
  }

  #view(name) {
    let view = this.#views.get(name);
    if (view === undefined) {
      view = new ServerView(this.#isTable);
      view.show(name, this.#servers[name], this.#now());
      this.#views.set(name, view);
    }
    return view;
  }
}
