// The transparent layer over the picture that hears mouse, fingers and keys, and hands them to the camera and the picking.
import { make } from "../elements.js";
import { Gestures, keyAction, wheelFactor } from "./gestures.js";

const SAME_TURN = 0.4; // seconds between two turns of the wheel that are one movement

const KEYS =
  "Arrow keys turn the view, with Shift they move it; plus and minus zoom; Home goes back to the first view; " +
  "the menu key opens a menu.";

/** One drawing area's layer; X_ITE itself hears nothing. */
export class Surface {
  #camera;
  #picker;
  #gestures;
  #wheel = { time: -Infinity, x: 0, y: 0, point: null };

  /**
   * @param {import("./camera.js").Camera} camera
   * @param {import("./picking.js").Picker} picker
   */
  constructor(camera, picker) {
    this.#camera = camera;
    this.#picker = picker;
    this.element = make("div", {
      class: "webots-surface",
      role: "application",
      tabIndex: 0,
      "aria-label": "3D view",
      "aria-description": KEYS,
      "aria-keyshortcuts": "ArrowLeft ArrowRight ArrowUp ArrowDown Plus Minus Home ContextMenu",
    });
    this.element.append(picker.element);
    this.#gestures = new Gestures({
      grab: (x, y) => camera.grab(picker.hitAt(x, y)?.point ?? null),
      orbit: (across, down) => camera.orbit(across, down),
      pan: (across, down) => camera.pan(across, down),
      pinch: (factor) => camera.zoom(1 / factor),
      tap: (x, y) => picker.selectAt(x, y),
      menu: (x, y) => picker.openMenuAt(x, y),
    });
    this.#listen();
  }

  #listen() {
    const surface = this.element;
    surface.onpointerdown = (event) => this.#press(event);
    surface.onpointermove = (event) => this.#gestures.move(event.pointerId, ...this.#placeOf(event));
    surface.onpointerup = ({ pointerId }) => this.#gestures.up(pointerId);
    surface.onpointercancel = ({ pointerId }) => this.#gestures.cancel(pointerId);
    // The menu is ours; and the middle button is for moving, not for pasting or scrolling.
    surface.oncontextmenu = surface.onauxclick = surface.onmousedown = (event) => event.preventDefault();
    surface.addEventListener("wheel", (event) => this.#turnWheel(event), { passive: false });
    surface.onkeydown = (event) => this.#type(event);
  }

  #press(event) {
    const [x, y] = this.#placeOf(event);
    const { pointerId: id, button, pointerType, shiftKey, ctrlKey } = event;
    this.element.focus({ preventScroll: true });
    this.element.setPointerCapture(id);
    this.#gestures.down({
      id,
      x,
      y,
      touch: pointerType !== "mouse",
      second: button !== 0 || shiftKey || ctrlKey,
      menu: button === 2 || ctrlKey,
    });
  }

  #turnWheel(event) {
    event.preventDefault();
    const [x, y] = this.#placeOf(event);
    const time = event.timeStamp / 1000;
    const same = time - this.#wheel.time < SAME_TURN && x === this.#wheel.x && y === this.#wheel.y;
    this.#wheel = { time, x, y, point: same ? this.#wheel.point : this.#picker.pointAt(x, y) };
    this.#camera.zoom(wheelFactor(event), this.#wheel.point);
  }

  #type(event) {
    const [action, ...amounts] = keyAction(event) ?? [];
    if (!action || (action === "escape" && this.#picker.selected === null)) {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
    const { width, height } = this.element.getBoundingClientRect();
    const middle = [width / 2, height / 2];
    if (action === "reset") {
      this.#camera.reset();
    } else if (action === "escape") {
      this.#picker.select(null);
    } else if (action === "menu") {
      this.#picker.openMenu();
    } else {
      this.#camera.grab(this.#picker.hitAt(...middle)?.point ?? null);
      this.#camera[action](...amounts);
    }
  }

  #placeOf({ clientX, clientY }) {
    const { left, top } = this.element.getBoundingClientRect();
    return [clientX - left, clientY - top];
  }
}
