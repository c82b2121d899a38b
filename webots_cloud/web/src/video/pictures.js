// The scene as Webots itself draws it: a stream of pictures (mode mjpeg), and the mouse that it is told of.
import { make } from "../elements.js";
import { PointerOrders } from "./pointer_orders.js";

const RESIZE_MILLISECONDS = 300;

/** Lies over the drawing area while there is a stream of pictures. */
export class Pictures {
  #image = make("img", { alt: "The simulation, as the simulator draws it", draggable: false });
  #frame = null;
  #orders = null;
  #resizes = null;
  #timer = null;

  element = make("div", { class: "webots-pictures", tabIndex: -1, hidden: true }, this.#image);

  constructor() {
    for (const kind of ["pointerdown", "pointermove", "pointerup", "pointercancel"]) {
      this.element.addEventListener(kind, (event) => this.#orders?.hear(event));
    }
    this.element.addEventListener("wheel", (event) => this.#orders?.hear(event), { passive: false });
    this.element.addEventListener("contextmenu", (event) => event.preventDefault());
  }

  /** How large pictures should be, as Webots is told: `800x600`. */
  get size() {
    const { clientWidth, clientHeight } = this.element.parentElement;
    return `${Math.max(1, clientWidth)}x${Math.max(1, clientHeight)}`;
  }

  /**
   * Begin.
   *
   * @param {(order: string) => void} send tells Webots; null where the visitor only watches.
   */
  open(send) {
    this.element.hidden = false;
    if (send) {
      this.#orders = new PointerOrders(send);
      this.#resizes = new ResizeObserver(() => {
        clearTimeout(this.#timer);
        this.#timer = setTimeout(() => send(`resize: ${this.size}`), RESIZE_MILLISECONDS);
      });
      this.#resizes.observe(this.element.parentElement);
    }
  }

  /** @param {string} url of a stream of pictures over HTTP. */
  showStream(url) {
    this.#image.src = url;
  }

  /** @param {Blob} blob one picture. */
  async showFrame(blob) {
    const url = URL.createObjectURL(blob);
    const before = this.#frame;
    this.#frame = url;
    this.#image.src = url;
    try {
      await this.#image.decode();
    } catch {
      // A picture that cannot be drawn, or that the next one came before: that one is drawn.
    }
    if (before) {
      URL.revokeObjectURL(before);
    }
  }

  /** Show nothing any more. */
  close() {
    this.element.hidden = true;
    this.#image.removeAttribute("src");
    this.#orders?.close();
    this.#orders = null;
    this.#resizes?.disconnect();
    clearTimeout(this.#timer);
    if (this.#frame) {
      URL.revokeObjectURL(this.#frame);
      this.#frame = null;
    }
  }
}
