// One simulation server on the page, as a card or as a row of a table: the same parts, arranged by the style sheet.
import { make } from "../elements.js";
import { count, duration, moment, percent } from "./format.js";
import { answeredShare, partsOfDay, pathsOf } from "./server_history.js";

/** Of a part of the day, in parts of it. */
const LEAST_WIDTH = 0.004;

const SVG = "http://www.w3.org/2000/svg";

/** What people call the states. */
export const STATES = { failed: "Not responding", full: "Full", unknown: "Not asked yet", available: "Available" };

function drawing(name, box, label) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", name);
  svg.setAttribute("viewBox", box);
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", label);
  return svg;
}

function shape(name, className) {
  const element = document.createElementNS(SVG, name);
  element.setAttribute("class", className);
  return element;
}

/** Put a text where it is not yet: what is the same costs nothing. */
function say(element, text) {
  if (element.textContent !== text) {
    element.textContent = text;
  }
}

export class ServerView {
  /** The element of the page. */
  element;
  #link = make("a");
  #reason = make("span", { class: "reason" });
  #state = make("span", { class: "state" });
  #since = make("span", { class: "since" });
  #load = make("span", { class: "number" });
  #bar = make("span", { class: "bar" });
  #curve = drawing("curve", "0 0 59 100", "Load of the last 10 minutes");
  #area = shape("path", "area");
  #line = shape("path", "line");
  #instances = make("span", { class: "number" });
  #idle = make("span", { class: "small" });
  #waiting = make("span", { class: "number" });
  #version = make("span", { class: "version" });
  #strip = drawing("strip", "0 0 1 1", "States of the last 24 hours");
  #answered = make("span", { class: "small" });
  #drawn = "";

  /** @param {boolean} isRow whether it is a row of a table, or an item of a list. */
  constructor(isRow) {
    this.#curve.append(this.#area, this.#line);
    const meter = make("span", { class: "meter", "aria-hidden": "true" }, this.#bar);
    const cell = (name, ...parts) => make("div", { class: name, ...(isRow ? { role: "cell" } : {}) }, ...parts);
    this.element = make(
      isRow ? "div" : "li",
      { class: isRow ? "server row" : "server card", ...(isRow ? { role: "row" } : {}) },
      cell("name", this.#link, this.#reason),
      cell("condition", this.#state, this.#since),
      cell("load", this.#load, meter),
      cell("past", this.#curve),
      cell("instances", this.#instances, this.#idle),
      cell("waiting", this.#waiting),
      cell("program", this.#version),
      cell("day", this.#strip, this.#answered),
    );
  }

  /**
   * @param {string} name of the server.
   * @param {object} server what is known of it.
   * @param {number} now seconds since the epoch, by the clock of the session server.
   */
  show(name, server, now) {
    this.element.dataset.state = server.state;
    say(this.#link, name);
    if (this.#link.getAttribute("href") !== server.page) {
      this.#link.href = server.page;
    }
    say(this.#reason, server.reason ?? "");
    this.#reason.title = server.reason ?? "";
    say(this.#state, STATES[server.state] ?? server.state);
    say(this.#since, `for ${duration(now - server.since)}`);
    this.#since.title = `since ${moment(server.since)}`;
    say(this.#load, percent(server.load));
    this.#bar.style.width = `${server.load ?? 0}%`;
    this.#bar.dataset.high = String((server.load ?? 0) >= 80);
    this.#showInstances(server);
    say(this.#version, [server.version, server.simulator].filter(Boolean).join(" · ") || "version unknown");
    this.#version.title = this.#version.textContent;
    this.#drawCurve(server, now);
    this.#drawStrip(server, now);
  }

  #showInstances({ instances, capacity, idle, waiting, onTheWay }) {
    say(this.#instances, instances === undefined ? "–" : `${count(instances)} of ${count(capacity)}`);
    const also = [idle ? `${idle} idle` : "", onTheWay ? `${onTheWay} coming` : ""].filter(Boolean);
    say(this.#idle, also.join(", "));
    say(this.#waiting, count(waiting));
    this.#waiting.dataset.some = String(waiting > 0);
  }

  #drawCurve({ curve }, now) {
    const { line, area } = pathsOf(curve, now);
    if (this.#drawn !== line) {
      this.#drawn = line;
      this.#line.setAttribute("d", line);
      this.#area.setAttribute("d", area);
    }
  }

  #drawStrip({ history }, now) {
    const parts = partsOfDay(history, now);
    while (this.#strip.childElementCount > parts.length) {
      this.#strip.lastChild.remove();
    }
    for (const [index, { state, from, to }] of parts.entries()) {
      const rectangle = this.#strip.children[index] ?? this.#strip.appendChild(shape("rect", ""));
      rectangle.setAttribute("class", state);
      // Also the shortest is seen.
      const width = Math.max(to - from, LEAST_WIDTH);
      rectangle.setAttribute("x", Math.min(from, 1 - width).toFixed(4));
      rectangle.setAttribute("width", width.toFixed(4));
      rectangle.setAttribute("height", "1");
    }
    const answered = answeredShare(parts);
    const shown = answered === undefined ? "–" : answered > 99.95 ? "100 %" : `${Math.min(answered, 99.9).toFixed(1)} %`;
    say(this.#answered, `up ${shown}`);
    this.#answered.title = "Share of the last 24 hours, as far as they are known, in which it answered";
  }
}
