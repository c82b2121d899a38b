// The frame around one robot window: title, closing, moving and resizing by pointer and by keyboard.
import { fitted, moved, placed, resized } from "./box.js";
import { icon, make } from "../elements.js";

const CLOSE = "M6 4.6 12 10.6 18 4.6 19.4 6 13.4 12 19.4 18 18 19.4 12 13.4 6 19.4 4.6 18 10.6 12 4.6 6Z";
const CORNER = "M20 9v2L11 20H9Zm0 6v2l-3 3h-2Z";
const ARROWS = { ArrowLeft: [-16, 0], ArrowRight: [16, 0], ArrowUp: [0, -16], ArrowDown: [0, 16] };

/** The name of the frame, by which robot_window.js knows that a view is around it. */
export const FRAME_NAME = "webots.View";

/** One window over the scene. */
export class WindowFrame {
  #title = make("span", { class: "webots-window-title" });
  #grip = this.#handle("webots-window-grip", "Move", moved, this.#title);
  #frame;
  #box;
  #area;

  /**
   * @param {string} url of its page, which may be a stranger's.
   * @param {string} name what it is called until its page says otherwise.
   * @param {HTMLElement} area it stays inside of this.
   * @param {() => void} onclose the visitor closes it.
   */
  constructor(url, name, area, onclose) {
    this.#area = area;
    // Set before the address: an origin that no other page has, and no way out of the frame.
    this.#frame = make("iframe", {
      sandbox: "allow-scripts allow-forms",
      referrerPolicy: "no-referrer",
      allow: "",
      name: FRAME_NAME,
      title: `Robot window of ${name}`,
      src: url,
    });
    this.element = make(
      "section",
      { class: "webots-window", "aria-label": `Robot window of ${name}`, tabIndex: -1 },
      this.#header(onclose),
      this.#frame,
      this.#handle("webots-window-corner", "Resize", resized, icon(CORNER)),
    );
    this.element.addEventListener("keydown", (event) => event.key === "Escape" && onclose());
    this.element.addEventListener("pointerdown", () => this.raise());
    this.setTitle(name);
  }

  /** Whether a message comes from its page. */
  isSource(source) {
    return source !== null && source === this.#frame.contentWindow;
  }

  /** Tell its page something; it has no origin that could be named. */
  tell(data) {
    this.#frame.contentWindow?.postMessage(data, "*");
  }

  /** @param {string} title one short line. */
  setTitle(title) {
    this.#title.textContent = title;
    // What is heard has what is seen in it.
    this.#grip.setAttribute("aria-label", `${title}: move`);
  }

  /** Show it, when its element is on the page. */
  open(before) {
    this.#put(placed(this.#size(), before));
    this.raise();
    this.element.focus();
  }

  /** Bring it before the others; it is not taken off the page for that, which would load it anew. */
  raise() {
    const others = [...this.#area.children].filter((other) => other !== this.element);
    const highest = Math.max(0, ...others.map((other) => Number(other.style.zIndex)));
    this.element.style.zIndex = String(highest + 1);
  }

  /** The area has another size. */
  fit() {
    if (this.#box) {
      this.#put(fitted(this.#box, this.#size()));
    }
  }

  #header(onclose) {
    return make(
      "header",
      {},
      this.#grip,
      make("button", { type: "button", title: "Close", "aria-label": "Close", onclick: onclose }, icon(CLOSE)),
    );
  }

  /** What is dragged, or moved by the arrow keys, to change the box. */
  #handle(name, label, change, ...content) {
    const handle = make("button", { type: "button", class: name, title: `${label}: drag, or arrow keys` }, ...content);
    handle.setAttribute("aria-label", label);
    const by = (dx, dy) => this.#put(change(this.#box, dx, dy, this.#size()));
    handle.addEventListener("keydown", (event) => {
      if (event.key in ARROWS) {
        event.preventDefault();
        event.stopPropagation();
        by(...ARROWS[event.key]);
      }
    });
    handle.addEventListener("pointerdown", (down) => this.#drag(handle, down, change));
    return handle;
  }

  #drag(handle, down, change) {
    const start = this.#box;
    const move = ({ clientX, clientY }) =>
      this.#put(change(start, clientX - down.clientX, clientY - down.clientY, this.#size()));
    const end = new AbortController();
    // Otherwise the frames of windows would get the pointer's moves.
    handle.setPointerCapture(down.pointerId);
    handle.addEventListener("pointermove", move, { signal: end.signal });
    for (const last of ["pointerup", "pointercancel", "lostpointercapture"]) {
      handle.addEventListener(last, () => end.abort(), { signal: end.signal });
    }
  }

  #size() {
    return { width: this.#area.clientWidth, height: this.#area.clientHeight };
  }

  #put(box) {
    this.#box = box;
    const { style } = this.element;
    style.left = `${box.x}px`;
    style.top = `${box.y}px`;
    style.width = `${box.width}px`;
    style.height = `${box.height}px`;
  }
}
