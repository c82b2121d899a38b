// Whether anybody can see an element: its tab is in front and it is not scrolled away.

/** Watches one element. */
export class Presence {
  #listener;
  #observer;
  #isNear = true;
  #changed = () => this.#tell();
  #seen = true;

  /**
   * @param {Element} element to watch.
   * @param {(seen: boolean) => void} listener called at each change.
   */
  constructor(element, listener) {
    this.#listener = listener;
    this.#seen = !document.hidden;
    document.addEventListener("visibilitychange", this.#changed);
    this.#observer = new IntersectionObserver((entries) => {
      this.#isNear = entries.at(-1).isIntersecting;
      this.#tell();
    });
    this.#observer.observe(element);
  }

  get seen() {
    return this.#seen;
  }

  dispose() {
    document.removeEventListener("visibilitychange", this.#changed);
    this.#observer.disconnect();
  }

  #tell() {
    const seen = !document.hidden && this.#isNear;
    if (seen !== this.#seen) {
      this.#seen = seen;
      this.#listener(seen);
    }
  }
}
