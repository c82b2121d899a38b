// The bar with the buttons and the simulated time.
import { icon, make } from "../elements.js";

const PATHS = {
  quit: "M6 4.6 12 10.6 18 4.6 19.4 6 13.4 12 19.4 18 18 19.4 12 13.4 6 19.4 4.6 18 10.6 12 4.6 6Z",
  reset: "M5 5h2.2v14H5Zm14 0v14L8.6 12Z",
  run: "M7 4.5 19.5 12 7 19.5Z",
  pause: "M6.5 5h4v14h-4Zm7 0h4v14h-4Z",
  step: "M5 5 15.4 12 5 19Zm11.8 0H19v14h-2.2Z",
  console: "M3 5h18v14H3Zm2 4v8h14V9Zm1.6 1.6L9.4 13l-2.8 2.4-.9-1L7.3 13l-1.6-1.4ZM10.5 14.6h5V16h-5Z",
};

/** Tells what was pressed: `quit`, `reset`, `run`, `pause`, `step` or `console`. */
export class Toolbar {
  #buttons = {};
  #time = make("output", { class: "webots-time", title: "Simulated time" });

  /** @param {(pressed: string) => void} onpress */
  constructor(onpress) {
    const button = (name, label) => {
      this.#buttons[name] = make(
        "button",
        { type: "button", title: label, "aria-label": label, onclick: () => onpress(name) },
        icon(PATHS[name]),
      );
      return this.#buttons[name];
    };
    this.element = make(
      "div",
      { class: "webots-toolbar", role: "toolbar", "aria-label": "Simulation" },
      button("quit", "Quit the simulation"),
      button("reset", "Reset the simulation"),
      button("step", "Run one step"),
      button("run", "Run in real time"),
      button("pause", "Pause"),
      this.#time,
      make("span", { class: "webots-gap" }),
      button("console", "Console"),
    );
    this.setConsole(false);
    this.setReady(false);
  }

  /** Whether there is a simulation to control; also starts the display afresh. */
  setReady(ready) {
    for (const name of ["reset", "step", "run", "pause"]) {
      this.#buttons[name].disabled = !ready;
    }
    if (!ready) {
      this.setMode("pause");
      this.setTime(0);
    }
  }

  /** @param {"run"|"pause"} mode */
  setMode(mode) {
    const running = mode === "run";
    const focused = [this.#buttons.run, this.#buttons.pause].includes(this.element.getRootNode().activeElement);
    this.#buttons.run.hidden = running;
    this.#buttons.pause.hidden = !running;
    if (focused) {
      (running ? this.#buttons.pause : this.#buttons.run).focus();
    }
  }

  /** @param {number} milliseconds of simulated time. */
  setTime(milliseconds) {
    if (Number.isFinite(milliseconds)) {
      this.#time.textContent = formatTime(milliseconds);
    }
  }

  /** Whether errors were printed that nobody has seen. */
  setUnseen(unseen) {
    this.#buttons.console.title = unseen ? "Console (new errors)" : "Console";
    this.#buttons.console.ariaDescription = unseen ? "new errors" : null;
    this.#buttons.console.classList.toggle("webots-unseen", unseen);
  }

  /** Whether the console is open. */
  setConsole(open) {
    this.#buttons.console.setAttribute("aria-expanded", String(open));
  }
}

/** `0:00:01.234`: hours, minutes, seconds and milliseconds. */
export function formatTime(milliseconds) {
  const whole = Math.max(0, Math.floor(milliseconds));
  const two = (number) => String(number).padStart(2, "0");
  const hours = Math.floor(whole / 3_600_000);
  const minutes = Math.floor(whole / 60_000) % 60;
  const seconds = Math.floor(whole / 1000) % 60;
  return `${hours}:${two(minutes)}:${two(seconds)}.${String(whole % 1000).padStart(3, "0")}`;
}
