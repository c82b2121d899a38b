// The bar with the buttons and the simulated time. One of its buttons is in the tab order; arrow keys go to the others.
import { icon, make } from "../elements.js";
import { BUTTONS, MORE, fit, pressedBy, tooltip } from "./buttons.js";
import { formatLeft, formatTime } from "./time.js";

const GAP = 2; // pixels, as in toolbar.css

/** In a text field letters are letters; menus and dialogs have keys of their own. */
const OWN_KEYS = "input, textarea, select, [role=menu], [role=dialog], [role=alertdialog], [role=tablist]";

/** Tells which button was pressed, by its name (buttons.js). */
export class Toolbar {
  #onpress;
  #buttons = new Map();
  #there = { worlds: false, robots: false };
  #wanted = { revert: false };
  #state = { ready: false, watching: false, mode: "pause" };
  #time = make("output", { class: "webots-time", title: "Simulated time", "aria-live": "off" });
  #left = make("span", { class: "webots-time-left", title: "Time left until it pauses", hidden: true });
  #clock = make("div", { class: "webots-clock" }, this.#time, this.#left);
  #gap = make("span", { class: "webots-gap" });
  #milliseconds = 0;
  #frame = null;

  /** @param {(pressed: string) => void} onpress */
  constructor(onpress) {
    this.#onpress = onpress;
    this.element = make("div", { class: "webots-toolbar", role: "toolbar", "aria-label": "Simulation" });
    for (const button of [...BUTTONS, MORE]) {
      const element = make(
        "button",
        { type: "button", "aria-label": button.label, title: tooltip(button), tabIndex: -1 },
        icon(button.path),
      );
      element.setAttribute("aria-keyshortcuts", button.shortcut);
      element.onclick = () => this.press(button.name);
      this.#buttons.set(button.name, { ...button, element });
      if (button.name === "robots") {
        this.element.append(this.#clock, this.#gap);
      }
      this.element.append(element);
    }
    for (const name of ["worlds", "robots", "more"]) {
      this.#buttons.get(name).element.setAttribute("aria-haspopup", "menu");
    }
    this.#buttons.get("fullscreen").element.setAttribute("aria-pressed", "false");
    this.element.addEventListener("keydown", (event) => this.#move(event));
    this.element.addEventListener("focusin", ({ target }) => this.#enter(target));
    new ResizeObserver(() => this.#arrange()).observe(this.element);
    this.setOpen("console", false);
    this.setTime(0);
    this.#arrange();
  }

  /** Press a button, if it is there and can be pressed. */
  press(name) {
    if (this.#isThere(name) && this.#isEnabled(name)) {
      this.#onpress(name);
    }
  }

  /** Press the button of a key that was pressed somewhere in the view. */
  hearKey(event) {
    const target = event.composedPath()[0];
    if (this.element.hidden || event.defaultPrevented || event.isComposing || target.isContentEditable || target.closest?.(OWN_KEYS)) {
      return;
    }
    const name = pressedBy(event).find((pressed) => this.#isThere(pressed));
    if (name) {
      event.preventDefault();
      this.press(name);
    }
  }

  /**
   * Which buttons make sense at present.
   *
   * @param {object} there name to whether it does; the others stay as they are.
   */
  setThere(there) {
    Object.assign(this.#there, there);
    this.#arrange();
  }

  /** @param {object} wanted which buttons the page wants: name to whether; it wants those that are not named. */
  setWanted(wanted) {
    this.#wanted = { ...wanted };
    this.#arrange();
  }

  /**
   * Whether there is a simulation to control; also starts the display afresh where there is none.
   *
   * @param {boolean} ready
   * @param {boolean} watching the visitor only watches.
   */
  setReady(ready, watching = false) {
    Object.assign(this.#state, { ready, watching });
    if (!ready) {
      this.#state.mode = "pause";
      this.setTime(0);
      this.setTimeLeft(null);
    }
    this.#arrange();
  }

  /** @param {"pause"|"run"|"fast"} mode */
  setMode(mode) {
    if (mode !== this.#state.mode) {
      this.#state.mode = mode;
      this.#arrange();
    }
  }

  /** @param {number} milliseconds of simulated time; shown with the next frame. */
  setTime(milliseconds) {
    if (Number.isFinite(milliseconds)) {
      this.#milliseconds = milliseconds;
      this.#frame ??= requestAnimationFrame(() => this.#showTime());
    }
  }

  /** @param {number|null} milliseconds of simulated time until it pauses by itself; null: it does not. */
  setTimeLeft(milliseconds) {
    const text = milliseconds === null ? "" : `${formatLeft(milliseconds)} left`;
    if (text !== this.#left.textContent) {
      this.#left.textContent = text;
      this.#left.hidden = !text;
    }
  }

  /** Whether what a button shows is open. */
  setOpen(name, open) {
    this.#buttons.get(name).element.setAttribute("aria-expanded", String(open));
  }

  /** Whether the view fills the screen. */
  setFullScreen(on) {
    this.#buttons.get("fullscreen").element.setAttribute("aria-pressed", String(on));
  }

  /** A mark on a button. @param {string} news what there is that is new where it leads; empty: no mark. */
  setMark(name, news) {
    const button = this.#buttons.get(name);
    button.element.classList.toggle("webots-marked", news !== "");
    button.element.setAttribute("aria-description", news);
    button.element.title = tooltip(button) + (news && `: ${news}`);
  }

  /** Where a menu of a button opens, and what has the focus after it: its own button, or `more` where it has no room. */
  anchor(name) {
    const { element } = this.#buttons.get(name);
    return element.hidden ? this.#buttons.get("more").element : element;
  }

  /** Those that have no room, for the menu of `more`. */
  hiddenButtons() {
    return this.#present()
      .filter(({ element }) => element.hidden)
      .map((button) => ({
        label: tooltip(button),
        action: () => this.press(button.name),
        disabled: !this.#isEnabled(button.name),
      }));
  }

  #isThere(name) {
    const { mode } = this.#state;
    const hiddenByMode = { run: mode === "run", fast: mode === "fast", pause: mode === "pause" };
    return (this.#there[name] ?? true) && (this.#wanted[name] ?? true) && !hiddenByMode[name];
  }

  #isEnabled(name) {
    const { ready, watching } = this.#state;
    return !this.#buttons.get(name).controls || (ready && !watching);
  }

  #present() {
    return [...this.#buttons.values()].filter(({ name }) => name !== "more" && this.#isThere(name));
  }

  /** Show the buttons that have room, and keep the focus in the bar where the one that has it goes. */
  #arrange() {
    const focused = this.element.getRootNode().activeElement;
    const hadFocus = this.element.contains(focused);
    const present = this.#present();
    const fitting = fit(present, this.#space(), this.#buttonWidth());
    for (const { name, element } of this.#buttons.values()) {
      element.hidden = !fitting.has(name);
      element.setAttribute("aria-disabled", String(!this.#isEnabled(name)));
    }
    this.#buttons.get("more").element.hidden = fitting.size === present.length;
    const shown = this.#shownButtons();
    if (!shown.some((element) => element.tabIndex === 0)) {
      this.#enter(shown[0]);
    }
    if (hadFocus && focused.hidden) {
      this.#successor(focused).focus();
    }
  }

  #buttonWidth() {
    return (this.#shownButtons()[0]?.offsetWidth ?? 0) + GAP;
  }

  #space() {
    const style = getComputedStyle(this.element);
    const inside = this.element.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
    // The time with its margins, and the gap after it.
    const clock = getComputedStyle(this.#clock);
    return inside - this.#clock.offsetWidth - parseFloat(clock.marginLeft) - parseFloat(clock.marginRight) - GAP;
  }

  #shownButtons() {
    return [...this.#buttons.values()].map(({ element }) => element).filter((element) => !element.hidden);
  }

  /** Pausing takes the place of what it pauses, and the other way round. */
  #successor(gone) {
    const pause = this.#buttons.get("pause").element;
    const candidate = gone === pause ? this.#buttons.get("run").element : pause;
    return candidate.hidden ? this.#shownButtons()[0] : candidate;
  }

  #enter(target) {
    const shown = this.#shownButtons();
    const button = shown.find((element) => element.contains(target));
    if (button) {
      for (const { element } of this.#buttons.values()) {
        element.tabIndex = element === button ? 0 : -1;
      }
    }
  }

  #move(event) {
    const shown = this.#shownButtons();
    const at = shown.indexOf(event.target);
    const last = shown.length - 1;
    const steps = { ArrowRight: at === last ? 0 : at + 1, ArrowLeft: at === 0 ? last : at - 1, Home: 0, End: last };
    if (at >= 0 && event.key in steps) {
      event.preventDefault();
      shown[steps[event.key]].focus();
    }
  }

  #showTime() {
    this.#frame = null;
    const text = formatTime(this.#milliseconds);
    const longer = text.length !== this.#time.textContent.length;
    this.#time.textContent = text;
    if (longer) {
      this.#arrange();
    }
  }
}
