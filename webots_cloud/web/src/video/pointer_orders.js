// Mouse and fingers on a picture that Webots draws, as orders to it (docs/protocol.md section 4). No DOM.

const TYPES = { pointerdown: -1, pointermove: 0, pointerup: 1, pointercancel: 1, wheel: 2 };

/**
 * The order for one event.
 *
 * @param {object} event of a pointer or a wheel; `offsetX` and `offsetY` are pixels of the picture.
 */
export function mouseOrder(event) {
  const { type, button = 0, buttons = 0, offsetX, offsetY, shiftKey, ctrlKey, altKey, deltaY = 0 } = event;
  const modifiers = (shiftKey ? 1 : 0) + (ctrlKey ? 2 : 0) + (altKey ? 4 : 0);
  const place = [offsetX, offsetY].map((pixels) => Math.round(pixels));
  return ["mouse", TYPES[type], Math.max(0, button), buttons, ...place, modifiers, Math.sign(deltaY)].join(" ");
}

/** Gives orders while a button is pressed, and those to move at most once a frame. */
export class PointerOrders {
  #send;
  #later;
  #moved = null;
  #pressed = false;
  #open = true;

  /**
   * @param {(order: string) => void} send
   * @param {(action: () => void) => void} later does it with the next frame.
   */
  constructor(send, later = (action) => requestAnimationFrame(action)) {
    this.#send = send;
    this.#later = later;
  }

  hear(event) {
    event.preventDefault();
    if (event.type === "pointermove") {
      this.#move(event);
      return;
    }
    this.#flush();
    if (event.type === "pointerdown") {
      this.#pressed = true;
      event.target.setPointerCapture?.(event.pointerId);
    } else if (event.type !== "wheel") {
      this.#pressed = false;
    }
    this.#send(mouseOrder(event));
  }

  close() {
    this.#open = false;
  }

  #move(event) {
    if (!this.#pressed) {
      return;
    }
    if (this.#moved === null) {
      this.#later(() => this.#flush());
    }
    this.#moved = mouseOrder(event);
  }

  #flush() {
    const order = this.#moved;
    this.#moved = null;
    if (order !== null && this.#open) {
      this.#send(order);
    }
  }
}
