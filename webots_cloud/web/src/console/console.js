// The console: what controllers print, with colours, links and a filter.
import { copyText } from "../clipboard.js";
import { icon, make } from "../elements.js";
import { ConsoleLines, lineFilter } from "./console_lines.js";
import { cutAtLinks, findLinks } from "./links.js";

/** How many lines are put on the page in one frame, however many there are; twice as many may be looked at. */
const LINES_PER_FRAME = 250;
const NEAR_END = 24; // pixels

const PATHS = {
  copy: "M8 3h12v14H8Zm2 2v10h8V5ZM4 7h2v12h10v2H4Z",
  clear: "M9 3h6l1 2h4v2H4V5h4ZM5.5 9h13l-1 12h-11Zm2.2 2 .6 8h7.4l.6-8Z",
};

/** The panel; what is not in view costs nothing but memory. */
export class ConsolePanel {
  /** A line that names a place in a controller's file was clicked: called with `{file, line}`. */
  onlink = null;
  /** Called with true when an error came while the console was closed, with false when it is opened. */
  onunseen = null;

  #lines = new ConsoleLines();
  #rows = [];
  #next = 0;
  #frame = null;
  #follows = true;
  #unseen = false;
  #links = new WeakMap();
  #list = make("div", { class: "webots-console-lines", role: "log", "aria-label": "Console", tabIndex: 0 });
  #stream = make(
    "select",
    { "aria-label": "Which lines to show" },
    make("option", { value: "all" }, "All lines"),
    make("option", { value: "stdout" }, "Output"),
    make("option", { value: "stderr" }, "Errors"),
  );
  #words = make("input", { type: "search", placeholder: "Filter", "aria-label": "Show lines with these words" });
  #news = make("button", { type: "button", class: "webots-console-news", hidden: true }, "↓ New lines");
  #told = make("span", { class: "webots-console-told", role: "status" });

  constructor() {
    const button = (name, label, onclick) =>
      make("button", { type: "button", title: label, "aria-label": label, onclick }, icon(PATHS[name]));
    this.element = make(
      "section",
      { class: "webots-console", "aria-label": "Console", hidden: true },
      make(
        "div",
        { class: "webots-console-bar" },
        this.#stream,
        this.#words,
        this.#told,
        button("copy", "Copy these lines", () => this.#copy()),
        button("clear", "Clear the console", () => this.clear()),
      ),
      this.#list,
      this.#news,
    );
    this.#stream.onchange = this.#words.oninput = () => this.#showAfresh();
    this.#list.onscroll = () => this.#scrolled();
    this.#list.onclick = ({ target }) => this.#click(target.closest("button"));
    this.#news.onclick = () => this.#goToEnd();
  }

  /** Whether the console is open. */
  get shown() {
    return !this.element.hidden;
  }

  set shown(shown) {
    this.element.hidden = !shown;
    if (shown) {
      this.#setUnseen(false);
      this.#ask();
    }
  }

  /** @param {"stdout"|"stderr"} stream */
  add(stream, text) {
    this.#lines.add(stream, text);
    this.#setUnseen(this.#unseen || (stream === "stderr" && !this.shown));
    this.#ask();
  }

  clear() {
    this.#lines.clear();
    this.#setUnseen(false);
    this.#showAfresh();
  }

  #setUnseen(unseen) {
    if (unseen !== this.#unseen) {
      this.#unseen = unseen;
      this.onunseen?.(unseen);
    }
  }

  #ask() {
    if (this.shown) {
      this.#frame ??= requestAnimationFrame(() => this.#show());
    }
  }

  #showAfresh() {
    this.#list.replaceChildren();
    this.#rows = [];
    this.#next = 0;
    this.#follows = true;
    this.#news.hidden = true;
    this.#told.textContent = "";
    this.#ask();
  }

  #show() {
    this.#frame = null;
    this.#drop();
    this.#next = Math.max(this.#next, this.#lines.first);
    const matches = lineFilter(this.#stream.value, this.#words.value);
    const looked = this.#lines.slice(this.#next, LINES_PER_FRAME);
    this.#next += looked.length;
    const added = looked.filter(matches).map((line) => ({ number: line.number, row: this.#row(line) }));
    this.#rows.push(...added);
    this.#list.append(...added.map(({ row }) => row));
    this.#toldOf(added.length);
    if (this.#next < this.#lines.next) {
      this.#ask();
    }
  }

  /** Take the lines off the page that are not kept any more. */
  #drop() {
    const { first } = this.#lines;
    const kept = this.#rows.findIndex(({ number }) => number >= first);
    if (kept < 0) {
      this.#rows = [];
      this.#list.replaceChildren();
    } else {
      this.#rows.splice(0, kept).forEach(({ row }) => row.remove());
    }
  }

  #toldOf(added) {
    if (this.#follows) {
      this.#list.scrollTop = this.#list.scrollHeight;
    } else if (added > 0) {
      this.#news.hidden = false;
    }
  }

  #row({ stream, text, pieces }) {
    const row = make("div", { class: `webots-${stream}` });
    for (const { link, pieces: run } of cutAtLinks(pieces, this.onlink ? findLinks(text) : [])) {
      const spans = run.map(spanOf);
      if (link) {
        const button = make("button", { type: "button", class: "webots-console-link" }, ...spans);
        this.#links.set(button, { file: link.file, line: link.line });
        row.append(button);
      } else {
        row.append(...spans);
      }
    }
    return row;
  }

  #click(button) {
    const place = button && this.#links.get(button);
    if (place) {
      this.onlink?.(place);
    }
  }

  #scrolled() {
    const { scrollHeight, scrollTop, clientHeight } = this.#list;
    this.#follows = scrollHeight - scrollTop - clientHeight < NEAR_END;
    if (this.#follows) {
      this.#news.hidden = true;
    }
  }

  #goToEnd() {
    this.#follows = true;
    this.#news.hidden = true;
    this.#list.scrollTop = this.#list.scrollHeight;
    this.#list.focus();
  }

  async #copy() {
    const matches = lineFilter(this.#stream.value, this.#words.value);
    const lines = this.#lines.slice(this.#lines.first).filter(matches);
    const text = lines.map((line) => `${line.text}\n`).join("");
    const copied = await copyText(text, this.element);
    this.#told.textContent = copied ? `${lines.length} ${lines.length === 1 ? "line" : "lines"} copied` : "Not copied";
  }
}

function spanOf({ text, style }) {
  if (!style) {
    return text;
  }
  const span = make("span", {}, text);
  span.classList.toggle("webots-bold", style.bold);
  span.classList.toggle("webots-italic", style.italic);
  span.classList.toggle("webots-underline", style.underline);
  const { color, background } = style;
  if (typeof color === "string" && typeof background === "string") {
    Object.assign(span.style, { color, background });
  } else {
    span.style.color = color === null ? "" : legible(color);
    span.style.background = background === null ? "" : `color-mix(in srgb, ${named(background)} 18%, transparent)`;
  }
  return span;
}

/** A colour that can be read on our background, dark or light, where the text does not bring one of its own. */
function legible(color) {
  const between = "clamp(var(--webots-own-darkest), l, var(--webots-own-lightest))";
  return typeof color === "number" ? named(color) : `oklch(from ${color} ${between} c h)`;
}

/** Of the 16 colours with names the bright ones are the others, but for bright black, which is grey. */
function named(color) {
  return typeof color === "number" ? `var(--webots-ansi-${color === 8 ? 7 : color % 8})` : color;
}
