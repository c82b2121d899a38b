// What fingers and mouse buttons on the view mean. No DOM: `surface.js` hands the events in, as plain places and times.

const HOLD = 0.5; // seconds until a finger that rests opens the menu
const STEADY = { mouse: 4, touch: 10 }; // pixels within which a pointer has not moved

/**
 * @typedef {object} Pointer
 * @property {number} id
 * @property {boolean} touch whether it is a finger or a pen.
 * @property {number} x in pixels from the left of the view.
 * @property {number} y in pixels from its top.
 * @property {boolean} second whether it is another button than the first, or one with Shift or Ctrl.
 * @property {boolean} menu whether a click with it asks for the menu.
 */

/**
 * @typedef {object} Listener
 * @property {(x: number, y: number) => void} grab a drag begins here.
 * @property {(across: number, down: number) => void} orbit by pixels.
 * @property {(across: number, down: number) => void} pan by pixels.
 * @property {(factor: number) => void} pinch fingers went apart by this factor.
 * @property {(x: number, y: number) => void} tap
 * @property {(x: number, y: number) => void} menu
 */

/** One view's pointers. */
export class Gestures {
  #listener;
  #later;
  #pointers = new Map();
  #moved = false;
  #over = false;
  #cancelHold = null;

  /**
   * @param {Listener} listener
   * @param {(action: () => void, seconds: number) => () => void} later returns what cancels it.
   */
  constructor(listener, later = startTimer) {
    this.#listener = listener;
    this.#later = later;
  }

  /** @param {Pointer} pointer that was pressed. */
  down(pointer) {
    this.#release();
    if (this.#pointers.size === 0) {
      this.#moved = false;
      this.#over = false;
    }
    this.#pointers.set(pointer.id, { ...pointer, startX: pointer.x, startY: pointer.y });
    if (this.#pointers.size > 1) {
      // Two fingers never tap, and what is left of them goes on as a drag.
      this.#begin();
    } else if (pointer.touch) {
      this.#cancelHold = this.#later(() => this.#hold(pointer.id), HOLD);
    }
  }

  /** A pressed pointer is elsewhere now. */
  move(id, x, y) {
    const pointer = this.#pointers.get(id);
    if (!pointer || this.#over) {
      return;
    }
    const before = this.#middle();
    const [across, down] = [x - pointer.x, y - pointer.y];
    if (!this.#moved && Math.hypot(x - pointer.startX, y - pointer.startY) < STEADY[pointer.touch ? "touch" : "mouse"]) {
      return;
    }
    Object.assign(pointer, { x, y });
    if (!this.#moved) {
      this.#begin(pointer.startX, pointer.startY);
    }
    this.#drag(pointer, across, down, before);
  }

  /** A pressed pointer was let go. */
  up(id) {
    const pointer = this.#pointers.get(id);
    this.#pointers.delete(id);
    this.#release();
    if (this.#pointers.size > 0) {
      this.#begin();
    } else if (pointer && !this.#moved && !this.#over) {
      this.#listener[pointer.menu ? "menu" : "tap"](pointer.x, pointer.y);
    }
  }

  /** A pressed pointer was taken away, by the system or by leaving. */
  cancel(id) {
    this.#pointers.delete(id);
    this.#release();
  }

  #drag(pointer, across, down, before) {
    const fingers = this.#pointers.size;
    if (fingers > 1) {
      const after = this.#middle();
      this.#listener.pan(across / fingers, down / fingers);
      this.#listener.pinch(after.spread / before.spread || 1);
    } else {
      this.#listener[pointer.second ? "pan" : "orbit"](across, down);
    }
  }

  #begin(x = this.#middle().x, y = this.#middle().y) {
    this.#moved = true;
    this.#release();
    this.#listener.grab(x, y);
  }

  #hold(id) {
    const pointer = this.#pointers.get(id);
    if (pointer && !this.#moved) {
      this.#over = true;
      this.#listener.menu(pointer.x, pointer.y);
    }
  }

  #release() {
    this.#cancelHold?.();
    this.#cancelHold = null;
  }

  /** The middle of the fingers, and how far they are from it. */
  #middle() {
    const all = [...this.#pointers.values()];
    const x = all.reduce((sum, pointer) => sum + pointer.x, 0) / all.length;
    const y = all.reduce((sum, pointer) => sum + pointer.y, 0) / all.length;
    return { x, y, spread: all.reduce((sum, pointer) => sum + Math.hypot(pointer.x - x, pointer.y - y), 0) / all.length };
  }
}

/**
 * By which factor a turn of the wheel brings nearer what is under it.
 *
 * @param {{deltaY: number, deltaMode: number, ctrlKey: boolean}} event with Ctrl where two fingers pinch a touch pad.
 */
export function wheelFactor({ deltaY, deltaMode, ctrlKey }) {
  const pixels = deltaY * [1, 33, 400][deltaMode];
  return Math.exp(Math.max(-1, Math.min(1, pixels * (ctrlKey ? 0.01 : 0.0015))));
}

const ARROWS = new Map([
  ["ArrowLeft", [40, 0]],
  ["ArrowRight", [-40, 0]],
  ["ArrowUp", [0, 40]],
  ["ArrowDown", [0, -40]],
]);

const OTHER_KEYS = new Map([
  ["+", ["zoom", 0.8]],
  ["=", ["zoom", 0.8]],
  ["-", ["zoom", 1.25]],
  ["Home", ["reset"]],
  ["Escape", ["escape"]],
  ["ContextMenu", ["menu"]],
]);

/**
 * What a key does to the camera or the selection.
 *
 * @param {{key: string, shiftKey: boolean, ctrlKey: boolean, altKey: boolean, metaKey: boolean}} event
 * @returns {[string, ...number[]] | null} `orbit` or `pan` with pixels, `zoom` with a factor, `reset`, `escape`, `menu`.
 */
export function keyAction({ key, shiftKey, ctrlKey, altKey, metaKey }) {
  if (ctrlKey || altKey || metaKey) {
    return null;
  }
  if (ARROWS.has(key)) {
    return [shiftKey ? "pan" : "orbit", ...ARROWS.get(key)];
  }
  return key === "F10" && shiftKey ? ["menu"] : (OTHER_KEYS.get(key) ?? null);
}

function startTimer(action, seconds) {
  const timer = setTimeout(action, seconds * 1000);
  return () => clearTimeout(timer);
}
